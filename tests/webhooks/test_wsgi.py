from __future__ import annotations

import io
import logging
from typing import Any
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator

import pytest

from mailfailover import EventType, Mailer
from mailfailover._mailer.webhook import MAX_BODY
from mailfailover.plugin import WebhookRequest
from mailfailover.providers.brevo import Brevo
from mailfailover.providers.postmark import Postmark
from mailfailover.unsubscribe import UnsubscribeLinks
from mailfailover.webhooks._answers import answer_webhook
from mailfailover.webhooks.wsgi import create_app
from tests.webhooks.hooks import DELIVERED, KEY, Told, make_mailer

LINKS = UnsubscribeLinks("https://example.com/unsubscribe", "a secret of sixteen")


class Client:
    """
    Calls the application as a server does, under the eyes of the standard library's checker.
    """

    def __init__(self) -> None:
        self.told = Told()
        self.app = validator(create_app(make_mailer(self.told), unsubscribe=LINKS))

    def call(
        self,
        path: str,
        method: str = "POST",
        body: bytes = DELIVERED,
        headers: dict[str, str] | None = None,
        **more: Any,
    ) -> tuple[int, dict[str, str], str]:
        """
        Return the status, the headers and the body of the answer.
        """
        environ: dict[str, Any] = {
            "REQUEST_METHOD": method,
            "PATH_INFO": path,
            "CONTENT_TYPE": "application/json",
            "CONTENT_LENGTH": str(len(body)),
            "QUERY_STRING": "",
            "SCRIPT_NAME": "",
            "wsgi.input": io.BytesIO(body),
            **{
                f"HTTP_{name.upper().replace('-', '_')}": value
                for name, value in (KEY if headers is None else headers).items()
            },
            **more,
        }
        setup_testing_defaults(environ)
        answer: list[Any] = []

        def start(status: str, headers: list[tuple[str, str]], *_: Any) -> Any:
            answer.extend((int(status.split(maxsplit=1)[0]), dict(headers)))
            return lambda _: None

        parts = self.app(environ, start)
        text = b"".join(parts).decode()
        parts.close()  # type: ignore[attr-defined]  # the checker wants it
        return answer[0], answer[1], text


@pytest.fixture
def client() -> Client:
    """
    A client of a new application.
    """
    return Client()


@pytest.mark.parametrize("path", ["/acme", "/webhooks/acme", "/email/api/1.0/webhooks/acme/"])
def test_webhook_is_taken(client: Client, path: str) -> None:
    """
    The last part of the path is the provider's chain key.
    """
    assert (200, "1 events\n") == client.call(path)[::2]
    assert ["acme"] == [event.provider for event in client.told.events]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_vendor_may_try_the_address(client: Client, method: str) -> None:
    """
    Some do before they use it, without any signature.
    """
    status, headers, text = client.call("/webhooks/acme", method, b"", {})

    assert (200, "25") == (status, headers["Content-Length"])
    assert ("Webhooks are taken here.\n" if method == "GET" else "") == text


def test_vendor_that_calls_by_get(client: Client) -> None:
    """
    It is taken by GET, and in no other way.
    """
    told, path = Told(), "/webhooks/elasticemail"
    url = "elasticemail://secret-key@?webhook_secret=secret-hook"
    client.app = validator(create_app(Mailer({"elasticemail": url}, on_event=[told])))

    found = [
        client.call(path, method, b"", {}, QUERY_STRING=query)[::2]
        for method, query in (
            ("GET", "secret=secret-hook&status=Sent"),
            ("GET", "secret=other&status=Opened"),
            ("HEAD", "secret=secret-hook&status=Clicked"),
            ("POST", "secret=secret-hook&status=Unsubscribed"),
        )
    ]

    assert [200, 503, 200, 405] == [status for status, _ in found]
    assert ("1 events\n", "") == (found[0][1], found[2][1])
    assert [EventType.SENT] == [event.type for event in told.events]


@pytest.mark.parametrize("path", ["/webhooks/other", "/webhooks/plain", "/", "", "/webhooks/"])
def test_nothing_elsewhere(client: Client, path: str) -> None:
    """
    No such provider, or none with webhooks.
    """
    assert 404 == client.call(path)[0]


def test_other_methods(client: Client) -> None:
    """
    Nothing else is done to a webhook or a link.
    """
    token = LINKS.url_for("ann@example.org").rpartition("/")[2]

    for path in ("/webhooks/acme", f"/unsubscribe/{token}"):
        status, headers, _ = client.call(path, "PUT")
        assert (405, "GET, HEAD, POST") == (status, headers["Allow"])


@pytest.mark.parametrize(
    ("headers", "body", "status", "text"),
    [
        ({}, DELIVERED, 403, "not signed by the vendor"),
        (KEY, b"{", 400, "neither a JSON object nor"),
        (KEY, b"\xff\xfe", 400, "neither a JSON object nor"),
        ({"Acme-Trouble": "certificate"}, DELIVERED, 503, "cannot be taken now"),
        ({"Acme-Trouble": "configuration"}, DELIVERED, 500, "bring it again"),
    ],
)
def test_trouble_has_a_status(
    client: Client, headers: dict[str, str], body: bytes, status: int, text: str
) -> None:
    """
    Whoever asks learns what he can do about it, and nothing about us.
    """
    found = client.call("/webhooks/acme", headers=headers, body=body)

    assert status == found[0]
    assert text in found[2]
    assert "secret" not in found[2]
    assert [] == client.told.events


