"""What the rules on abuse know of a question, in a form that the question can't be read back from."""

from __future__ import annotations

from pydantic import Field

from models.core.document import Message
from models.core.values import Count
from models.risk.text import question_hash, signals_of, sketch


class QuestionFacts(Message):
    """A question without its text: enough to tell a repeated or an advertising one.

    Of turns whose texts are not stored both hashes are keyed, so that nobody without the key can try guesses at them.
    They equal those of the same user's other such turns, and of no turn with its texts.
    """

    digest: str = Field(description="Hash of the normalised question: 12 hexadecimal digits")
    sketch: str = Field(description="MinHash of the question: 32 bytes in base64")
    size: Count = Field(description="UTF-8 bytes")
    signals: Count = Field(description="What stands out: flags of `Signal`")
    promotion: Count = Field(description="Different words of advertising")


def question_facts(text: str, key: bytes = b"") -> QuestionFacts:
    """The facts of a question, hashed with a key unless its text is stored beside them."""
    signals, promotion = signals_of(text)
    return QuestionFacts(
        digest=question_hash(text, key),
        sketch=sketch(text, key),
        size=len(text.strip().encode()),
        signals=int(signals),
        promotion=promotion,
    )
