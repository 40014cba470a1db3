"""The fold: whatever is delivered, however often and in whatever order, the buckets equal a recount of the sources."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from models.counting.bucket import Balance, Bucket, Sums
from models.counting.fold import OTHER_BOUNDS, VALUES_PER_DIMENSION, Applied, Source, buckets_of, fold

START = datetime(2026, 11, 1, tzinfo=UTC)
BUCKETS = [Bucket("daily", "2026-11-01"), Bucket("daily", "2026-11-02"), Bucket("session", "s")]

sums = st.dictionaries(
    st.sampled_from(["interactions", "tokens", "topic:a", "topic:b"]), st.integers(0, 1000), min_size=1
)
contributions = st.dictionaries(st.sampled_from(BUCKETS), sums, min_size=1)


@st.composite
def histories(draw: st.DrawFn) -> list[Source]:
    """Sources with all their revisions."""
    history = []
    for number in range(draw(st.integers(1, 6))):
        for revision in range(1, draw(st.integers(1, 4)) + 1):
            moment = START + timedelta(hours=draw(st.integers(0, 48)))
            history.append(Source(f"source-{number}", revision, draw(contributions), moment, moment))
    return history


@st.composite
def deliveries(draw: st.DrawFn) -> tuple[list[Source], list[list[Source]]]:
    """A history, and batches that deliver it: repeated, reordered, with gaps, but the newest at least once."""
    history = draw(histories())
    newest = list({source.key: source for source in history}.values())
    feed = draw(st.permutations(newest + draw(st.lists(st.sampled_from(history), max_size=20))))
    cuts = sorted(draw(st.lists(st.integers(0, len(feed)), max_size=5)))
    edges = [0, *cuts, len(feed)]
    return newest, [feed[start:end] for start, end in pairwise(edges)]


class Partition:
    """A user's logical partition, as the transactions leave it."""

    def __init__(self) -> None:
        self.ledger: dict[str, Applied] = {}
        self.balances: dict[Bucket, Balance] = {}

    def transact(self, sources: list[Source]) -> None:
        ledger = {source.key: self.ledger[source.key] for source in sources if source.key in self.ledger}
        read = buckets_of(sources, ledger)
        outcome = fold(sources, ledger, {bucket: self.balances[bucket] for bucket in read if bucket in self.balances})
        self.ledger |= outcome.entries
        self.balances |= outcome.balances

    def sums(self) -> dict[Bucket, Sums]:
        return {bucket: balance.sums for bucket, balance in self.balances.items() if balance.sums}


def recount(newest: list[Source]) -> dict[Bucket, Sums]:
    totals: dict[Bucket, Counter[str]] = {}
    for source in newest:
        for bucket, counted in source.contributions.items():
            totals.setdefault(bucket, Counter()).update(counted)
    plain = {bucket: {name: n for name, n in total.items() if n} for bucket, total in totals.items()}
    return {bucket: total for bucket, total in plain.items() if total}


@given(deliveries())
def test_totals_equal_a_recount_whatever_is_delivered(case: tuple[list[Source], list[list[Source]]]) -> None:
    newest, batches = case
    partition = Partition()
    for batch in batches:
        partition.transact(batch)
    assert partition.sums() == recount(newest)


@given(deliveries())
def test_what_has_been_folded_is_not_folded_again(case: tuple[list[Source], list[list[Source]]]) -> None:
    _, batches = case
    partition = Partition()
    for batch in batches:
        partition.transact(batch)
    for batch in batches:
        outcome = fold(batch, partition.ledger, partition.balances)
        assert outcome.entries == {}
        assert outcome.balances == {}


def test_a_changed_source_is_applied_as_the_difference() -> None:
    day = BUCKETS[0]
    partition = Partition()
    partition.transact([Source("turn", 1, {day: {"interactions": 1, "tokens": 100}}, START, START)])
    partition.transact([Source("turn", 2, {day: {"interactions": 1, "tokens": 100, "shared": 1}}, START, START)])
    assert partition.balances[day].sums == {"interactions": 1, "tokens": 100, "shared": 1}


def test_a_source_that_moves_leaves_its_old_bucket() -> None:
    partition = Partition()
    partition.transact([Source("turn", 1, {BUCKETS[0]: {"interactions": 1}}, START, START)])
    partition.transact([Source("turn", 2, {BUCKETS[1]: {"interactions": 1}}, START, START)])
    assert partition.sums() == {BUCKETS[1]: {"interactions": 1}}


def test_an_older_revision_that_comes_late_is_passed_over() -> None:
    partition = Partition()
    partition.transact([Source("turn", 3, {BUCKETS[0]: {"tokens": 3}}, START, START)])
    partition.transact([Source("turn", 2, {BUCKETS[0]: {"tokens": 2}}, START, START)])
    assert partition.sums() == {BUCKETS[0]: {"tokens": 3}}


def test_a_balance_knows_its_first_and_last_moment() -> None:
    partition = Partition()
    late = START + timedelta(hours=5)
    partition.transact([Source("b", 1, {BUCKETS[0]: {"tokens": 1}}, late, late)])
    partition.transact([Source("a", 1, {BUCKETS[0]: {"tokens": 1}}, START, START)])
    assert (partition.balances[BUCKETS[0]].first, partition.balances[BUCKETS[0]].last) == (START, late)


