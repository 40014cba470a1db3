"""MurmurHash3, the hash behind effective partition keys.

Written from the description of the algorithm (Austin Appleby, public domain): the 32-bit variant for version 1 of
hash partitioning, the 128-bit variant for 64-bit machines for version 2. The seed is always 0.
"""

_MASK32 = 0xFFFFFFFF
_MASK64 = 0xFFFFFFFFFFFFFFFF
_C1 = 0x87C37B91114253D5
_C2 = 0x4CF5AD432745937F


def _rotl32(value: int, shift: int) -> int:
    return ((value << shift) | (value >> (32 - shift))) & _MASK32


def _rotl64(value: int, shift: int) -> int:
    return ((value << shift) | (value >> (64 - shift))) & _MASK64


def _scramble1(block: int) -> int:
    return _rotl64(block * _C1 & _MASK64, 31) * _C2 & _MASK64


def _scramble2(block: int) -> int:
    return _rotl64(block * _C2 & _MASK64, 33) * _C1 & _MASK64


def _finish64(value: int) -> int:
    value = (value ^ value >> 33) * 0xFF51AFD7ED558CCD & _MASK64
    value = (value ^ value >> 33) * 0xC4CEB9FE1A85EC53 & _MASK64
    return value ^ value >> 33


def hash128(data: bytes) -> bytes:
    """The 16 bytes of the x64-128 variant: both halves little-endian, low half first."""
    low = high = 0
    whole = len(data) & ~15
    for start in range(0, whole, 16):
        low ^= _scramble1(int.from_bytes(data[start : start + 8], "little"))
        low = (_rotl64(low, 27) + high) * 5 + 0x52DCE729 & _MASK64
        high ^= _scramble2(int.from_bytes(data[start + 8 : start + 16], "little"))
        high = (_rotl64(high, 31) + low) * 5 + 0x38495AB5 & _MASK64
    tail = data[whole:]
    high ^= _scramble2(int.from_bytes(tail[8:], "little"))
    low ^= _scramble1(int.from_bytes(tail[:8], "little"))
    low ^= len(data)
    high ^= len(data)
    low = low + high & _MASK64
    high = high + low & _MASK64
    low, high = _finish64(low), _finish64(high)
    low = low + high & _MASK64
    high = high + low & _MASK64
    return low.to_bytes(8, "little") + high.to_bytes(8, "little")


def hash32(data: bytes) -> int:
    """The x86-32 variant as an unsigned integer."""
    value = 0
    whole = len(data) & ~3
    for start in range(0, whole, 4):
        value ^= _scramble32(int.from_bytes(data[start : start + 4], "little"))
        value = _rotl32(value, 13) * 5 + 0xE6546B64 & _MASK32
    if len(data) > whole:
        value ^= _scramble32(int.from_bytes(data[whole:], "little"))
    value ^= len(data)
    value = (value ^ value >> 16) * 0x85EBCA6B & _MASK32
    value = (value ^ value >> 13) * 0xC2B2AE35 & _MASK32
    return value ^ value >> 16


def _scramble32(block: int) -> int:
    return _rotl32(block * 0xCC9E2D51 & _MASK32, 15) * 0x1B873593 & _MASK32
