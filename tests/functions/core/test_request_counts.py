"""What each operation asks of Cosmos DB once it is warm; `python -m bench requests` prints it with its charge."""

from __future__ import annotations

import pytest

from bench.measurements.requests import Cost, measure
from bench.simulation.steps import declared_steps
from models.kinds import KINDS

COUNTS = {
    "get_me": {"users read": 1},
    "edit_me": {"users read": 1, "users patch": 1},
    "get_my_dashboard": {"user_analytics read": 3},
    "get_my_analytics": {"user_analytics query": 1},
    "get_my_recommendations": {"user_analytics read": 2},
    "get_my_usage": {"user_sessions read": 1},
    "export_me": {
        "users read": 2,
        "users query": 2,
        "user_sessions query": 2,
        "user_interactions query": 2,
        "user_analytics query": 2,
        "user_bookmarks query": 2,
    },
    "start_session": {"user_sessions create": 1},
    "list_sessions": {"user_sessions query": 1},
    "get_session": {"user_sessions read": 1},
    "edit_session": {"user_sessions read": 1, "user_sessions patch": 1},
    "record_interaction": {"user_sessions batch": 1, "user_interactions create": 1},
    "list_models": {},
    "make_answer": {
        "user_sessions read": 1,
        "user_sessions batch": 2,
        "user_sessions patch": 2,
        "user_interactions query": 1,
        "user_interactions create": 1,
    },
    "get_answer": {"user_sessions read": 1, "user_interactions read": 1},
    "stop_answer": {"user_sessions error_412": 1, "user_sessions read": 1},
    "list_session_interactions": {"user_interactions query": 1},
    "get_session_context": {"user_interactions query": 1},
    "list_interactions": {"user_interactions query": 1},
    "get_interaction": {"user_interactions read": 1},
    "give_feedback": {"user_interactions read": 1, "user_interactions patch": 1},
    "save_bookmark": {"user_interactions read": 1, "user_bookmarks batch": 1, "user_interactions patch": 1},
    "list_bookmarks": {"user_bookmarks query": 1},
    "list_collections": {"user_bookmarks query": 1},
    "open_bookmark": {"user_bookmarks patch": 1},
    "edit_bookmark": {"user_bookmarks patch": 1},
    "delete_bookmark": {"user_bookmarks read": 1, "user_bookmarks replace": 1, "user_interactions patch": 1},
    "admit": {"user_sessions read": 1, "user_sessions replace": 1},
    "release_admission": {"user_sessions patch": 1},
    "ingest_turns": {"user_sessions batch": 1, "user_interactions create": 1},
    "find_users": {"users query": 2},
    "get_user": {"users read": 1},
    "moderate_user": {"users read": 1, "users batch": 1},
    "move_email_claim": {"users read": 2, "users batch": 1},
    "read_user_interactions": {"users read": 1, "users create": 1, "user_interactions query": 1},
    "get_user_usage": {"users read": 1, "users create": 1, "user_sessions read": 1},
    "get_user_dashboard": {"users read": 1, "users create": 1, "user_analytics error_404": 1},
    "list_user_audit": {"users query": 1},
    "set_user_limits": {"users read": 1, "users batch": 1},
    "get_insights": {"users query": 2, "user_analytics query": 3, "user_analytics read": 1},
    "list_high_risk_users": {"users query": 2},
    "list_busy_users": {"user_analytics query": 2},
    "get_platform_use": {"user_analytics query": 1},
    "list_dead_letters": {"user_analytics query": 2},
    "redrive_dead_letters": {"user_analytics error_404": 1},
    "get_user_risk": {"user_analytics read": 1},
    "dismiss_finding": {"users read": 1, "user_analytics read": 1, "users create": 1, "user_analytics replace": 1},
    "list_jobs": {
        "users error_400": 1,
        "users query_plan": 1,
        "users query": 2,
        "users read": 2,
        "user_sessions read": 2,
        "user_interactions read": 2,
        "user_bookmarks read": 2,
        "user_analytics read": 2,
    },
    "get_job": {"users query": 2},
    "get_rebuild": {"users read": 1},
    "get_repricing": {"users read": 1},
    "get_withdrawal": {"users read": 1},
    "get_erasure": {"users read": 1},
    "delete_me": {
        "users read": 3,
        "users batch": 1,
        "users create": 1,
        "users error_404": 1,
        "user_sessions read": 1,
        "user_sessions error_404": 1,
        "user_sessions batch": 1,
        "user_analytics error_404": 1,
        "user_analytics batch": 1,
    },
    "get_health": {},
    "get_readiness": {},
}
"""By operation: requests by container and kind. Each number is a decision; `find_users` and the lists of what stands
out ask both ranges where none has a full page. `get_insights`, `list_high_risk_users` and `list_busy_users` ask
one further request for each account that they tell of; `get_insights` one for each hundred flagged, and one for each
hundred common questions, of which there is none. The letter that is driven is not there: one that is takes further a
read of its source, the fold, and a delete. `list_jobs` reads a heartbeat in both ranges of each container that has
a feed. `get_job` asks range by range until it has the job. `delete_me` closes the account; what is in it is
deleted by the job that it promises."""

