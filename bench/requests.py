"""What each operation asks of Cosmos DB: how many requests of which kind, and their charge.

    python -m bench.requests

Prints a Markdown table. Measured over a local stack of its own, each operation once it is warm: the process has
connected, and has seen the user in the last 30 seconds. The change feeds, the timers and what drives jobs are off
meanwhile: what they ask for is asked for later, by nobody's request.
"""

from __future__ import annotations

import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from azure.cosmos import CosmosClient

from bench.stack import Stack, local_stack
from functions.core.examples import BODIES
from local.entra.identity import TENANT_ID, oid_of
from local.provision import DATABASE, WELL_KNOWN_KEY
from models.core.document import Document
from models.core.identity import user_id_of
from models.core.kinds import Kind
from models.kinds import KINDS
from models.library.rating import ITEM_FEEDBACK
from models.organizations.assignment import NewAssignment, assigned
from models.organizations.membership import Membership, membership_id
from models.organizations.organization import Organization, organization_partition
from models.people.role_profiles import STUDENT_PROFILE

Json = dict[str, Any]

METADATA = {"read_account", "read_container", "read_ranges"}
"""What the SDK looks up about the account, once per process and container, partly in the background and for 0 RU."""

WARMING = 5
"""How often a step is tried until it no longer asks for that."""


@dataclass(frozen=True)
class Cost:
    """What one call of an operation asked for.

    Attributes:
        requests: How many, by container and kind, like `user_sessions batch`.
        request_charge: In request units, as the local engine estimates them.
        cross_partition: Whether one of them looked into more than one partition.
    """

    method: str
    path: str
    requests: Mapping[str, int]
    request_charge: float
    cross_partition: bool


PEOPLE: dict[str, Json] = {
    "user": {"email": "alice@contoso.example"},
    "other": {"email": "bob@contoso.example"},
    "staff": {"email": "carol@contoso.example", "roles": ["Vimarsh.Admin"]},
    "server": {"app": True, "roles": ["Vimarsh.Ingest", "Vimarsh.Import"]},
    "leaver": {"email": "erin@contoso.example"},
    "child": {"email": "finn@contoso.example"},
    "verifier": {"email": "gina@contoso.example", "roles": ["Vimarsh.Verify"]},
}
"""Who calls: users, staff, a verifier of guardians, and the chat product's server."""


@dataclass
class Client:
    """Calls the API as different people."""

    stack: Stack
    http: httpx.Client
    tokens: dict[str, str] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    suspects: list[str] = field(default_factory=list)

    def sign_in(self) -> None:
        """As each of `PEOPLE`."""
        for who, choice in PEOPLE.items():
            answer = self.http.post(f"{self.stack.entra_url}/_local/token", json=choice).raise_for_status()
            self.tokens[who] = answer.json()["access_token"]

    def call(
        self, method: str, path: str, who: str = "user", body: Json | None = None, headers: Mapping[str, str] = {}
    ) -> httpx.Response:
        """One request; `path` is below /api, its parameters are filled from `ids`."""
        url = f"{self.stack.functions_url}/api/{path.format(**self.ids)}"
        signed = {"Authorization": f"Bearer {self.tokens[who]}", **headers}
        return self.http.request(method, url, json=body, headers=signed).raise_for_status()

    def drained(self) -> None:
        """Waits until the change feeds have nothing left."""
        quiet = 0
        while quiet < 3:
            feeds = self.http.get(f"{self.stack.functions_url}/_local/feeds").json()["feeds"]
            quiet = quiet + 1 if all(feed["lag"] == 0 for feed in feeds) else 0
            time.sleep(0.1)

    def counted(self) -> list[Json]:
        rows: list[Json] = self.http.get(f"{self.stack.cosmos_url}/_local/requests").json()["requests"]
        return rows

    def reset(self) -> None:
        self.http.delete(f"{self.stack.cosmos_url}/_local/requests").raise_for_status()


Prepare = Callable[[Client], Json | None]


@dataclass(frozen=True)
class Step:
    """One call that is measured.

    Attributes:
        prepare: Makes what the call needs, such as a bookmark to delete; may give its body.
        edits: What it sends the newest ETag of.
        before: The body of the first call, where `body` again would change nothing.
    """

    operation: str
    method: str
    path: str
    who: str = "user"
    body: Json | None = None
    prepare: Prepare | None = None
    edits: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    before: Json | None = None


