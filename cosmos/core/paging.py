"""Queries, a page at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from typing import Any

from azure.cosmos.aio import ContainerProxy

from cosmos.core.database import Item

Rows = tuple[list[Item], str | None]
"""One page, and the continuation of the next; None after the last."""

MOST_REQUESTS = 200
"""For one page. A container has a range for every 10,000 RU/s or 50 GB; a request looks through some MB of one."""


async def page_of(
    container: ContainerProxy,
    query: str,
    parameters: dict[str, Any],
    limit: int,
    continuation: str | None,
    partition_key: str | None,
) -> Rows:
    """One page of a query, by one request. It may be short, or even empty, and not be the last.

    Args:
        parameters: By name, without the `@`.
        limit: Most rows. A page takes at most 4 MB, so large documents make short pages.
        partition_key: The one logical partition to look in; None looks in all of them, which no user's route may.
    """
    where: dict[str, Any] = {"partition_key": partition_key} if partition_key else {}
    pages: Any = container.query_items(
        query,
        parameters=_named(parameters),
        max_item_count=limit,
        **where,
    ).by_page(continuation)
    async for page in pages:
        return [row async for row in page], pages.continuation_token
    return [], None


async def full_page_of(
    container: ContainerProxy,
    query: str,
    parameters: dict[str, Any],
    limit: int,
    continuation: str | None,
    partition_key: str | None,
) -> Rows:
    """One page that is full unless it is the last: what one request leaves short, such as at the end of a range of
    partitions, the next ones fill.

    It costs a request for each range that has to be looked into: of all of them, where few documents fit. After
    `MOST_REQUESTS` it stays short.
    """
    rows: list[Item] = []
    for _ in range(MOST_REQUESTS):
        more, continuation = await page_of(container, query, parameters, limit - len(rows), continuation, partition_key)
        rows += more
        if continuation is None or len(rows) >= limit:
            break
    return rows, continuation


async def rows_of(
    container: ContainerProxy, query: str, parameters: dict[str, Any], partition_key: str, limit: int = 400
) -> list[Item]:
    """All rows of a query in one logical partition, `limit` of them at most in a page."""
    found: list[Item] = []
    continuation: str | None = None
    while True:
        rows, continuation = await page_of(container, query, parameters, limit, continuation, partition_key)
        found += rows
        if continuation is None:
            return found


async def rows_everywhere(container: ContainerProxy, query: str, parameters: dict[str, Any]) -> list[Item]:
    """All rows of a query in all partitions, which no user's route may ask for."""
    return [row async for row in container.query_items(query, parameters=_named(parameters))]


async def some_of(container: ContainerProxy, ids: Collection[str], partition_key: str) -> list[Item]:
    """Those of the documents with these ids that there are, in one logical partition, by one request.

    The SDK's `read_items` asks the same, and takes half as much processor time again to find out which partitions.
    """
    names = {f"id{number}": item_id for number, item_id in enumerate(dict.fromkeys(ids))}
    if not names:
        return []
    query = f"SELECT * FROM c WHERE c.id IN ({', '.join(f'@{name}' for name in names)})"  # noqa: S608  # no values
    return await rows_of(container, query, names, partition_key)


async def pages_of(container: ContainerProxy, query: str, limit: int, partition_key: str) -> AsyncIterator[list[Item]]:
    """The rows of a query in one logical partition, a page of at most `limit` at a time."""
    continuation: str | None = None
    while True:
        rows, continuation = await page_of(container, query, {}, limit, continuation, partition_key)
        yield rows
        if continuation is None:
            return


def _named(parameters: dict[str, Any]) -> list[dict[str, object]]:
    return [{"name": f"@{name}", "value": value} for name, value in parameters.items()]
