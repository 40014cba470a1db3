"""The data model as a page, made from the models, so that it says what they say.

python -m docs.data_model            # writes docs/data-model.md
python -m docs.data_model --check    # exits 1 if the page is not what the models say
"""

from __future__ import annotations

import argparse
import importlib
import inspect
import json
import pkgutil
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel

import models
from docs.field_types import Described, fields_of
from docs.figures import INTRODUCTION as OF_FIGURES
from docs.figures import rows
from docs.measures import PLATFORM_MEASURES, USER_MEASURES, Measures
from models.analytics import contribution, dashboard, platform_sources, response_times, rollup, signs
from models.analytics.dashboard import Dashboard
from models.analytics.insights import Insights, PlatformUse
from models.analytics.recommendations import Recommendations
from models.analytics.user_analytics import Totals
from models.chat import complexity, session_quality
from models.core.document import Document
from models.risk import judgement
from models.usage.allowance_view import Usage

PAGE = Path(__file__).parent / "data-model.md"
CONTAINERS = Path(__file__).parent.parent / "cosmos" / "containers.json"

INTRODUCTION = """# Data model

Made from the models by `make docs`; a test fails while it differs from them. The documents are pydantic models in
`models/`, the containers are in `cosmos/containers.json`.

Every container but `leases` is partitioned by `/partition_key`, and for all of a user's data that is the user's id: a
UUIDv5 of Entra ID's (`tid`, `oid`). What the platform counts has partitions of its own (`platform`, and the shards
`platform-00` and so on). Times are UTC in ISO 8601 with microseconds and `Z`; money is USD, and where it must add up
exactly 1e-9 USD as a whole number; texts are counted in code points. Cosmos DB's own properties (`_etag`, `_ts`, ...)
are not listed. Unknown fields are refused on writing. "Kept" counts from the last write of a document, as TTL does in
Cosmos DB.
"""

MEASURES_TOLD = """What `sums` of rollups, and `applied` of ledger entries, hold: whole numbers by measure. `x:<value>`
counts by the values of a dimension; beyond 200 values in one bucket they count as `x:other`."""

FORMULAS: tuple[Callable[..., Any], ...] = (
    complexity.query_complexity,
    session_quality.session_quality,
    rollup.learning_progress,
    signs.anomalies,
    signs.indicators,
    signs.likelihood,
    rollup.bounds_of,
    dashboard.most_active_time,
    dashboard.consistency,
    response_times.quantile,
    judgement.points,
    judgement.score_of,
    judgement.decision_of,
    contribution.of_interaction,
    contribution.of_session,
    contribution.of_bookmark,
    contribution.of_day,
    platform_sources.of_turn,
    platform_sources.of_session,
    platform_sources.told,
    platform_sources.of_shard,
)
"""Rules that fields refer to, told by their own docstrings."""

COMMON = frozenset(Document.model_fields)
"""What every document has: told once, and again only by a kind that says something else of it."""

ANSWERS: tuple[type[BaseModel], ...] = (Dashboard, Totals, Usage, Recommendations, Insights, PlatformUse)
"""Messages whose figures are derived from documents at each request."""

_DAY = 86_400
_YEAR = 365 * _DAY


def kinds() -> list[type[Document]]:
    """Every model of a document that is stored, in the order of their modules."""
    for module in pkgutil.walk_packages(models.__path__, "models."):
        importlib.import_module(module.name)
    found = [model for model in _subclasses(Document) if isinstance(model.model_fields["kind"].default, str)]
    return sorted(found, key=lambda model: (model.__module__, inspect.getsourcelines(model)[1]))


def kind_of(model: type[Document]) -> str:
    return str(model.model_fields["kind"].default)


def page() -> str:
    """The page, as Markdown."""
    stored = kinds()
    containers = json.loads(CONTAINERS.read_text(encoding="utf-8"))["containers"]
    parts: dict[str, Described] = {}
    chapters = [_containers(containers), _common()]
    for container in containers:
        here = [model for model in stored if getattr(model, "container", None) == container["id"]]
        if here:
            chapters.append(f"## Container `{container['id']}`")
            chapters += [_kind(model, container.get("defaultTtl"), parts) for model in here]
    spread = [model for model in stored if not hasattr(model, "container")]
    if spread:
        chapters.append("## In several containers")
        chapters += [_kind(model, None, parts) for model in spread]
    chapters += [_answers(parts), _parts(parts), _figures(), _measures(), _formulas()]
    return "\n\n".join([INTRODUCTION.rstrip(), *chapters]) + "\n"


def _containers(containers: list[dict[str, Any]]) -> str:
    lines = ["## Containers", "", "| container | kept, unless a document says otherwise | indexed | full text |"]
    lines.append("|---|---|---|---|")
    for container in containers:
        indexing = container["indexingPolicy"]
        indexed = ", ".join(f"`{_path(entry['path'])}`" for entry in indexing["includedPaths"]) or "nothing"
        texts = ", ".join(f"`{_path(entry['path'])}`" for entry in indexing.get("fullTextIndexes", [])) or "-"
        kept = lasting(container.get("defaultTtl"))
        lines.append(f"| `{container['id']}` | {kept} | {indexed} | {texts} |")
    return "\n".join([*lines, "", "`leases` holds the change feed's leases, in the format of the Functions trigger."])


