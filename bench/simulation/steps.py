"""Every operation as it should be called, with what has to be there before: `STEPS`, after `fill`."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx

from bench.simulation.clients import Client, Json, Step
from bench.simulation.steps_of_organizations import (
    OF_ORGANIZATIONS,
    OF_PEOPLE,
    OF_RIGHTS,
    a_school,
    a_ward,
    an_organization,
)
from functions.core.examples import BODIES
from local.entra.identity import TENANT_ID, oid_of
from models.core.identity import user_id_of
from models.core.kinds import Kind
from models.kinds import KINDS
from models.library.rating import ITEM_FEEDBACK

WARMING = 5
"""How often a call may have to be made before it asks for what it always asks for. `fill` makes enough for that."""


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


def _an_answer(client: Client) -> None:
    answer = client.call("POST", "sessions/{session_id}/answers", body=BODIES["make_answer"]["a question"])
    client.ids["answer_id"] = answer.json()["id"]


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
    Step("list_models", "GET", "models"),
    Step("make_answer", "POST", "sessions/{session_id}/answers", body=BODIES["make_answer"]["a question"]),
    Step("get_answer", "GET", "sessions/{session_id}/answers/{answer_id}", prepare=_an_answer),
    Step("stop_answer", "DELETE", "sessions/{session_id}/answers/{answer_id}", prepare=_an_answer),
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


_REVIEW = "reviews/agent/of-reviews/{review_id}"


def _voted(client: Client) -> None:
    client.call("PUT", f"{_REVIEW}/helpful")


STEPS = (
    *_OF_OWN_RULES,
    *OF_ORGANIZATIONS,
    *OF_PEOPLE,
    *(step for kind in KINDS.values() if kind.plain for step in declared_steps(kind)),
    *OF_RIGHTS,
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
    made = client.call("POST", "organizations", "staff", an_organization(client)).json()
    client.ids["organization_id"] = made["organization_id"]
    a_school(client)
    a_ward(client)
    client.drained()


def _done(client: Client, who: str, answer: httpx.Response, name: str) -> str:
    """The id of work that was begun, once it is done."""
    path, work = answer.headers["Location"].removeprefix("/api/"), answer.json()
    while work["status"] == "running":
        time.sleep(0.1)
        work = client.call("GET", path, who).json()
    return str(work[name])