def _turn(client: Client) -> str:
    turn = client.call("POST", "sessions/{session_id}/interactions", body=BODIES["record_interaction"]["a turn"])
    turn_id: str = turn.json()["id"]
    return turn_id


def _new_bookmark(client: Client) -> Json:
    return {"interaction_id": _turn(client)}


def _a_bookmark(client: Client) -> None:
    client.ids["bookmark_id"] = client.call("POST", "bookmarks", body=_new_bookmark(client)).json()["id"]


def _an_admission(client: Client) -> None:
    client.ids["admission_id"] = client.call("POST", "admissions", body=BODIES["admit"]["a short answer"]).json()["id"]


def _a_batch(client: Client) -> Json:
    item = BODIES["ingest_turns"]["one turn"]["turns"][0]
    user = item["user"] | {"tenant_id": TENANT_ID, "email": "dora@contoso.example"}
    return {"turns": [item | {"id": str(uuid.uuid4()), "user": user}]}


def _repeats(email: str) -> Json:
    """A batch in which one user asks one thing over and over."""
    item = BODIES["ingest_turns"]["one turn"]["turns"][0]
    user = item["user"] | {"tenant_id": TENANT_ID, "auth_id": oid_of(email), "email": email}
    turn = item | {"user": user, "session_id": str(uuid.uuid4())}
    return {
        "turns": [
            turn | {"id": str(uuid.uuid4()), "timestamp": f"2026-10-05T10:{minute:02}:00Z"} for minute in range(14)
        ]
    }


def _a_finding(client: Client) -> Json:
    """The finding of the next user who has one."""
    client.ids["asker_id"] = client.suspects.pop()
    (shown,) = client.call("GET", "admin/users/{asker_id}/risk", "staff").json()["findings"]
    return {"rule": shown["finding"]["rule"], "fingerprint": shown["fingerprint"], "reason": "A test"}


def _a_leaver(client: Client) -> None:
    """Somebody new, who is about to leave."""
    who = {"email": f"leaver-{uuid.uuid4().hex[:8]}@contoso.example"}
    answer = client.http.post(f"{client.stack.entra_url}/_local/token", json=who).raise_for_status()
    client.tokens["leaver"] = answer.json()["access_token"]
    client.call("GET", "me", "leaver")


_SESSION = "sessions/{session_id}"
_TURNS = "sessions/{session_id}/interactions"
_ACCOUNT = "admin/users/{user_id}"

