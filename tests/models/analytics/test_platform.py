"""What the platform counts of users' documents, and that it names none of them."""

from __future__ import annotations

import json
import math
import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.analytics.insights import Cohort, GrowthMetrics, groups, platform_use
from models.analytics.platform_rollup import PlatformRollup
from models.analytics.platform_sources import of_presence, of_rollup, of_session, of_shard, of_turn
from models.analytics.presence import Presence
from models.analytics.pseudonyms import DEFAULT_SHARDS, PLATFORM, Pseudonyms, is_platform
from models.analytics.question import Question
from models.analytics.response_times import RELATIVE_ERROR, counted, quantile
from models.analytics.rollup import Rollup
from models.analytics.user_group import UserGroup
from models.counting.bucket import Balance, Bucket
from models.counting.buckets import document_of
from models.counting.fold import OTHER_BOUNDS, Applied, Source, fold
from tests.models.examples import ALICE, NOON, PSEUDONYMS, a_session, an_interaction

DAY = Bucket("utc_daily", "2026-11-20")


def a_rollup(bucket: Bucket, sums: dict[str, int]) -> Rollup:
    return Rollup.of(ALICE.user_id, bucket, Balance(sums, NOON, NOON + timedelta(days=20)), 3, NOON)


@given(st.lists(st.integers(1, 86_400_000), min_size=1, max_size=200), st.floats(0, 1))
def test_a_quantile_is_within_the_stated_error(times: list[int], share: float) -> None:
    sums: dict[str, int] = {}
    for time in times:
        for measure, count in counted(time).items():
            sums[measure] = sums.get(measure, 0) + count
    exact = sorted(times)[int(share * (len(times) - 1))]
    found = quantile(sums, share)
    assert found is not None
    assert abs(found - exact) <= RELATIVE_ERROR * exact + 0.05  # rounded to a tenth of a millisecond


def test_an_unknown_response_time_is_in_no_quantile() -> None:
    assert counted(0) == {}
    assert quantile({"interactions": 3}, 0.5) is None


def test_a_turn_counts_in_the_day_of_utc_whatever_its_own_zone() -> None:
    late = datetime(2026, 11, 20, 23, 30, tzinfo=UTC)  # already the 21st in Kolkata
    _, source = of_turn(an_interaction(timestamp=late, user_rating=4, response_time_ms=1200), PSEUDONYMS)
    sums = source.contributions[DAY]
    assert sums["interactions"] == 1
    assert sums["tokens"] == 150
    assert (sums["model:test-model"], sums["model_tokens:test-model"]) == (1, 150)
    assert sums["model_cost_nano_usd:test-model"] == sums["cost_nano_usd"] == 200_000
    assert {"category:philosophy", "personality:socrates", "language:en", "rating:4"} <= sums.keys()
    assert quantile(sums, 0.5) == pytest.approx(1200, rel=RELATIVE_ERROR)


def test_a_turn_without_a_price_is_unpriced_and_costs_nothing() -> None:
    _, source = of_turn(an_interaction(model_used="unheard-of"), PSEUDONYMS)
    sums = source.contributions[DAY]
    assert (sums["unpriced"], sums["model_unpriced:unheard-of"]) == (1, 1)
    assert "cost_nano_usd" not in sums


def test_equal_questions_count_together_whoever_asks_them() -> None:
    bob = "33333333-3333-4333-8333-333333333333"
    mine = of_turn(an_interaction(user_query="What is wisdom?"), PSEUDONYMS)
    theirs = of_turn(an_interaction(user_query="  WHAT is wisdom?? 17", user_id=bob), PSEUDONYMS)
    other = of_turn(an_interaction(user_query="What is folly?"), PSEUDONYMS)
    assert mine[0] == theirs[0]
    assert question_of(mine[1]) == question_of(theirs[1]) != question_of(other[1])
    assert mine[1].key != theirs[1].key


def question_of(source: Source) -> Bucket:
    [bucket] = [bucket for bucket in source.contributions if bucket.period == "question"]
    return bucket


@pytest.mark.parametrize("query", ["?", " … !? ", None])
def test_what_says_nothing_is_no_question(query: str | None) -> None:
    _, source = of_turn(an_interaction().model_copy(update={"user_query": query}), PSEUDONYMS)
    assert [bucket.period for bucket in source.contributions] == ["utc_daily"]
    assert source.question is None


def asked_by(users: int, turns_each: int = 1) -> Question:
    """A question after so many users have asked it."""
    ledger: dict[str, Applied] = {}
    balances: dict[Bucket, Balance] = {}
    for user in range(users):
        for number in range(turns_each):
            turn = an_interaction(f"turn-{number}", user_id=f"{user:08}-0000-4000-8000-000000000000", user_rating=4)
            outcome = fold([of_turn(turn, PSEUDONYMS)[1]], ledger, balances)
            ledger |= outcome.entries
            balances |= outcome.balances
    [bucket] = [bucket for bucket in balances if bucket.period == "question"]
    document = document_of("platform-00", bucket, balances[bucket], 1, NOON, question="what is wisdom")
    assert isinstance(document, Question)
    return document


