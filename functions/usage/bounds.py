"""What one turn may be said to have used: beyond that it is a mistake, and would make sums that mean nothing."""

from __future__ import annotations

from functions.core import problems


def check_tokens(total: int, most: int) -> None:
    """Refuses a turn, or an admission, of more tokens than one may have.

    Raises:
        Problem: 422.
    """
    if total > most:
        raise problems.not_valid({"": f"Tokens of all kinds should be at most {most} together"})
