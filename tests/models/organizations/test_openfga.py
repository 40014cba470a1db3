"""The app decides on members' rights as OpenFGA does. `python -m bench rights` asks 10,000 questions, this fewer."""

from __future__ import annotations

from pathlib import Path

from bench.measurements.rights import SEED, compared

QUESTIONS = 300


def test_the_app_decides_as_openfga_does(tmp_path: Path) -> None:
    allowed, told = compared(QUESTIONS, SEED, tmp_path)
    assert QUESTIONS // 20 < allowed < QUESTIONS
    assert f"{QUESTIONS}/{QUESTIONS} passing" in told, told[-3000:]
