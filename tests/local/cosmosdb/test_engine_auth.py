"""Signatures, and what is answered without one."""

from email.utils import formatdate
from time import time
from typing import Any

import httpx
import pytest
from azure.core.exceptions import HttpResponseError
from azure.cosmos import CosmosClient

OTHER_KEY = "AAAA" * 21 + "AA=="


def test_a_request_signed_with_the_key_is_answered(raw: Any) -> None:
    assert raw("GET", "/dbs").status_code == 200


def test_another_key_is_refused_with_what_should_have_been_signed(url: str) -> None:
    with pytest.raises(HttpResponseError) as caught:
        CosmosClient(url, OTHER_KEY)
    assert caught.value.status_code == 401
    assert "payload to sign: 'get" in caught.value.message


def test_a_request_without_a_signature_is_refused(url: str) -> None:
    assert httpx.get(f"{url}/dbs").status_code == 401


def test_tokens_of_other_kinds_are_refused(url: str) -> None:
    headers = {"authorization": "type%3Daad%26ver%3D1.0%26sig%3Dabc", "x-ms-date": formatdate(usegmt=True)}
    assert httpx.get(f"{url}/dbs", headers=headers).status_code == 401


@pytest.mark.parametrize(("age", "status"), [(14 * 60, 200), (16 * 60, 403), (-16 * 60, 403)])
def test_a_signature_is_good_for_a_quarter_of_an_hour(raw: Any, age: int, status: int) -> None:
    assert raw("GET", "/dbs", date=formatdate(time() - age, usegmt=True)).status_code == status


def test_a_date_that_is_none_is_refused(raw: Any) -> None:
    assert raw("GET", "/dbs", date="yesterday").status_code == 401


def test_health_needs_no_signature(url: str) -> None:
    answer = httpx.get(f"{url}/_local/health")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
