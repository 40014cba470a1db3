"""Addresses: the last forwarded one counts, and what is stored can't be turned back."""

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from models.core.addresses import HASH_LENGTH, MIN_KEY_LENGTH, client_address, hash_address

KEY = b"a key of thirty-two bytes, or so"
ports = st.integers(1, 65535)


@pytest.mark.parametrize(
    ("header", "address"),
    [
        ("203.0.113.169:51234", "203.0.113.169"),
        ("203.0.113.169", "203.0.113.169"),
        (" 203.0.113.169:1 ", "203.0.113.169"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("[2001:DB8:0::1]", "2001:db8::1"),
        ("2001:db8::1", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("::ffff:203.0.113.169", "203.0.113.169"),
        ("[::ffff:203.0.113.169]:80", "203.0.113.169"),
        ("8.8.8.8, 203.0.113.169:51234", "203.0.113.169"),
        ("unknown, 10.0.0.1,203.0.113.169:51234", "203.0.113.169"),
    ],
)
def test_the_last_forwarded_entry_is_the_client(header: str, address: str) -> None:
    assert client_address(header) == address


@pytest.mark.parametrize(
    "header",
    [
        *[None, "", " ", ",", "unknown", "localhost:80", "8.8.8.8, unknown", "8.8.8.8,", "1.2.3", "1.2.3.4.5"],
        *["1.2.3.4:", "1.2.3.4:x", "1.2.3.4:123456", "1.2.3.4:١", "[2001:db8::1", "[::1]x", "[::1]:", "1.2.3.4:5:6"],
        *["256.1.1.1", "01.2.3.4", "[]", "[", "0x7f000001", "9" * 10_000, ":" * 10_000, "[" * 10_000],
    ],
)
def test_without_a_valid_last_entry_there_is_no_client(header: str | None) -> None:
    assert client_address(header) is None


@given(claimed=st.text(max_size=100), real=st.ip_addresses(v=4), port=ports)
def test_what_the_client_claims_makes_no_difference(claimed: str, real: IPv4Address, port: int) -> None:
    assert client_address(f"{claimed},{real}:{port}") == client_address(f"{claimed}, {real}:{port}") == str(real)


@given(st.text(max_size=300))
def test_any_text_is_a_header_and_what_it_gives_can_be_hashed(header: str) -> None:
    address = client_address(header)
    assert address is None or len(hash_address(address, KEY)) == HASH_LENGTH


@given(address=st.ip_addresses(v=4), port=ports)
def test_all_spellings_of_an_ipv4_address_hash_alike(address: IPv4Address, port: int) -> None:
    spellings = [f"{address}:{port}", f"::ffff:{address}", f"[::FFFF:{address}]:{port}", f" {address} "]
    assert {hash_address(spelling, KEY) for spelling in spellings} == {hash_address(str(address), KEY)}


@given(address=st.ip_addresses(v=6), other=st.integers(0, 2**64 - 1), port=ports)
def test_an_ipv6_address_hashes_as_its_subscriber(address: IPv6Address, other: int, port: int) -> None:
    neighbour = IPv6Address(int(address) >> 64 << 64 | other)
    assume(address.ipv4_mapped is None and neighbour.ipv4_mapped is None)
    spellings = [address.exploded.upper(), f"[{address}]:{port}", str(neighbour)]
    assert {hash_address(spelling, KEY) for spelling in spellings} == {hash_address(str(address), KEY)}


@given(st.sets(st.ip_addresses(v=4), min_size=2, max_size=20))
def test_different_addresses_hash_differently(addresses: set[IPv4Address]) -> None:
    assert len({hash_address(str(address), KEY) for address in addresses}) == len(addresses)


def test_different_subscribers_and_keys_hash_differently() -> None:
    hashes = {hash_address("2001:db8:0:1::1", KEY), hash_address("2001:db8:0:2::1", KEY)}
    assert len(hashes | {hash_address("2001:db8:0:1::1", KEY[::-1])}) == 3


def test_the_hash_is_stable_across_releases() -> None:
    """Stored hashes are compared with new ones, so this value may never change."""
    assert hash_address("203.0.113.169", b"0123456789abcdef") == "e48397437eac89a81678f7ffa0267318"


@pytest.mark.parametrize("address", ["", "unknown", "203.0.113.169, 8.8.8.8"])
def test_only_an_address_is_hashed_and_the_error_does_not_repeat_it(address: str) -> None:
    with pytest.raises(ValueError, match=r"^not an IP address$"):
        hash_address(address, KEY)


def test_a_key_that_could_be_guessed_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 16 bytes"):
        hash_address("203.0.113.169", b"k" * (MIN_KEY_LENGTH - 1))
