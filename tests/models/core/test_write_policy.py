"""What consents mean for what is written."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from models.accounts.consent import CHANGES_KEPT, MEANINGS
from models.accounts.profile import UserProfile
from models.accounts.profile_changes import CONSENTS, ProfileChanges, changed
from models.analytics.contribution import of_bookmark, of_interaction, of_session
from models.analytics.platform_sources import of_turn
from models.chat.facts import facts_of
from models.chat.feedback import FeedbackChanges
from models.chat.interaction import TEXTS, UserInteraction
from models.chat.session import SessionChanges
from models.core.pseudonyms import Pseudonyms
from models.core.write_policy import DAY, LEAST_SECONDS, Privacy, WritePolicy, seconds_left
from models.library.bookmark import UserBookmark
from models.risk.question import question_facts
from models.risk.text import Signal, similarity, sketch_bytes
from tests.models.examples import ALICE, NOON, SESSION_ID, a_session, an_interaction

PRIVACY = Privacy(text_key=b"k" * 32)
SECRET = "My secret plan is to sell cheap watches at www.example.com, buy now!"
PSEUDONYMS = Pseudonyms(b"p" * 32)


def a_profile(**consents: bool) -> UserProfile:
    profile = UserProfile.of(ALICE, NOON, NOON)
    return changed(profile, ProfileChanges.model_validate(consents), NOON) if consents else profile


def without_texts(query: str = SECRET, key: bytes = b"k" * 32, **changes: Any) -> UserInteraction:
    return an_interaction(
        user_query=query, user_feedback="On my plan", policy=WritePolicy(texts=False, text_key=key), **changes
    )


def test_everything_is_kept_as_usual_with_all_consents() -> None:
    assert a_profile().write_policy(PRIVACY) == WritePolicy(text_key=PRIVACY.text_key)


@pytest.mark.parametrize(
    ("consents", "kept"),
    [
        ({"analytics_consent": False}, {"analytics": False}),
        ({"text_storage_consent": False}, {"texts": False}),
        ({"data_retention_consent": False}, {"turn_ttl": 30 * DAY, "session_ttl": 30 * DAY}),
        ({"marketing_consent": True}, {}),
    ],
)
def test_each_consent_has_an_effect_of_its_own(consents: dict[str, bool], kept: dict[str, Any]) -> None:
    assert a_profile(**consents).write_policy(PRIVACY) == WritePolicy(**{"text_key": PRIVACY.text_key} | kept)


def test_nothing_is_kept_longer_without_consent_than_with_it() -> None:
    policy = a_profile(data_retention_consent=False).write_policy(Privacy(b"", without_consent=400 * DAY))
    assert (policy.turn_ttl, policy.session_ttl) == (400 * DAY, 400 * DAY)


def test_every_consent_says_what_it_does() -> None:
    assert set(MEANINGS) == set(CONSENTS)
    for consent, meaning in MEANINGS.items():
        assert UserProfile.model_fields[consent].description == meaning
        assert ProfileChanges.model_fields[consent].description == meaning
    assert len(a_profile(analytics_consent=False).consent_history) == 1 <= CHANGES_KEPT


@pytest.mark.parametrize(
    ("ends_in", "seconds"),
    [(timedelta(days=3), 3 * DAY), (timedelta(0), LEAST_SECONDS), (timedelta(-9), LEAST_SECONDS)],
)
def test_what_is_shortened_is_kept_until_its_end_but_at_least_a_while(ends_in: timedelta, seconds: int) -> None:
    assert seconds_left(NOON, NOON + ends_in) == seconds


def test_without_texts_everything_else_is_kept() -> None:
    with_texts = an_interaction(user_query=SECRET, user_feedback="On my plan", user_rating=4)
    bare = without_texts(user_rating=4)
    before, after = with_texts.body(), bare.body()
    differing = {name for name in before if before[name] != after[name]}
    assert differing == {*TEXTS, "texts_stored", "question_facts"}
    assert [after[name] for name in TEXTS] == [None, None, None]
    assert "plan" not in str(after)


def test_either_the_turn_or_the_user_keeps_texts_from_being_stored() -> None:
    stored = [
        an_interaction(store_texts=by_request, policy=WritePolicy(texts=by_user)).texts_stored
        for by_request in (True, False)
        for by_user in (True, False)
    ]
    assert stored == [True, False, False, False]


def test_rules_on_abuse_see_the_same_in_a_turn_without_texts_but_for_the_hashes() -> None:
    plain, bare = facts_of(an_interaction(user_query=SECRET)), facts_of(without_texts())
    assert bare == plain._replace(question=bare.question, sketch=bare.sketch)
    assert bare.has(Signal.LINK)
    assert (bare.question, bare.sketch) != (plain.question, plain.sketch)


def test_repeated_and_similar_questions_are_told_without_their_texts() -> None:
    first, same = facts_of(without_texts()), facts_of(without_texts(SECRET.upper() + " 7"))
    near, other = facts_of(without_texts(SECRET + " It is great.")), facts_of(without_texts("What is rain?"))
    assert first.question == same.question != near.question
    sketches = [sketch_bytes(turn.sketch) for turn in (first, near, other)]
    assert similarity(sketches[0], sketches[1]) > 0.6 > 0.2 > similarity(sketches[0], sketches[2])


def test_guesses_at_a_question_can_not_be_tried_without_the_key() -> None:
    kept = without_texts().question_facts
    assert kept == question_facts(SECRET, b"k" * 32)
    for key in (b"", b"x" * 32):
        guessed = question_facts(SECRET, key)
        assert kept is not None
        assert (kept.digest, kept.sketch) != (guessed.digest, guessed.sketch)


def test_a_turn_without_texts_asks_no_question_of_the_platform_and_counts_in_its_days() -> None:
    _, source = of_turn(without_texts(), PSEUDONYMS)
    assert ([bucket.period for bucket in source.contributions], source.context) == (["utc_daily"], None)
    _, source = of_turn(an_interaction(user_query=SECRET), PSEUDONYMS)
    assert [bucket.period for bucket in source.contributions] == ["utc_daily", "question"]


def test_without_consent_to_analytics_nothing_counts_but_abuse_is_judged() -> None:
    turn = an_interaction(policy=WritePolicy(analytics=False))
    shard, source = of_turn(turn, PSEUDONYMS)
    counting = of_turn(an_interaction(), PSEUDONYMS)
    assert (source.contributions, source.context, shard) == ({}, None, counting[0])
    assert of_interaction(turn).contributions == {}
    assert of_interaction(turn).context == of_interaction(an_interaction()).context
    assert of_session(a_session(analytics_consent=False)).contributions == {}
    saved = UserBookmark.of(turn, NOON, analytics_consent=False)
    assert of_bookmark(saved).contributions == {}
    assert of_bookmark(UserBookmark.of(turn, NOON)).contributions != {}


def test_a_consent_given_again_does_not_revive_a_session() -> None:
    withdrawn = a_session().changed(SessionChanges(completed_successfully=False), WritePolicy(analytics=False))
    assert withdrawn.analytics_consent is False
    assert withdrawn.changed(SessionChanges(completed_successfully=True), WritePolicy()).analytics_consent is False


def test_words_of_feedback_are_dropped_and_its_figures_kept() -> None:
    said = FeedbackChanges(user_feedback="My plan worked", user_rating=5)
    assert without_texts().with_feedback(said, NOON).user_feedback is None
    assert without_texts().with_feedback(said, NOON).user_rating == 5
    turn = an_interaction(user_feedback="Fine")
    assert turn.with_feedback(said, NOON, texts=False).user_feedback == "Fine"
    assert turn.with_feedback(FeedbackChanges(user_feedback=None), NOON, texts=False).user_feedback is None


def test_a_bookmark_of_a_turn_without_texts_is_named_by_what_is_known() -> None:
    bookmark = UserBookmark.of(without_texts(), NOON)
    assert (bookmark.original_query, bookmark.bookmarked_response) == (None, None)
    assert bookmark.bookmark_title == "socrates on philosophy, 2026-11-20"
    assert bookmark.session_id == SESSION_ID


def test_hashes_of_requests_are_keyed() -> None:
    assert PRIVACY.hash_of("a") == PRIVACY.hash_of("a") != PRIVACY.hash_of("b")
    assert Privacy(b"other").hash_of("a") != PRIVACY.hash_of("a")
