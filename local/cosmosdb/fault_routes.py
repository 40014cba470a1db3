"""Routes that make the engine misbehave on purpose. They are there only where it was started to allow that."""

from local.cosmosdb.engine import Engine
from local.cosmosdb.errors import CosmosError, bad_request
from local.cosmosdb.faults import FaultRules, parse_rule
from local.cosmosdb.messages import Reply, Request, json_reply


async def get_faults(engine: Engine, request: Request) -> Reply:
    """The rules, each with how many requests it matched and how many it struck."""
    return _report(_rules(engine), 200)


async def put_faults(engine: Engine, request: Request) -> Reply:
    """These rules, and no others: `{"rules": [...]}`."""
    faults, body = _rules(engine), request.json()
    if not isinstance(body, dict) or not isinstance(body.get("rules"), list):
        raise bad_request('The rules must be given as {"rules": [...]}.')
    faults.rules = [parse_rule(rule) for rule in body["rules"]]
    return _report(faults, 200)


async def post_faults(engine: Engine, request: Request) -> Reply:
    """One more rule, behind the others."""
    faults = _rules(engine)
    faults.rules.append(parse_rule(request.json()))
    return _report(faults, 201)


async def delete_faults(engine: Engine, request: Request) -> Reply:
    _rules(engine).rules = []
    return Reply(204, "")


async def post_split(engine: Engine, request: Request) -> Reply:
    """Split a range now: `{"database", "container", "range"?}`, by its number, else the first; answers the ranges."""
    _rules(engine)
    body = request.json()
    if not isinstance(body, dict) or not all(isinstance(body.get(name), str) for name in ("database", "container")):
        raise bad_request("A split needs 'database' and 'container', and may name a 'range'.")
    container = engine.catalog.container(body["database"], body["container"])
    number = str(body.get("range", container.ranges[0].number))
    if not number.isdecimal():
        raise bad_request(f"'{number}' is not the number of a range.")
    ranges = engine.catalog.split(container, int(number)).ranges
    rows = [{"id": str(r.number), "minimum": r.minimum, "maximum": r.maximum} for r in ranges]
    return json_reply(200, "", {"ranges": rows}, 0.0)


def _rules(engine: Engine) -> FaultRules:
    """Raises CosmosError 404 in an engine that was not started for this."""
    if engine.faults is None:
        raise CosmosError(404, "There are no faults here: start the engine with --fault-injection to have them.")
    return engine.faults


def _report(faults: FaultRules, status: int) -> Reply:
    return json_reply(status, "", {"rules": [rule.report() for rule in faults.rules]}, 0.0)


ROUTES = {
    ("GET", "/_local/faults"): get_faults,
    ("PUT", "/_local/faults"): put_faults,
    ("POST", "/_local/faults"): post_faults,
    ("DELETE", "/_local/faults"): delete_faults,
    ("POST", "/_local/split"): post_split,
}
