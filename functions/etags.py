"""ETags: what a document is called at one of its revisions, so that nobody's change is lost."""

from __future__ import annotations

import re

from functions.problems import Problem
from models.document import Document
from models.errors import Stale

_REVISION = re.compile(r'"([1-9]\d{0,14})"')


def revision_etag(document: Document) -> str:
    """The ETag of a document that is written also by what its editors need not know of, such as counters.

    The database's own ETag changes with each of those writes; the revision does not.
    """
    return f'"{document.revision}"'


def expected_revision(if_match: str | None) -> int:
    """The revision that the caller has seen, by the header If-Match.

    Raises:
        Problem: 428, there is no such header.
        Stale: it is not the ETag of any revision.
    """
    if not if_match:
        detail = "Send the ETag of what you have read as If-Match, so that nobody's change is lost."
        raise Problem(428, "precondition-required", "If-Match is required", detail)
    etag = _REVISION.fullmatch(if_match)
    if etag is None:
        raise Stale
    return int(etag[1])
