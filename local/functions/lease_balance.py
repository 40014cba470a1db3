"""Which leases a host should try to take, so that all hosts end up with about the same number.

The rule is the change feed processor's (`EqualPartitionsBalancingStrategy` of the .NET SDK): first what nobody holds,
then one lease at a time from the host that has the most.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from math import ceil

from local.functions.leases import Lease


def leases_to_take(leases: Sequence[Lease], me: str, is_free: Callable[[Lease], bool]) -> list[Lease]:
    """The leases to take now. `me` owns this host's leases, `is_free` tells whether one is up for grabs.

    At least one free lease is taken even above an equal share: whoever else is alive takes it back from there.
    """
    free = [lease for lease in leases if is_free(lease)]
    held = Counter(lease.owner for lease in leases if lease not in free)
    mine = held.get(me, 0)
    target = ceil(len(leases) / max(1, len(held) + (me not in held)))
    needed = target - mine
    if free:
        return free[: max(1, needed)]
    others = [(count, owner) for owner, count in held.items() if owner != me]
    if needed <= 0 or not others:
        return []
    most, richest = max(others)
    if most <= target - (1 if needed > 1 else 0):
        return []
    return [next(lease for lease in leases if lease.owner == richest)]
