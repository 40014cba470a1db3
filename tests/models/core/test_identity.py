"""Ids that follow from who somebody is."""

from __future__ import annotations

import uuid

import pytest
from pydantic import ValidationError

from models.accounts.claims import EmailClaim
from models.accounts.profile import UserProfile
from models.chat.session import TurnClaim
from models.core.identity import Person, email_claim_id_of, request_id_of, user_id_of
from models.counting.dead_letter import DeadLetter
from tests.models.examples import ALICE, NOON, SESSION_ID, TENANT


def test_one_identity_has_one_id_however_it_is_spelled() -> None:
    again = user_id_of(ALICE.tenant_id.upper(), ALICE.auth_id.upper())
    assert again == ALICE.user_id
    assert uuid.UUID(again).version == 5


def test_the_same_person_in_another_tenant_is_another_user() -> None:
    assert user_id_of("00000000-0000-4000-8000-000000000000", ALICE.auth_id) != ALICE.user_id


def test_a_key_makes_the_same_id_only_in_its_scope() -> None:
    made = request_id_of(ALICE.user_id, "sessions", "key")
    assert request_id_of(ALICE.user_id, "sessions", "key") == made
    others = [("bookmarks", "key"), ("sessions", "key2")]
    assert made not in [request_id_of(ALICE.user_id, scope, key) for scope, key in others]
    assert request_id_of(str(uuid.uuid4()), "sessions", "key") != made


def test_an_email_is_claimed_whatever_its_case_and_without_being_kept() -> None:
    claim = EmailClaim.of(TENANT, "Alice@Contoso.example ", ALICE.user_id, NOON)
    assert claim.id == claim.partition_key == email_claim_id_of(TENANT.upper(), "alice@contoso.example")
    assert "alice" not in str(claim.body()).lower()


@pytest.mark.parametrize("email", ["alice", "@contoso.example", "alice@", "al ice@contoso.example", "a@b" + "c" * 320])
def test_what_is_no_address_is_refused(email: str) -> None:
    with pytest.raises(ValidationError):
        Person.model_validate(ALICE.model_dump() | {"email": email})


def test_a_profile_starts_from_what_entra_says() -> None:
    profile = UserProfile.of(ALICE, NOON, NOON, "claimed")
    assert profile.id == profile.partition_key == ALICE.user_id
    assert (profile.email, profile.name, profile.timezone) == ("alice@contoso.example", "Alice Liddell", "Asia/Kolkata")
    assert (profile.account_status, profile.total_queries, profile.email_status) == ("active", 0, "claimed")
    assert UserProfile.parse(profile.body()) == profile


def test_a_claim_is_named_for_its_turn() -> None:
    claim = TurnClaim.of(ALICE.user_id, SESSION_ID, "turn-1")
    assert (claim.id, claim.partition_key) == ("turn-turn-1", ALICE.user_id)


def test_the_same_change_fails_into_the_same_dead_letter() -> None:
    item = {"id": "x/y", "partition_key": ALICE.user_id}
    first = DeadLetter.of("user_interactions", item, "wrong", NOON)
    assert DeadLetter.of("user_interactions", item, "still wrong", NOON).id == first.id
    assert DeadLetter.of("user_sessions", item, "wrong", NOON).id != first.id
    assert "/" not in first.id
