"""Bookmarks: ids, titles, copies."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from models.chat.titles import TITLE_CHARACTERS, title_of
from models.library.bookmark import DeletedBookmark, UserBookmark, bookmark_id_of
from tests.models.examples import ALICE, NOON, an_interaction


def test_a_turn_has_one_bookmark_id_for_each_user() -> None:
    ids = {bookmark_id_of(user, turn) for user in ("a", "b") for turn in ("1", "2")}
    assert len(ids) == 4
    assert bookmark_id_of("a", "1") in ids


@pytest.mark.parametrize(
    ("query", "title"),
    [
        ("What is wisdom?", "What is wisdom?"),
        ("  What\n is\twisdom?  ", "What is wisdom?"),
        ("   \n", "Untitled"),
        ("x" * 80, "x" * 80),
        ("x" * 81, "x" * 79 + "…"),
        ("wisdom " * 20, "wisdom " * 10 + "wisdom…"),
    ],
)
def test_a_title_is_the_beginning_of_the_question(query: str, title: str) -> None:
    assert title_of(query) == title
    assert len(title) <= TITLE_CHARACTERS


def test_a_bookmark_copies_its_turn() -> None:
    turn = an_interaction(source_references=["Apology 21d"], timezone="Europe/Paris")
    bookmark = UserBookmark.of(turn, NOON + timedelta(days=1), bookmark_tags=["a", "b", "a"])
    assert (bookmark.original_query, bookmark.bookmarked_response) == (turn.user_query, turn.response_text)
    assert (bookmark.personality, bookmark.source_references) == ("socrates", ["Apology 21d"])
    assert (bookmark.partition_key, bookmark.session_id) == (ALICE.user_id, turn.session_id)
    assert (bookmark.bookmark_title, bookmark.timezone) == ("What is wisdom?", "Europe/Paris")
    assert bookmark.bookmark_tags == ["a", "b"]
    assert UserBookmark.parse(bookmark.body()) == bookmark


def test_a_deleted_bookmark_keeps_no_text_and_counts_on() -> None:
    bookmark = UserBookmark.of(an_interaction(), NOON, bookmark_notes="mine").model_copy(update={"revision": 4})
    deleted = DeletedBookmark.of(bookmark, NOON + timedelta(hours=1))
    assert (deleted.id, deleted.revision) == (bookmark.id, 5)
    assert {"mine", bookmark.original_query, bookmark.bookmarked_response}.isdisjoint(deleted.body().values())


@pytest.mark.parametrize(
    "change", [{"bookmark_tags": [""]}, {"bookmark_tags": ["x"] * 33}, {"bookmark_notes": "x" * 8001}]
)
def test_what_the_user_adds_is_bounded(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        UserBookmark.of(an_interaction(), NOON, **change)
