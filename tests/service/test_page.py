from __future__ import annotations

import dataclasses
import io
import re
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest

from mailfailover import DeliveryEvent, EventType
from mailfailover.errors import SendError
from mailfailover.outbox import OutboxAttempt, OutboxMail, State
from mailfailover.plugin import Attachment
from mailfailover.service.app import create_app
from mailfailover.service.rules import Rules
from mailfailover.service.templating import write_duration
from mailfailover.service.timeline import Step, steps
from mailfailover.testing import PLAIN
from tests.samples import each

if TYPE_CHECKING:
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from mailfailover.service.parts import Service

FORM = {"to": "ann@example.com", "from_email": "shop@example.com", "subject": "Hi", "text": "Hello"}
HTML = {"Accept": "text/html"}


class Page(HTMLParser):
    """
    The tags of a page, and what is wrong with how they hang together.
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def values(self, name: str) -> list[str]:
        """
        Every value of an attribute.
        """
        return [str(found[name]) for _, found in self.tags if found.get(name)]

    @property
    def unlabelled(self) -> list[str]:
        """
        Fields of forms that no label names.
        """
        labelled = {str(found["for"]) for tag, found in self.tags if tag == "label"}
        return [
            str(found.get("name"))
            for tag, found in self.tags
            if tag in ("input", "textarea") and found.get("type") != "hidden"
            if found.get("id") not in labelled
        ]


def token(client: FlaskClient, path: str = "/") -> str:
    """
    The token in the form of a page.
    """
    found = re.search(r'name="csrf" value="([^"]+)"', client.get(path, headers=HTML).text)
    assert found
    return found[1]


def send(client: FlaskClient, **fields: Any) -> TestResponse:
    """
    Fill in the form and send it.
    """
    return client.post("/", data={"csrf": token(client)} | FORM | fields, headers=HTML)


def sign_in(client: FlaskClient, key: str) -> TestResponse:
    """
    Sign in by the page.
    """
    form = {"csrf": token(client, "/sign-in"), "key": key}
    return client.post("/sign-in", data=form, headers=HTML)


def test_form_sends_a_mail(client: FlaskClient, service: Service) -> None:
    """
    It ends on the page of the mail, which is in the outbox with its files.
    """
    files = [(io.BytesIO(b"x"), "a.txt"), (io.BytesIO(), "")]

    answer = send(client, attachments=files, cc="bob@example.com", html="<p>Hello")

    (mail,) = service.outbox.list()
    assert (303, f"/mails/{mail.id}") == (answer.status_code, answer.location)
    found = service.outbox.get(mail.id)
    assert found is not None
    assert found.message is not None
    assert (Attachment("a.txt", b"x", "text/plain"),) == found.message.attachments


def test_form_comes_back_with_what_is_wrong(client: FlaskClient, service: Service) -> None:
    """
    Each field at fault says so where it can be heard, and nothing typed is lost.
    """
    answer = send(client, to="nobody", subject="<Hi>", text="")

    assert 400 == answer.status_code
    assert [] == service.outbox.list()
    page = Page(answer.text)
    at_fault = [found["name"] for _, found in page.tags if "aria-invalid" in found]
    assert ["to", "text"] == at_fault
    assert "&lt;Hi&gt;" in answer.text
    described = {one for value in page.values("aria-describedby") for one in value.split()}
    assert described <= set(page.values("id"))


def test_default_sender_need_not_be_typed(client: FlaskClient, service: Service) -> None:
    """
    The form says who a mail is from if nobody says it.
    """
    service.mailer.from_email = PLAIN.from_email

    assert f"Left empty, it is The Shop &lt;{PLAIN.sender.email}&gt;" in client.get("/").text
    assert 303 == send(client, from_email="").status_code


def test_recent_mails_are_on_the_first_page(client: FlaskClient) -> None:
    """
    Each with its recipients and its state.
    """
    assert "None yet." in client.get("/").text
    for number in range(10):
        send(client, to=f"a{number}@example.com")

    page = client.get("/").text

    assert "a9@example.com" in page
    assert "a1@example.com" not in page
    assert 8 == page.count("waiting")


def test_all_mails_come_in_pages(client: FlaskClient, service: Service) -> None:
    """
    A page of fifty leads to the older ones.
    """
    assert "There are none." in client.get("/mails").text
    ids = [service.outbox.add(PLAIN.replace(id=f"m{number}")) for number in range(51)]

    assert f'href="/mails?before={ids[1]}"' in client.get("/mails").text
    last = client.get(f"/mails?before={ids[1]}").text
    assert f'href="/mails/{ids[0]}"' in last
    assert "Older mails" not in last


def test_providers_are_shown(client: FlaskClient, service: Service) -> None:
    """
    How each stands, in words.
    """
    assert "in use" in client.get("/").text

    service.mailer.health.isolate("preview")

    assert "taken out" in client.get("/").text


def test_mail_has_a_page(client: FlaskClient) -> None:
    """
    It follows what happens to the mail, by its own address.
    """
    url = send(client, subject="Hi <b>").location or ""

    page = client.get(url).text

    assert "Hi &lt;b&gt;" in page
    assert f'data-renew="{url}"' in page
    assert "ann@example.com" in page


def test_waiting_mail_can_be_held_back(client: FlaskClient, service: Service) -> None:
    """
    A button gives it up; then the button is gone.
    """
    url = send(client).location or ""

    answer = client.post(f"{url}/cancel", data={"csrf": token(client)})

    assert url == answer.location
    assert State.DEAD == service.outbox.list()[0].state
    assert "Do not send it" not in client.get(url).text


def test_service_without_mailbox_shows_none(service: Service) -> None:
    """
    Where no provider is the preview, there is no mailbox.
    """
    client = create_app(dataclasses.replace(service, mailbox=None)).test_client()

    assert "/mailbox/" not in client.get("/").text
    assert 404 == client.get("/mailbox/").status_code


def test_address_without_its_slash_leads_on(client: FlaskClient) -> None:
    """
    A redirect is no error.
    """
    answer = client.get("/mailbox", headers=HTML)

    assert (308, "http://localhost/mailbox/") == (answer.status_code, answer.location)


@pytest.mark.parametrize("path", ["/mails/nothing", "/nothing"])
def test_unknown_page_is_told_in_words(path: str, client: FlaskClient) -> None:
    """
    A person gets a page with a way back.
    """
    answer = client.get(path, headers=HTML)

    assert 404 == answer.status_code
    assert "There is no such thing" in answer.text
    assert 'href="/"' in answer.text


def test_errors_of_fields_are_told_to_a_person(client: FlaskClient, service: Service) -> None:
    """
    A form that is too old is a page, too.
    """
    answer = client.post("/", data=FORM, headers=HTML)

    assert 403 == answer.status_code
    assert "Open the page again" in answer.text
    assert [] == service.outbox.list()


def test_key_signs_in_and_out(client: FlaskClient, service: Service) -> None:
    """
    With keys, the page asks for one; the name of the key tells who is there.
    """
    key = service.keys.add("The shop")

    assert "/" == sign_in(client, f" {key} ").location
    assert "The shop" in client.get("/", headers=HTML).text
    assert "/sign-in" == client.post("/sign-out", data={"csrf": token(client)}).location
    assert "/sign-in" == client.get("/", headers=HTML).location


def test_wrong_key_does_not_sign_in(client: FlaskClient, service: Service) -> None:
    """
    The page says so and asks again.
    """
    service.keys.add("shop")

    answer = sign_in(client, "wrong")

    assert 401 == answer.status_code
    assert "This is no valid API key." in answer.text


def test_sign_in_begins_a_new_session(client: FlaskClient, service: Service) -> None:
    """
    What a stranger planted before the sign-in is gone after it.
    """
    key = service.keys.add("shop")
    before = token(client, "/sign-in")

    sign_in(client, key)

    assert before != token(client)


def test_without_keys_nobody_signs_in(client: FlaskClient) -> None:
    """
    There is nothing to ask for yet.
    """
    assert "/" == client.get("/sign-in").location


def test_caller_sees_only_his_own(client: FlaskClient, service: Service) -> None:
    """
    Neither list, nor page, nor button shows the mails of others.
    """
    other = service.outbox.add(PLAIN)
    sign_in(client, service.keys.add("shop"))

    assert other not in client.get("/mails").text
    assert 404 == client.get(f"/mails/{other}").status_code
    client.post(f"/mails/{other}/cancel", data={"csrf": token(client)})
    assert State.PENDING == service.outbox.list()[0].state


@pytest.mark.parametrize(("grants", "shown"), [((), False), (("admin",), True)])
def test_sections_are_those_one_may_open(
    grants: tuple[str, ...], shown: bool, client: FlaskClient, service: Service
) -> None:
    """
    Who may not open the mailbox is not led to it.
    """
    sign_in(client, service.keys.add("shop", Rules(grants=grants)))

    assert shown == ("/mailbox/" in client.get("/").text)


def test_pages_can_be_used_by_everybody(client: FlaskClient) -> None:
    """
    Every field has a label, every id is there once, and nothing comes from elsewhere.
    """
    url = send(client).location or ""

    for path in ("/", "/mails", url, "/mailbox/"):
        text = client.get(path).text
        page = Page(text)
        assert [] == page.unlabelled
        assert len(page.values("id")) == len(set(page.values("id")))
        assert not re.search(r'(?:src|href|action)="(?:https?:)?//', text)
        assert not re.search(r'<script(?! src=)|\son[a-z]+="|\sstyle="', text)
        assert {"lang": "en"} in [found for tag, found in page.tags if tag == "html"]
        assert 1 == sum(tag == "h1" for tag, _ in page.tags)


NOW = datetime(2027, 1, 31, 9, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)


def mail_with(*attempts: OutboxAttempt, **fields: Any) -> OutboxMail:
    """
    A mail of the outbox after some attempts.
    """
    plain: dict[str, Any] = {
        "id": "m1",
        "state": State.PENDING,
        "created": NOW,
        "due": None,
        "tries": 1,
        "recipients": (),
        "provider": "",
        "provider_message_id": "",
        "reason": "",
        "possible_duplicate": False,
        "finished": None,
        "idempotency_key": "",
    }
    return OutboxMail(**(plain | fields), attempts=attempts)


def call(provider: str, outcome: str = "accepted", **more: Any) -> OutboxAttempt:
    """
    An attempt.
    """
    return OutboxAttempt(provider, NOW, 0.1, "response", outcome, **more)


@each(
    ("mail", "expected"),
    [
        (mail_with(), [Step(None, "", "Waiting")]),
        (
            mail_with(call("a", "ConnectionFailed", error="refused"), due=NOW, reason="nobody"),
            [
                Step(NOW, "bad", "a could not be reached", "refused"),
                Step(None, "", "Waiting", "nobody"),
            ],
        ),
        (
            mail_with(
                call("a", "ProviderUnavailable", error="down", status_code=503),
                call("b", provider_message_id="x1"),
                state=State.SENT,
            ),
            [
                Step(NOW, "bad", "a was out of order (503)", "down"),
                Step(NOW, "good", "Sent by b", "Its id there is x1"),
            ],
        ),
        (
            mail_with(
                call("a"), state=State.SENT, possible_duplicate=True, finished=NOW, reason="lost"
            ),
            [
                Step(NOW, "good", "Sent by a"),
                Step(NOW, "warn", "It may have been sent twice", "lost"),
            ],
        ),
        (
            mail_with(due=NOW, reason="no provider took mail m1:\n  a: RateLimited: 429"),
            [Step(None, "", "Waiting", "no provider took mail m1")],
        ),
        (mail_with(due=LATER), [Step(LATER, "", "To be sent")]),
        (
            mail_with(call("a", "RateLimited"), due=LATER, reason="too many"),
            [
                Step(NOW, "bad", "a asked us to slow down"),
                Step(LATER, "", "To be tried again", "too many"),
            ],
        ),
        (
            mail_with(held_back=("gmail",), due=NOW, reason="held back: receiver down (gmail)"),
            [Step(None, "warn", "Held back: receiver down", "No provider reaches gmail now")],
        ),
        (mail_with(call("a", "unfinished"), state=State.SENDING), [Step(NOW, "", "Calling a")]),
        (
            mail_with(state=State.UNKNOWN, reason="no answer"),
            [Step(None, "warn", "It may have been sent", "no answer")],
        ),
        (
            mail_with(state=State.DEAD, finished=NOW, reason="no such address"),
            [Step(NOW, "bad", "Given up", "no such address")],
        ),
    ],
)
def test_timeline_tells_each_step(mail: OutboxMail, expected: list[Step]) -> None:
    """
    Whatever became of a mail is said in words, in the order of time.
    """
    assert [Step(NOW, "", "Queued"), *expected] == list(steps(mail))


@each("kind", SendError.__subclasses__())
def test_no_class_of_an_error_is_named(kind: type[SendError]) -> None:
    """
    Whatever a call ended in, the page says it in words of its own; of a stranger's, that it failed.
    """
    *_, step, _ = steps(mail_with(call("a", kind.__name__)))
    *_, strange, _ = steps(mail_with(call("a", "SomebodysError")))

    assert kind.__name__ not in step.what
    assert "a failed" == strange.what
    assert "a failed" != step.what


def test_timeline_goes_on_with_events() -> None:
    """
    Each event is said in words; one without words of its own by its name.
    """
    events = [
        DeliveryEvent(type=EventType.DELIVERED, recipient="ann@example.com", timestamp=NOW),
        DeliveryEvent(type=EventType.AUTORESPONDED, description="on holiday"),
    ]

    assert [
        Step(NOW, "", "Queued"),
        Step(NOW, "good", "Delivered to ann@example.com"),
        Step(None, "", "Autoresponded: somebody", "on holiday"),
    ] == list(steps(mail_with(state=State.SENT), events))


def test_good_news_of_many_is_one_step() -> None:
    """
    Deliveries to many recipients share a step; each bounce has its own, with its reason.
    """
    events = [
        DeliveryEvent(type=EventType.DELIVERED, recipient=f"r{n}@example.com", timestamp=NOW)
        for n in range(5)
    ]
    bounces = [
        DeliveryEvent(type=EventType.BOUNCED, recipient=f"r{n}@example.com", mta_response="550")
        for n in range(5)
    ]
    names = "r0@example.com, r1@example.com, r2@example.com, r3@example.com"

    _, *four = steps(mail_with(state=State.SENT), events[:4])
    _, *five, last = steps(mail_with(state=State.SENT), bounces + events)

    assert [Step(NOW, "good", "Delivered to 4 recipients", names)] == four
    assert Step(NOW, "good", "Delivered to 5 recipients", f"{names} and 1 more") == last
    assert [Step(None, "bad", f"Bounced from r{n}@example.com", "550") for n in range(5)] == five


@each(("seconds", "text"), [(1.4, "1 s"), (119, "119 s"), (896, "15 min")])
def test_long_times_are_minutes(seconds: float, text: str) -> None:
    """
    Nobody divides by sixty.
    """
    assert text == write_duration(seconds)
