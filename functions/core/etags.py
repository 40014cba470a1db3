"""ETags: what a document is called at one of its revisions, so that nobody's change is lost."""

from __future__ import annotations

import base64
import hashlib
import re

from functions.core.problems import Problem
from models.core.document import Document
from models.core.revisions import ANY_REVISION, Revisions

_OPAQUE = r'"[\x21\x23-\x7e\x80-\xff]*"'
_TAG = re.compile(rf"(?:W/)?{_OPAQUE}")
_LIST = re.compile(rf"[ \t,]*(?:W/)?{_OPAQUE}(?:[ \t]*,[ \t,]*(?:W/)?{_OPAQUE})*[ \t,]*")
_CODED = "-gzip"
_REVISION = re.compile(rf'"([1-9]\d{{0,14}})(?:{_CODED})?"')


def revision_etag(document: Document) -> str:
    """The ETag of a document that is written also by what its editors need not know of, such as counters.

    The database's own ETag changes with each of those writes; the revision does not.
    """
    return f'"{document.revision}"'


def content_etag(content: bytes) -> str:
    """The ETag of what has no revision: a hash of the answer."""
    digest = hashlib.sha256(content).digest()[:15]
    return f'"{base64.urlsafe_b64encode(digest).decode()}"'


def coded(etag: str) -> str:
    """The ETag of the same content compressed: other bytes must have another one (RFC 9110, 8.8.3.3)."""
    return f'{etag[:-1]}{_CODED}"'


def matches(if_none_match: str | None, etag: str) -> str | None:
    """Which ETag of the header If-None-Match names this content, compressed or not; None if none does.

    `*` is any. Weak ETags count (RFC 9110, 13.1.2).
    """
    if not if_none_match:
        return None
    if if_none_match.strip() == "*":
        return etag
    tags = {tag.removeprefix("W/") for tag in _TAG.findall(if_none_match)} if _LIST.fullmatch(if_none_match) else set()
    return next((known for known in (etag, coded(etag)) if known in tags), None)


def expected_revisions(if_match: str | None) -> Revisions:
    """The revisions that a caller goes by, from the header If-Match (RFC 9110, 13.1.1).

    `*` is any. Of a list, one must match, and a weak ETag never does. What is not written as a list matches none.

    Raises:
        Problem: 428, there is no such header.
    """
    if not if_match:
        detail = "Send the ETag of what you have read as If-Match, so that nobody's change is lost."
        raise Problem(428, "precondition-required", "If-Match is required", detail)
    if if_match.strip() == "*":
        return ANY_REVISION
    if not _LIST.fullmatch(if_match):
        return Revisions.of()
    tags = (_REVISION.fullmatch(tag) for tag in _TAG.findall(if_match))
    return Revisions.of(*(int(tag[1]) for tag in tags if tag))
