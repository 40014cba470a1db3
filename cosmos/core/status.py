"""The statuses of Cosmos DB's answers that mean something here."""

from __future__ import annotations

NOT_FOUND = 404
CONFLICT = 409
"""A document of that id is there already."""

PRECONDITION_FAILED = 412
"""A document has another ETag, or a patch's condition does not hold."""

TOO_LARGE = 413

OUTRUN = (CONFLICT, PRECONDITION_FAILED)
"""What a batch fails with when somebody else has made or written a document in it."""

OUTRUN_OR_GONE = (NOT_FOUND, *OUTRUN)
"""The same of a batch that also deletes, or starts from what was read a while ago."""