_OF_OWN_RULES = (
    Step("get_me", "GET", "me"),
    Step("edit_me", "PATCH", "me", body={"preferred_language": "hi"}, edits="me", before={"preferred_language": "en"}),
    Step("get_my_dashboard", "GET", "me/dashboard"),
    Step("get_my_analytics", "GET", "me/analytics"),
    Step("get_my_recommendations", "GET", "me/recommendations"),
    Step("get_my_usage", "GET", "me/usage"),
    Step("export_me", "GET", "me/export"),
    Step("start_session", "POST", "sessions", body={}),
    Step("list_sessions", "GET", "sessions"),
    Step("get_session", "GET", _SESSION),
    Step(
        "edit_session", "PATCH", _SESSION, body={"timezone": "Europe/Paris"}, edits=_SESSION, before={"timezone": "UTC"}
    ),
    Step("record_interaction", "POST", _TURNS, body=BODIES["record_interaction"]["a turn"]),
    Step("list_session_interactions", "GET", _TURNS),
    Step("get_session_context", "GET", "sessions/{session_id}/context"),
    Step("list_interactions", "GET", "interactions"),
    Step("get_interaction", "GET", "interactions/{interaction_id}"),
    Step(
        "give_feedback",
        "PATCH",
        "interactions/{interaction_id}",
        body={"user_rating": 5},
        edits="interactions/{interaction_id}",
        before={"user_rating": 4},
    ),
    Step("save_bookmark", "POST", "bookmarks", prepare=_new_bookmark),
    Step("list_bookmarks", "GET", "bookmarks"),
    Step("list_collections", "GET", "bookmarks/collections"),
    Step("open_bookmark", "GET", "bookmarks/{bookmark_id}"),
    Step(
        "edit_bookmark",
        "PATCH",
        "bookmarks/{bookmark_id}",
        body={"is_favorite": True},
        edits="bookmarks/{bookmark_id}",
        before={"is_favorite": False},
    ),
    Step("delete_bookmark", "DELETE", "bookmarks/{bookmark_id}", prepare=_a_bookmark, edits="bookmarks/{bookmark_id}"),
    Step("admit", "POST", "admissions", body=BODIES["admit"]["a short answer"]),
    Step("release_admission", "DELETE", "admissions/{admission_id}", prepare=_an_admission),
    Step("ingest_turns", "POST", "ingest/turns", who="server", prepare=_a_batch),
    Step("find_users", "GET", "admin/users", who="staff"),
    Step("get_user", "GET", _ACCOUNT, who="staff"),
    Step("moderate_user", "PATCH", _ACCOUNT, who="staff", body=BODIES["moderate_user"]["a note"], edits=_ACCOUNT),
    Step(
        "move_email_claim",
        "PUT",
        f"{_ACCOUNT}/email-claim",
        who="staff",
        body=BODIES["move_email_claim"]["after a marriage"],
        edits=_ACCOUNT,
    ),
    Step("read_user_interactions", "GET", f"{_ACCOUNT}/interactions", "staff", headers={"X-Audit-Reason": "A test"}),
    Step("get_user_usage", "GET", f"{_ACCOUNT}/usage", who="staff", headers={"X-Audit-Reason": "A test"}),
    Step("get_user_dashboard", "GET", f"{_ACCOUNT}/dashboard", who="staff", headers={"X-Audit-Reason": "A test"}),
    Step("list_user_audit", "GET", f"{_ACCOUNT}/audit", who="staff"),
    Step(
        "set_user_limits",
        "PUT",
        f"{_ACCOUNT}/limits",
        who="staff",
        body=BODIES["set_user_limits"]["as everybody"],
        edits=_ACCOUNT,
    ),
    Step("get_user_risk", "GET", "admin/users/{asker_id}/risk", who="staff"),
    Step("dismiss_finding", "PUT", "admin/users/{asker_id}/risk/dismissal", who="staff", prepare=_a_finding),
    Step("get_insights", "GET", "admin/insights", who="staff"),
    Step("list_high_risk_users", "GET", "admin/high-risk-users", who="staff"),
    Step("list_busy_users", "GET", "admin/busy-users", who="staff"),
    Step("get_platform_use", "GET", "admin/analytics?by=model", who="staff"),
    Step("list_dead_letters", "GET", "admin/dead-letters", who="staff"),
    Step(
        "redrive_dead_letters",
        "POST",
        "admin/dead-letters",
        who="staff",
        body=BODIES["redrive_dead_letters"]["one letter"],
    ),
    Step("list_jobs", "GET", "admin/jobs", who="staff"),
    Step("get_job", "GET", "admin/jobs/{rebuild_id}", who="staff"),
    Step("get_rebuild", "GET", "admin/rebuilds/{rebuild_id}", who="staff"),
    Step("get_repricing", "GET", "admin/repricings/{repricing_id}", who="staff"),
    Step("get_withdrawal", "GET", "me/withdrawals/{withdrawal_id}", who="other"),
    Step("get_erasure", "GET", "erasures/{erasure_id}", who="leaver"),
    Step("delete_me", "DELETE", "me", who="leaver", prepare=_a_leaver),
    Step("get_health", "GET", "health"),
    Step("get_readiness", "GET", "health/ready"),
)


def declared_steps(kind: Kind[Any]) -> Iterator[Step]:
    """The calls of a kind's routes, by its declaration."""
    plain, name = kind.routes, kind.name
    values = {key: f"a-{key}".replace("_", "-") for key in plain.key} | {"item_type": "agent"}
    path = "/".join([plain.path, *(values[key] for key in plain.key)])
    path = path if plain.is_put else f"{plain.path}/{{{name}_id}}"
    make = ("PUT", path) if plain.is_put else ("POST", plain.path)

    def made(client: Client) -> None:
        client.ids[f"{name}_id"] = client.call(*make, body=dict(plain.example)).json()["id"]

    def deleted(client: Client) -> None:
        made(client)
        headers = {} if plain.is_put else {"If-Match": client.call("GET", path).headers["ETag"]}
        client.call("DELETE", path, headers=headers)

    edits = None if plain.key else path
    listing = f"list_{plain.many.replace(' ', '_')}"
    making = Step(f"create_{name}", *make, body=dict(plain.example))
    if plain.is_put:
        making = replace(making, operation=f"put_{name}", prepare=deleted)
    steps = {
        "create": making,
        "list": Step(listing, "GET", plain.path, prepare=made),
        "read": Step(f"get_{name}", "GET", path, prepare=made),
        "edit": Step(f"edit_{name}", "PATCH", path, body=dict(plain.changes), prepare=made, edits=edits),
        "delete": Step(f"delete_{name}", "DELETE", path, prepare=made, edits=None if plain.is_put else edits),
        "restore": Step(f"restore_{name}", "POST", f"{path}/restore", prepare=deleted),
    }
    for verb, step in steps.items():
        if verb in plain.verbs and (verb != "edit" or not plain.key):
            yield step


