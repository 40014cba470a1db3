"""What the platform counts of users' documents, and that it names none of them."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.analytics.insights import Cohort, GrowthMetrics, PlatformHealth, Retention, groups, platform_use
from models.analytics.platform_rollup import PlatformRollup
from models.analytics.platform_sources import of_session, of_shard, of_turn, of_user
from models.analytics.presence import Presence
from models.analytics.question import Question, QuestionContext
from models.analytics.response_times import RELATIVE_ERROR, counted, quantile
from models.analytics.rollup import Rollup
from models.analytics.user_group import UserGroup, returns
from models.core.pseudonyms import DEFAULT_SHARDS, PLATFORM, Pseudonyms, is_platform
from models.counted import BUCKETS
from models.counting.bucket import Balance, Bucket
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
    assert source.context is None


def asked_by(users: int, turns_each: int = 1, days: Sequence[int] = (0,)) -> Question:
    """A question after so many users have asked it on days after the 20th of November."""
    ledger: dict[str, Applied] = {}
    balances: dict[Bucket, Balance] = {}
    for user in range(users):
        for day, number in product(days, range(turns_each)):
            at = NOON + timedelta(days=day)
            user_id = f"{user:08}-0000-4000-8000-000000000000"
            turn = an_interaction(f"turn-{day}-{number}", at, user_id=user_id, user_rating=4)
            outcome = fold([of_turn(turn, PSEUDONYMS)[1]], ledger, balances)
            ledger |= outcome.entries
            balances |= outcome.balances
    [bucket] = [bucket for bucket in balances if bucket.period == "question"]
    document = BUCKETS.document_of("platform-00", bucket, balances[bucket], 1, NOON, QuestionContext("what is wisdom"))
    assert isinstance(document, Question)
    return document


def test_a_question_has_no_text_until_three_users_have_asked_it() -> None:
    private = asked_by(users=2, turns_each=5)
    assert (private.question, private.askers, private.shown_askers) == (None, 2, 0)
    assert "wisdom" not in json.dumps(private.body())


def test_a_common_question_has_its_text_and_how_it_was_rated() -> None:
    common = asked_by(users=3)
    assert (common.question, common.askers, common.frequency, common.shown_askers) == ("what is wisdom", 3, 3, 3)
    assert (common.ratings, common.avg_rating) == (3, 4)


def test_who_asks_all_day_makes_a_question_no_more_frequent() -> None:
    same = asked_by(users=1, turns_each=50, days=(0, 1))
    assert (same.askers, same.frequency, same.sums["asked"]) == (1, 6, 100)


def test_an_account_can_be_left_out_of_a_question_with_its_ratings() -> None:
    common = asked_by(users=4, turns_each=5, days=(0, 1))
    left_out = PSEUDONYMS.asker(common.period_key, f"{1:08}-0000-4000-8000-000000000000")
    assert common.asked().model_dump() == {"askers": 4, "frequency": 24, "ratings": 40, "avg_rating": 4}
    assert common.asked([left_out]).model_dump() == {"askers": 3, "frequency": 18, "ratings": 30, "avg_rating": 4}


def test_a_question_is_one_of_the_month_that_it_is_asked_in() -> None:
    first = of_turn(an_interaction(timestamp=datetime(2026, 11, 30, 23, 59, tzinfo=UTC)), PSEUDONYMS)
    second = of_turn(an_interaction(timestamp=datetime(2026, 12, 1, tzinfo=UTC)), PSEUDONYMS)
    assert first[0] == second[0]
    assert [question_of(source).key[:8] for _, source in (first, second)] == ["2026-11:", "2026-12:"]


def of_question(question: Question) -> dict[Bucket, dict[str, int]] | None:
    placed = of_shard(question)
    if placed is None:
        return None
    partition, source = placed
    assert (partition, source.context) == (PLATFORM, question.question)
    return dict(source.contributions)


def test_the_platform_is_told_of_common_questions_alone_and_not_who_asks_them() -> None:
    assert of_question(asked_by(users=2, turns_each=5)) is None
    common = asked_by(users=3)
    sums = {"askers": 3, "asked": 3, "rating:4": 3}
    assert of_question(common) == {common.bucket: sums}
    told = BUCKETS.document_of(
        PLATFORM, common.bucket, Balance(sums, NOON, NOON), 1, NOON, QuestionContext(common.question)
    )
    assert isinstance(told, Question)
    assert (told.question, told.askers, told.shown_askers, told.avg_rating) == ("what is wisdom", 3, 3, 4)
    assert of_question(told) is None


def test_a_question_that_is_common_no_more_is_taken_back() -> None:
    common = asked_by(users=3)
    sums = {measure: count for measure, count in common.sums.items() if not measure.startswith("asker:")}
    left = BUCKETS.document_of(
        "platform-00", common.bucket, Balance(sums, NOON, NOON), 2, NOON, QuestionContext("what is wisdom", True)
    )
    assert isinstance(left, Question)
    assert (left.question, left.shown_askers, left.was_common) == (None, 0, True)
    assert of_question(left) == {}
    gone = BUCKETS.document_of(PLATFORM, common.bucket, Balance({}, NOON, NOON), 2, NOON)
    assert isinstance(gone, Question)
    assert (gone.question, gone.shown_askers) == (None, 0)


def test_no_more_askers_are_told_apart_than_may_be_needed() -> None:
    bound = OTHER_BOUNDS["asker"]
    popular = asked_by(users=bound + 20, turns_each=2)
    askers = [measure for measure in popular.sums if measure.startswith("asker:")]
    assert len(askers) == bound + 1
    assert (popular.sums["asker:other"], popular.sums["stars:other"]) == (40, 40)
    assert (popular.askers, popular.sums["asked"], popular.avg_rating) == (bound + 1, 2 * bound + 40, 4)
    assert len(popular.model_dump_json()) < 20_000


def test_what_the_platform_counts_names_nobody() -> None:
    turn = an_interaction("turn-of-alice", user_feedback="I am Alice")
    placed = [
        of_turn(turn, PSEUDONYMS),
        of_session(a_session(), PSEUDONYMS),
        of_user(a_presence(2), PSEUDONYMS),
        of_user(a_rollup(Bucket("monthly", "2026-11"), {"interactions": 1}), PSEUDONYMS),
        of_user(a_rollup(Bucket("all_time"), {"interactions": 1, "week:2026-W47": 1}), PSEUDONYMS),
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
    placed = of_user(a_presence(7), PSEUDONYMS)
    assert placed is not None
    assert placed[1].contributions == {DAY: {"active_users": 1}}
    assert (placed[1].first, placed[1].last) == (None, None)
    assert of_user(a_presence(0), PSEUDONYMS) is None


def test_who_counts_a_bucket_is_told_again_only_of_what_is_new() -> None:
    def at(revision: int, turns: int, before: Presence | None) -> Presence:
        found = BUCKETS.following(a_presence(turns).model_copy(update={"revision": revision}), before)
        assert isinstance(found, Presence)
        return found

    first = at(1, 1, None)
    more = at(2, 5, first)
    none = at(3, 0, more)
    again = at(4, 2, none)
    assert [one.told_revision for one in (first, more, none, again)] == [1, 1, 3, 4]
    taken_back = of_user(none, PSEUDONYMS)
    assert taken_back is not None
    assert (taken_back[1].revision, taken_back[1].contributions) == (3, {})
    assert at(1, 0, None).told_revision == 0


def contributions(bucket: Bucket, **sums: int) -> dict[str, dict[str, int]]:
    placed = of_user(a_rollup(bucket, sums), PSEUDONYMS)
    return {bucket.name: counted for bucket, counted in placed[1].contributions.items()} if placed else {}


def test_a_user_with_turns_in_a_month_is_one_active_user_of_it() -> None:
    month = Bucket("monthly", "2026-11")
    assert contributions(month, interactions=9) == {"utc_monthly:2026-11": {"active_users": 1}}
    assert contributions(month, sessions=1) == {}


def test_a_month_tells_which_features_its_user_used_in_it() -> None:
    sums = {"interactions": 9, "personality:krishna": 4, "personality:socrates": 5, "follow_ups": 1, "bookmarks": 2}
    assert contributions(Bucket("monthly", "2026-11"), **sums) == {
        "utc_monthly:2026-11": {
            "active_users": 1,
            "feature:bookmarking": 1,
            "feature:multiple_personalities": 1,
            "feature:follow_up_questions": 1,
        }
    }
    unused = {"interactions": 9, "personality:krishna": 4, "bookmarked": 1}  # another month's turn, or saved later
    assert contributions(Bucket("monthly", "2026-11"), **unused) == {"utc_monthly:2026-11": {"active_users": 1}}


def test_all_time_makes_a_new_user_a_member_of_the_cohort_of_their_first_day() -> None:
    sums = {"interactions": 9, "timezone:Asia/Kolkata": 9}  # from noon of the 20th for 20 days
    assert contributions(Bucket("all_time"), **sums) == {
        "utc_daily:2026-11-20": {"new_users": 1},
        "cohort:2026-11-20": {"users": 1, "day_1": 1, "day_7": 1},
    }


@pytest.mark.parametrize(("days", "back"), [(0, []), (1, [1]), (6, [1]), (7, [1, 7]), (29, [1, 7]), (30, [1, 7, 30])])
def test_who_comes_back_has_come_back_after_every_shorter_time(days: int, back: list[int]) -> None:
    first = date(2026, 10, 20)
    assert returns(first, first + timedelta(days=days)) == {f"day_{day}": 1 for day in back}


def test_a_user_of_whom_nothing_counts_any_more_is_in_no_group() -> None:
    assert contributions(Bucket("all_time"), sessions=1) == {}


def test_weeks_and_sessions_of_a_user_say_nothing_of_the_platform() -> None:
    assert of_user(a_rollup(Bucket("weekly", "2026-W47"), {"interactions": 1}), PSEUDONYMS) is None
    assert of_user(a_rollup(Bucket("session", "s"), {"interactions": 1, "topic:law": 1}), PSEUDONYMS) is None


def test_a_session_is_a_deep_dive_into_a_topic_from_three_questions_on() -> None:
    topics = {"topic:ethics": 3, "topic:sport": 2, "topic:physics": 4, "topic:other": 9}
    late = a_rollup(Bucket("session", "s"), {"interactions": 18, "timezone:Pacific/Auckland": 18} | topics)
    placed = of_user(late, PSEUDONYMS)
    assert placed is not None
    assert placed[0] == ALICE.user_id
    assert placed[1].contributions == {
        Bucket("daily", "2026-11-21"): {"deep_dive:ethics": 1, "deep_dive:physics": 1}  # noon of the 20th of UTC
    }


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


def a_cohort(day: str, users: int, *returned: int) -> UserGroup:
    """Users who began on a day, and how many of them came back after 1, 7 and 30 days."""
    sums = {"users": users} | {f"day_{days}": count for days, count in zip((1, 7, 30), returned, strict=False)}
    return UserGroup.of(PLATFORM, Bucket("cohort", day), Balance(sums), 1)


def midnight(day: str) -> datetime:
    return datetime.fromisoformat(day + "T00:00:00+00:00")


@pytest.mark.parametrize(
    ("now", "could_return"), [("2026-11-24", 0), ("2026-11-28", 0), ("2026-11-29", 4), ("2026-12-07", 4)]
)
def test_who_could_not_return_yet_is_not_missed(now: str, could_return: int) -> None:
    """From Friday on the seventh day is the next Friday, and over everywhere when UTC's Saturday is half."""
    cohort = Cohort.of("2026-W47", [a_cohort("2026-11-20", 4, 4, 3)], midnight(now))
    rate, returned = (0.75, 3) if could_return else (None, 0)
    assert (cohort.users, cohort.could_return, cohort.returned, cohort.retention_rate) == (
        4,
        could_return,
        returned,
        rate,
    )
    assert cohort.is_complete is (now == "2026-12-07")