def test_a_dimension_with_too_many_values_counts_the_rest_as_other() -> None:
    day = BUCKETS[0]
    partition = Partition()
    for number in range(VALUES_PER_DIMENSION + 3):
        partition.transact(
            [Source(f"turn-{number}", 1, {day: {f"topic:{number}": 1, "interactions": 1}}, START, START)]
        )
    held = partition.balances[day].sums
    assert held["topic:other"] == 3
    assert held["interactions"] == VALUES_PER_DIMENSION + 3
    assert len(held) == VALUES_PER_DIMENSION + 2


def test_what_was_counted_as_other_is_taken_from_other_again() -> None:
    day = BUCKETS[0]
    partition = Partition()
    for number in range(VALUES_PER_DIMENSION + 1):
        partition.transact([Source(f"turn-{number}", 1, {day: {f"topic:{number}": 1}}, START, START)])
    assert partition.balances[day].sums["topic:other"] == 1
    partition.transact([Source(f"turn-{VALUES_PER_DIMENSION}", 2, {day: {"topic:0": 1}}, START, START)])
    assert "topic:other" not in partition.balances[day].sums
    assert partition.balances[day].sums["topic:0"] == 2


def test_what_a_full_bucket_calls_other_is_counted_once_by_what_counts_it_in_turn() -> None:
    day, week = Bucket("daily", "2026-11-01"), Bucket("weekly", "2026-W44")
    many = {f"source:{number:03}": 1 for number in range(VALUES_PER_DIMENSION + 5)}
    counted = fold([Source("turn", 1, {day: many})], {}, {}).balances[day].sums
    assert counted["source:other"] == 5
    again = fold([Source("day", 1, {week: counted})], {}, {})
    assert again.balances[week].sums == counted
    assert again.entries["day"].contributions[week.name] == counted


def test_what_is_told_of_a_value_goes_where_the_value_goes() -> None:
    day = Bucket("utc_daily", "2026-11-01")
    sources = [Source(f"{n}", 1, {day: {f"model:{n}": 1}}) for n in range(VALUES_PER_DIMENSION)]  # without a token
    late = Source("late", 1, {day: {"model_tokens:late": 7, "model:late": 1}})
    named = Source("0", 2, {day: {"model:0": 1, "model_tokens:0": 9}})
    sums = fold([*sources, late, named], {}, {}).balances[day].sums
    assert (sums["model:other"], sums["model_tokens:other"], sums["model_tokens:0"]) == (1, 7, 9)
    assert "model_tokens:late" not in sums


def test_a_place_that_becomes_free_is_taken_although_something_is_counted_as_other() -> None:
    asked = Bucket("question", "q")
    bound = OTHER_BOUNDS["asker"]
    names = [f"n{number:03}" for number in range(bound + 1)]
    one_too_many = [Source(f"turn-{who}", 1, {asked: {"asked": 1, f"asker:{who}": 1}}) for who in names]
    first = fold(one_too_many, {}, {})
    assert first.balances[asked].sums["asker:other"] == 1
    later = [Source("turn-n000", 2, {}), Source("turn-z", 1, {asked: {"asked": 1, "asker:z": 1}})]
    sums = fold(later, first.entries, first.balances).balances[asked].sums
    named = {f"asker:{who}": 1 for who in [*names[1:bound], "z"]}
    assert sums == {"asked": bound + 1, "asker:other": 1} | named


def test_a_bucket_from_which_everything_is_taken_has_no_times() -> None:
    day = Bucket("daily", "2026-11-01")
    first = fold([Source("turn", 1, {day: {"interactions": 1}}, START, START)], {}, {})
    emptied = fold([Source("turn", 2, {})], first.entries, first.balances)
    assert emptied.balances[day] == Balance()
    later = START + timedelta(hours=1)
    again = fold([Source("next", 1, {day: {"interactions": 1}}, later, later)], {}, emptied.balances)
    assert (again.balances[day].first, again.balances[day].last) == (later, later)


MOST = 2**53 - 1


def test_a_sum_grows_no_further_than_a_document_holds_and_what_was_counted_is_taken_back() -> None:
    partition = Partition()
    dear = [Source(f"turn-{n}", 1, {BUCKETS[0]: {"tokens": MOST // 2, "interactions": 1}}) for n in range(4)]
    for source in dear:
        partition.transact([source])
    assert partition.sums() == {BUCKETS[0]: {"tokens": MOST, "interactions": 4}}
    for source in dear:
        partition.transact([Source(source.key, 2, {})])
    assert partition.sums() == {}


@given(st.lists(st.integers(1, 2**54), min_size=1, max_size=8))
def test_sums_that_are_too_large_are_what_a_document_holds(amounts: list[int]) -> None:
    for order in (amounts, amounts[::-1]):
        partition = Partition()
        for number, amount in enumerate(order):
            partition.transact([Source(f"source-{number}", 1, {BUCKETS[0]: {"tokens": amount}})])
        assert partition.sums() == {BUCKETS[0]: {"tokens": min(MOST, sum(amounts))}}