def _a_review(client: Client) -> None:
    """Somebody else's review, there by its mirror."""
    body = {"rating": 5, "review": "Patient.", "is_public": True}
    client.call("PUT", "me/ratings/agent/of-reviews", "other", body)
    while not (found := client.call("GET", "items/agent/of-reviews/reviews").json()["items"]):
        time.sleep(0.05)
    client.ids["review_id"] = found[0]["id"]


def _a_school(client: Client) -> None:
    """An organization that the user runs, and in which the other one is a member."""
    now, day, organization_id = datetime.now(UTC), datetime.now(UTC).date(), str(uuid.uuid4())
    times: Json = {"created_at": now, "updated_at": now}
    partition = organization_partition(organization_id)
    documents: list[Document] = [
        Organization(
            partition_key=partition, organization_id=organization_id, organization_type="school", name="School", **times
        )
    ]
    for who, role in (("user", "admin"), ("other", "student")):
        user_id = client.call("GET", "me", who).json()["id"]
        given = assigned(organization_id, user_id, NewAssignment(role=role), None, now, day)
        member: Json = times | {"partition_key": user_id, "user_id": user_id, "organization_id": organization_id}
        held = [given.held]
        documents += [given, Membership(id=membership_id(organization_id), assignments=held, joined_at=now, **member)]
    with CosmosClient(client.stack.cosmos_url, WELL_KNOWN_KEY) as cosmos:
        users = cosmos.get_database_client(DATABASE).get_container_client("users")
        for document in documents:
            users.create_item(document.body())
    client.ids["school_id"] = organization_id


_SCHOOL = "organizations/{school_id}"
_PUPIL = f"{_SCHOOL}/members/{{user_id}}"


def _a_role(client: Client) -> Json:
    return BODIES["create_role"]["of a librarian"] | {"name": f"role-{uuid.uuid4().hex[:8]}"}


def _a_role_made(client: Client) -> None:
    client.ids["role"] = client.call("POST", f"{_SCHOOL}/roles", body=_a_role(client)).json()["name"]


def _an_assignment(client: Client) -> None:
    made = client.call("POST", f"{_PUPIL}/roles", body={"role": "member"}).json()
    client.ids["assignment_id"] = made["id"]


def _granted(client: Client) -> None:
    client.call("PUT", f"{_PUPIL}/permissions/members.read", body={})


def _withdrawn(client: Client) -> Json:
    client.call("DELETE", f"{_PUPIL}/permissions/members.read")
    return {}


_OF_RIGHTS = (
    Step("list_roles", "GET", f"{_SCHOOL}/roles"),
    Step("create_role", "POST", f"{_SCHOOL}/roles", prepare=_a_role),
    Step("get_role", "GET", f"{_SCHOOL}/roles/teacher"),
    Step(
        "edit_role",
        "PATCH",
        f"{_SCHOOL}/roles/{{role}}",
        body={"permissions": []},
        prepare=_a_role_made,
        edits=f"{_SCHOOL}/roles/{{role}}",
    ),
    Step("list_member_roles", "GET", f"{_PUPIL}/roles"),
    Step("assign_role", "POST", f"{_PUPIL}/roles", body={"role": "member"}),
    Step(
        "edit_assignment",
        "PATCH",
        f"{_PUPIL}/roles/{{assignment_id}}",
        body={"is_primary": True},
        prepare=_an_assignment,
        headers={"If-Match": "*"},
    ),
    Step("revoke_role", "DELETE", f"{_PUPIL}/roles/{{assignment_id}}", prepare=_an_assignment),
    Step("grant_permission", "PUT", f"{_PUPIL}/permissions/members.read", prepare=_withdrawn),
    Step("withdraw_permission", "DELETE", f"{_PUPIL}/permissions/members.read", prepare=_granted),
    Step("get_my_roles", "GET", "me/roles"),
    Step("get_my_permissions", "GET", "me/permissions"),
)
"""Of an organization with the user as its admin."""

