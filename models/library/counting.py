"""What users' opinions of a thing add to what is counted of it, without naming them."""

from __future__ import annotations

from models.core.kinds import Names
from models.core.resource import Resource
from models.counting.bucket import Bucket, Sums
from models.counting.fold import Source
from models.library.item import item_partition

NEVER = -1


def counted_of_item(opinion: Resource, sums: Sums, names: Names) -> tuple[str, Source]:
    """A source of the thing's tally, and the thing's partition: what somebody says of it counts as long as it is there.

    When it was made is part of its name: made anew after it has expired, its revisions begin again. The ledger keeps it
    for ever, as it keeps no user's name.

    Args:
        opinion: Has an `item_type`, an `item_id` and a `user_id`.
        sums: What it counts now; zeros are left out.
    """
    about = opinion.model_dump(include={"item_type", "item_id", "user_id"})
    key = names.named("opinion", about["user_id"], opinion.id, opinion.begun_at.isoformat())
    counted = {measure: value for measure, value in sums.items() if value}
    contributions = {Bucket("item"): counted} if counted else {}
    made = opinion.created_at if counted else None
    source = Source(f"{opinion.kind}:{key}", opinion.revision, contributions, made, made, ttl=NEVER)
    return item_partition(about["item_type"], about["item_id"]), source
