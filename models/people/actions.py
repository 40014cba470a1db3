"""Who may do what about children and their guardians."""

from __future__ import annotations

from models.core.app_roles import VERIFY_ROLE
from models.core.rights import Action

READ_GUARDIANS = Action(name="guardian.read", to="guardian", owner=True)
ASK = Action(name="guardian.ask", to="guardian", owner=True, changes=True)
CHANGE_GUARDIANSHIP = Action(name="guardian.change", to="guardian", people=True, changes=True)
CONSENT = Action(name="guardian.consent", to="guardian", guardian=True, changes=True)
CONFIRM = Action(
    name="guardian.confirm", to="guardian", staff=frozenset({VERIFY_ROLE}), permission="students.read", changes=True
)
MANAGE_PUPILS = Action(name="guardian.manage", to="guardian", permission="members.manage", changes=True)
LOOK_AFTER = Action(name="ward.look_after", to="ward", people=True)
READ_WARD = Action(name="ward.read", to="ward", guardian=True)
END_WARD = Action(name="ward.end", to="ward", guardian=True, changes=True)
ERASE_WARD = Action(name="ward.erase", to="ward", guardian=True, changes=True)
READ_ADMIN_PROFILE = Action(name="admin_profile.read", to="admin profile", owner=True)
CORRECT_BIRTH_YEAR = Action(
    name="birth_year.correct", to="child", staff=frozenset({VERIFY_ROLE}), permission="students.read", changes=True
)
READ_ACCESS_LOG = Action(name="access_log.read", to="access log", owner=True)
