"""What one may do in an organization, and the roles that give it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, get_args

from pydantic import StringConstraints

Permission = Literal[
    "members.read",
    "members.manage",
    "roles.manage",
    "orders.read",
    "orders.work",
    "orders.assign",
    "conversations.work",
    "knowledge.read",
    "knowledge.write",
    "knowledge.validate",
    "prompts.write",
    "config.manage",
    "quota.manage",
    "content.write",
    "content.approve",
    "content.verify",
    "doubts.work",
    "students.read",
    "analytics.read",
    "communications.send",
    "security.read",
]
"""What a role or a grant can give. None of them flows down from an organization to those below it."""

PERMISSIONS: frozenset[Permission] = frozenset(get_args(Permission))

RoleName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,63}$")]

ADMIN = "admin"
"""The role that gives everything, also what is added later. An organization in which nobody has it is orphaned."""

SYSTEM_ROLES: Mapping[str, frozenset[Permission]] = {
    ADMIN: PERMISSIONS,
    "teacher": frozenset({"content.write", "content.approve", "content.verify", "doubts.work", "students.read"}),
    "clinician": frozenset({"knowledge.read", "knowledge.write"}),
    "researcher": frozenset({"knowledge.read", "knowledge.write"}),
    "super": frozenset({"analytics.read"}),
    "student": frozenset(),
    "parent": frozenset(),
    "member": frozenset(),
    "user": frozenset(),
}
"""The roles that every organization has. They are code: no document changes what they give."""


def permissions_of(role: str, own: Mapping[str, list[Permission]]) -> frozenset[Permission]:
    """What a role gives: a system's, else one of the organization's own, else nothing."""
    return SYSTEM_ROLES.get(role, frozenset(own.get(role, ())))
