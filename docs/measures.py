"""What each measure of the rollups counts. A test sees that these are all that the fold makes."""

from __future__ import annotations

Measures = dict[str, tuple[str, str]]
"""By name: what it is, and what it is counted in."""

_ALL = "session, day, week, month, all time"
_CALENDAR = "day, week, month, all time"
_LONGER = "week, month, all time"

USER_MEASURES: Measures = {
    "interactions": ("Turns", _ALL),
    "tokens": ("Tokens of all four kinds: `total_tokens`", _ALL),
    "input_tokens": ("Input tokens of no other kind", _ALL),
    "cached_input_tokens": ("Input tokens read from a cache", _ALL),
    "cache_write_5m_tokens": ("Input tokens written to a cache for 5 minutes", _ALL),
    "cache_write_1h_tokens": ("Input tokens written to a cache for an hour", _ALL),
    "input_audio_tokens": ("Input tokens of sound, not read from a cache", _ALL),
    "output_tokens": ("Output tokens without reasoning and sound", _ALL),
    "reasoning_tokens": ("Reasoning tokens", _ALL),
    "output_audio_tokens": ("Output tokens of sound", _ALL),
    "cost_nano_usd": ("1e-9 USD, of turns that have a price", _ALL),
    "unpriced": ("Turns whose model has no price", _ALL),
    "response_time_ms": ("Milliseconds, added up", _ALL),
    "bookmarked": ("Turns that are bookmarked", _ALL),
    "shared": ("Turns that were shared", _ALL),
    "flagged": ("Turns that moderation flagged", _ALL),
    "follow_ups": ("Second turns of a session", _ALL),
    "helpful": ("Turns with thumbs up", _ALL),
    "unhelpful": ("Turns with thumbs down", _ALL),
    "rating:<1-5>": ("Turns by stars", _ALL),
    "personality:<name>": ("Turns by `personality_used`", _ALL),
    "topic:<category>": ("Turns by `query_category`", _ALL),
    "model:<name>": ("Turns by `model_used`", _ALL),
    "language:<tag>": ("Turns by `user_query_language`", _ALL),
    "complexity:<level>": ("Turns by `query_complexity`", _ALL),
    "quality:<level>": ("Turns by `response_quality`", _ALL),
    "deep_dive:<category>": ("Turns that are the third of their session or later, by category", _ALL),
    "hour:<0-23>": ("Turns by hour of the user's own day", _CALENDAR),
    "weekday:<0-6>": ("Turns by day of the week in the user's own calendar, 0 is Monday", _CALENDAR),
    "source:<reference>": ("Turns by source: citations, RAG sources and references, each once in a turn", _CALENDAR),
    "timezone:<zone>": ("Turns, sessions and bookmarks by the zone stamped on them", _CALENDAR),
    "utc:<day>": ("Turns of the user's day by day of UTC", "day"),
    "sessions": ("Sessions started", _CALENDAR),
    "ended_sessions": ("Sessions that have ended, in the day they started", _CALENDAR),
    "session_seconds": ("Their durations, added up", _CALENDAR),
    "bookmarks": ("Bookmarks saved, and not deleted since", _CALENDAR),
    "active_days": ("Days with a turn", _LONGER),
    "week:<ISO week>": ("Days with a turn, by ISO week of the user's own calendar", "all time"),
}

_PERIODS = "day and month of UTC"

PLATFORM_MEASURES: Measures = {
    "interactions": ("Turns", _PERIODS + "; the user's presence on a day of UTC"),
    "tokens": ("Tokens of all four kinds", _PERIODS),
    "cost_nano_usd": ("1e-9 USD, of turns that have a price", _PERIODS),
    "unpriced": ("Turns whose model has no price", _PERIODS),
    "response_time_ms": ("Milliseconds, added up", _PERIODS),
    "timed": ("Turns that report their time", _PERIODS),
    "response_ms:<bin>": ("Turns by bin of their response time: see [quantile](#quantile)", _PERIODS),
    "fallback": ("Turns answered by a fallback", _PERIODS),
    "flagged": ("Turns that moderation flagged", _PERIODS),
    "bookmarked": ("Turns that are bookmarked", _PERIODS),
    "shared": ("Turns that were shared", _PERIODS),
    "follow_ups": ("Second turns of a session", _PERIODS),
    "helpful": ("Turns with thumbs up", _PERIODS),
    "unhelpful": ("Turns with thumbs down", _PERIODS),
    "rating:<1-5>": ("Turns by stars", _PERIODS + "; question"),
    "<d>:<value>": ("Turns by d: `model`, `personality`, `category`, `language`", _PERIODS),
    "<d>_tokens:<value>": ("Tokens by the same", _PERIODS),
    "<d>_cost_nano_usd:<value>": ("1e-9 USD by the same", _PERIODS),
    "<d>_unpriced:<value>": ("Turns whose model has no price, by the same", _PERIODS),
    "sessions": ("Sessions started", _PERIODS),
    "ended_sessions": ("Sessions that have ended, in the day they started", _PERIODS),
    "session_seconds": ("Their durations, added up", _PERIODS),
    "active_users": ("Users with turns on the day of UTC, or in the month of their own calendar", _PERIODS),
    "new_users": ("Users whose first session or turn was then", _PERIODS),
    "asked": ("Turns that ask the question", "question"),
    "asker:<pseudonym>": ("The same by who asked, the first three; `asker:other` is all further ones", "question"),
    "users": ("Users with turns", "cohort, growth"),
    "week:<n>": ("Of a cohort's users those with turns in the nth week after their first; the first is 0", "cohort"),
    "bookmarking": ("Users who have saved a turn", "growth"),
    "multiple_personalities": ("Users who have asked two personalities or more", "growth"),
    "follow_up_questions": ("Users who have asked a second question in a session", "growth"),
}
