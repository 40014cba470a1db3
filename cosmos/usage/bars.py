"""Container `user_sessions`: the bar on an allowance, without which a child would record turns that nobody consents to.

It is a fact of the document that every turn and every admission is decided on, so that nothing is asked for besides. It
carries the revision of the consent that it follows from, and only moves forward.
"""

from __future__ import annotations

from azure.cosmos.aio import ContainerProxy

from cosmos.core.patching import patch, set_fields
from cosmos.core.swapping import Outrun
from cosmos.usage.allowances import create_allowance
from models.usage.allowance import ALLOWANCE_ID


async def set_bar(container: ContainerProxy, user_id: str, barred: bool, revision: int) -> None:
    """Bars a user from turns and admissions, or no longer, unless a later consent has decided already. May be repeated.

    Args:
        revision: Of the consent.
    """
    operations = set_fields({"barred": barred, "bar_revision": revision})
    not_later = f'c.kind = "allowance" AND (NOT IS_DEFINED(c.bar_revision) OR c.bar_revision <= {revision})'
    for _ in range(2):
        try:
            await patch(container, ALLOWANCE_ID, user_id, operations, not_later)
            return
        except Outrun as outrun:
            if outrun.why == "changed":
                return
        await create_allowance(container, user_id)
