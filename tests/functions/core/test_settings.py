"""The app's settings: what is missing or wrong stops the start, and is named without its value."""

from __future__ import annotations

import json

import pytest

from cosmos.accounts.users import STATUS_SECONDS
from functions.core.api import LONGEST_SECONDS
from functions.core.settings import SettingsError, read_settings
from local.entra.identity import TENANT_ID

ELSEWHERE = "11111111-2222-4333-8444-555555555555"
KEY = "AccountKey=c2VjcmV0;"

pytestmark = pytest.mark.usefixtures("settings")


def wrong() -> str:
    with pytest.raises(SettingsError) as caught:
        read_settings()
    return str(caught.value)


@pytest.mark.parametrize(
    "name", ["COSMOS", "ENTRA_METADATA_URL", "ENTRA_ISSUER", "ENTRA_AUDIENCE", "ENTRA_TENANTS", "PSEUDONYM_KEY"]
)
@pytest.mark.parametrize("empty", [True, False])
def test_what_is_missing_or_empty_is_named(monkeypatch: pytest.MonkeyPatch, name: str, empty: bool) -> None:
    monkeypatch.delenv(name)
    if empty:
        monkeypatch.setenv(name, "")
    assert f" {name}: " in wrong()


@pytest.mark.parametrize(
    ("name", "value", "what"),
    [
        ("COSMOS", "http://secret:8081", "AccountEndpoint="),
        ("COSMOS", f"AccountEndpoint=https://mine.documents.azure.com:443/;{KEY}", "COSMOS__accountEndpoint"),
        ("COSMOS", "AccountEndpoint=http://127.0.0.1:8081/;", "AccountKey="),
        ("COSMOS__accountEndpoint", "https://mine.documents.azure.com", "one of the two"),
        ("ENTRA_METADATA_URL", "secret", "https://"),
        ("ENTRA_ISSUER", "ftp://secret", "https://"),
        ("ENTRA_TENANTS", "secret", "must be JSON"),
        ("ENTRA_TENANTS", "[]", "at least 1"),
        ("ENTRA_TENANTS", '["secret"]', "ENTRA_TENANTS.0: Value error, must be a GUID"),
        ("ENTRA_HOME_TENANTS", '["secret"]', "ENTRA_HOME_TENANTS.0: Value error, must be a GUID"),
        ("ENTRA_HOME_TENANTS", f'["{ELSEWHERE}"]', "must be among ENTRA_TENANTS"),
        ("APPLICATION_TENANTS", '["secret"]', "APPLICATION_TENANTS"),
        ("APPLICATION_TENANTS", '{"me": []}', "must be a GUID"),
        ("PSEUDONYM_KEY", "secret", "32 characters"),
        ("APPLICATIONINSIGHTS_CONNECTION_STRING", "InstrumentationKey=secret", "a GUID"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "secret:4318", "https://"),
        ("LIMITS", '{"day": {"queries": "secret"}}', "LIMITS.day.queries"),
        ("RISK", '{"secret', "must be JSON"),
        ("PRICE_OVERRIDES", '{"mine": {"input": "secret", "output": 1}}', "PRICE_OVERRIDES.mine.0.input"),
        ("RETENTION_DAYS_WITHOUT_CONSENT", "99999999", "3650"),
    ],
)
def test_what_is_wrong_is_named_without_its_value(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, what: str
) -> None:
    monkeypatch.setenv(name, value)
    message = wrong()
    assert name.removesuffix("__accountEndpoint") in message
    assert what in message
    assert "secret" not in message
    assert "c2VjcmV0" not in message


def test_all_that_is_wrong_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENTRA_TENANTS", "x")
    monkeypatch.setenv("LIMITS", "x")
    monkeypatch.delenv("ENTRA_ISSUER")
    assert [name for name in ("ENTRA_TENANTS", "LIMITS", "ENTRA_ISSUER") if name not in wrong()] == []


def test_an_account_in_azure_is_reached_without_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COSMOS")
    monkeypatch.setenv("COSMOS__accountEndpoint", "https://mine.documents.azure.com:443/")
    assert read_settings().cosmos_connection == "https://mine.documents.azure.com:443/"


def test_an_erasure_begins_to_delete_when_no_older_profile_is_gone_by_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ERASURE_SETTLE_SECONDS", raising=False)
    assert read_settings().erasure_settle_seconds > STATUS_SECONDS + LONGEST_SECONDS


def test_the_first_tenant_is_the_home_of_staff_unless_others_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("APPLICATION_TENANTS", raising=False)
    monkeypatch.setenv("ENTRA_TENANTS", json.dumps([TENANT_ID.upper(), ELSEWHERE]))
    assert read_settings().home_tenants == {TENANT_ID}
    monkeypatch.setenv("ENTRA_HOME_TENANTS", json.dumps([ELSEWHERE.upper()]))
    assert read_settings().home_tenants == {ELSEWHERE}
