"""How a process connects, and what the containers declare."""

from __future__ import annotations

import aiohttp.client
import pytest

from cosmos.core.containers import declared, retention_seconds
from cosmos.core.database import Database, connect
from local.provision import WELL_KNOWN_KEY

DAY = 86_400


def test_a_key_is_taken_for_an_emulator_only() -> None:
    with pytest.raises(ValueError, match="emulators on this machine only"):
        connect(f"AccountEndpoint=https://production.documents.azure.com:443/;AccountKey={WELL_KNOWN_KEY};")


def test_a_connection_string_without_a_key_is_refused() -> None:
    with pytest.raises(ValueError, match="no AccountKey"):
        connect("AccountEndpoint=http://127.0.0.1:8081/;")


PROXIES = ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


async def test_proxies_are_looked_for_once_and_not_at_each_request(
    settings: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
    asked = 0

    def look(url: object) -> None:
        nonlocal asked
        asked += 1
        raise LookupError

    monkeypatch.setattr(aiohttp.client, "get_env_proxy_for_url", look)
    async with connect(settings["COSMOS"]) as client:
        await client.get_database_client(settings["COSMOS_DATABASE"]).read()
    assert asked == 0
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    async with connect(settings["COSMOS"]) as client:
        await client.get_database_client(settings["COSMOS_DATABASE"]).read()
    assert asked > 0


@pytest.mark.parametrize(
    ("container", "seconds"),
    [
        ("users", None),
        ("user_sessions", 730 * DAY),
        ("user_interactions", 730 * DAY),
        ("user_analytics", 1825 * DAY),
        ("user_bookmarks", None),
    ],
)
def test_retention_is_the_schemas(container: str, seconds: int | None) -> None:
    assert retention_seconds(container) == seconds


def test_every_container_of_users_data_is_partitioned_by_user() -> None:
    for container in Database.__dataclass_fields__:
        assert declared()[container]["partitionKey"]["paths"] == ["/partition_key"]
        assert {"path": "/*"} in declared()[container]["indexingPolicy"]["excludedPaths"]
