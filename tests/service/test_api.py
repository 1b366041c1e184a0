from __future__ import annotations

import dataclasses
import io
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text, update
from sqlalchemy.exc import OperationalError

from mailfailover import DeliveryEvent, EventType, RejectReason
from mailfailover.callbacks import Callbacks
from mailfailover.outbox import State
from mailfailover.outbox._tables import mails
from mailfailover.plugin import Attachment
from mailfailover.service.accepting import accept
from mailfailover.service.app import create_app
from mailfailover.service.problems import Problem
from mailfailover.service.reading import Post
from mailfailover.service.rules import LOCAL, Rules
from mailfailover.testing import PLAIN
from mailfailover.tracking import Tracking
from mailfailover.unsubscribe import UnsubscribeLinks

if TYPE_CHECKING:
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from mailfailover.service.parts import Service
    from mailfailover.testing import FakeClock

SEND = "/email/api/1.0/send"
MESSAGES = "/email/api/1.0/messages"
FORM = {
    "to": "ann@example.com",
    "from_email": "shop@example.com",
    "subject": "Hi",
    "text": "Hello",
}


def post(
    client: FlaskClient, key: str = "", /, *, json: Any = None, **headers: str
) -> TestResponse:
    """
    Post the mail, or *json* in its place, with an API key and more headers.
    """
    if key:
        headers["Authorization"] = f"Bearer {key}"
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    if json is not None:
        return client.post(SEND, json=json, headers=names)
    return client.post(SEND, data=FORM, headers=names)


def settle(service: Service, mail_id: str, state: State, reason: str = "") -> None:
    """
    Do what a worker does in the end.
    """
    with service.outbox.engine.begin() as connection:
        connection.execute(
            update(mails).where(mails.c.id == mail_id).values(state=state, reason=reason)
        )


def test_posted_mail_is_in_the_outbox(client: FlaskClient, service: Service) -> None:
    """
    202 says that it is there, and where to ask for it.
    """
    answer = post(client)

    (mail,) = service.outbox.list()
    url = f"http://localhost{MESSAGES}/{mail.id}"
    assert 202 == answer.status_code
    assert {"id": mail.id, "state": "queued", "status_url": url} == answer.get_json()
    assert url == answer.headers["Location"]


def test_everything_posted_is_stored(client: FlaskClient, service: Service) -> None:
    """
    A multipart form brings its files along.
    """
    client.post(SEND, data=FORM | {"attachments": (io.BytesIO(b"x"), "a.txt")})

    found = service.outbox.get(service.outbox.list()[0].id)

    assert found is not None
    assert found.message is not None
    assert (Attachment("a.txt", b"x", "text/plain"),) == found.message.attachments


def test_wrong_mail_is_refused_and_not_stored(client: FlaskClient, service: Service) -> None:
    """
    The problem names the field, and who asks again finds nothing.
    """
    answer = client.post(SEND, data={"to": "ann@example.com"})

    assert 400 == answer.status_code
    assert "application/problem+json" == answer.content_type
    problem = answer.get_json()
    assert "urn:mailfailover:problem:invalid-message" == problem["type"]
    assert ["from_email", "subject", "text"] == [one["field"] for one in problem["errors"]]
    assert [] == service.outbox.list()


def test_large_request_is_refused(client: FlaskClient, service: Service) -> None:
    """
    A body beyond the limit is not read.
    """
    client.application.config["MAX_CONTENT_LENGTH"] = 100

    answer = client.post(SEND, json=FORM | {"text": "x" * 200})

    assert 413 == answer.status_code
    assert [] == service.outbox.list()


def test_same_key_and_mail_get_the_same_answer(client: FlaskClient, service: Service) -> None:
    """
    A client that lost the answer asks again, and nothing is sent twice.
    """
    answers = [post(client, Idempotency_Key="order-7").get_json() for _ in range(3)]

    assert [answers[0]] * 3 == answers
    assert 1 == len(service.outbox.list())
    assert "order-7" == client.get(f"{MESSAGES}/{answers[0]['id']}").get_json()["idempotency_key"]


