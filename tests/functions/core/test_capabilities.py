"""What the app can do is switched on by capability."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter

from functions.core import settings as declared

CHOICE: TypeAdapter[list[str]] = TypeAdapter(declared.Capabilities)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("chat library", ["chat", "library"]),
        ("chat,library", ["chat", "library"]),
        (" chat ,  usage ", ["chat", "usage"]),
    ],
)
def test_capabilities_are_named_with_spaces_or_commas(text: str, wanted: list[str]) -> None:
    assert CHOICE.validate_python(text) == wanted


def test_an_unknown_capability_stops_the_start() -> None:
    with pytest.raises(ValueError, match="knows no chatt; there are chat, usage"):
        CHOICE.validate_python("chatt")


def test_the_setting_and_the_app_know_the_same_capabilities(settings: dict[str, str]) -> None:
    from functions.capabilities import CAPABILITIES  # reads the settings, which must be there first

    assert set(declared.CAPABILITIES) <= set(CAPABILITIES)
    assert set(CAPABILITIES) - set(declared.CAPABILITIES) == {"core", "accounts", "privacy", "counting", "jobs"}


def test_what_is_switched_off_has_no_routes_and_runs_nothing(settings: dict[str, str]) -> None:
    from functions.capabilities import CAPABILITIES, chosen

    off = CAPABILITIES["library"]
    on = chosen(["chat"])
    assert CAPABILITIES["chat"] in on
    assert CAPABILITIES["accounts"] in on
    assert off not in on
    paths = {operation.path for capability in on for routes in capability.routes for operation in routes.operations}
    assert not {path for path in paths if path.startswith(("bookmarks", "me/favorites", "items", "admissions"))}