_REVIEW = "reviews/agent/of-reviews/{review_id}"


def _voted(client: Client) -> None:
    client.call("PUT", f"{_REVIEW}/helpful")


def _an_organization(client: Client) -> Json:
    """Of a new name, each time."""
    return {"organization_type": "group", "name": f"Group {uuid.uuid4().hex}"}


def _deleted(client: Client) -> None:
    made = client.call("POST", "organizations", "staff", _an_organization(client)).json()
    client.ids["deleted_id"] = made["organization_id"]
    client.call("DELETE", "organizations/{deleted_id}", "staff", headers={"If-Match": "*"})


def _undeleted(client: Client) -> None:
    made = client.call("POST", "organizations", "staff", _an_organization(client)).json()
    client.ids["deleted_id"] = made["organization_id"]


def _an_address(client: Client) -> Json:
    return {"email": f"{uuid.uuid4().hex}@contoso.example", "role": "teacher"}


def _addresses(client: Client) -> Json:
    return {"invitations": [_an_address(client), _an_address(client)]}


def _invited(client: Client) -> Json:
    """Somebody who has been invited, and is no member."""
    written = client.call("POST", f"{_ORGANIZATION}/invitations", "staff", _an_address(client)).json()
    client.ids["invitation_id"] = written["invitation"]["id"]
    with suppress(httpx.HTTPStatusError):  # they were none
        client.call("DELETE", f"{_ORGANIZATION}/members/{{user_id}}", "other")
    return {"token": written["token"]}


def _only_invited(client: Client) -> None:
    _invited(client)


def _joined(client: Client) -> None:
    client.call("POST", "me/invitations/accept", "other", _invited(client))


def _somebody(client: Client) -> Json:
    return {"user_id": str(uuid.uuid4()), "role": "student"}


def _to_oneself(client: Client) -> Json:
    return {"user_id": client.call("GET", "me", "staff").json()["id"]}


_ORGANIZATION = "organizations/{organization_id}"

_OF_ORGANIZATIONS = (
    Step("create_organization", "POST", "organizations", "staff", prepare=_an_organization),
    Step("list_my_organizations", "GET", "me/organizations", "staff"),
    Step("get_organization", "GET", _ORGANIZATION, "staff"),
    Step(
        "edit_organization",
        "PATCH",
        _ORGANIZATION,
        "staff",
        body={"description": "For tests"},
        edits=_ORGANIZATION,
        before={"description": None},
    ),
    Step(
        "delete_organization",
        "DELETE",
        "organizations/{deleted_id}",
        "staff",
        None,
        _undeleted,
        None,
        {"If-Match": "*"},
    ),
    Step("restore_organization", "POST", "admin/organizations/{deleted_id}/restore", "staff", prepare=_deleted),
    Step(
        "run_organization",
        "PATCH",
        f"admin/{_ORGANIZATION}",
        "staff",
        body={"seat_limit": 1000},
        edits=_ORGANIZATION,
        before={"seat_limit": None},
    ),
    Step("take_over_organization", "POST", f"{_ORGANIZATION}/takeover", "staff"),
    Step("hand_over_organization", "POST", f"{_ORGANIZATION}/hand-over", "staff", prepare=_to_oneself),
    Step("get_organization_use", "GET", f"{_ORGANIZATION}/usage?limit=1", "staff"),
    Step("list_members", "GET", f"{_ORGANIZATION}/members", "staff"),
    Step("add_member", "POST", f"{_ORGANIZATION}/members", "staff", prepare=_somebody),
    Step("remove_member", "DELETE", f"{_ORGANIZATION}/members/{{user_id}}", "staff", prepare=_joined),
    Step("create_invitation", "POST", f"{_ORGANIZATION}/invitations", "staff", prepare=_an_address),
    Step("create_invitations", "POST", f"{_ORGANIZATION}/invitations/bulk", "staff", prepare=_addresses),
    Step("list_invitations", "GET", f"{_ORGANIZATION}/invitations", "staff"),
    Step(
        "revoke_invitation", "DELETE", f"{_ORGANIZATION}/invitations/{{invitation_id}}", "staff", prepare=_only_invited
    ),
    Step("list_my_invitations", "GET", "me/invitations", "other"),
    Step("accept_invitation", "POST", "me/invitations/accept", "other", prepare=_invited),
    Step("decline_invitation", "POST", "me/invitations/decline", "other", prepare=_invited),
)


