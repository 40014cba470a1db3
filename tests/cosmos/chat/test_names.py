"""Which names of users' turns the platform knows from elsewhere."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest
from azure.core.exceptions import ServiceRequestError

from cosmos.chat.names import FRESH, PlatformNames
from cosmos.core.database import Database
from models.analytics.platform_rollup import PlatformRollup
from models.chat.names import Dimension, KnownNames
from models.core.pseudonyms import PLATFORM
from models.counting.bucket import Balance, Bucket

pytestmark = pytest.mark.asyncio(loop_scope="session")

NOW = datetime.fromisoformat("2037-01-15T12:00:00Z")
"""A month that no other test counts in."""


async def served(database: Database, month: str, *personalities: str) -> None:
    balance = Balance({f"personality:{name}": 1 for name in personalities} | {"personality_reported:zeno": 9}, NOW, NOW)
    rollup = PlatformRollup.of(PLATFORM, Bucket("utc_monthly", month), balance, 1, NOW)
    await database.user_analytics.upsert_item(rollup.body())


async def test_known_are_the_settings_names_and_those_of_servers_of_late(database: Database) -> None:
    names = PlatformNames(database, KnownNames(personality=["socrates"]))

    async def is_known(name: str, now: datetime = NOW) -> bool:
        given: dict[Dimension, str] = {"personality": name}
        names.unknown(given, now)
        await asyncio.gather(*([names.reading] if names.reading else []))
        return not names.unknown(given, now)

    await served(database, "2037-01", "plato")
    await served(database, "2036-12", "seneca")
    await served(database, "2036-11", "epicurus")
    assert [await is_known(name) for name in ("socrates", "plato", "seneca")] == [True] * 3
    assert [await is_known(name) for name in ("epicurus", "zeno", "hypatia")] == [False] * 3
    await served(database, "2037-01", "plato", "hypatia")
    assert not await is_known("hypatia", NOW + FRESH / 2)  # not read again so soon, whatever names are tried
    assert await is_known("hypatia", NOW + FRESH)
    assert names.unknown({}, NOW + timedelta(days=400)) == []
    for month in ("2036-11", "2036-12", "2037-01"):  # else whoever compares the platform with its sources finds them
        await database.user_analytics.delete_item(f"{PLATFORM}:utc_monthly:{month}", PLATFORM)


async def test_a_turn_does_not_wait_for_names_nor_fail_without_them(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = PlatformNames(database, KnownNames())

    async def is_out_of_reach(*_: object) -> list[object]:
        raise ServiceRequestError("out of reach")

    monkeypatch.setattr(database.user_analytics, "read_items", is_out_of_reach)
    given: dict[Dimension, str] = {"category": "alchemy"}
    assert names.unknown(given, NOW) == ["category"]
    assert names.reading is not None
    await names.reading
    names.learn({"category": "alchemy"})
    assert names.unknown(given, NOW) == []
