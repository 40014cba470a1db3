"""Container `user_analytics`: an address on a day, whoever is there; it names no user."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from models.core.values import Count
from models.counting.bucket import Balance, Bucket, bucket_id, by_count
from models.counting.bucket_document import BucketDocument
from models.counting.buckets import BucketKind
from models.counting.fold import OTHER


class AddressDay(BucketDocument):
    """One address on one day of its users' calendars. `period_key` is the day and the address's keyed hash."""

    kind: Literal["address_day"] = "address_day"
    analytics_period: Literal["address_day"] = Field(default="address_day", description="One address on one day")
    busy_accounts: Count = Field(description="Accounts with 20 turns there or more, by names that they have only here")

    @classmethod
    def of(cls, partition: str, bucket: Bucket, balance: Balance, revision: int) -> AddressDay:
        return cls.model_validate(
            {
                "id": bucket_id(partition, bucket),
                "partition_key": partition,
                "revision": revision,
                "period_key": bucket.key,
                "sums": balance.sums,
                "first_activity": balance.first,
                "last_activity": balance.last,
                "busy_accounts": len(by_count(balance.sums, "account").keys() - {OTHER}),
            }
        )

    @property
    def day(self) -> str:
        return self.period_key.partition("@")[0]

    @property
    def address(self) -> str:
        """Its hash, as in `TurnFacts`."""
        return self.period_key.partition("@")[2]


ADDRESS_DAYS = BucketKind(
    model=AddressDay,
    periods=("address_day",),
    of=lambda partition, bucket, balance, revision, now, _: AddressDay.of(partition, bucket, balance, revision),
)