DECLARED = {"put": "replace", "create": "create", "edit": "replace", "delete": "replace", "restore": "replace"}
"""What the routes of declared kinds write. What is made by POST is not read before."""

FAMILIES = ("student_profile", "parent_profile")
"""Kinds whose answers say who belongs together, which takes a query."""

OF_RIGHTS = {
    "list_roles": {"users query": 1},
    "create_role": {"users read": 1, "users batch": 1},
    "get_role": {},
    "edit_role": {"users read": 2, "users batch": 1},
    "delete_role": {"users read": 3, "users batch": 1},
    "list_member_roles": {"users query": 1},
    "assign_role": {"users read": 1, "users batch": 1},
    "edit_assignment": {"users read": 2, "users batch": 1},
    "revoke_role": {"users read": 2, "users batch": 1},
    "grant_permission": {"users read": 2, "users batch": 1},
    "withdraw_permission": {"users read": 2, "users batch": 1},
    "list_groups": {"users read": 1},
    "set_group": {"users read": 3, "users replace": 1},
    "unset_group": {"users read": 3, "users replace": 1},
    "join_organization": {"users read": 4, "users batch": 1},
    "get_my_roles": {"users query": 1},
    "get_my_permissions": {"users query": 1},
}
"""What the caller may is known: reading that takes two reads, once in half a minute. Whoever writes a role of the
organization has its document read anew. A member's roles are written by a read of the membership, one of the
assignment that is changed, and one transaction."""

OF_OPINIONS = {
    "create_feedback": {"user_bookmarks create": 1},
    "import_documents": {"user_bookmarks error_409": 1, "user_bookmarks read": 1},
    "get_item_stats": {"user_analytics read": 1},
    "list_reviews": {"user_bookmarks query": 1},
    "vote_helpful": {"user_bookmarks read": 2},
    "unvote_helpful": {"user_bookmarks read": 1, "user_bookmarks replace": 1},
    "set_review_visibility": {
        "users read": 1,
        "users create": 1,
        "user_bookmarks read": 2,
        "user_bookmarks replace": 1,
    },
}


