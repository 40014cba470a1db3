"""Everything that is held about the user, to take away."""

from __future__ import annotations

from pydantic import Field

from cosmos.privacy.exporting import Exporting
from functions.core.api import Routes
from functions.core.call import Call
from functions.core.operation import Query, Reply
from functions.core.paging import signed, verified_continuation
from models.privacy.actions import EXPORT
from models.privacy.export import ExportLine, MoreToCome, Progress, as_line

routes = Routes()


class ExportQuery(Query):
    """Which page."""

    limit: int = Field(default=1000, ge=1, le=2000, description="Most documents in a page; large ones make it shorter")
    continuation: str | None = Field(
        default=None, max_length=8192, pattern="^[A-Za-z0-9_=-]*$", description="From the last line of the page before"
    )


@routes.operation(
    "GET",
    "me/export",
    summary="Everything that is held about the user, as lines of JSON",
    action=EXPORT,
    query=ExportQuery,
    returns=ExportLine,
    media_type="application/x-ndjson",
    problems=("bad-continuation",),
)
async def export_me(call: Call[None]) -> Reply:
    r"""Each line is an object whose `record` says what it is:

    * `manifest`, the first line of the first page: what there was of each kind when the export began.
    * `document`: one document and its `container`, as it is stored. All containers, everything about the user: also
      what staff did and decided, what was found of abuse (though not by which thresholds), and what only the service
      itself reads.
    * `continuation`, the last line of a page that others follow: send it back for the next page.
    * `end`, the last line of the last page: what was sent, by container and kind. A page whose last line is neither of
      these two was cut off: ask for it again.

    An account that is suspended or blocked is exported, too. A page has up to `limit` documents, or fewer once they
    have 1.5 MB. What was there from the first page to the last is exported exactly once, as its page found it; what
    comes, changes or goes meanwhile may differ from the counts of the manifest, and not from those of the end.

    In a shell, into one file:

    ```sh
    next=
    while page=$(curl -sSf -H "Authorization: Bearer $TOKEN" "$API/me/export${next:+?continuation=$next}"); do
      printf '%s\n' "$page" >> export.ndjson
      next=$(printf '%s\n' "$page" | sed -n '$s/^{"record":"continuation","continuation":"\(.*\)"}$/\1/p')
      [ -n "$next" ] || break
    done
    ```
    """
    return await exported_of(call, call.person.user_id)


async def exported_of(call: Call[None], user_id: str) -> Reply:
    """A page of what is held about a user."""
    state = verified_continuation(call)
    lines: list[str] = []
    if state is None:
        manifest, outside, progress = await call.store[Exporting].begin(user_id, call.now)
        lines = [as_line(line) for line in (manifest, *outside)]
    else:
        progress = Progress.model_validate_json(state)
    documents, progress = await call.store[Exporting].page(user_id, progress, call.query.limit)
    if progress.container is None:
        last = as_line(progress.end())
    else:
        last = as_line(MoreToCome(continuation=signed(call, progress.model_dump_json())))
    return Reply("\n".join([*lines, *documents, last, ""]))