def test_a_question_has_no_text_until_three_users_have_asked_it() -> None:
    private = asked_by(users=2, turns_each=5)
    assert (private.question, private.frequency, private.shown_frequency) == (None, 10, 0)
    assert "wisdom" not in json.dumps(private.body())


def test_a_common_question_has_its_text_and_how_it_was_rated() -> None:
    common = asked_by(users=3)
    assert (common.question, common.frequency, common.shown_frequency, common.avg_rating) == ("what is wisdom", 3, 3, 4)


def of_question(question: Question) -> dict[Bucket, dict[str, int]] | None:
    placed = of_shard(question)
    if placed is None:
        return None
    partition, source = placed
    assert (partition, source.question) == (PLATFORM, question.question)
    return dict(source.contributions)


def test_the_platform_is_told_of_common_questions_alone_and_not_who_asks_them() -> None:
    assert of_question(asked_by(users=2, turns_each=5)) is None
    common = asked_by(users=3)
    assert of_question(common) == {common.bucket: {"asked": 3, "rating:4": 3}}
    told = document_of(PLATFORM, common.bucket, Balance({"asked": 3}, NOON, NOON), 1, NOON, question=common.question)
    assert isinstance(told, Question)
    assert (told.question, told.shown_frequency) == ("what is wisdom", 3)
    assert of_question(told) is None


def test_a_question_that_is_common_no_more_is_taken_back() -> None:
    common = asked_by(users=3)
    sums = {measure: count for measure, count in common.sums.items() if not measure.startswith("asker:")}
    left = document_of("platform-00", common.bucket, Balance(sums, NOON, NOON), 2, NOON, (), "what is wisdom", True)
    assert isinstance(left, Question)
    assert (left.question, left.shown_frequency, left.was_common) == (None, 0, True)
    assert of_question(left) == {}
    gone = document_of(PLATFORM, common.bucket, Balance({}, NOON, NOON), 2, NOON)
    assert isinstance(gone, Question)
    assert (gone.question, gone.shown_frequency) == (None, 0)


def test_no_more_askers_are_told_apart_than_may_be_needed() -> None:
    popular = asked_by(users=40, turns_each=2)
    assert popular.shown_frequency == 80
    askers = [measure for measure in popular.sums if measure.startswith("asker:")]
    assert len(askers) == OTHER_BOUNDS["asker"] + 1
    assert popular.sums["asker:other"] == 80 - 2 * OTHER_BOUNDS["asker"]


def test_what_the_platform_counts_names_nobody() -> None:
    turn = an_interaction("turn-of-alice", user_feedback="I am Alice")
    placed = [
        of_turn(turn, PSEUDONYMS),
        of_session(a_session(), PSEUDONYMS),
        of_presence(a_presence(2), PSEUDONYMS),
        of_rollup(a_rollup(Bucket("monthly", "2026-11"), {"interactions": 1}), PSEUDONYMS),
        of_rollup(a_rollup(Bucket("all_time"), {"interactions": 1, "week:2026-W47": 1}), PSEUDONYMS),
    ]
    for one in placed:
        assert one is not None
        partition, source = one
        assert is_platform(partition)
        kept = f"{source.key} {[(bucket.name, sums) for bucket, sums in source.contributions.items()]}"
        for word in (turn.user_id, turn.id, turn.session_id, "Alice", "wisdom"):
            assert word not in kept


def test_pseudonyms_depend_on_the_key_and_on_what_they_name() -> None:
    other = Pseudonyms(b"another key for tests")
    assert PSEUDONYMS.question("what is wisdom") != other.question("what is wisdom")
    assert PSEUDONYMS.asker("one question", ALICE.user_id) != PSEUDONYMS.asker("another", ALICE.user_id)


def test_all_shards_are_used() -> None:
    names = (PSEUDONYMS.question(str(number)) for number in range(400))
    assert len({PSEUDONYMS.shard(name) for name in names}) == DEFAULT_SHARDS


def a_presence(turns: int) -> Presence:
    bucket = Bucket("presence", "2026-11-20")
    return Presence.of(ALICE.user_id, bucket, Balance({"interactions": turns} if turns else {}, NOON, NOON), 1)


def test_a_user_with_turns_on_a_day_is_one_active_user() -> None:
    assert of_presence(a_presence(7), PSEUDONYMS)[1].contributions == {DAY: {"active_users": 1}}
    assert of_presence(a_presence(0), PSEUDONYMS)[1].contributions == {}


def contributions(bucket: Bucket, **sums: int) -> dict[str, dict[str, int]]:
    placed = of_rollup(a_rollup(bucket, sums), PSEUDONYMS)
    assert placed is not None
    return {bucket.name: counted for bucket, counted in placed[1].contributions.items()}


def test_a_user_with_turns_in_a_month_is_one_active_user_of_it() -> None:
    month = Bucket("monthly", "2026-11")
    assert contributions(month, interactions=9) == {"utc_monthly:2026-11": {"active_users": 1}}
    assert contributions(month, sessions=1) == {}