def test_retention_is_that_of_all_who_could_return() -> None:
    cohorts = [a_cohort("2026-10-20", 10, 9, 5, 2), a_cohort("2026-11-10", 30, 6, 3), a_cohort("2026-11-20", 100, 1)]
    growth = GrowthMetrics.of(None, cohorts, 140, midnight("2026-11-23"))
    assert [kept.model_dump() for kept in growth.retention] == [
        {"day": 1, "could_return": 140, "returned": 16, "rate": 16 / 140},
        {"day": 7, "could_return": 40, "returned": 8, "rate": 0.2},
        {"day": 30, "could_return": 10, "returned": 2, "rate": 0.2},
    ]
    assert growth.retention_rate == 0.2
    assert [(one.week, one.users) for one in growth.cohorts] == [("2026-W43", 10), ("2026-W46", 30), ("2026-W47", 100)]
    assert growth.total_users == 140
    assert GrowthMetrics.of(None, [], 0, NOON).retention_rate is None
    assert Retention.of(1, [], NOON).could_return == 0


def test_a_feature_is_taken_up_by_a_share_of_the_months_users() -> None:
    sums = {"active_users": 140, "feature:bookmarking": 35}
    month = PlatformRollup.of(PLATFORM, Bucket("utc_monthly", "2026-11"), Balance(sums, NOON, NOON), 1, NOON)
    adoption = GrowthMetrics.of(month, [], 140, NOON).feature_adoption
    assert adoption.model_dump() == {"bookmarking": 0.25, "multiple_personalities": 0, "follow_up_questions": 0}