OF_ORGANIZATIONS = {
    "create_organization": {
        "users read": 5,
        "users error_404": 3,
        "users create": 1,
        "users batch": 2,
        "users patch": 1,
    },
    "list_my_organizations": {"users query": 1},
    "choose_primary_organization": {"users read": 1, "users query": 2},
    "get_organization": {"users read": 1},
    "edit_organization": {"users read": 2, "users replace": 1},
    "delete_organization": {"users read": 3, "users replace": 1, "users delete": 1},
    "restore_organization": {"users read": 2, "users error_404": 2, "users create": 1, "users replace": 1},
    "run_organization": {"users read": 2, "users replace": 1},
    "take_over_organization": {"users read": 8, "users batch": 1},
    "hand_over_organization": {"users read": 1},
    "get_organization_use": {"users query": 1, "user_analytics query": 1},
    "list_members": {"users query": 1},
    "add_member": {"users read": 1, "users batch": 1},
    "remove_member": {"users read": 6, "users create": 1, "users batch": 2},
    "create_invitation": {"users read": 1, "users batch": 1},
    "create_invitations": {"users read": 1, "users batch": 2},
    "list_invitations": {"users query": 1},
    "revoke_invitation": {"users read": 1, "users batch": 1},
    "list_my_invitations": {"users query": 2},
    "accept_invitation": {"users read": 5, "users batch": 2, "users patch": 1},
    "decline_invitation": {"users read": 2, "users batch": 1},
}
"""What a decision reads, the membership and the organization, was read within half a minute. `list_my_organizations`
reads each organization that was not, and `get_organization_use` asks once for each member on its page."""


OF_PEOPLE = {
    "ask_for_guardian": {"users query": 1},
    "ask_for_ward": {"users query": 1},
    "list_my_guardians": {"users query": 2},
    "list_my_wards": {"users query": 2},
    "change_guardianship": {"users read": 4, "users query": 1, "users batch": 1, "user_sessions patch": 1},
    "correct_birth_year": {"users read": 2, "users query": 1, "users batch": 1, "user_sessions patch": 1},
    "get_admin_profile": {"users query": 1},
    "get_ward_student_profile": {"users read": 3, "users query": 1, "users create": 1},
    "get_ward_dashboard": {"users read": 2, "users create": 1, "user_analytics error_404": 1},
    "export_ward": COUNTS["export_me"] | {"users read": 4, "users create": 1},
    "end_ward": {"users read": 4, "users query": 1, "users batch": 1, "user_sessions patch": 1},
    "list_my_access_log": {"users query": 1},
}


def declared() -> dict[str, dict[str, int]]:
    """The counts of all routes that follow from declarations."""
    counts: dict[str, dict[str, int]] = {}
    for kind in (kind for kind in KINDS.values() if kind.plain):
        for step in declared_steps(kind):
            verb = step.operation.partition("_")[0]
            container, written = kind.model.container, DECLARED.get(verb)
            counts[step.operation] = {f"{container} {'query' if verb == 'list' else 'read'}": 1}
            if written:
                counts[step.operation] |= {f"{container} {written}": 1}
            if verb == "create":
                del counts[step.operation][f"{container} read"]
            if verb in ("put", "read", "get", "edit", "restore") and kind.name in FAMILIES:
                counts[step.operation] |= {"users query": 1}
    return counts


ALL_COUNTS = COUNTS | OF_OPINIONS | OF_ORGANIZATIONS | OF_RIGHTS | OF_PEOPLE | declared()


@pytest.fixture(scope="module")
def costs() -> dict[str, Cost]:
    return measure()


def test_every_operation_asks_for_what_it_is_said_to(costs: dict[str, Cost]) -> None:
    assert {name: cost.requests for name, cost in costs.items()} == ALL_COUNTS


def test_every_operation_is_counted(settings: dict[str, str]) -> None:
    """But for those that start or follow durable work, which asks for more in its own time: they may be."""
    from function_app import API  # reads the settings, which must be there first

    operations = [operation for routes in API for operation in routes.operations]
    assert {operation.name for operation in operations if not operation.durable} <= set(ALL_COUNTS)
    assert {operation.name for operation in operations} >= set(ALL_COUNTS)


def test_only_staff_and_an_export_look_into_more_than_one_partition(costs: dict[str, Cost]) -> None:
    assert [name for name, cost in costs.items() if cost.cross_partition] == [
        "export_me",
        "find_users",
        "get_insights",
        "list_high_risk_users",
        "list_busy_users",
        "list_dead_letters",
        "list_jobs",
        "get_job",
        "export_ward",
    ]