@pytest.mark.parametrize(
    ("provider", "status"),
    [
        (Brevo(api_key="secret-key", webhook_username="me", webhook_password="secret-hook"), 429),
        (Postmark(server_token="secret", webhook_username="me", webhook_password="secret"), 401),
    ],
    ids=["brevo", "postmark"],
)
def test_a_refused_event_comes_again(provider: Any, status: int) -> None:
    """
    Brevo and Postmark give an event up at 403, and the password may be wrong for a minute only.
    """
    with Mailer(provider, from_email="shop@example.com") as mailer:
        found = answer_webhook(mailer, provider.name, WebhookRequest("POST", "/", {}, b"{}"))

    assert status == found.status


def test_repetition_is_answered_as_done(client: Client) -> None:
    """
    A vendor that repeats itself had no answer; the event is not handed on again.
    """
    again = {**KEY, "Acme-Id": "7"}

    assert [200, 200] == [client.call("/acme", headers=again)[0] for _ in range(2)]
    assert 1 == len(client.told.events)


def test_failed_handler_asks_for_a_repetition(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    """
    The log says where it failed, without what it said; then the vendor brings the event again.
    """
    again = {**KEY, "Acme-Id": "7"}
    client.told.error = OSError("disk of ann@example.org")

    first = client.call("/acme", headers=again)
    client.told.error = None
    second = client.call("/acme", headers=again)

    assert (500, 200) == (first[0], second[0])
    assert 1 == len(client.told.events)
    assert "a handler of events failed on a webhook of acme: OSError in __call__" in caplog.text
    assert "ann@example.org" not in caplog.text + first[2]


def test_log_names_no_address(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    """
    What is refused is logged as a warning.
    """
    caplog.set_level(logging.INFO)

    client.call("/acme", headers={})

    assert ["a webhook of acme is answered 403: not ours"] == caplog.messages


@pytest.mark.parametrize("length", [str(MAX_BODY + 1), "9" * 30, "-1", "١"])
def test_huge_body_is_not_read(client: Client, length: str) -> None:
    """
    Nor one whose length is none.
    """
    app = create_app(make_mailer(client.told))
    environ: dict[str, Any] = {"CONTENT_LENGTH": length, "PATH_INFO": "/acme"}
    setup_testing_defaults(environ)
    environ["REQUEST_METHOD"] = "POST"
    environ["wsgi.input"] = None
    statuses: list[str] = []

    app(environ, lambda status, _: statuses.append(status))

    assert ["413 "] == [status[:4] for status in statuses]


def test_body_that_does_not_come(client: Client) -> None:
    """
    A connection that breaks is no failure of ours.
    """

    class Broken(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise TimeoutError

    more: dict[str, Any] = {"wsgi.input": Broken()}

    assert (400, "The body did not come whole.\n") == client.call("/acme", **more)[::2]


def test_body_without_length(client: Client) -> None:
    """
    Is none, unless the server ends it; then its size is watched.
    """
    chunked: dict[str, Any] = {"CONTENT_LENGTH": "", "wsgi.input_terminated": True}

    assert 400 == client.call("/acme", CONTENT_LENGTH="")[0]
    assert 200 == client.call("/acme", **chunked)[0]
    assert 413 == client.call("/acme", body=b" " * (MAX_BODY + 1), **chunked)[0]


def test_link_asks_first(client: Client) -> None:
    """
    A GET, which a program that checks links does, ends nothing: it shows a button.
    """
    token = LINKS.url_for("ann@example.org", "news").rpartition("/")[2]

    status, headers, text = client.call(f"/unsubscribe/{token}", "GET", b"", {})

    assert (200, "text/html; charset=utf-8") == (status, headers["Content-Type"])
    assert '<form method="post">' in text
    assert "<script" not in text
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "no-referrer" == headers["Referrer-Policy"]
    assert [] == client.told.events


@pytest.mark.parametrize("body", [b"List-Unsubscribe=One-Click", b""])
def test_one_click_unsubscribes(client: Client, body: bytes) -> None:
    """
    A POST ends the subscription, without any login.
    """
    token = LINKS.url_for("ann@example.org", "news", "01A").rpartition("/")[2]

    status, _, text = client.call(f"/unsubscribe/{token}", body=body, headers={})

    assert 200 == status
    assert "You are unsubscribed" in text
    assert [(EventType.UNSUBSCRIBED, "ann@example.org", "01A", "news")] == [
        (event.type, event.recipient, event.mail_id, event.metadata["mailfailover-stream"])
        for event in client.told.events
    ]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_forged_link_does_nothing(client: Client, method: str) -> None:
    """
    It is a page that says so.
    """
    status, _, text = client.call("/unsubscribe/abc.def", method, b"", {})

    assert 404 == status
    assert "not valid" in text
    assert [] == client.told.events


def test_unsubscription_that_fails_says_so(client: Client) -> None:
    """
    A provider of mailboxes tries again.
    """
    token = LINKS.url_for("ann@example.org").rpartition("/")[2]
    client.told.error = OSError("disk")

    assert 500 == client.call(f"/unsubscribe/{token}", body=b"", headers={})[0]


def test_links_must_be_configured() -> None:
    """
    Without, there is no such address.
    """
    client = Client()
    client.app = validator(create_app(make_mailer(client.told)))

    assert 404 == client.call("/unsubscribe/abc")[0]


def test_application_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Without a mailer it makes one as a mailer does.
    """
    monkeypatch.setenv("MAILFAILOVER_DSN", "mailgun://key:mg.example.com@default")

    app = create_app()

    assert ("mailgun",) == app._mailer.webhooks.keys
