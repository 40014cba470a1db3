"""What is counted in: the one list of all kinds of buckets. What is not in it, no source may count in."""

from __future__ import annotations

from models.analytics.buckets import PLATFORM_ROLLUPS, PRESENCES, QUESTIONS, ROLLUPS, USER_GROUPS
from models.counting.buckets import Buckets
from models.counting.tally import TALLIES
from models.risk.address_day import ADDRESS_DAYS

BUCKETS = Buckets((ROLLUPS, PRESENCES, PLATFORM_ROLLUPS, USER_GROUPS, QUESTIONS, ADDRESS_DAYS, TALLIES))
