from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sqlalchemy import update

from mailfailover.outbox import State
from mailfailover.outbox._tables import mails
from mailfailover.testing import PLAIN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask.testing import FlaskClient

    from mailfailover.service.parts import Service

EVENTS = "/email/api/1.0/events"


def told(client: FlaskClient, path: str = EVENTS) -> Iterator[Any]:
    """
    What a stream tells: the state of each mail, or a comment.
    """
    with client.get(path, buffered=False) as answer:
        assert "text/event-stream; charset=utf-8" == answer.content_type
        for part in answer.response:
            text = part if isinstance(part, str) else part.decode()
            if text.startswith("event: mail\ndata: "):
                data = json.loads(text.removeprefix("event: mail\ndata: "))
                yield data["id"], data["state"]
            elif text.startswith(":"):
                yield text.strip()


def settle(service: Service, mail_id: str) -> None:
    """
    Do what a worker does in the end.
    """
    with service.outbox.engine.begin() as connection:
        connection.execute(update(mails).where(mails.c.id == mail_id).values(state=State.SENT))


def test_stream_begins_with_how_it_is(client: FlaskClient, service: Service) -> None:
    """
    The newest mails come first, oldest of them first; then every change.
    """
    first, second = (service.outbox.add(PLAIN.replace(id=name)) for name in ("m1", "m2"))
    stream = told(client)

    assert [(first, "pending"), (second, "pending")] == [next(stream), next(stream)]
    settle(service, first)
    assert (first, "sent") == next(stream)
    third = service.outbox.add(PLAIN.replace(id="m3"))
    assert (third, "pending") == next(stream)


def test_stream_of_one_mail(client: FlaskClient, service: Service) -> None:
    """
    Who follows one mail hears of no other, and of nothing twice.
    """
    first, second = (service.outbox.add(PLAIN.replace(id=name)) for name in ("m1", "m2"))
    stream = told(client, f"{EVENTS}?mail={first}")

    assert (first, "pending") == next(stream)
    settle(service, second)
    settle(service, first)
    assert (first, "sent") == next(stream)


def test_quiet_stream_shows_that_it_lives(client: FlaskClient, service: Service) -> None:
    """
    A comment is sent now and then, and the stream ends by itself.
    """
    service.outbox.add(PLAIN)

    found = list(told(client))

    assert [(PLAIN.id, "pending"), *[": still here"] * 11] == found
    assert service.streams.acquire(blocking=False)


def test_foreign_mail_cannot_be_followed(client: FlaskClient, service: Service) -> None:
    """
    Neither one that is not there, nor another's, nor any in the list.
    """
    service.outbox.add(PLAIN)
    headers = {"Authorization": f"Bearer {service.keys.add('shop')}"}

    assert 404 == client.get(f"{EVENTS}?mail={PLAIN.id}", headers=headers).status_code
    assert PLAIN.id not in client.get(EVENTS, headers=headers).text


def test_own_mail_can_be_followed(client: FlaskClient, service: Service) -> None:
    """
    A key follows what it posted.
    """
    headers = {"Authorization": f"Bearer {service.keys.add('shop')}"}
    form = {"to": "a@example.com", "from_email": "b@example.com", "subject": "Hi", "text": "Hi"}
    mail_id = client.post("/email/api/1.0/send", data=form, headers=headers).get_json()["id"]

    assert mail_id in client.get(f"{EVENTS}?mail={mail_id}", headers=headers).text


def test_streams_are_few(client: FlaskClient, service: Service) -> None:
    """
    Threads are kept for those who send: who finds too many streams is asked to come again.
    """
    service.outbox.add(PLAIN)
    while service.streams.acquire(blocking=False):
        pass

    assert "retry: 10000\n\n" == client.get(EVENTS).text


def test_stream_ends_with_its_reader(client: FlaskClient, service: Service) -> None:
    """
    Where the server knows that nobody listens any more, the thread is free at once.
    """
    service.outbox.add(PLAIN)
    looks = iter([False, False, True])
    environ = {"waitress.client_disconnected": lambda: next(looks)}

    text = client.get(EVENTS, environ_overrides=environ).text

    assert 1 == text.count("event: mail")
