"""Which container, range and documents a request is about, and whether its session token can be served."""

from collections.abc import Mapping, Sequence

from local.cosmosdb.catalog import Container, Range
from local.cosmosdb.engine import Engine
from local.cosmosdb.errors import CosmosError, bad_request, owner_not_found, range_gone
from local.cosmosdb.messages import Reply, Request
from local.cosmosdb.partitioning import MAX_EPK, MIN_EPK
from local.cosmosdb.scan import Scope

_CONSISTENCY = ("session", "consistentprefix", "eventual")


def container_of(engine: Engine, request: Request) -> Container:
    """The container whose child the request is about; raises CosmosError 404/1003 or, if its rid differs, 400/1024."""
    consistency = request.headers.get("x-ms-consistency-level", _CONSISTENCY[0])
    if consistency.lower() not in _CONSISTENCY:
        raise bad_request(
            f"ConsistencyLevel {consistency} specified in the request is invalid when service is configured with "
            "consistency level Session."
        )
    database, name = request.address.names[:2]
    try:
        container = engine.catalog.container(database, name)
    except CosmosError as error:
        raise owner_not_found() from error
    intended = request.headers.get("x-ms-cosmos-intended-collection-rid")
    if intended and intended != container.rid:
        raise bad_request("The container has been recreated: its resource id is not the intended one.", sub_status=1024)
    return container


def scope_of_request(request: Request, container: Container) -> tuple[Scope, list[Range]]:
    """The documents that the partition key, range id and EPK headers leave, and the ranges that hold them."""
    key = request.partition_key(container)
    if key is not None and container.partition_key.is_complete(key):
        return Scope.of_partition(container.key, key), [container.range_for(key)]
    low, high = container.partition_key.interval(key) if key else (MIN_EPK, MAX_EPK)
    range_id = request.headers.get("x-ms-documentdb-partitionkeyrangeid")
    if range_id is not None:
        place = _range(container, range_id)
        low, high = max(low, place.minimum), min(high, place.maximum)
    low = max(low, request.headers.get("x-ms-start-epk", MIN_EPK))
    high = min(high, request.headers.get("x-ms-end-epk", MAX_EPK))
    ranges = [place for place in container.ranges if place.minimum < high and low < place.maximum]
    return Scope(container.key, low, high), ranges


def _range(container: Container, header: str) -> Range:
    """By its id, which may follow the container's rid and a comma; raises CosmosError 410/1002 if there is none."""
    text = header.rsplit(",", 1)[-1]
    for place in container.ranges:
        if str(place.number) == text:
            return place
    raise range_gone(header)


def check_session(request: Request, newest: Mapping[int, int]) -> None:
    """Raise CosmosError 404/1002 if the session token is ahead of the newest LSN of a range; 400 if malformed."""
    token = request.headers.get("x-ms-session-token")
    if not token:
        return
    for pair in token.split(","):
        number, _, vector = pair.partition(":")
        lsn = vector.split("#")[1] if "#" in vector else vector
        if not number.isdigit() or not lsn.isdigit():
            raise bad_request(f"The session token '{token}' is invalid.")
        if int(number) in newest and int(lsn) > newest[int(number)]:
            raise CosmosError(404, "The read session is not available for the input session token.", sub_status=1002)


def newest_lsns(engine: Engine, container: Container, ranges: Sequence[Range]) -> dict[int, int]:
    """The LSN of the last write to each of these ranges; raises CosmosError if the container is gone by now."""
    lsns = dict(engine.reader.execute("SELECT id, lsn FROM ranges WHERE container = ?", (container.key,)))
    if not lsns:
        raise owner_not_found()
    return {place.number: lsns[place.number] for place in ranges}


def add_session(reply: Reply, container: Container, newest: Mapping[int, int]) -> Reply:
    """Say which ranges at which LSN a feed or query was answered from."""
    if len(newest) == 1:
        ((number, lsn),) = newest.items()
        return reply.about(container, range_number=number, lsn=lsn)
    reply.about(container)
    reply.headers["x-ms-session-token"] = ",".join(f"{number}:-1#{lsn}" for number, lsn in newest.items())
    return reply
