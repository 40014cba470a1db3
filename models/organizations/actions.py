"""Who may do what about organizations and their members."""

from __future__ import annotations

from models.core.app_roles import ADMINS
from models.core.rights import Action

_ORGANIZATION = "organization"

MAKE_ORGANIZATION = Action(name="organization.make", to=_ORGANIZATION, people=True, changes=True)
MAKE_ROOT = Action(name="organization.make_root", to=_ORGANIZATION, staff=ADMINS, changes=True)
MAKE_CHILD = Action(
    name="organization.make_child", to=_ORGANIZATION, permission="members.manage", staff=ADMINS, changes=True
)
READ_MEMBERSHIPS = Action(name="membership.read", to="membership", owner=True)
CHOOSE_PRIMARY = Action(name="membership.choose_primary", to="membership", owner=True, changes=True)
READ_ORGANIZATION = Action(name="organization.read", to=_ORGANIZATION, member=True, staff=ADMINS)
CHANGE_ORGANIZATION = Action(name="organization.change", to=_ORGANIZATION, permission="config.manage", staff=ADMINS)
DELETE_ORGANIZATION = Action(name="organization.delete", to=_ORGANIZATION, permission="config.manage", staff=ADMINS)
RUN_ORGANIZATION = Action(name="organization.run", to=_ORGANIZATION, staff=ADMINS, changes=True)
READ_MEMBERS = Action(name="member.read", to="member", permission="members.read", staff=ADMINS)
ADD_MEMBERS = Action(name="member.add", to="member", permission="members.manage", changes=True)
JOIN_BY_TENANT = Action(name="member.join_by_tenant", to=_ORGANIZATION, people=True, changes=True)
LEAVE = Action(name="member.leave", to="member", member=True)
REMOVE_MEMBERS = Action(name="member.remove", to="member", permission="members.manage")
HAND_OVER = Action(name="organization.hand_over", to=_ORGANIZATION, permission="roles.manage", changes=True)
TAKE_OVER = Action(name="organization.take_over", to=_ORGANIZATION, people=True, changes=True)
TAKE_OVER_CHILD = Action(
    name="organization.take_over_child", to=_ORGANIZATION, permission="members.manage", staff=ADMINS, changes=True
)
READ_INVITATIONS = Action(name="invitation.read", to="invitation", permission="members.manage")
REVOKE_INVITATIONS = Action(name="invitation.revoke", to="invitation", permission="members.manage")
READ_OWN_INVITATIONS = Action(name="invitation.read_own", to="invitation", owner=True)
ANSWER_INVITATION = Action(name="invitation.answer", to="invitation", owner=True, changes=True)
READ_ROLES = Action(name="role.read", to="role", member=True, staff=ADMINS)
DEFINE_ROLES = Action(name="role.define", to="role", permission="roles.manage", staff=ADMINS, changes=True)
READ_ASSIGNMENTS = Action(name="role_assignment.read", to="member", permission="members.read", staff=ADMINS)
GIVE_ROLES = Action(name="role_assignment.change", to="member", permission="roles.manage", staff=ADMINS, changes=True)
READ_OWN_RIGHTS = Action(name="rights.read_own", to="role", owner=True)
