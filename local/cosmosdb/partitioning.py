"""Partition keys: reading them, hashing them to effective partition keys, and cutting the key space into ranges.

An effective partition key (EPK) is upper-case hex, compared as a string; the key space runs from "" to "FF".
Version 2 (and each level of a hierarchical key) is MurmurHash3-128 with the two top bits cleared; version 1 is the
order-preserving encoding of MurmurHash3-32 followed by the value itself. The byte layouts are those of the SDKs, which
compute the same keys on their side to route feed ranges and read-many requests.
"""

import math
import re
import struct
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import orjson

from local.cosmosdb.errors import bad_request
from local.cosmosdb.murmur import hash32, hash128

MIN_EPK = ""
MAX_EPK = "FF"
MAX_KEY_BYTES = 2048
UNDEFINED_COMPONENT: dict[str, Any] = {}  # how an absent value is written in the partition key header
_PATH_SEGMENT = re.compile(r"""/(?:(["'])((?:(?!\1)[^\\]|\\.)*)\1|([^/"']+))""")
_EXACT_INTEGERS = 1 << 53
_V1_STRING_LIMIT = 100
_V1_HASHES = 1 << 32
_V2_HASHES = 1 << 126


def parse_path(path: str) -> tuple[str, ...]:
    """The property names of a path such as `/a/b` or `/"odd name"/c`; raises CosmosError on anything else."""
    matches = list(_PATH_SEGMENT.finditer(path))
    if not matches or sum(len(match.group()) for match in matches) != len(path):
        raise bad_request(f"The partition key or unique key path '{path}' is invalid.")
    return tuple(match[3] or re.sub(r"\\(.)", r"\1", match[2]) for match in matches)


def value_at(document: Any, path: Sequence[str], default: Any) -> Any:
    """The value that a path of property names leads to, or `default` where there is none."""
    for name in path:
        if not isinstance(document, dict) or name not in document:
            return default
        document = document[name]
    return document


@dataclass(frozen=True, slots=True)
class PartitionKey:
    """One value of a container's partition key.

    `text` is its canonical JSON array (equal values have equal texts), `epk` its effective key, and `levels` how many
    of the container's paths it gives: fewer than all of them is a prefix of a hierarchical key.
    """

    text: str
    epk: str
    levels: int


