"""Who somebody is by odd claims: nobody is locked out for what their directory holds."""

from __future__ import annotations

from typing import Any

import pytest

from models.core.sign_in import UNNAMED, person_of
from tests.models.examples import ALICE

IDS = {"tid": ALICE.tenant_id, "oid": ALICE.auth_id}
GOOD = "alice@contoso.example"


@pytest.mark.parametrize(
    ("claims", "email"),
    [
        ({"email": GOOD, "preferred_username": "other@contoso.example"}, GOOD),
        ({"preferred_username": GOOD}, GOOD),
        ({"email": "broken", "preferred_username": GOOD}, GOOD),
        ({"email": "", "preferred_username": f" {GOOD} "}, GOOD),
        ({"email": [GOOD], "preferred_username": GOOD}, GOOD),
        ({"email": {"address": GOOD}}, None),
        ({"email": "a b@contoso.example"}, None),
        ({"email": "x" * 320 + "@contoso.example", "preferred_username": GOOD}, GOOD),
        ({"email": "al\ud83dice@contoso.example", "preferred_username": GOOD}, GOOD),
        ({"preferred_username": "+49 151 2345678"}, None),
        ({"preferred_username": "Alice Liddell"}, None),
        ({"preferred_username": "@"}, None),
        ({"preferred_username": 4915123}, None),
        ({}, None),
    ],
)
def test_the_first_claim_that_is_an_address_is_the_address(claims: dict[str, Any], email: str | None) -> None:
    assert person_of(IDS | claims).email == email


@pytest.mark.parametrize(
    ("claims", "name"),
    [
        ({"name": "Alice", "email": GOOD}, "Alice"),
        ({"name": " \t ", "preferred_username": "+49 151 2345678"}, "+49 151 2345678"),
        ({"name": None, "given_name": "Alice", "family_name": "Liddell"}, "Alice Liddell"),
        ({"name": ["Alice"], "email": GOOD}, GOOD),
        ({"name": "\ud83d\x00Alice\r\n  L."}, "Alice L."),
        ({"name": "x" * 300}, "x" * 256),
        ({"given_name": "g" * 200, "family_name": "f" * 200}, f"{'g' * 128} {'f' * 127}"),
        ({"name": "शकुन्तला 👩‍🚀"}, "शकुन्तला 👩‍🚀"),
        ({}, UNNAMED),
    ],
)
def test_everybody_has_a_name_that_can_be_kept(claims: dict[str, Any], name: str) -> None:
    person = person_of(IDS | claims)
    assert person.name == name
    person.model_dump_json()


@pytest.mark.parametrize("oid", [None, "", "me", 7, [ALICE.auth_id], "../../x"])
def test_without_an_identity_there_is_nobody(oid: Any) -> None:
    with pytest.raises(ValueError, match=r"GUID|UUID"):
        person_of(IDS | {"oid": oid, "email": GOOD})


def test_an_identity_is_one_however_it_is_spelled() -> None:
    assert person_of({name: value.upper() for name, value in IDS.items()}).user_id == ALICE.user_id