def _path(path: str) -> str:
    return path.removeprefix("/").removesuffix("/?").removesuffix("/[]")


def lasting(ttl: int | None) -> str:
    """A time to live in words."""
    if ttl is None or ttl < 0:
        return "for ever"
    for seconds, unit in ((_YEAR, "year"), (_DAY, "day")):
        if ttl % seconds == 0:
            count = ttl // seconds
            return f"{count} {unit}{'s' if count > 1 else ''}"
    return f"{ttl} seconds"


def _common() -> str:
    described = fields_of(Document)
    return "\n".join(["## Every document", "", *_table(described.fields)])


def _kind(model: type[Document], container_ttl: int | None, parts: dict[str, Described]) -> str:
    described = fields_of(model)
    parts.update(described.parts)
    ttl = model.model_fields["ttl"].default
    kept = lasting(container_ttl if ttl is None else ttl)
    if ttl is None and (own := _own_description(model, "ttl")):
        kept = own
    fields = [field for field in described.fields if field[0] not in COMMON or _own_description(model, field[0])]
    fields = [field for field in fields if field[0] != "ttl"]
    return "\n".join([f"### `{kind_of(model)}`", "", _told(model), "", f"Kept: {kept}.", "", *_table(fields)])


def _answers(parts: dict[str, Described]) -> str:
    lines = ["## Computed when asked", "", "What answers hold that is not stored as it is."]
    for answer in ANSWERS:
        described = fields_of(answer)
        parts.update(described.parts)
        lines += ["", f"### {answer.__name__}", "", described.told, "", *_table(described.fields)]
    return "\n".join(lines)


def _own_description(model: type[Document], name: str) -> str | None:
    description = model.model_fields[name].description
    return None if description == Document.model_fields[name].description else description


def _table(fields: list[tuple[str, str, str]]) -> list[str]:
    rows = [f"| `{name}` | {kind} | {_cell(meaning)} |" for name, kind, meaning in fields]
    return ["| field | type | meaning |", "|---|---|---|", *rows]


def _cell(text: str) -> str:
    linked = re.sub(r"[Ss]ee `(\w+)`", lambda found: f"{found[0][:3]} [{found[1]}](#{found[1]})", text)
    return linked.replace("|", "\\|").replace("\n", " ")


def _parts(parts: dict[str, Described]) -> str:
    lines = ["## Parts", "", "What documents hold within a field. Amounts and times as above."]
    for name, described in sorted(parts.items()):
        lines += ["", f"### {name}", "", described.told, "", *_table(described.fields)]
    return "\n".join(lines)


def _figures() -> str:
    head = ["| figure | what it is | unit | leaves out | since |", "|---|---|---|---|---|"]
    return "\n".join(["## Figures", "", OF_FIGURES, "", *head, *rows()])


def _measures() -> str:
    lines = [
        "## Measures",
        "",
        MEASURES_TOLD,
    ]
    for title, measures in (("Of a user", USER_MEASURES), ("Of the platform", PLATFORM_MEASURES)):
        lines += ["", f"### {title}", "", "| measure | meaning | counted in |", "|---|---|---|"]
        lines += _measure_rows(measures)
    return "\n".join(lines)


def _measure_rows(measures: Measures) -> Iterator[str]:
    for name, (meaning, where) in measures.items():
        yield f"| `{name}` | {meaning} | {where} |"


def _formulas() -> str:
    lines = ["## Formulas", "", "Rules that the fields above refer to, as the code tells them."]
    for rule in FORMULAS:
        name = rule.__name__
        lines += ["", f"### {name}" if _is_unique(rule) else f"### {name}, of {_area(rule)}", "", _told(rule)]
        lines += ["", ", ".join([f"`{rule.__module__}.{name}`", *_constants(rule)])]
    return "\n".join(lines)


def _constants(rule: Callable[..., Any]) -> list[str]:
    """The values of the constants that its docstring names."""
    names = re.findall(r"`([A-Z][A-Z_]+)`", _told(rule))
    return [f"`{name}` = {getattr(inspect.getmodule(rule), name)}" for name in dict.fromkeys(names)]


def _is_unique(rule: Callable[..., Any]) -> bool:
    return sum(other.__name__ == rule.__name__ for other in FORMULAS) == 1


def _area(rule: Callable[..., Any]) -> str:
    return "the platform" if "platform" in rule.__module__ else "a user"


def _told(thing: Any) -> str:
    """A docstring without what is only for programmers."""
    text = inspect.getdoc(thing) or ""
    return re.split(r"\n\n(?:Args|Raises|Returns|Attributes):", text)[0].strip()


def _subclasses(base: type[Document]) -> Iterator[type[Document]]:
    for model in base.__subclasses__():
        yield model
        yield from _subclasses(model)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m docs.data_model", description="Write docs/data-model.md.")
    parser.add_argument("--check", action="store_true", help="only say whether it is what the models say")
    made = page()
    if not parser.parse_args().check:
        PAGE.write_text(made, encoding="utf-8")
        return 0
    if PAGE.exists() and PAGE.read_text(encoding="utf-8") == made:
        return 0
    print("docs/data-model.md is not what the models say: run make docs", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
