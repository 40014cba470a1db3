"""A turn as it is reported, and what the server makes of it."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from models.chat.interaction import IngestedTurn, Turn, UserInteraction
from tests.models.examples import ALICE, NOON, SESSION_ID, a_turn, an_interaction


def test_the_server_fills_in_what_it_knows_better() -> None:
    interaction = an_interaction(sequence=7, user_query="¿Qué es la sabiduría y cómo se alcanza en la vida?")
    assert interaction.interaction_sequence == 7
    assert interaction.user_query_length == 50
    assert interaction.user_query_language == "es"
    assert interaction.query_complexity in ("simple", "moderate")
    assert interaction.response_length == len("To know what one does not know.")
    assert interaction.total_tokens == 150
    assert interaction.cost_nano_usd == 100 * 1000 + 50 * 2000
    assert interaction.cost_usd == 0.0002


def test_a_language_that_is_told_is_kept() -> None:
    assert an_interaction(user_query_language="sa").user_query_language == "sa"


def test_a_model_without_a_price_costs_null_and_not_zero() -> None:
    interaction = an_interaction(model_used="nobody-knows-this-model")
    assert interaction.cost_usd is None
    assert interaction.cost_nano_usd is None


def test_a_turn_survives_being_stored_and_read() -> None:
    interaction = an_interaction(user_rating=5, citations_provided=["Apology"], content_tags=["ethics"])
    stored = interaction.body() | {"_etag": '"1"', "_ts": 1, "_rid": "x", "_self": "y", "_lsn": 3}
    assert UserInteraction.parse(stored) == interaction
    assert stored["timestamp"] == "2026-11-20T12:00:00.000000Z"


def test_a_document_without_a_ttl_of_its_own_stores_none() -> None:
    assert "ttl" not in an_interaction().body()
    assert an_interaction().model_copy(update={"ttl": 60}).body()["ttl"] == 60


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"user_query": None}, "user_query"),
        ({"user_query": "x" * 32_001}, "user_query"),
        ({"response_text": None}, "response_text"),
        ({"input_tokens": -1}, "input_tokens"),
        ({"input_tokens": "100"}, "input_tokens"),
        ({"input_tokens": 1.5}, "input_tokens"),
        ({"user_rating": 6}, "user_rating"),
        ({"was_helpful": "yes"}, "was_helpful"),
        ({"response_quality": "superb"}, "response_quality"),
        ({"user_query_language": "not a tag"}, "user_query_language"),
        ({"safety_score": float("nan")}, "safety_score"),
        ({"personality_used": "x" * 65}, "personality_used"),
        ({"colour": "blue"}, "colour"),
    ],
)
def test_what_is_not_valid_is_refused_by_name(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        a_turn(**changes)
    assert [error["loc"][0] for error in refusal.value.errors()] == [field]


@pytest.mark.parametrize(
    "timestamp", ["yesterday", "2026-11-20", "2026-11-20T12:00:00", 1763640000, "2026-13-01T00:00:00Z"]
)
def test_a_time_without_its_offset_is_refused(timestamp: Any) -> None:
    with pytest.raises(ValidationError):
        IngestedTurn.model_validate(an_ingested_turn(timestamp=timestamp))


@pytest.mark.parametrize("timestamp", ["2026-11-20T12:00:00Z", "2026-11-20T17:30:00+05:30", "2026-11-20t12:00:00.000z"])
def test_times_are_kept_in_utc(timestamp: str) -> None:
    assert IngestedTurn.model_validate(an_ingested_turn(timestamp=timestamp)).timestamp == NOON


@pytest.mark.parametrize("turn_id", ["", "a/b", "a\\b", "a?b", "a#b", "x" * 129, " a"])
def test_an_id_that_cosmos_db_could_not_read_is_refused(turn_id: str) -> None:
    with pytest.raises(ValidationError):
        IngestedTurn.model_validate(an_ingested_turn(id=turn_id))


@pytest.mark.parametrize("timezone", ["Mars/Olympus", "../etc/passwd", "IST ", "", "localtime", "right/UTC"])
def test_a_zone_that_is_not_iana_is_refused(timezone: str) -> None:
    user = ALICE.model_dump() | {"timezone": timezone}
    with pytest.raises(ValidationError):
        IngestedTurn.model_validate(an_ingested_turn(user=user))


def test_a_turn_of_the_wire_is_read_strictly_from_json() -> None:
    turn = a_turn(user_rating=3)
    assert Turn.model_validate_json(turn.model_dump_json()) == turn


def an_ingested_turn(**changes: Any) -> dict[str, Any]:
    turn = a_turn().model_dump() | {
        "id": "turn-1",
        "user": ALICE.model_dump(),
        "session_id": SESSION_ID,
        "timestamp": "2026-11-20T12:00:00Z",
    }
    return turn | changes