def a_ward(client: Client) -> None:
    """A child in the care of another user, with a student profile."""
    client.ids["child_id"] = client.call("GET", "me", "child").json()["id"]
    client.call("GET", "me", "verifier")
    client.call("PATCH", "me", "child", {"birth_year": 2014}, {"If-Match": "*"})
    client.call("PUT", "me/student-profile", "child", dict(STUDENT_PROFILE.routes.example))
    _asked(client)
    client.call("PATCH", _GUARDIANSHIP, "verifier", {"action": "confirm", "method": "Seen."})


def _asked(client: Client) -> None:
    client.call("POST", "me/wards", "other", {"student_id": client.ids["child_id"], "relation": "father"})


def _no_consent(client: Client) -> None:
    client.call("PATCH", _GUARDIANSHIP, "other", {"action": "withdraw"})


_GUARDIANSHIP = "guardianships/{child_id}/{user_id}"
_WARD = "wards/{child_id}"

_OF_PEOPLE = (
    Step("ask_for_guardian", "POST", "me/guardians", "child", BODIES["ask_for_guardian"]["a mother"]),
    Step("ask_for_ward", "POST", "me/wards", "other", BODIES["ask_for_ward"]["a son"]),
    Step("list_my_guardians", "GET", "me/guardians", "child"),
    Step("list_my_wards", "GET", "me/wards", "other"),
    Step("change_guardianship", "PATCH", _GUARDIANSHIP, "other", {"action": "grant"}, _no_consent),
    Step("get_ward_student_profile", "GET", f"{_WARD}/student-profile", "other"),
    Step("get_ward_dashboard", "GET", f"{_WARD}/dashboard", "other"),
    Step("export_ward", "GET", f"{_WARD}/export", "other"),
    Step("end_ward", "DELETE", _WARD, "other", prepare=a_ward),
    Step("list_my_access_log", "GET", "me/access-log", "child"),
)

STEPS = (
    *_OF_OWN_RULES,
    *_OF_ORGANIZATIONS,
    *_OF_PEOPLE,
    *(step for kind in KINDS.values() if kind.plain for step in declared_steps(kind)),
    *_OF_RIGHTS,
    Step("create_feedback", "POST", "me/feedback", body=dict(ITEM_FEEDBACK.routes.example)),
    Step("import_documents", "POST", "ingest/documents", who="server", body=BODIES["import_documents"]["a favourite"]),
    Step("get_item_stats", "GET", "items/agent/of-reviews/stats"),
    Step("list_reviews", "GET", "items/agent/of-reviews/reviews"),
    Step("vote_helpful", "PUT", f"{_REVIEW}/helpful"),
    Step("unvote_helpful", "DELETE", f"{_REVIEW}/helpful", prepare=_voted),
    Step(
        "set_review_visibility",
        "PUT",
        f"admin/{_REVIEW}/visibility",
        who="staff",
        body=BODIES["set_review_visibility"]["taken down"],
        before={"hidden": False, "reason": "Mistaken."},
    ),
)


def measure() -> dict[str, Cost]:
    """The cost of each operation, by its name."""
    with tempfile.TemporaryDirectory(prefix="vimarsh-requests-") as folder, httpx.Client(timeout=60) as http:
        with local_stack(Path(folder), settings={"ERASURE_SETTLE_SECONDS": "0"}) as stack:
            client = Client(stack, http)
            fill(client)
            watched(client, stack)
            unasked = _unasked(stack, http)
        off = {f"AzureWebJobs.{name}.Disabled": "true" for name in [*unasked, "job_turn"]}
        with local_stack(Path(folder), settings=off) as stack:
            client = Client(stack, http, ids=client.ids, suspects=client.suspects)
            client.sign_in()
            for who in ("user", "staff"):
                client.call("GET", "me", who)
            return {step.operation: _cost(client, step) for step in STEPS}


