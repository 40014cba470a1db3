"""The calls of organizations, of rights in them, and of families, each with what has to be there before."""

from __future__ import annotations

import uuid
from contextlib import suppress
from datetime import UTC, datetime

import httpx
from azure.cosmos import CosmosClient

from bench.simulation.clients import Client, Json, Step
from functions.core.examples import BODIES
from local.entra.identity import TENANT_ID
from local.provision import DATABASE, WELL_KNOWN_KEY
from models.core.document import Document
from models.organizations.assignment import NewAssignment, assigned
from models.organizations.membership import Membership, membership_id
from models.organizations.organization import Organization, organization_partition
from models.people.role_profiles import STUDENT_PROFILE


def a_school(client: Client) -> None:
    """An organization that the user runs, and in which the other one is a member."""
    now, day, organization_id = datetime.now(UTC), datetime.now(UTC).date(), str(uuid.uuid4())
    times: Json = {"created_at": now, "updated_at": now}
    partition = organization_partition(organization_id)
    documents: list[Document] = [
        Organization(
            partition_key=partition,
            organization_id=organization_id,
            organization_type="school",
            name="School",
            bound_tenant_id=TENANT_ID,
            **times,
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


def _a_group(client: Client) -> Json:
    client.ids["group_id"] = str(uuid.uuid4())
    return {"role": "teacher"}


def _grouped(client: Client) -> None:
    role = _a_group(client)
    client.call("PUT", f"{_SCHOOL}/groups/{{group_id}}", body=role)


OF_RIGHTS = (
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
    Step(
        "delete_role",
        "DELETE",
        f"{_SCHOOL}/roles/{{role}}",
        prepare=_a_role_made,
        headers={"If-Match": "*"},
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
    Step("list_groups", "GET", f"{_SCHOOL}/groups"),
    Step("set_group", "PUT", f"{_SCHOOL}/groups/{{group_id}}", prepare=_a_group),
    Step("unset_group", "DELETE", f"{_SCHOOL}/groups/{{group_id}}", prepare=_grouped),
    Step("join_organization", "POST", f"{_SCHOOL}/join"),
    Step("get_my_roles", "GET", "me/roles"),
    Step("get_my_permissions", "GET", "me/permissions"),
)
"""Of an organization with the user as its admin."""


def an_organization(client: Client) -> Json:
    """Of a new name, each time."""
    return {"organization_type": "group", "name": f"Group {uuid.uuid4().hex}"}


def _theirs(client: Client) -> Json:
    return {"organization_id": client.ids["organization_id"]}


def _deleted(client: Client) -> None:
    made = client.call("POST", "organizations", "staff", an_organization(client)).json()
    client.ids["deleted_id"] = made["organization_id"]
    client.call("DELETE", "organizations/{deleted_id}", "staff", headers={"If-Match": "*"})


def _undeleted(client: Client) -> None:
    made = client.call("POST", "organizations", "staff", an_organization(client)).json()
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

OF_ORGANIZATIONS = (
    Step("create_organization", "POST", "organizations", "staff", prepare=an_organization),
    Step("list_my_organizations", "GET", "me/organizations", "staff"),
    Step("choose_primary_organization", "PUT", "me/primary-organization", "staff", prepare=_theirs),
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

OF_PEOPLE = (
    Step("ask_for_guardian", "POST", "me/guardians", "child", BODIES["ask_for_guardian"]["a mother"]),
    Step("ask_for_ward", "POST", "me/wards", "other", BODIES["ask_for_ward"]["a son"]),
    Step("list_my_guardians", "GET", "me/guardians", "child"),
    Step("list_my_wards", "GET", "me/wards", "other"),
    Step("change_guardianship", "PATCH", _GUARDIANSHIP, "other", {"action": "grant"}, _no_consent),
    Step(
        "correct_birth_year",
        "PUT",
        "children/{child_id}/birth-year",
        "verifier",
        {"birth_year": 2014, "method": "Seen."},
    ),
    Step("get_admin_profile", "GET", "me/admin-profile", "other"),
    Step("get_ward_student_profile", "GET", f"{_WARD}/student-profile", "other"),
    Step("get_ward_dashboard", "GET", f"{_WARD}/dashboard", "other"),
    Step("export_ward", "GET", f"{_WARD}/export", "other"),
    Step("end_ward", "DELETE", _WARD, "other", prepare=a_ward),
    Step("list_my_access_log", "GET", "me/access-log", "child"),
)
