"""Keys for different purposes, from one secret: what is made with one tells nothing of what is made with another."""

from __future__ import annotations

import hmac
from typing import Literal

Purpose = Literal["addresses", "continuations", "invitations", "pseudonyms", "receipts", "texts"]
"""What the pseudonym key is used for."""


def subkey(secret: bytes, purpose: Purpose) -> bytes:
    """The key for one purpose: HMAC-SHA256 of its label, 32 bytes."""
    return hmac.digest(secret, purpose.encode(), "sha256")
