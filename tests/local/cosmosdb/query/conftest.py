"""What the tests of the query language share: running a query over documents, and the shared baselines."""

import json
import os
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from local.cosmosdb.query import compile_query

NOW = datetime(2026, 3, 4, 5, 6, 7, 891_234, tzinfo=UTC)

Run: TypeAlias = Callable[..., list[Any]]
Baselines: TypeAlias = Callable[[str], dict[str, Any]]


def run_query(text: str, documents: Iterable[Any] = (), **parameters: Any) -> list[Any]:
    """All rows of a query at a fixed moment; the parameters are named without their @."""
    values = {f"@{name}": value for name, value in parameters.items()}
    return list(compile_query(text).run(documents, values, NOW))


@pytest.fixture
def run() -> Run:
    return run_query


def load_baselines(name: str) -> dict[str, Any]:
    """One of the files of baselines; skips the test where they are not at hand."""
    beside = Path(__file__).parents[5] / "shared" / "data" / "cosmos"
    path = Path(os.environ.get("COSMOS_BASELINES", beside)) / name
    if not path.exists():
        pytest.skip(f"no baselines at {path}: set COSMOS_BASELINES to their folder")
    baselines: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return baselines


@pytest.fixture
def baselines() -> Baselines:
    return load_baselines
