"""What limits are of: windows of time, and what is measured in them."""

from __future__ import annotations

from typing import Literal

Window = Literal["minute", "day", "month"]
Measure = Literal["queries", "tokens", "cost_nano_usd"]
ShownMeasure = Literal["queries", "tokens", "cost_usd"]
"""As people are told it."""
