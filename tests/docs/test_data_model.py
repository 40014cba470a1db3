"""The page on the data model says what the models say, and leaves nothing out."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable
from datetime import timedelta

from pydantic import BaseModel

from docs import data_model
from docs.field_types import fields_of, type_of
from docs.figures import FIGURES
from docs.measures import PLATFORM_MEASURES, USER_MEASURES
from functions.analytics.admin_standings import BusyUser
from models import analytics
from models.accounts.profile import UserProfile
from models.analytics import platform_sources as platform
from models.analytics.contribution import of_bookmark, of_interaction, of_session
from models.analytics.presence import Presence
from models.analytics.question import Question
from models.analytics.rollup import Rollup
from models.chat.interaction import UserInteraction
from models.chat.session import UserSession
from models.counting.bucket import Balance, Bucket
from models.counting.fold import Source
from models.library.bookmark import UserBookmark
from models.risk.address_day import AddressDay
from tests.models.examples import ALICE, NOON, PSEUDONYMS, SESSION_ID, a_session, an_interaction


def test_the_page_is_what_the_models_say() -> None:
    assert data_model.PAGE.read_text(encoding="utf-8") == data_model.page(), "run make docs"


def test_every_field_of_documents_and_answers_says_what_it_means() -> None:
    silent = []
    for model in (*data_model.kinds(), *data_model.ANSWERS):
        described = fields_of(model)
        named = [(model.__name__, described.fields), *((name, part.fields) for name, part in described.parts.items())]
        silent += [f"{owner}.{name}" for owner, fields in named for name, _, meaning in fields if not meaning]
    assert sorted(set(silent)) == []


def test_every_model_that_tells_figures_has_them_defined() -> None:
    """Whatever is told of use: all that capability's documents and answers, and what shows totals elsewhere."""
    telling = {UserSession, UserProfile, AddressDay, BusyUser}
    for module in pkgutil.iter_modules(analytics.__path__, f"{analytics.__name__}."):
        loaded = importlib.import_module(module.name)
        models = (thing for thing in vars(loaded).values() if isinstance(thing, type) and issubclass(thing, BaseModel))
        telling |= {model for model in models if model.__module__ == module.name}
    assert {figures.model for figures in FIGURES} == telling


def test_every_figure_has_a_definition_a_unit_what_it_leaves_out_and_since_when() -> None:
    """Which fields are no figures is said, too: so a new one is not forgotten."""
    for figures in FIGURES:
        named = figures.fields.keys() | figures.plain
        assert figures.model.model_fields.keys() - named == set(), figures.model.__name__
        assert not figures.fields.keys() & figures.plain
        for name, told in figures.fields.items():
            assert figures.model.model_fields[name].description, name
            assert figures.since and len(told) in (2, 3) and all(told), name


def test_every_document_and_part_is_told_in_a_sentence() -> None:
    page = data_model.page()
    for model in data_model.kinds():
        assert f"\n### `{data_model.kind_of(model)}`\n\n{(model.__doc__ or '?').splitlines()[0]}" in page
    for described in map(fields_of, (*data_model.kinds(), *data_model.ANSWERS)):
        for name, part in described.parts.items():
            assert part.told, name


def test_types_are_told_in_words() -> None:
    assert type_of({"anyOf": [{"type": "string", "format": "uuid"}, {"type": "null"}]}) == "UUID or null"
    assert type_of({"type": "integer", "minimum": 0, "maximum": 2**53 - 1}) == "whole number, 0 or more"
    assert type_of({"type": "number", "minimum": 0, "maximum": 1}) == "number, 0 to 1"
    assert type_of({"type": "array", "items": {"$ref": "#/$defs/Finding"}}) == "list of [Finding](#finding)"
    assert type_of({"type": "object", "additionalProperties": {"type": "integer"}}) == "map to whole number"
    assert type_of({"enum": [True, "high"]}) == "`true`, `high`"


def test_retention_is_told_in_words() -> None:
    assert [data_model.lasting(ttl) for ttl in (None, -1, 63_072_000, 31_536_000, 2_592_000, 86_400, 90)] == [
        *("for ever", "for ever", "2 years", "1 year", "30 days", "1 day", "90 seconds")
    ]


