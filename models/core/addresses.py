"""A client's network address: which one to believe, and the keyed hash that is stored instead of it."""

import hmac
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

MIN_KEY_LENGTH = 16
"""Bytes. All 2**32 IPv4 addresses can be tried in minutes, so the key is what keeps a hash from being reversed."""

HASH_LENGTH = 32
"""Hexadecimal digits: 128 bits, so that no two addresses of a user base ever share a hash."""

_SUBSCRIBER_PREFIX = 64


def client_address(x_forwarded_for: str | None) -> str | None:
    """The address of the client that connected to Azure's front end, in normal form; None if there is none.

    That is the *last* entry of `X-Forwarded-For`: each proxy appends the address it was called from (`ip:port` on
    Azure), so the last one was written by the front end, and whatever a client sent itself stands before it. An
    invalid last entry is therefore None: the entries before it are anybody's claim. With a proxy of one's own
    before the app, the last entry is that proxy.
    """
    if not x_forwarded_for:
        return None
    address = _parse(x_forwarded_for.rpartition(",")[2])
    return None if address is None else str(address)


def hash_address(address: str, key: bytes) -> str:
    """The keyed hash of an address: `HASH_LENGTH` hexadecimal digits of HMAC-SHA256.

    Equal for all spellings of an address: with a port or brackets, IPv6 in any case and length, IPv4 mapped into
    IPv6. An IPv6 address stands for its /64, which is one subscriber, whose devices change the rest every day.

    Raises:
        ValueError: `address` is no IP address, or `key` is shorter than `MIN_KEY_LENGTH`.
    """
    if len(key) < MIN_KEY_LENGTH:
        raise ValueError(f"the key of address hashes needs at least {MIN_KEY_LENGTH} bytes")
    parsed = _parse(address)
    if parsed is None:
        raise ValueError("not an IP address")  # without the text: it may be personal, and errors are logged
    return hmac.digest(key, _subscriber(parsed).encode(), "sha256").hex()[:HASH_LENGTH]


def _subscriber(address: IPv4Address | IPv6Address) -> str:
    if isinstance(address, IPv4Address):
        return str(address)
    return str(IPv6Network((address.packed, _SUBSCRIBER_PREFIX), strict=False))


def _parse(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(_without_port(text.strip()))
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        return address.ipv4_mapped or IPv6Address(address.packed)  # without a zone such as %eth0
    return address


def _without_port(text: str) -> str:
    """`1.2.3.4:5`, `[::1]:5` and `[::1]` without port and brackets; a bare IPv6 address has no port to lose."""
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        return host if bracket and (not rest or _is_port(rest)) else text
    host, colon, port = text.partition(":")
    return host if colon and _is_port(colon + port) else text


def _is_port(text: str) -> bool:
    digits = text[1:]
    return text[0] == ":" and len(digits) <= 5 and digits.isascii() and digits.isdecimal()