def test_all_time_makes_a_new_user_a_member_of_a_cohort_and_of_those_who_use_a_feature() -> None:
    sums = {"interactions": 9, "personality:krishna": 4, "personality:socrates": 5, "follow_ups": 1, "bookmarks": 2}
    weeks = {"week:2026-W53": 1, "week:2026-W47": 2, "week:2026-W48": 1, "week:2027-W30": 1}
    assert contributions(Bucket("all_time"), **sums, **weeks) == {
        "utc_daily:2026-11-20": {"new_users": 1},
        "growth": {"users": 1, "bookmarking": 1, "multiple_personalities": 1, "follow_up_questions": 1},
        "cohort:2026-W47": {"users": 1, "week:0": 1, "week:1": 1, "week:6": 1},
    }


def test_a_user_of_whom_nothing_counts_any_more_is_in_no_group() -> None:
    assert contributions(Bucket("all_time"), sessions=1) == {}


def test_weeks_and_sessions_of_a_user_say_nothing_of_the_platform() -> None:
    assert of_rollup(a_rollup(Bucket("weekly", "2026-W47"), {"interactions": 1}), PSEUDONYMS) is None


def test_a_shard_counts_in_the_platform_and_its_days_in_its_months() -> None:
    sums = {"interactions": 3, "active_users": 2, "new_users": 1}
    shard = PlatformRollup.of("platform-03", DAY, Balance(sums, NOON, NOON), 5, NOON)
    placed = of_shard(shard)
    assert placed is not None
    partition, source = placed
    assert (partition, source.revision, source.contributions) == (PLATFORM, 5, {DAY: sums})
    whole = of_shard(PlatformRollup.of(PLATFORM, DAY, Balance(sums, NOON, NOON), 6, NOON))
    assert whole is not None
    assert whole[1].contributions == {Bucket("utc_monthly", "2026-11"): {"interactions": 3, "new_users": 1}}
    month = Bucket("utc_monthly", "2026-11")
    assert of_shard(PlatformRollup.of(PLATFORM, month, Balance(sums, NOON, NOON), 6, NOON)) is None


def a_cohort(week: str, users: int, returned: int) -> UserGroup:
    sums = {"users": users, "week:0": users, "week:1": returned}
    return UserGroup.of(PLATFORM, Bucket("cohort", week), Balance(sums, NOON, NOON), 1)


@pytest.mark.parametrize(
    ("now", "is_complete"), [("2026-11-30", False), ("2026-12-01", True), ("2026-11-29", False), ("2026-12-07", True)]
)
def test_a_cohort_is_complete_when_the_week_after_is_over_everywhere(now: str, is_complete: bool) -> None:
    cohort = Cohort.of(a_cohort("2026-W47", 4, 3), datetime.fromisoformat(now + "T00:00:00+00:00"))
    assert (cohort.retention_rate, cohort.is_complete) == (0.75, is_complete)


def test_retention_is_that_of_the_cohorts_that_are_complete() -> None:
    cohorts = [a_cohort("2026-W45", 10, 5), a_cohort("2026-W44", 30, 3), a_cohort("2026-W47", 100, 0)]
    everyone = UserGroup.of(
        PLATFORM, Bucket("growth"), Balance({"users": 140, "bookmarking": 35}, NOON, NOON), revision=1
    )
    growth = GrowthMetrics.of(None, cohorts, everyone, NOON)
    assert growth.retention_rate == pytest.approx(8 / 40)
    assert (growth.total_users, growth.feature_adoption.bookmarking) == (140, 0.25)
    assert GrowthMetrics.of(None, [], None, NOON).retention_rate is None


def test_groups_of_a_dimension_come_dearest_first() -> None:
    sums = {
        "model:a": 5,
        "model:b": 1,
        "model_cost_nano_usd:b": 7_000_000_000,
        "model_tokens:a": 9,
        "model_unpriced:a": 5,
    }
    first, second = groups(sums, "model")
    assert (first.value, first.interactions, first.cost_usd) == ("b", 1, 7.0)
    assert (second.value, second.tokens, second.unpriced_interactions) == ("a", 9, 5)


def test_use_over_time_sums_to_the_total() -> None:
    days = [
        PlatformRollup.of(
            PLATFORM, Bucket("utc_daily", day), Balance({"interactions": n, "model:m": n}, NOON, NOON), 1, NOON
        )
        for n, day in enumerate(("2026-11-19", "2026-11-20"), 1)
    ]
    use = platform_use(days, "model", NOON.date(), NOON.date())
    assert [item.interactions for item in use.items] == [1, 2]
    assert (use.total.interactions, use.total.groups[0].interactions) == (3, 3)


def test_a_busy_day_is_a_document_of_some_kilobytes() -> None:
    """The histogram is the largest part, and bounded by its bins."""
    chance, sums = random.Random(4), {"interactions": 20_000, "timed": 20_000}
    for _ in range(20_000):
        for measure, count in counted(round(math.exp(chance.uniform(0, math.log(86_400_000))))).items():
            sums[measure] = sums.get(measure, 0) + count
    document = PlatformRollup.of(PLATFORM, DAY, Balance(sums, NOON, NOON), 1, NOON)
    assert len(document.model_dump_json()) < 25_000
