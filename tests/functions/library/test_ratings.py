"""Favourites, ratings, reviews, feedback: what users say of things, and what is counted of it."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import httpx
import pytest

from tests.functions.calls import Drain, Headers, SignIn

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.fixture
def thing() -> str:
    """The path of a thing that nobody has rated."""
    return f"agent/{uuid.uuid4()}"


def somebody(sign_in: SignIn, **choice: Any) -> Headers:
    return sign_in(f"{uuid.uuid4().hex[:12]}@contoso.example", **choice)


async def rate(api: httpx.AsyncClient, headers: Headers, thing: str, rating: Any, **content: Any) -> httpx.Response:
    return await api.put(f"/me/ratings/{thing}", json={"rating": rating} | content, headers=headers)


async def stats(api: httpx.AsyncClient, headers: Headers, thing: str, drained: Drain) -> dict[str, Any]:
    await drained()
    answer = await api.get(f"/items/{thing}/stats", headers=headers)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def reviews(api: httpx.AsyncClient, headers: Headers, thing: str, **query: Any) -> list[dict[str, Any]]:
    answer = await api.get(f"/items/{thing}/reviews", params=query, headers=headers)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def test_the_average_is_of_each_users_latest_rating(
    api: httpx.AsyncClient, sign_in: SignIn, thing: str, drained: Drain
) -> None:
    people = [somebody(sign_in) for _ in range(3)]
    for headers, stars in zip(people, (5, 4, 3), strict=True):
        assert (await rate(api, headers, thing, stars)).status_code == 200
    found = await stats(api, people[0], thing, drained)
    assert (found["avg_rating"], found["rating_count"]) == (4.0, 3)
    assert found["ratings"] == {"1": 0, "2": 0, "3": 1, "4": 1, "5": 1}

    await rate(api, people[2], thing, 5)
    assert (await stats(api, people[0], thing, drained))["avg_rating"] == pytest.approx(14 / 3)

    assert (await api.delete(f"/me/ratings/{thing}", headers=people[1])).status_code == 204
    found = await stats(api, people[0], thing, drained)
    assert (found["avg_rating"], found["rating_count"]) == (5.0, 2)

    assert (await api.post(f"/me/ratings/{thing}/restore", headers=people[1])).status_code == 200
    assert (await stats(api, people[0], thing, drained))["rating_count"] == 3


async def test_a_rating_taken_back_and_given_again_counts_once(
    api: httpx.AsyncClient, alice: Headers, thing: str, drained: Drain
) -> None:
    await rate(api, alice, thing, 2)
    await drained()
    await api.delete(f"/me/ratings/{thing}", headers=alice)
    assert (await api.get(f"/me/ratings/{thing}", headers=alice)).status_code == 404
    await rate(api, alice, thing, 4)
    found = await stats(api, alice, thing, drained)
    assert (found["avg_rating"], found["rating_count"]) == (4.0, 1)


@pytest.mark.parametrize("rating", [0, 6, 4.5, "5", None, True])
async def test_a_rating_is_a_whole_number_from_1_to_5(
    api: httpx.AsyncClient, alice: Headers, thing: str, rating: Any
) -> None:
    answer = await rate(api, alice, thing, rating)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/rating"]


async def test_what_the_server_keeps_is_refused(api: httpx.AsyncClient, alice: Headers, thing: str) -> None:
    for name, value in {"updated_at": "2026-11-20T10:00:00Z", "helpful_count": 9, "hidden_by_staff": False}.items():
        answer = await rate(api, alice, thing, 4, **{name: value})
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, f"/{name}")


async def test_fifty_at_once_count_fifty(api: httpx.AsyncClient, sign_in: SignIn, thing: str, drained: Drain) -> None:
    people = [somebody(sign_in) for _ in range(50)]
    answers = await asyncio.gather(
        *(rate(api, headers, thing, number % 5 + 1) for number, headers in enumerate(people))
    )
    assert {answer.status_code for answer in answers} == {200}
    found = await stats(api, people[0], thing, drained)
    assert found["ratings"] == dict.fromkeys("12345", 10)
    assert (found["rating_count"], found["avg_rating"]) == (50, 3.0)


async def test_a_public_review_is_read_by_others_and_names_nobody_unasked(
    api: httpx.AsyncClient, sign_in: SignIn, thing: str, drained: Drain
) -> None:
    author, reader = somebody(sign_in, given_name="Alice"), somebody(sign_in)
    await rate(api, author, thing, 5, review="Patient.")
    await drained()
    assert await reviews(api, reader, thing) == []

    await rate(api, author, thing, 5, review="Patient.", is_public=True)
    await drained()
    (review,) = await reviews(api, reader, thing)
    me = (await api.get("/me", headers=author)).json()
    assert (review["review"], review["rating"], review["author_name"]) == ("Patient.", 5, None)
    assert me["id"] not in str(review)
    assert me["id"] not in review["id"]

    await rate(api, author, thing, 4, review="Very patient.", is_public=True, shows_name=True)
    await drained()
    (review,) = await reviews(api, reader, thing)
    assert (review["review"], review["rating"], review["author_name"]) == ("Very patient.", 4, "Alice")
    assert (await stats(api, reader, thing, drained))["review_count"] == 1

    await api.delete(f"/me/ratings/{thing}", headers=author)
    await drained()
    assert await reviews(api, reader, thing) == []


async def test_one_helpful_vote_a_voter_and_none_for_ones_own(
    api: httpx.AsyncClient, sign_in: SignIn, thing: str, drained: Drain
) -> None:
    author, voter, other = (somebody(sign_in) for _ in range(3))
    await rate(api, author, thing, 5, review="Patient.", is_public=True)
    await rate(api, other, thing, 1, review="Slow.", is_public=True)
    await drained()
    theirs = next(review for review in await reviews(api, voter, thing) if review["review"] == "Patient.")
    path = f"/reviews/{thing}/{theirs['id']}/helpful"
    answers = await asyncio.gather(*(api.put(path, headers=voter) for _ in range(5)))
    assert {answer.status_code for answer in answers} == {200}
    own = await api.put(path, headers=author)
    assert (own.status_code, own.json()["type"].rpartition(":")[2]) == (403, "own-review")
    await drained()
    assert (await reviews(api, voter, thing, order="helpful_count"))[0]["helpful_count"] == 1
    assert (await api.get(f"/me/ratings/{thing}", headers=author)).json()["helpful_count"] == 1

    await rate(api, author, thing, 4, review="Patient, mostly.", is_public=True)  # the votes stay
    await drained()
    top = (await reviews(api, voter, thing, order="helpful_count"))[0]
    assert (top["review"], top["helpful_count"]) == ("Patient, mostly.", 1)

    assert (await api.delete(path, headers=voter)).status_code == 204
    assert (await api.delete(path, headers=voter)).status_code == 404
    await drained()
    assert {review["helpful_count"] for review in await reviews(api, voter, thing)} == {0}


async def test_favourites_are_listed_by_type_with_their_names(
    api: httpx.AsyncClient, alice: Headers, thing: str, drained: Drain
) -> None:
    for path, name in ((thing, "Socrates"), ("agent/plato", "Plato"), ("document/apology", "Apology")):
        answer = await api.put(f"/me/favorites/{path}", json={"item_name": name}, headers=alice)
        assert answer.status_code == 200, answer.text
    listed = (await api.get("/me/favorites", params={"item_type": "agent"}, headers=alice)).json()["items"]
    assert [favourite["item_name"] for favourite in listed] == ["Plato", "Socrates"]
    again = await api.put(f"/me/favorites/{thing}", json={"item_name": "Socrates"}, headers=alice)
    assert again.headers["etag"] == '"1"'
    assert (await stats(api, alice, thing, drained))["favorite_count"] == 1
    await api.delete(f"/me/favorites/{thing}", headers=alice)
    assert (await stats(api, alice, thing, drained))["favorite_count"] == 0


async def test_a_rating_in_feedback_is_the_users_rating_of_the_thing(
    api: httpx.AsyncClient, alice: Headers, thing: str, drained: Drain
) -> None:
    item_type, item_id = thing.split("/")
    body = {"item_type": item_type, "item_id": item_id, "feedback_type": "rating", "rating": 2}
    sent = [await api.post("/me/feedback", json=body, headers=alice | {"Idempotency-Key": "once"}) for _ in range(2)]
    assert [answer.status_code for answer in sent] == [201, 201]
    assert sent[0].json() == sent[1].json()
    assert (await api.get(f"/me/ratings/{thing}", headers=alice)).json()["rating"] == 2
    await rate(api, alice, thing, 5)
    await api.post("/me/feedback", json=body, headers=alice | {"Idempotency-Key": "once"})
    found = await stats(api, alice, thing, drained)
    assert (found["avg_rating"], found["rating_count"]) == (5.0, 1)


async def test_a_moderator_takes_a_review_down_and_shows_it_again(
    api: httpx.AsyncClient, sign_in: SignIn, thing: str, drained: Drain
) -> None:
    author, moderator = somebody(sign_in), somebody(sign_in, roles=["Vimarsh.Moderator"])
    await rate(api, author, thing, 1, review="Buy at spam.example", is_public=True)
    await drained()
    (review,) = await reviews(api, author, thing)
    path = f"/admin/reviews/{thing}/{review['id']}/visibility"
    body = {"hidden": True, "reason": "Advertises."}
    assert (await api.put(path, json=body, headers=author)).status_code == 403
    assert (await api.put(path, json=body, headers=moderator)).status_code == 204
    await drained()
    assert await reviews(api, moderator, thing) == []
    assert (await api.get(f"/me/ratings/{thing}", headers=author)).json()["hidden_by_staff"] is True
    found = await stats(api, author, thing, drained)
    assert (found["rating_count"], found["review_count"]) == (1, 0)
    user_id = (await api.get("/me", headers=author)).json()["id"]
    admin = somebody(sign_in, roles=["Vimarsh.Admin"])
    audit = (await api.get(f"/admin/users/{user_id}/audit", headers=admin)).json()["items"]
    assert [entry["act"] for entry in audit] == ["hide_review"]

    assert (await api.put(path, json={"hidden": False, "reason": "Mistaken."}, headers=moderator)).status_code == 204
    await drained()
    assert len(await reviews(api, author, thing)) == 1


async def test_nobody_takes_down_a_review_of_their_own_or_of_somebody_with_more_rights(
    api: httpx.AsyncClient, sign_in: SignIn, thing: str, drained: Drain
) -> None:
    moderator, admin = (somebody(sign_in, roles=[f"Vimarsh.{role}"]) for role in ("Moderator", "Admin"))
    await rate(api, admin, thing, 5, review="Works for me", is_public=True)
    await drained()
    (review,) = await reviews(api, admin, thing)
    path, body = f"/admin/reviews/{thing}/{review['id']}/visibility", {"hidden": True, "reason": "So"}
    for staff, problem in ((moderator, "outranked"), (admin, "self-moderation")):
        answer = await api.put(path, json=body, headers=staff)
        assert (answer.status_code, answer.json()["type"]) == (403, f"urn:vimarsh:problem:{problem}")


async def test_without_consent_to_texts_no_words_are_stored(
    api: httpx.AsyncClient, alice: Headers, thing: str, drained: Drain
) -> None:
    await api.get("/me", headers=alice)
    etag = (await api.get("/me", headers=alice)).headers["etag"]
    changed = await api.patch("/me", json={"text_storage_consent": False}, headers=alice | {"If-Match": etag})
    assert changed.status_code == 200, changed.text
    rating = (await rate(api, alice, thing, 5, review="Patient.", is_public=True)).json()
    assert (rating["rating"], rating["review"]) == (5, None)
    await drained()
    assert await reviews(api, alice, thing) == []
