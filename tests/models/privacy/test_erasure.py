"""What an erasure leaves: tombstones, and a receipt whose counts add up."""

from __future__ import annotations

from datetime import timedelta

import pytest

from models.core.document import Document
from models.core.tombstone import Tombstone, is_tombstone
from models.privacy.erasure import Erasure, ErasureProgress, erasure_id_of, user_hash_of
from tests.models.examples import ALICE, NOON

KEY = b"a key for tests only"
USER = ALICE.user_id


def test_a_user_has_one_erasure_which_nobody_can_tell_without_the_key() -> None:
    assert erasure_id_of(USER, KEY) == erasure_id_of(USER, KEY)
    others = {erasure_id_of(USER, KEY), erasure_id_of(USER, b"another key"), erasure_id_of(USER[::-1], KEY)}
    assert len(others) == 3
    assert user_hash_of(USER, KEY) != user_hash_of(USER, b"another key")
    assert not user_hash_of(USER, KEY).startswith(erasure_id_of(USER, KEY).replace("-", "")[:12])


def test_a_tombstone_goes_on_counting_revisions_and_names_nobody() -> None:
    erasure = Erasure.of(USER, "user", None, NOON, KEY)
    profile = {"id": USER, "kind": "profile", "revision": 7, "email": ALICE.email, "name": ALICE.name}
    body = Tombstone.over(profile, USER, USER, erasure.id, erasure.requested_at).body()
    assert body == {
        "id": USER,
        "partition_key": USER,
        "kind": "tombstone",
        "schema_version": 1,
        "revision": 8,
        "ttl": -1,
        "account_status": "deleted",
        "erasure_id": erasure.id,
        "deleted_at": "2026-11-20T12:00:00.000000Z",
    }
    assert is_tombstone(body)
    assert not is_tombstone(profile)
    assert Tombstone.over(None, "allowance", USER, erasure.id, erasure.requested_at).revision == 1


def test_progress_adds_up_by_kind() -> None:
    progress = ErasureProgress.of(USER).plus({"session": 2, "turn_claim": 3}).plus({"session": 1})
    assert progress.deleted == {"session": 3, "turn_claim": 3}
    assert progress.revision == 3


def test_each_claim_counts_once_however_often_it_is_noted() -> None:
    first, second, name = {"email-a": "email_claim"}, {"email-b": "email_claim"}, {"username-a": "username_claim"}
    progress = ErasureProgress.of(USER).noting(first).noting(first | second | name)
    assert progress.deleted == {"email_claim": 2, "username_claim": 1}
    assert progress.claims == ["email-a", "email-b", "username-a"]
    assert progress.noting(second) is progress


@pytest.mark.parametrize(("asker", "actor"), [("user", None), ("admin", ALICE.user_id)])
def test_a_receipt_names_nobody_but_staff_and_adds_up(asker: str, actor: str | None) -> None:
    erasure = Erasure.of("3a5c8f10-6b1d-5e2f-9c47-0d1e2f3a4b5c", asker, actor, NOON, KEY)  # type: ignore[arg-type]
    done = erasure.completed({"users": {"profile": 1, "audit": 2}, "user_sessions": {}}, NOON + timedelta(minutes=1))
    assert (done.status, done.deleted_total, done.revision) == ("completed", 3, 2)
    assert done.deleted == {"users": {"profile": 1, "audit": 2}, "user_sessions": {}}
    assert "3a5c8f10" not in done.model_dump_json()
    assert Erasure.parse(done.body()) == done
    documents: tuple[Document, ...] = (erasure, done)
    assert {document.partition_key for document in documents} == {erasure.id}