def test_the_measures_of_a_user_are_those_that_the_fold_makes() -> None:
    sources = [*map(of_interaction, _turns()), of_session(_ended()), of_bookmark(UserBookmark.of(_turns()[0], NOON))]
    day = _rollup(Bucket("daily", "2026-11-20"), sources)
    session = platform.of_user(_deep_session(), PSEUDONYMS)
    assert session is not None
    too_much = Rollup.of(
        ALICE.user_id, Bucket("daily", "2026-11-21"), Balance({"interactions": 200}, NOON, NOON), 1, NOON
    )
    assert _kinds([*sources, day.as_source(), too_much.as_source(), session[1]]) == _table(USER_MEASURES)


def test_the_measures_of_the_platform_are_those_that_the_fold_makes() -> None:
    turns, ended = _turns(), _ended()
    day = _rollup(Bucket("daily", "2026-11-20"), [*map(of_interaction, turns), of_session(ended)])
    more = {"bookmarks": 1, "personality:krishna": 1}
    everything = Balance(day.sums | more, NOON, NOON + timedelta(days=31))
    all_time = Rollup.of(ALICE.user_id, Bucket("all_time"), everything, 1, NOON)
    month = Rollup.of(ALICE.user_id, Bucket("monthly", "2026-11"), everything, 1, NOON)
    common = Question.of(
        "platform-00", Bucket("question", "2026-11:q"), Balance(_askers(3)), 1, "what is wisdom", False
    )
    presence = Presence.of(ALICE.user_id, Bucket("presence", "2026-11-20"), Balance({"interactions": 2}, NOON, NOON), 1)
    reported = [turn.model_copy(update={"recorded_by": "user"}) for turn in turns]
    placed = [
        *(platform.of_turn(turn, PSEUDONYMS) for turn in (*turns, *reported)),
        platform.of_session(ended, PSEUDONYMS),
        platform.of_user(presence, PSEUDONYMS),
        platform.of_user(month, PSEUDONYMS),
        platform.of_user(all_time, PSEUDONYMS),
        platform.of_shard(common),
    ]
    expected = {
        name.replace("<d>", dimension)
        for name in PLATFORM_MEASURES
        for dimension in ("model", "personality", "category", "language")
    }
    assert _kinds(source for _, source in filter(None, placed)) == _table(dict.fromkeys(expected))


def _askers(users: int) -> dict[str, int]:
    return {f"asker:{user}/20": 1 for user in range(users)}


def _deep_session() -> Rollup:
    sums = {"interactions": 3, "topic:philosophy": 3}
    return Rollup.of(ALICE.user_id, Bucket("session", SESSION_ID), Balance(sums, NOON, NOON), 1, NOON)


def _turns() -> list[UserInteraction]:
    """Turns that count in every measure there is."""
    answered = an_interaction(
        "turn-1",
        sequence=2,
        cached_input_tokens=10,
        cache_write_5m_tokens=10,
        cache_write_1h_tokens=10,
        input_audio_tokens=10,
        reasoning_tokens=10,
        output_audio_tokens=10,
        response_quality="fallback",
        citations_provided=["Apology 38a"],
        user_rating=5,
        was_helpful=True,
        was_shared=True,
        was_flagged=True,
        was_bookmarked=True,
        organization_id="5b0c1b52-9c0e-4a6e-8f0e-3f4f0e0a7c11",
    )
    unpriced = an_interaction(
        "turn-2",
        sequence=3,
        model_used="nobody's model",
        was_helpful=False,
        output_tokens=9_000,
        user_query="Buy cheap followers now at http://fast.example/promo limited offer!!!",
        ip_address="a1b2c3d4e5f60718",
        device_type="bot",
    )
    return [answered, unpriced]


def _ended() -> UserSession:
    return a_session(duration_seconds=60, is_active=False)


def _rollup(bucket: Bucket, sources: Iterable[Source]) -> Rollup:
    sums: dict[str, int] = {}
    for source in sources:
        for measure, value in source.contributions.get(bucket, {}).items():
            sums[measure] = sums.get(measure, 0) + value
    return Rollup.of(ALICE.user_id, bucket, Balance(sums, NOON, NOON), 1, NOON)


def _kinds(sources: Iterable[Source]) -> set[str]:
    """Measures without the values of their dimensions."""
    return {
        measure.partition(":")[0] + ":" * (":" in measure)
        for source in sources
        for sums in source.contributions.values()
        for measure in sums
    }


def _table(measures: Iterable[str]) -> set[str]:
    return {measure.partition(":")[0] + ":" * (":" in measure) for measure in measures}
