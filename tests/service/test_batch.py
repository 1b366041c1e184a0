from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event

from mailfailover.service.batch import MOST_MAILS
from mailfailover.service.rules import Rules

if TYPE_CHECKING:
    from flask.testing import FlaskClient

    from mailfailover.service.parts import Service
    from mailfailover.testing import FakeClock

API = "/email/api/1.0"
BATCH = f"{API}/send/batch"
MAIL = {"to": "ann@example.com", "from_email": "shop@example.com", "subject": "Hi", "text": "Hello"}


def results(client: FlaskClient, body: Any, **headers: str) -> list[dict[str, Any]]:
    """
    Post a batch.
    """
    answer = client.post(BATCH, json=body, headers=headers)
    assert 200 == answer.status_code
    found: list[dict[str, Any]] = answer.get_json()["results"]
    return found


@pytest.mark.parametrize("wrapped", [False, True])
def test_each_mail_is_taken_or_refused_alone(
    wrapped: bool, client: FlaskClient, service: Service
) -> None:
    """
    In their order, each with its id or its problem; a wrong one keeps no other from being sent.
    """
    mails = [MAIL, {"to": "nobody"}, "text", MAIL | {"subject": "Second"}]

    found = results(client, {"messages": mails} if wrapped else mails)

    assert [202, 400, 400, 202] == [one["status"] for one in found]
    fields = [error["field"] for error in found[1]["problem"]["errors"]]
    assert {"to", "subject", "text", "from_email"} == set(fields)
    stored = [mail.id for mail in service.outbox.list()]
    assert [found[3]["id"], found[0]["id"]] == stored
    assert client.get(found[0]["status_url"]).get_json()["subject"] == "Hi"


def test_batch_can_be_repeated(client: FlaskClient, service: Service) -> None:
    """
    The same key and mails get the same ids, and nothing is sent twice.
    """
    mails = [MAIL, MAIL]

    first, second = (
        [one["id"] for one in results(client, mails, **{"Idempotency-Key": "b1"})] for _ in range(2)
    )

    assert first == second
    assert 2 == len(set(first)) == len(service.outbox.list())


@pytest.mark.parametrize(
    ("body", "status"),
    [({"mails": []}, 400), ("text", 400), ([MAIL] * (MOST_MAILS + 1), 413)],
)
def test_what_is_no_batch_is_told(body: Any, status: int, client: FlaskClient) -> None:
    """
    Nothing of it is taken.
    """
    assert status == client.post(BATCH, json=body).status_code
    assert 415 == client.post(BATCH, data=MAIL).status_code


def test_limits_are_told_with_each_post(
    client: FlaskClient, service: Service, clock: FakeClock
) -> None:
    """
    Of the limit that leaves least: how much there is, how much is left, and when it begins anew.
    """
    key = service.keys.add("shop", Rules(rate="3/m", quota="100/d"))
    headers = {"Authorization": f"Bearer {key}"}
    names = [f"X-RateLimit-{name}" for name in ("Limit", "Remaining", "Reset")]
    clock.sleep(-clock() % 60 + 20)

    told = []
    for body in ([MAIL], [MAIL, MAIL], [MAIL]):
        answer = client.post(BATCH, json=body, headers=headers)
        told.append([int(answer.headers[name]) for name in names])
    refused = client.post(f"{API}/send", data=MAIL, headers=headers)

    assert [[3, 2, 40], [3, 0, 40], [3, 0, 40]] == told
    assert (429, "0") == (refused.status_code, refused.headers["X-RateLimit-Remaining"])
    assert names[0] not in client.get(f"{API}/messages", headers=headers).headers


def test_key_without_limits_is_told_none(client: FlaskClient, service: Service) -> None:
    """
    There is nothing to run out of.
    """
    assert "X-RateLimit-Limit" not in client.post(f"{API}/send", data=MAIL).headers
    headers = {"Authorization": f"Bearer {service.keys.add('shop')}"}
    assert "X-RateLimit-Limit" not in client.post(BATCH, json=[MAIL], headers=headers).headers
    assert "X-RateLimit-Limit" not in client.post(f"{API}/send", data=MAIL).headers


def test_a_batch_is_one_commit(client: FlaskClient, service: Service) -> None:
    """
    Many mails wait for the disk once; those over the limit leave nothing behind, and wake nobody.
    """
    key = service.keys.add("shop", Rules(rate="2/m"))
    headers = {"Authorization": f"Bearer {key}"}
    told: list[str] = []
    commits: list[object] = []
    service.outbox.on_add.append(told.append)
    event.listen(service.outbox.engine, "commit", commits.append)

    found = results(client, [MAIL] * 3, **headers)

    stored = [one["id"] for one in found if one["status"] == 202]
    assert [202, 202, 429] == [one["status"] for one in found]
    assert (stored, set(stored)) == (told, {mail.id for mail in service.outbox.list()})
    assert 1 == len(commits)
