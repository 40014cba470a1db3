"""Names for what the platform counts that lead back to nobody, and the partitions that it is counted in."""

from __future__ import annotations

import hmac

PLATFORM = "platform"
"""The partition of the whole platform's rollups."""

DEFAULT_SHARDS = 16
MAX_SHARDS = 4096

HASH_LENGTH = 32
ASKER_LENGTH = 12


def is_user(partition: str) -> bool:
    """Whether a partition is a user's: the others have names with a prefix."""
    return not is_platform(partition) and ":" not in partition


def is_platform(partition: str) -> bool:
    return partition.partition("-")[0] == PLATFORM


class Pseudonyms:
    """Keyed hashes (HMAC-SHA256): without the key none can be tried out, and one tells nothing of another.

    Args:
        key: Secret, and the same for as long as what was named with it is kept.
        shards: How many partitions, `platform-00` and on, count first, so that no one partition takes every turn's
            writes, nor the ledger of them all. As lasting as the key: with another number, what is counted again would
            be counted elsewhere.
    """

    def __init__(self, key: bytes, shards: int = DEFAULT_SHARDS) -> None:
        self._key = key
        self._shards = shards

    @property
    def partitions(self) -> list[str]:
        """The platform's partitions: the shards, and then the one that counts what they count."""
        return [*map(_shard, range(self._shards)), PLATFORM]

    def shard(self, name: str) -> str:
        """The partition in which something with this name, a hash, is counted."""
        return _shard(int(name[:8], 16) % self._shards)

    def source(self, user_id: str, source: str) -> str:
        """Names a user's document in the ledgers of the platform."""
        return self._hash("source", user_id, source)

    def question(self, normalised: str) -> str:
        """Names a question by its normalised text."""
        return self._hash("question", normalised)

    def asker(self, question: str, user_id: str) -> str:
        """Names a user among those who asked one question. Under another question they have another name."""
        return self._hash("asker", question, user_id)[:ASKER_LENGTH]

    def named(self, label: str, *parts: str) -> str:
        """Names anything else: under another label the same parts have another name."""
        return self._hash(label, *parts)

    def account(self, address_day: str, user_id: str) -> str:
        """Names a user among those at one address on one day. On another day they have another name."""
        return self._hash("account", address_day, user_id)[:ASKER_LENGTH]

    def _hash(self, *parts: str) -> str:
        return hmac.digest(self._key, "\0".join(parts).encode(), "sha256").hex()[:HASH_LENGTH]


def _shard(number: int) -> str:
    return f"{PLATFORM}-{number:02}"
