"""Effective partition keys against the SDK's own computation, and the cutting of the key space."""

from itertools import pairwise
from typing import Any

import pytest
from azure.cosmos.partition_key import PartitionKey as SdkPartitionKey
from hypothesis import given, settings
from hypothesis import strategies as st

from local.cosmosdb.errors import CosmosError
from local.cosmosdb.partitioning import PartitionKeyDefinition, parse_path

SINGLE = PartitionKeyDefinition(("/pk",))
HIERARCHY = PartitionKeyDefinition(("/tenant", "/user", "/session"), "MultiHash", 2)
COMPONENTS = (
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=90)
    | st.booleans()
    | st.floats(allow_nan=False, allow_infinity=False).map(lambda number: number + 0.0)  # -0 is the key 0 here
    | st.integers(0, 2**32 - 1)
)


def sdk_epk(definition: PartitionKeyDefinition, components: list[Any]) -> str:
    paths: Any = list(definition.paths) if definition.kind == "MultiHash" else definition.paths[0]
    kind: Any = definition.kind
    key = SdkPartitionKey(path=paths, kind=kind, version=definition.version)
    return str(key._get_effective_partition_key_string(components)).upper()


def test_the_hash_of_a_known_key_is_as_published() -> None:
    assert SINGLE.of(["p"]).epk == "1D1C97DD684A8CFD0AD88BD3B4BC757C"


@settings(deadline=None)
@given(COMPONENTS | st.none())
def test_version_2_keys_are_those_of_the_sdk(component: Any) -> None:
    assert SINGLE.of([component]).epk == sdk_epk(SINGLE, [component])


@settings(deadline=None)
@given(COMPONENTS)
def test_version_1_keys_are_those_of_the_sdk(component: Any) -> None:
    definition = PartitionKeyDefinition(("/pk",), "Hash", 1)
    assert definition.of([component]).epk == sdk_epk(definition, [component])


@settings(deadline=None)
@given(st.lists(COMPONENTS | st.none(), min_size=1, max_size=3))
def test_hierarchical_keys_are_those_of_the_sdk(components: list[Any]) -> None:
    assert HIERARCHY.of(components).epk == sdk_epk(HIERARCHY, components)


@settings(deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), min_size=3, max_size=3))
def test_a_prefix_is_an_interval_that_contains_its_complete_keys(components: list[str]) -> None:
    low, high = HIERARCHY.interval(HIERARCHY.of(components[:2]))
    assert low <= HIERARCHY.of(components).epk < high


@pytest.mark.parametrize("definition", [SINGLE, HIERARCHY, PartitionKeyDefinition(("/pk",), "Hash", 1)])
@pytest.mark.parametrize("count", [1, 2, 4, 7])
def test_ranges_cover_the_key_space_without_gap_or_overlap(definition: PartitionKeyDefinition, count: int) -> None:
    ranges = definition.cut(count)
    assert len(ranges) == count
    assert ranges[0][0] == ""
    assert ranges[-1][1] == "FF"
    assert all(before[1] == after[0] for before, after in pairwise(ranges))
    assert all(low < high for low, high in ranges)


def test_many_keys_spread_evenly_over_the_ranges() -> None:
    ranges = SINGLE.cut(4)
    epks = [SINGLE.of([f"user-{number}"]).epk for number in range(2000)]
    shares = [sum(low <= epk < high for epk in epks) for low, high in ranges]
    assert sum(shares) == 2000
    assert min(shares) > 400


def test_equal_numbers_are_one_key_and_other_types_are_not() -> None:
    assert SINGLE.of([1]).text == SINGLE.of([1.0]).text
    values: list[Any] = [1, "1", True, None, {}]
    assert len({SINGLE.of([value]).text for value in values}) == 5


@pytest.mark.parametrize(
    ("document", "header"),
    [
        ({"pk": "a"}, '["a"]'),
        ({"pk": None}, "[null]"),
        ({}, "[{}]"),
        ({}, "[]"),
        ({"pk": {"nested": 1}}, "[{}]"),
    ],
)
def test_a_documents_key_is_the_one_that_a_header_names(document: dict[str, Any], header: str) -> None:
    assert SINGLE.extract(document) == SINGLE.from_header(header)


@pytest.mark.parametrize("header", ["nonsense", '"a"', '["a","b"]', '[{"a":1}]', "[[1]]", f'["{"x" * 2049}"]'])
def test_headers_that_name_no_key_are_refused(header: str) -> None:
    with pytest.raises(CosmosError) as caught:
        SINGLE.from_header(header)
    assert caught.value.status == 400


@pytest.mark.parametrize(
    ("path", "names"),
    [("/a", ("a",)), ("/a/b", ("a", "b")), ('/"a b"/c', ("a b", "c")), ("/'le/vel'", ("le/vel",))],
)
def test_paths_are_taken_apart(path: str, names: tuple[str, ...]) -> None:
    assert parse_path(path) == names


@pytest.mark.parametrize("path", ["", "a", "/", "/a/", '/"a'])
def test_malformed_paths_are_refused(path: str) -> None:
    with pytest.raises(CosmosError):
        parse_path(path)
