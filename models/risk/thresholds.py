"""The rules' thresholds, as settings. At a threshold a finding has half its full strength, at twice the threshold all.

Each is set where people end, with room: the heaviest of a population of people stay below two thirds of it.
"""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class _Limits(BaseModel):
    """Read from settings, so numbers may come as text; an unknown name is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ExcessiveLimits(_Limits):
    """More than a person asks."""

    turns_per_hour: int = Field(default=110, gt=0, description="Turns in one clock hour")
    turns_per_day: int = Field(default=150, gt=0, description="Turns in 24 consecutive clock hours")
    turns_per_week: int = Field(default=700, gt=0, description="Turns in 168 consecutive clock hours")


class RepetitionLimits(_Limits):
    """The same question over and over. One whose answer failed does not count, nor does one about another document."""

    repeats_per_day: int = Field(default=12, gt=1, description="Times that one question is asked in 24 hours")
    share: float = Field(
        default=0.3, gt=0, le=1, description="Of the turns in that time, at least this share is of such questions"
    )
    habit_per_day: int = Field(default=6, gt=0, description="Times a day that a habit explains")
    beyond_habit: int = Field(default=16, gt=0, description="Repeats beyond the habit, summed over the window's days")
    short_bytes: int = Field(default=14, ge=0, description="Shorter prompts are repeated by anybody")
    short_factor: float = Field(
        default=4, ge=1, description="Short prompts, and those to go on, may be repeated this many times as often"
    )
    document_tokens: int = Field(
        default=6000, gt=0, description="Unexplained input that is a document: the same words about another are another"
    )
    few_questions: int = Field(
        default=12, gt=1, description="So few questions or fewer, day and night, are no person's"
    )
    few_repeats: int = Field(default=40, gt=1, description="Times that they are asked, at least")
    few_share: float = Field(default=0.7, gt=0, le=1, description="Of the turns in that time, at least this share")


class TimingLimits(_Limits):
    """Machines keep time, do not rest, and do not read."""

    longest_gap_minutes: float = Field(default=120, gt=0, description="A longer pause ends an uninterrupted run")
    gaps: int = Field(default=36, ge=8, description="Gaps between turns that regularity is judged on, at least")
    dispersion_brief: float = Field(
        default=0.08, gt=0, lt=1, description="(Q3-Q1)/(Q3+Q1) of the gaps, at most, over half an hour"
    )
    dispersion_long: float = Field(default=0.3, gt=0, lt=1, description="The same over six hours without a long pause")
    gaps_long: int = Field(default=20, ge=8, description="Gaps that are enough over six hours without a long pause")
    dispersion_few: float = Field(default=0.15, gt=0, lt=1, description="Their (Q3-Q1)/(Q3+Q1), at most")
    rest_hours: float = Field(default=3, gt=0, description="A pause this long is rest")
    sleepless_hours: float = Field(default=30, gt=0, description="Hours on one device without rest, at most")
    sleepless_turns: int = Field(default=30, gt=0, description="Turns in that time, at least")
    night_days: float = Field(default=4, gt=0, description="Days that are needed to tell whether there is a night")
    night_turns: int = Field(default=60, gt=0, description="Turns in that time, at least")
    night_rest_hours: float = Field(default=5.5, gt=0, description="A pause this long is a night's rest")
    night_rests: float = Field(default=0.7, gt=0, le=1, description="Such rests a day, at most")
    night_share: float = Field(
        default=0.12, gt=0, lt=0.25, description="Of the turns, in the quietest six hours of the day, at least"
    )
    instant_seconds: float = Field(default=2, gt=0, description="From a response to the next question: no person reads")
    instant_turns: int = Field(default=30, gt=0, description="Such turns in one session")
    instant_share: float = Field(default=0.5, gt=0, le=1, description="Of the session's turns, at least this share")
    automated_turns: int = Field(default=25, gt=0, description="Turns by a client that calls itself a program")
    automated_share: float = Field(default=0.5, gt=0, le=1, description="Of all turns, at least this share")


class TokenLimits(_Limits):
    """Tokens that neither the question nor the conversation so far explains."""

    free_tokens: int = Field(default=5000, ge=0, description="Unexplained tokens that any turn may have")
    tokens_per_day: int = Field(default=250_000, gt=0, description="Tokens beyond them in 14 hours")
    tokens_per_week: int = Field(default=1_000_000, gt=0, description="Tokens beyond them in 7 days")
    turns_per_day: int = Field(default=20, gt=0, description="Turns with such tokens in 14 hours, at least")
    turns_per_week: int = Field(default=80, gt=0, description="Turns with such tokens in 7 days, at least")
    turns_all_day: int = Field(
        default=50, gt=0, description="Turns that bring the same again in 14 hours until nobody is reading it"
    )
    share: float = Field(default=0.3, gt=0, le=1, description="Of the turns in that time, at least this share")


class PlaceLimits(_Limits):
    """One account in many places: on several networks and devices, or in several sessions, at once."""

    idle_minutes: float = Field(default=25, gt=0, description="A place is left when it is silent for longer")
    at_once: int = Field(default=4, ge=2, description="Places in use at once that one person does not have")
    turns: int = Field(default=10, gt=0, description="Turns there in all, at least")
    recurring: int = Field(default=3, ge=2, description="Places at once that count if they come again and again")
    recurring_days: int = Field(default=3, ge=2, description="On so many days")
    over_a_week: int = Field(default=6, ge=2, description="Networks in 7 days, each with a device of its own")
    over_a_week_turns: int = Field(default=40, gt=0, description="Turns in those 7 days, at least")
    accounts: int = Field(default=5, ge=2, description="Busy accounts at one address on one day, at least")
    accounts_at_most: int = Field(default=60, ge=2, description="More are a campus or a carrier, whose people are many")
    accounts_turns: int = Field(default=60, gt=0, description="Turns of each on that day, on average, at least")
    accounts_hours: float = Field(
        default=14, gt=0, le=24, description="Or hours of the day in which each was there, on average, at least"
    )


class SpamLimits(_Limits):
    """Advertisements instead of questions."""

    turns: int = Field(default=8, gt=0, description="Advertisements in the window")
    share: float = Field(default=0.15, gt=0, le=1, description="Of the turns in their time, at least this share")
    template_turns: int = Field(default=12, gt=0, description="Turns with a link in one wording, whatever the words")
    template_similarity: float = Field(default=0.6, gt=0.3, le=1, description="Jaccard similarity of one wording")


class Thresholds(_Limits):
    """All rules' thresholds."""

    excessive_usage: ExcessiveLimits = ExcessiveLimits()
    repetitive_queries: RepetitionLimits = RepetitionLimits()
    bot_like_patterns: TimingLimits = TimingLimits()
    token_abuse: TokenLimits = TokenLimits()
    suspicious_patterns: PlaceLimits = PlaceLimits()
    spam: SpamLimits = SpamLimits()


class RiskSettings(_Limits):
    """What is judged how, and what follows from it."""

    thresholds: Thresholds = Thresholds()
    points_per_rule: float = Field(default=90, gt=0, le=100, description="Score of one finding at full strength")
    half_life_days: float = Field(default=14, gt=0, description="Days after the last evidence until a finding halves")
    forget_below: float = Field(default=5, ge=0, le=100, description="A finding that scores less is forgotten")
    flag_from: float = Field(default=30, gt=0, le=100, description="Score from which the account is flagged")
    suspend_from: float = Field(default=80, gt=0, le=100, description="Score from which it is suspended")
    shadow: bool = Field(default=True, description="Only record what would have been done")

    @model_validator(mode="after")
    def _suspends_later_than_it_flags(self) -> Self:
        if self.suspend_from < self.flag_from:
            raise ValueError("suspend_from must not be below flag_from")
        return self