def test_the_cost_of_a_turn_is_told_with_and_without_flagged_accounts() -> None:
    sums = {"interactions": 10, "cost_nano_usd": 8_000_000_000, "unpriced": 2}
    theirs = {"interactions": 5, "served": 4, "cost_nano_usd": 6_000_000_000, "unpriced": 1}
    month = PlatformRollup.of(PLATFORM, Bucket("utc_monthly", "2026-11"), Balance(sums, NOON, NOON), 1, NOON)
    health = PlatformHealth.of(month, 3, theirs)
    assert (health.cost_per_interaction_usd, health.cost_per_interaction_without_flagged_usd) == (1, 0.4)
    assert health.flagged.model_dump() == {
        "accounts": 3,
        "interactions": 4,
        "share_of_interactions": 0.4,
        "cost_usd": 6,
        "share_of_cost": 0.75,
        "cost_per_interaction_usd": 2,
    }
    empty = PlatformHealth.of(None, 0, {})
    assert (empty.cost_per_interaction_usd, empty.flagged.share_of_cost) == (None, None)


def test_shares_of_flagged_accounts_are_not_told_while_the_platform_has_counted_less_than_theirs() -> None:
    sums = {"interactions": 3, "cost_nano_usd": 9 * 10**8}
    month = PlatformRollup.of(PLATFORM, Bucket("utc_monthly", "2026-11"), Balance(sums), 1, NOON)
    for theirs in ({"served": 4, "cost_nano_usd": 5}, {"served": 2, "cost_nano_usd": 10**9}):
        health = PlatformHealth.of(month, 1, theirs)
        assert health.cost_per_interaction_without_flagged_usd is None
        assert (health.flagged.share_of_interactions is None) == (theirs["served"] > 3)
        assert (health.flagged.share_of_cost is None) == (theirs["cost_nano_usd"] > sums["cost_nano_usd"])


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
