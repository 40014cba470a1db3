"""What each measure of the rollups counts. A test sees that these are all that the fold makes."""

from __future__ import annotations

Measures = dict[str, tuple[str, str]]
"""By name: what it is, and what it is counted in."""

_ALL = "session, day, week, month, all time"
_CALENDAR = "day, week, month, all time"
_LONGER = "week, month, all time"

USER_MEASURES: Measures = {
    "interactions": ("Turns", _ALL),
    "tokens": ("Tokens of all kinds: `total_tokens`", _ALL),
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
    "timed": ("Turns that report their time", _ALL),
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
    "deep_dive:<category>": (
        "Sessions that asked about the category three times or more, in the day of their first turn by their main zone",
        _CALENDAR,
    ),
    "hour:<0-23>": ("Turns by hour of the user's own day", _CALENDAR),
    "weekday:<0-6>": ("Turns by day of the week in the user's own calendar, 0 is Monday", _CALENDAR),
    "source:<reference>": ("Turns by source that their answer cites, each once in a turn", _CALENDAR),
    "address:<hash>": ("Turns by keyed hash of the address that they came from", "day"),
    "automated": ("Turns by a client that says that it is a program", _CALENDAR),
    "advertisements": ("Turns that advertise instead of asking", _CALENDAR),
    "heavy_turns": ("Turns with more tokens than 5,000 that nothing explains", _CALENDAR),
    "heavy_tokens": ("These tokens, beyond 5,000 a turn", _CALENDAR),
    "sign:<rule>/<pattern>/<strength>": ("Days by the signs of misuse that they show", _LONGER),
    "timezone:<zone>": ("Turns, sessions and bookmarks by the zone stamped on them", _ALL),
    "sessions": ("Sessions started", _CALENDAR),
    "ended_sessions": ("Sessions that have ended and whose duration is known, in the day they started", _CALENDAR),
    "session_seconds": ("Their durations, added up", _CALENDAR),
    "bookmarks": ("Bookmarks saved, and not deleted since", _CALENDAR),
    "served": ("Turns that servers recorded", "day of UTC"),
    "active_days": ("Days with a turn", _LONGER),
    "week:<ISO week>": ("Days with a turn, by ISO week of the user's own calendar", "all time"),
}

_PERIODS = "day and month of UTC"
_PRESENCE = _PERIODS + "; the user's presence on a day of UTC"

PLATFORM_MEASURES: Measures = {
    "interactions": ("Turns", _PRESENCE),
    "tokens": ("Tokens of all kinds", _PERIODS),
    "cost_nano_usd": ("1e-9 USD, of turns that have a price", _PRESENCE),
    "unpriced": ("Turns whose model has no price", _PRESENCE),
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
    "rating:<1-5>": ("Turns by stars", _PERIODS + "; the platform's question"),
    "<d>:<value>": ("Turns by d: `model`, `personality`, `category`, `language`", _PERIODS),
    "<d>_tokens:<value>": ("Tokens by the same", _PERIODS),
    "<d>_cost_nano_usd:<value>": ("1e-9 USD by the same", _PERIODS),
    "<d>_unpriced:<value>": ("Turns whose model has no price, by the same", _PERIODS),
    "reported": ("Turns that users recorded: they are in none of the above", _PERIODS),
    "reported_tokens": ("Their tokens of all kinds", _PERIODS),
    "reported_cost_nano_usd": ("1e-9 USD, of those that have a price", _PERIODS),
    "reported_unpriced": ("Those whose model has no price", _PERIODS),
    "<d>_reported:<value>": (
        "The same by d; what only users have names for is `other`",
        _PERIODS,
    ),
    "<d>_reported_tokens:<value>": ("Their tokens by the same", _PERIODS),
    "<d>_reported_cost_nano_usd:<value>": ("1e-9 USD by the same", _PERIODS),
    "<d>_reported_unpriced:<value>": ("Those whose model has no price, by the same", _PERIODS),
    "sessions": ("Sessions started", _PERIODS),
    "ended_sessions": ("Sessions that have ended and whose duration is known, in the day they started", _PERIODS),
    "session_seconds": ("Their durations, added up", _PERIODS),
    "active_users": ("Users with turns on the day of UTC, or in the month of their own calendar", _PERIODS),
    "new_users": ("Users whose first turn was then", _PERIODS),
    "feature:<name>": (
        "Users who used a feature in that month of their own calendar, of those with turns in it",
        "month of UTC",
    ),
    "asked": ("Turns that ask the question; in the platform up to three of each user on each day", "question"),
    "asker:<pseudonym>/<day>": (
        "Turns by who asked and on which day of UTC, the first 300 pairs; `asker:other` is all further ones",
        "a shard's question",
    ),
    "stars:<1-5>/<pseudonym>": ("Ratings by stars and by who gave them", "a shard's question"),
    "askers": ("Users who asked the question", "the platform's question"),
    "users": ("Users whose first turn was on that day", "cohort"),
    "day_1": ("Of them, those with turns on the next day or later", "cohort"),
    "day_7": ("Of them, those with turns 7 days later or after that", "cohort"),
    "day_30": ("Of them, those with turns 30 days later or after that", "cohort"),
}