def test_same_key_for_another_mail_is_a_conflict(client: FlaskClient, service: Service) -> None:
    """
    A key that is used twice is the client's mistake.
    """
    post(client, Idempotency_Key="order-7")

    answer = post(client, json=FORM | {"subject": "Other"}, Idempotency_Key="order-7")

    assert 409 == answer.status_code
    assert "urn:mailfailover:problem:idempotency-conflict" == answer.get_json()["type"]
    assert 1 == len(service.outbox.list())


@pytest.mark.parametrize("key", ["", "x" * 201, "a\x7fb"])
def test_idempotency_key_must_be_readable(key: str, client: FlaskClient) -> None:
    """
    A key that cannot be stored is refused.
    """
    assert 400 == post(client, Idempotency_Key=key).status_code


def test_keys_of_callers_do_not_meet(client: FlaskClient, service: Service) -> None:
    """
    Two callers may use the same idempotency key.
    """
    for name in ("a", "b"):
        assert 202 == post(client, service.keys.add(name), Idempotency_Key="1").status_code

    assert 2 == len(service.outbox.list())


def test_database_that_fails_promises_nothing(
    client: FlaskClient, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Without a commit there is no 202.
    """
    monkeypatch.setattr(type(service.outbox), "add_many", _fails)

    answer = post(client)

    assert 503 == answer.status_code
    assert "5" == answer.headers["Retry-After"]
    assert "ann@example.com" not in answer.text


def _fails(*_: object, **__: object) -> None:
    raise OperationalError("INSERT ann@example.com", {}, OSError("disk full"))


def test_attachment_that_is_gone_is_told(service: Service, tmp_path: Path) -> None:
    """
    What the outbox refuses is a problem with its field, too.
    """
    path = tmp_path / "a.txt"
    path.write_text("x")
    mail = PLAIN.replace(attachments=Attachment.from_path(path))
    path.unlink()

    with pytest.raises(Problem) as caught:
        accept(service, LOCAL, Post(mail))

    assert ["attachments"] == [error.field for error in caught.value.errors]


@pytest.mark.parametrize("state", [State.SENT, State.UNKNOWN])
def test_waiting_brings_what_became_of_it(
    state: State, client: FlaskClient, service: Service, clock: FakeClock
) -> None:
    """
    ``Prefer: wait`` answers with the mail as soon as it is settled.
    """
    _when_slept(service, clock, lambda mail_id: settle(service, mail_id, state))

    answer = post(client, Prefer="respond-async, wait=5")

    assert (200 if state is State.SENT else 202) == answer.status_code
    assert "wait=5" == answer.headers["Preference-Applied"]
    assert str(state) == answer.get_json()["state"]


def test_waiting_tells_that_nobody_took_it(
    client: FlaskClient, service: Service, clock: FakeClock
) -> None:
    """
    A mail that is given up at once is a problem, with all that is known of it.
    """
    _when_slept(service, clock, lambda one: settle(service, one, State.DEAD, "no such domain"))

    answer = post(client, Prefer="wait=5")

    assert 422 == answer.status_code
    assert "The mail was not sent: no such domain" == answer.get_json()["detail"]
    assert "dead" == answer.get_json()["mail"]["state"]


def _when_slept(service: Service, clock: FakeClock, action: Any) -> None:
    """
    Let *action* be done with the newest mail when somebody sleeps the second time.
    """
    slept = []

    def sleep(seconds: float) -> None:
        clock.advance(seconds)
        slept.append(seconds)
        if len(slept) == 2:
            action(service.outbox.list()[0].id)

    object.__setattr__(service, "sleep", sleep)


@pytest.mark.parametrize(("wanted", "waited"), [("wait=5", 5), ("wait=600", 30), ("wait=x", 0)])
def test_waiting_ends(wanted: str, waited: float, client: FlaskClient, clock: FakeClock) -> None:
    """
    A mail that is not settled in time is told to be queued; nobody waits for ever.
    """
    before = clock()

    answer = post(client, Prefer=wanted)

    assert 202 == answer.status_code
    assert "queued" == answer.get_json()["state"]
    assert pytest.approx(waited) == clock() - before


def test_few_wait_at_once(client: FlaskClient, service: Service, clock: FakeClock) -> None:
    """
    Who finds all places taken gets his answer at once.
    """
    before = clock()
    while service.waiting.acquire(blocking=False):
        pass

    assert 202 == post(client, Prefer="wait=5").status_code
    assert before == clock()


def test_mail_can_be_looked_up(client: FlaskClient) -> None:
    """
    It shows its state, its recipients and its attempts, and not what it says.
    """
    mail_id = post(client).get_json()["id"]

    found = client.get(f"{MESSAGES}/{mail_id}").get_json()

    recipients = [{"email": "ann@example.com", "status": "pending", "provider_message_id": ""}]
    recipients[0]["delivery"] = ""
    assert ("pending", recipients, []) == (found["state"], found["recipients"], found["attempts"])
    assert "message" not in found


def test_unknown_mail_is_not_found(client: FlaskClient) -> None:
    """
    An id that no mail has is a 404, for each method.
    """
    assert 404 == client.get(f"{MESSAGES}/nothing").status_code
    assert 404 == client.delete(f"{MESSAGES}/nothing").status_code


def test_mails_are_listed_in_pages(client: FlaskClient) -> None:
    """
    Newest first; each page leads to the next.
    """
    ids = [post(client).get_json()["id"] for _ in range(5)]

    found, url = [], f"{MESSAGES}?limit=2&state=pending"
    while url:
        page = client.get(url).get_json()
        found += [one["id"] for one in page["messages"]]
        url = page["next"]

    assert ids[::-1] == found


def test_list_is_filtered(client: FlaskClient, service: Service) -> None:
    """
    Only mails in the wanted state are shown.
    """
    mail_id = post(client).get_json()["id"]
    post(client)
    settle(service, mail_id, State.SENT)

    page = client.get(f"{MESSAGES}?state=sent").get_json()

    assert [mail_id] == [one["id"] for one in page["messages"]]
    assert page["next"] is None


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "limit=-1", "state=lost"])
def test_wrong_queries_are_refused(query: str, client: FlaskClient) -> None:
    """
    What a list cannot be is told.
    """
    assert 400 == client.get(f"{MESSAGES}?{query}").status_code


def test_waiting_mail_can_be_cancelled(client: FlaskClient) -> None:
    """
    A mail that nobody was given yet is given up, once.
    """
    mail_id = post(client).get_json()["id"]

    answer = client.delete(f"{MESSAGES}/{mail_id}")

    assert (200, "dead", "cancelled") == (
        answer.status_code,
        answer.get_json()["state"],
        answer.get_json()["reason"],
    )
    again = client.delete(f"{MESSAGES}/{mail_id}")
    assert (409, "dead") == (again.status_code, again.get_json()["state"])


def test_callers_do_not_see_each_others_mails(client: FlaskClient, service: Service) -> None:
    """
    A mail is its caller's own, but for an administrator.
    """
    own, other = service.keys.add("own"), service.keys.add("other")
    admin = service.keys.add("admin", Rules(grants=("admin",)))
    mail_id = post(client, own).get_json()["id"]

    def statuses(key: str) -> list[int]:
        headers = {"Authorization": f"Bearer {key}"}
        listed = client.get(MESSAGES, headers=headers).get_json()["messages"]
        found = client.get(f"{MESSAGES}/{mail_id}", headers=headers).status_code
        return [len(listed), found]

    assert [[1, 200], [0, 404], [1, 200]] == [statuses(key) for key in (own, other, admin)]
    headers = {"Authorization": f"Bearer {other}"}
    assert 404 == client.delete(f"{MESSAGES}/{mail_id}", headers=headers).status_code
    assert "pending" == service.outbox.list()[0].state


def test_rules_of_the_key_hold(client: FlaskClient, service: Service) -> None:
    """
    What a key may not send is refused with the fields at fault, and not stored.
    """
    key = service.keys.add("shop", Rules(senders=("other.example",), recipients=("example.org",)))

    answer = post(client, key)

    assert 403 == answer.status_code
    assert ["from_email", "to"] == [one["field"] for one in answer.get_json()["errors"]]
    assert [] == service.outbox.list()


def test_limits_of_the_key_hold(client: FlaskClient, service: Service, clock: FakeClock) -> None:
    """
    A quota that is used up is a 429 that says when to come again; nothing is stored.
    """
    key = service.keys.add("shop", Rules(quota="2/d"))
    clock.advance(86400 - clock() % 86400 - 10)

    answers = [post(client, key) for _ in range(3)]

    assert [202, 202, 429] == [one.status_code for one in answers]
    assert "10" == answers[2].headers["Retry-After"]
    assert 2 == len(service.outbox.list())
    clock.advance(10)
    assert 202 == post(client, key).status_code


def test_repetition_uses_no_quota(client: FlaskClient, service: Service) -> None:
    """
    The same mail posted again is neither stored nor counted.
    """
    key = service.keys.add("shop", Rules(quota="1/d"))

    answers = [post(client, key, Idempotency_Key="1").status_code for _ in range(3)]

    assert [202, 202, 202] == answers


def test_health_is_open(client: FlaskClient) -> None:
    """
    Alive and ready, for whoever asks.
    """
    elsewhere = {"REMOTE_ADDR": "192.0.2.1"}

    assert {"status": "ok"} == client.get("/healthz", environ_base=elsewhere).get_json()
    assert {"status": "ok", "database": "ok", "providers": "ok"} == client.get(
        "/readyz", environ_base=elsewhere
    ).get_json()


def test_readiness_sees_the_database(client: FlaskClient, service: Service) -> None:
    """
    Tables that are missing, and a database that is away, make it unready.
    """
    with service.outbox.engine.begin() as connection:
        connection.execute(text("DELETE FROM mailfailover_schema WHERE part = 'outbox'"))

    answer = client.get("/readyz")

    assert 503 == answer.status_code
    assert "mailfailover outbox init" in answer.get_json()["database"]


def test_database_file_that_was_taken_away_is_noticed(
    client: FlaskClient, service: Service
) -> None:
    """
    Open connections go on as if nothing had happened: nobody is told that a mail is kept there.
    """
    assert 202 == client.post(SEND, data=FORM).status_code
    Path(str(service.outbox.engine.url.database)).unlink()

    answer = client.get("/readyz")

    assert 503 == answer.status_code
    assert "taken away" in answer.get_json()["database"]
    assert 503 == client.post(SEND, data=FORM).status_code


def test_readiness_survives_the_databases_death(
    client: FlaskClient, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The answer is the bad news, not a failure.
    """
    monkeypatch.setattr(type(service.outbox), "check", _fails)

    answer = client.get("/readyz")

    assert (503, "cannot be used: OperationalError") == (
        answer.status_code,
        answer.get_json()["database"],
    )


def test_readiness_sees_the_providers(client: FlaskClient, service: Service) -> None:
    """
    A service whose providers are all passed by is not ready.
    """
    service.mailer.health.isolate("preview")

    answer = client.get("/readyz")

    assert 503 == answer.status_code
    assert "all of them are passed by" == answer.get_json()["providers"]


def test_events_of_vendors_are_shown(service: Service) -> None:
    """
    A mail that was looked up tells what vendors told of it since.
    """
    tracking = Tracking(service.outbox.engine)
    tracking.init()
    client = create_app(dataclasses.replace(service, tracking=tracking)).test_client()
    mail_id = post(client).get_json()["id"]
    tracking(
        DeliveryEvent(
            event_id="1",
            type=EventType.BOUNCED,
            provider="preview",
            mail_id=mail_id,
            recipient="ann@example.com",
            timestamp=datetime(2027, 1, 31, 9, tzinfo=UTC),
            reject_reason=RejectReason.INVALID,
            mta_response="550 no such user",
        )
    )

    found = client.get(f"{MESSAGES}/{mail_id}").get_json()
    (listed,) = client.get(MESSAGES).get_json()["messages"]

    assert ["bounced", "bounced"] == [one["recipients"][0]["delivery"] for one in (found, listed)]
    assert [
        {
            "type": "bounced",
            "provider": "preview",
            "recipient": "ann@example.com",
            "timestamp": "2027-01-31T09:00:00+00:00",
            "reject_reason": "invalid",
            "description": "",
            "mta_response": "550 no such user",
        }
    ] == found["events"]
    assert "Bounced from ann@example.com" in client.get(f"/mails/{mail_id}").text
    stream = client.get(f"/email/api/1.0/events?mail={mail_id}").text
    assert '"type": "bounced"' in stream


SECRET = "whsec_c2VjcmV0LW9mLXRoZS1jYWxsYmFja3M="
TOLD = "https://app.example.com/events"


@pytest.mark.parametrize(
    ("callbacks", "secret", "status"),
    [
        (("app.example.com",), SECRET, 202),
        (("app.example.com",), "", 400),
        (("other.example.com",), SECRET, 403),
        ((), SECRET, 403),
    ],
)
def test_callback_must_be_allowed(
    callbacks: tuple[str, ...], secret: str, status: int, service: Service
) -> None:
    """
    Nobody is called whom the key may not let be called, or whom nobody could sign for.
    """
    caller = Callbacks(TOLD, secret, database=service.outbox.engine) if secret else None
    client = create_app(dataclasses.replace(service, callbacks=caller)).test_client()
    key = service.keys.add("shop", Rules(callbacks=callbacks))

    answer = post(client, key, json=FORM | {"callback_url": TOLD})

    assert status == answer.status_code
    if status != 202:
        assert ["callback_url"] == [one["field"] for one in answer.get_json()["errors"]]


def test_callback_without_key_is_refused(client: FlaskClient) -> None:
    """
    Who sits at the machine has no host to be called, either.
    """
    assert 403 == post(client, json=FORM | {"callback_url": TOLD}).status_code


def linked(service: Service) -> FlaskClient:
    """
    A service that makes unsubscribe links.
    """
    links = UnsubscribeLinks("https://mail.example.com/u", secret="secret of the links")
    return create_app(dataclasses.replace(service, links=links)).test_client()


def test_link_is_added(service: Service) -> None:
    """
    It is the recipient's own, and a repetition of the post is the same mail.
    """
    client, mail = linked(service), FORM | {"unsubscribe": "link"}

    answers = [post(client, json=mail, Idempotency_Key="1") for _ in range(2)]

    assert [202, 202] == [one.status_code for one in answers]
    found = service.outbox.get(answers[0].get_json()["id"])
    assert found is not None
    assert found.message is not None
    assert found.message.unsubscribe[0].startswith("https://mail.example.com/u/")


def test_link_unsubscribes(service: Service) -> None:
    """
    A click asks, a POST ends the subscription: for everybody, without a key.
    """
    seen: list[DeliveryEvent] = []
    service.keys.add("shop")
    service.mailer.on_event(seen.append)
    client = linked(service)
    links = UnsubscribeLinks("https://mail.example.com/u", secret="secret of the links")
    token = links.url_for("ann@example.com", "news").rpartition("/")[2]
    url = f"/email/api/1.0/unsubscribe/{token}"

    assert (200, []) == (client.get(url).status_code, seen)
    assert 200 == client.post(url).status_code

    assert [("ann@example.com", EventType.UNSUBSCRIBED)] == [
        (one.recipient, one.type) for one in seen
    ]


@pytest.mark.parametrize(("with_links", "to"), [(False, "a@example.com"), (True, "a@b.de, b@b.de")])
def test_link_that_cannot_be_is_refused(with_links: bool, to: str, service: Service) -> None:
    """
    Without an address for them there are no links, and none for a mail that several share.
    """
    client = linked(service) if with_links else create_app(service).test_client()

    answer = post(client, json=FORM | {"unsubscribe": "link", "to": to})

    assert 400 == answer.status_code
    assert ["unsubscribe"] == [one["field"] for one in answer.get_json()["errors"]]


@pytest.mark.parametrize(
    ("broker", "status", "text"),
    [("memory://", 200, "ok"), ("redis://127.0.0.1:1/0", 503, "cannot be reached")],
)
def test_readiness_sees_the_broker(broker: str, status: int, text: str, service: Service) -> None:
    """
    A broker that is configured has to be there.
    """
    client = create_app(dataclasses.replace(service, broker=broker)).test_client()

    answer = client.get("/readyz")

    assert (status, text) == (answer.status_code, answer.get_json()["broker"])
