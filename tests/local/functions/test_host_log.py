from __future__ import annotations

import logging
import re
from collections.abc import Iterator

import pytest

from local.functions.log import configure_logging

NAMES = ("azure", "azure.core", "aiohttp", "urllib3", "asyncio", "uvicorn", "Function", "Host.Http", "someapp")


@pytest.fixture(autouse=True)
def _restore_logging() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers, root.level = handlers, level
    for name in NAMES:
        logging.getLogger(name).setLevel(logging.NOTSET)


def test_messages_have_a_time_and_a_mark_above_information(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging({})
    logging.getLogger("someapp").info("as it is")
    logging.getLogger("someapp").warning("take %s", "care")
    first, second = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"\[\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\] as it is", first)
    assert second.endswith("Z] WARNING: take care")


def test_libraries_are_quiet_unless_a_category_asks_for_them(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging({})
    logging.getLogger("azure.core").info("a request")
    logging.getLogger("azure.core").warning("a problem")
    configure_logging({"Azure.Core": logging.INFO})
    logging.getLogger("azure.core").info("another request")
    printed = capsys.readouterr().out
    assert "a problem" in printed
    assert "another request" in printed
    assert "] a request" not in printed


def test_categories_have_levels_of_their_own(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging({"default": logging.WARNING, "Function": logging.INFO})
    logging.getLogger("someapp").info("hidden")
    logging.getLogger("Function.name").info("shown")
    logging.getLogger("Host.Http").info("hidden")
    assert capsys.readouterr().out.splitlines()[0].endswith("] shown")