@dataclass(frozen=True)
class PartitionKeyDefinition:
    """A container's partition key: property paths, `Hash` or `MultiHash`, and the hash version (1 or 2)."""

    paths: tuple[str, ...]
    kind: str = "Hash"
    version: int = 2

    @cached_property
    def names(self) -> tuple[tuple[str, ...], ...]:
        """Each path as property names."""
        return tuple(parse_path(path) for path in self.paths)

    def extract(self, document: dict[str, Any]) -> PartitionKey:
        """The complete key of a document; a property that is absent, an object or an array counts as undefined."""
        values = [value_at(document, names, UNDEFINED_COMPONENT) for names in self.names]
        return self.of([UNDEFINED_COMPONENT if isinstance(value, dict | list) else value for value in values])

    def of(self, components: Sequence[Any]) -> PartitionKey:
        """The key with these component values (`{}` for undefined); raises CosmosError for objects and long strings."""
        text = orjson.dumps([_canonical(component) for component in components]).decode()
        return PartitionKey(text, _effective_key(self.kind, self.version, text), len(components))

    def from_header(self, header: str) -> PartitionKey:
        """The key in `x-ms-documentdb-partitionkey`; an empty array is the key of documents without any."""
        return _parse_header(self, header)

    def is_complete(self, key: PartitionKey) -> bool:
        return key.levels == len(self.paths)

    def interval(self, key: PartitionKey) -> tuple[str, str]:
        """The EPKs of a prefix of a hierarchical key, as an interval with an exclusive end."""
        return key.epk, key.epk + MAX_EPK

    def cut(self, count: int) -> list[tuple[str, str]]:
        """The whole key space as `count` intervals (inclusive start, exclusive end) of equal numbers of hashes."""
        inner = [self._boundary(self._hashes * index // count) for index in range(1, count)]
        return list(zip([MIN_EPK, *inner], [*inner, MAX_EPK], strict=True))

    def middle(self, minimum: str, maximum: str) -> str | None:
        """The EPK that halves the hashes of an interval that was made by cutting; None if there is but one hash."""
        low = 0 if minimum == MIN_EPK else self._hash_at(minimum)
        high = self._hashes if maximum == MAX_EPK else self._hash_at(maximum)
        return self._boundary((low + high) // 2) if high - low > 1 else None

    @property
    def _is_v1(self) -> bool:
        return self.kind == "Hash" and self.version == 1

    @property
    def _hashes(self) -> int:
        return _V1_HASHES if self._is_v1 else _V2_HASHES

    def _boundary(self, hash_: int) -> str:
        return _encode_number(float(hash_)).hex().upper() if self._is_v1 else f"{hash_ - 1:032X}"

    def _hash_at(self, boundary: str) -> int:
        """The hash that a boundary was made from."""
        if self._is_v1:
            return bisect_left(range(_V1_HASHES), boundary, key=self._boundary)
        return int(boundary, 16) + 1


@lru_cache(maxsize=16384)
def _parse_header(definition: PartitionKeyDefinition, header: str) -> PartitionKey:
    try:
        components = orjson.loads(header)
    except orjson.JSONDecodeError as error:
        raise bad_request(f"The partition key header {header} is not valid JSON.") from error
    if not isinstance(components, list):
        raise bad_request(f"The partition key header {header} is not a JSON array.")
    if not components:
        components = [UNDEFINED_COMPONENT] * len(definition.paths)
    if len(components) > len(definition.paths):
        raise bad_request(
            "The partition key supplied in x-ms-partitionkey header has more components than defined in the collection."
        )
    return definition.of(components)


def _canonical(component: Any) -> Any:
    if isinstance(component, str):
        if len(component) * 4 > MAX_KEY_BYTES and len(component.encode()) > MAX_KEY_BYTES:
            raise bad_request(f"The partition key value is longer than {MAX_KEY_BYTES} bytes.")
        return component
    if component is None or isinstance(component, bool) or component == UNDEFINED_COMPONENT:
        return component
    if isinstance(component, int | float):
        number = float(component)
        return int(number) if number.is_integer() and abs(number) <= _EXACT_INTEGERS else number
    raise bad_request("The partition key must be a string, a number, a boolean or null.", sub_status=1001)


@lru_cache(maxsize=65536)
def _effective_key(kind: str, version: int, text: str) -> str:
    components = orjson.loads(text)
    if kind == "MultiHash":
        return "".join(_hash_v2([component]) for component in components)
    return _hash_v2(components) if version == 2 else _hash_v1(components)


def _hash_v2(components: Sequence[Any]) -> str:
    digest = bytearray(reversed(hash128(b"".join(_hash_input(component, b"\xff") for component in components))))
    digest[0] &= 0x3F
    return digest.hex().upper()


def _hash_v1(components: Sequence[Any]) -> str:
    truncated = [c[:_V1_STRING_LIMIT] if isinstance(c, str) else c for c in components]
    hashed = hash32(b"".join(_hash_input(component, b"\x00") for component in truncated))
    return b"".join([_encode_number(float(hashed)), *map(_encode_v1, truncated)]).hex().upper()


def _hash_input(component: Any, string_end: bytes) -> bytes:
    """A type byte, then the value: what is fed to the hash."""
    if component is None:
        return b"\x01"
    if isinstance(component, bool):
        return b"\x03" if component else b"\x02"
    if isinstance(component, int | float):
        return b"\x05" + struct.pack("<d", component)
    if isinstance(component, str):
        return b"\x08" + component.encode() + string_end
    return b"\x00"


def _encode_v1(component: Any) -> bytes:
    """The order-preserving encoding of a value that follows the hash in a version 1 key."""
    if isinstance(component, str):
        encoded = component.encode()
        short = len(encoded) <= _V1_STRING_LIMIT
        kept = encoded if short else encoded[: _V1_STRING_LIMIT + 1]
        return b"\x08" + bytes(min(byte + 1, 0xFF) for byte in kept) + (b"\x00" if short else b"")
    if isinstance(component, int | float) and not isinstance(component, bool):
        return _encode_number(float(component))
    return _hash_input(component, b"")


def _encode_number(number: float) -> bytes:
    """A double as 8 bits, then groups of 7 bits of which all but the last end with a set bit."""
    if math.isnan(number):
        raise bad_request("The partition key must not be NaN.")
    bits: int = struct.unpack("<Q", struct.pack("<d", number))[0]
    sign = 1 << 63
    payload = bits ^ sign if bits < sign else -bits & (sign << 1) - 1
    encoded = bytearray([0x05, payload >> 56])
    payload = payload << 8 & (sign << 1) - 1
    while payload:
        encoded.append(payload >> 56 | 0x01)
        payload = payload << 7 & (sign << 1) - 1
    if len(encoded) > 2:
        encoded[-1] &= 0xFE
    else:
        encoded.append(0)
    return bytes(encoded)