def _unasked(stack: Stack, http: httpx.Client) -> list[str]:
    """The functions that run by themselves, on changes or on time."""
    functions = http.get(f"{stack.functions_url}/admin/functions").raise_for_status().json()
    by_themselves = {"cosmosDBTrigger", "timerTrigger"}
    kinds = {
        function["name"]: {binding["type"] for binding in function["config"]["bindings"]} for function in functions
    }
    return [name for name, types in kinds.items() if types & by_themselves]


def fill(client: Client) -> None:
    """Makes a user who has asked something, and waits until it is counted."""
    client.sign_in()
    client.ids["user_id"] = client.call("GET", "me", "other").json()["id"]
    client.call("GET", "me", "staff")
    client.ids["session_id"] = client.call("POST", "sessions", body={}).json()["id"]
    client.ids["interaction_id"] = _turn(client)
    _a_bookmark(client)
    for number in range(2 * WARMING + 1):
        email = f"suspect{number}@contoso.example"
        client.call("POST", "ingest/turns", "server", _repeats(email))
        client.suspects.append(user_id_of(TENANT_ID, oid_of(email)))
    client.ids["asker_id"] = client.suspects.pop()
    client.call("GET", "me", "leaver")
    client.ids["erasure_id"] = _done(client, "leaver", client.call("DELETE", "me", "leaver"), "id")
    withdrawal = client.call("DELETE", "me/analytics", "other")
    client.ids["withdrawal_id"] = _done(client, "other", withdrawal, "withdrawal_id")
    one_user = {"user_id": client.ids["user_id"]}
    rebuild = client.call("POST", "admin/rebuilds", "staff", one_user)
    client.ids["rebuild_id"] = _done(client, "staff", rebuild, "rebuild_id")
    priced = one_user | {"from": "2026-01-01T00:00:00Z", "to": "2027-01-01T00:00:00Z"}
    repricing = client.call("POST", "admin/repricings", "staff", priced)
    client.ids["repricing_id"] = _done(client, "staff", repricing, "repricing_id")
    _a_review(client)
    made = client.call("POST", "organizations", "staff", _an_organization(client)).json()
    client.ids["organization_id"] = made["organization_id"]
    _a_school(client)
    a_ward(client)
    client.drained()


def watched(client: Client, stack: Stack) -> None:
    """Has the timer look after jobs and feeds, until each feed has a heartbeat."""
    client.http.post(f"{stack.functions_url}/admin/functions/keep_watch", json={}).raise_for_status()
    while any(feed["age_seconds"] is None for feed in client.call("GET", "admin/jobs", "staff").json()["feeds"]):
        time.sleep(0.1)


def _done(client: Client, who: str, answer: httpx.Response, name: str) -> str:
    """The id of work that was begun, once it is done."""
    path, work = answer.headers["Location"].removeprefix("/api/"), answer.json()
    while work["status"] == "running":
        time.sleep(0.1)
        work = client.call("GET", path, who).json()
    return str(work[name])


def _cost(client: Client, step: Step) -> Cost:
    warm = replace(step, body=step.before) if step.before else step
    for _ in range(WARMING):
        send(client, warm)
        send(client, step)
        rows = client.counted()
        if not any(row["operation"] in METADATA for row in rows):
            break
    return Cost(
        method=step.method,
        path=step.path,
        requests={f"{row['container']} {row['operation']}".strip(): row["count"] for row in rows},
        request_charge=round(sum(row["request_charge"] for row in rows), 2),
        cross_partition=any(row["cross_partition"] for row in rows),
    )


def send(client: Client, step: Step) -> None:
    """Prepares a step and takes it; only what it asks for itself is counted."""
    body = (step.prepare(client) if step.prepare else None) or step.body
    headers = dict(step.headers)
    if step.edits:
        headers["If-Match"] = client.call("GET", step.edits, step.who).headers["ETag"]
    client.reset()
    client.call(step.method, step.path, step.who, body, headers)


def table(costs: Mapping[str, Cost]) -> str:
    """The costs as a Markdown table."""
    lines = ["| operation | requests to Cosmos DB | RU |", "|---|---|---|"]
    for cost in costs.values():
        requests = ", ".join(f"{count} {kind}" for kind, count in cost.requests.items()) or "none"
        lines.append(f"| `{cost.method} /api/{cost.path}` | {requests} | {cost.request_charge:.1f} |")
    return "\n".join(lines)


def main() -> int:
    print(table(measure()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
