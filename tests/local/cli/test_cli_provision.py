from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.__main__ import main
from local.cosmosdb.server import serve_in_thread
from local.provision import Account, ProvisioningError, provision, read_definitions

LINK = "dbs/test/colls"


def a_container(**more: Any) -> dict[str, Any]:
    return {
        "id": "turns",
        "partitionKey": {"paths": ["/partition_key"], "kind": "Hash", "version": 2},
        "defaultTtl": 3600,
        "uniqueKeyPolicy": {"uniqueKeys": [{"paths": ["/email"]}]},
        "indexingPolicy": {
            "indexingMode": "consistent",
            "automatic": True,
            "includedPaths": [{"path": "/kind/?"}],
            "excludedPaths": [{"path": "/*"}, {"path": '/"_etag"/?'}],
            "compositeIndexes": [[{"path": "/kind", "order": "ascending"}, {"path": "/at", "order": "descending"}]],
        },
    } | more


@pytest.fixture
def account() -> Iterator[Account]:
    with serve_in_thread() as url, Account(url) as account:
        yield account


def existing(account: Account) -> dict[str, Any]:
    body: dict[str, Any] = account.send("GET", "colls", f"{LINK}/turns").json()
    return body


def test_a_container_is_created_with_every_property_of_its_body(account: Account) -> None:
    wanted = a_container()
    assert provision(account, [wanted], "test") == {"turns": "created"}
    made = existing(account)
    assert {name: made[name] for name in wanted} == wanted


def test_provisioning_again_changes_nothing(account: Account) -> None:
    provision(account, [a_container()], "test")
    before = existing(account)
    assert provision(account, [a_container()], "test") == {"turns": "unchanged"}
    assert existing(account) == before


@pytest.mark.parametrize(
    "change",
    [
        {"defaultTtl": 7200},
        {"indexingPolicy": a_container()["indexingPolicy"] | {"includedPaths": [{"path": "/at/?"}]}},
    ],
)
def test_a_policy_that_differs_is_replaced(account: Account, change: dict[str, Any]) -> None:
    provision(account, [a_container()], "test")
    assert provision(account, [a_container() | change], "test") == {"turns": "updated"}
    made = existing(account)
    for name, value in change.items():
        assert made[name] == value
    assert provision(account, [a_container() | change], "test") == {"turns": "unchanged"}


def test_a_time_to_live_that_is_gone_from_the_file_is_taken_away(account: Account) -> None:
    provision(account, [a_container()], "test")
    without = {name: value for name, value in a_container().items() if name != "defaultTtl"}
    assert provision(account, [without], "test") == {"turns": "updated"}
    assert "defaultTtl" not in existing(account)


def test_another_partition_key_is_refused_and_nothing_is_changed(account: Account) -> None:
    provision(account, [a_container()], "test")
    other = a_container(partitionKey={"paths": ["/id"], "kind": "Hash", "version": 2}, defaultTtl=1)
    with pytest.raises(ProvisioningError, match="turns exists with another partitionKey"):
        provision(account, [other], "test")
    assert existing(account)["defaultTtl"] == 3600


def test_a_refusal_of_the_server_is_told(account: Account) -> None:
    with pytest.raises(ProvisioningError, match=r"container a/b: the server answered 400"):
        provision(account, [a_container(id="a/b")], "test")


def test_a_wrong_key_is_told() -> None:
    refusal = pytest.raises(ProvisioningError, match="database test: the server answered 401")
    with serve_in_thread() as url, Account(url, "d3Jvbmc=") as account, refusal:
        provision(account, [], "test")


def test_the_command_provisions_an_app(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "cosmos").mkdir()
    (tmp_path / "cosmos" / "containers.json").write_text(json.dumps({"containers": [a_container()]}))
    with serve_in_thread() as url:
        for outcome in ("created", "unchanged"):
            assert main(["provision", "--app", str(tmp_path), "--cosmos-url", url]) == 0
            assert capsys.readouterr().out.split() == [outcome, "turns"]


@pytest.mark.parametrize("content", ["", "[]", '{"container": []}'])
def test_definitions_of_another_form_are_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "containers.json"
    file.write_text(content)
    with pytest.raises(ProvisioningError, match="is not JSON of the form"):
        read_definitions(file)


def test_an_app_without_definitions_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["provision", "--app", str(tmp_path), "--cosmos-url", "http://127.0.0.1:1"]) == 1
    assert "containers.json can't be read" in capsys.readouterr().err
