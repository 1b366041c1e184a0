"""
``mailfailover webhooks``: webhooks taken by a process of its own.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import TYPE_CHECKING
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from standardwebhooks import Webhook

from mailfailover.unsubscribe import UnsubscribeLinks
from tests.cli.running import run
from tests.providers.signing import GOLDEN, SECRET, sign_mailgun
from tests.webhooks.troubles import DSN as DSN_BREVO
from tests.webhooks.troubles import TROUBLES, post

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailfailover.plugin import WebhookRequest

DSN = f"mailgun://key:mg.example.com@default?webhook_signing_key={SECRET}"
CALLBACK_SECRET = "whsec_c2VjcmV0LW9mLXRoZS1jYWxsYmFja3M="
LINK_SECRET = "a secret of sixteen"


class Running:
    """
    The command as a process, and its URL.
    """

    def __init__(self, process: subprocess.Popen[str], url: str) -> None:
        self.process = process
        self.url = url

    def post(self, path: str, request: WebhookRequest | None = None) -> int:
        """
        Bring a webhook, and return the status of the answer.
        """
        body, headers = (request.body, dict(request.headers)) if request else (b"", {})
        asked = Request(f"{self.url}{path}", body, headers, method="POST")  # noqa: S310 -- of this machine
        try:
            with urlopen(asked, timeout=120) as answer:  # noqa: S310 -- the same
                status: int = answer.status
                return status
        except HTTPError as exc:
            return exc.code

    def end(self, number: int = signal.SIGTERM) -> str:
        """
        End it, and return what it has written.
        """
        self.process.send_signal(number)
        out, _ = self.process.communicate(timeout=120)
        assert 0 == self.process.returncode
        return out


@contextmanager
def listening(*arguments: str, **environment: str) -> Iterator[Running]:
    """
    Run the command on a free port.
    """
    command = [sys.executable, "-m", "mailfailover", "webhooks", "--listen", "127.0.0.1:0"]
    with subprocess.Popen(
        [*command, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"MAILFAILOVER_DSN": DSN} | environment,
    ) as process:
        try:
            assert process.stderr is not None
            line = process.stderr.readline()
            found = re.search(r"webhooks: (http://[^ ]+:[0-9]+)  ", line)
            assert found, line + process.stderr.read()
            yield Running(process, found[1])
        finally:
            process.kill()


def delivered() -> WebhookRequest:
    """
    A webhook of Mailgun, signed now.
    """
    pair = json.loads((GOLDEN / "mailgun" / "delivered.json").read_text())
    return sign_mailgun(json.dumps(pair["payload"]).encode(), time.time())


def test_events_are_shown_and_recorded() -> None:
    """
    Each event is a line, without an address; `mailfailover events` knows it afterwards.
    """
    with listening() as running:
        webhook = delivered()
        statuses = [
            running.post("/webhooks/mailgun", webhook),
            running.post("/webhooks/mailgun", webhook),  # taken before: done, and not shown again
            running.post("/webhooks/mailgun"),
            running.post("/webhooks/other"),
        ]
        shown = running.end()

    assert [200, 200, 403, 404] == statuses
    assert "2026-11-24T08:15:04+00:00 mailgun 01KAS5V6C8PLA1NMA1L0000001 delivered\n" == shown
    (event,) = json.loads(run("events", "--json").output)
    assert "delivered" == event["type"]


def test_a_vendor_is_answered_so_that_it_repeats() -> None:
    """
    Brevo drops an event at any status of failure but 429; its database may be away for a while.
    """
    names = ("another password", "unreadable")

    with listening(MAILFAILOVER_DSN=DSN_BREVO) as running:
        port = int(running.url.rpartition(":")[2])
        answers = [post(port, "/webhooks/brevo", TROUBLES[name]) for name in names]
        running.end()

    assert [429, 429] == answers


def test_events_as_json() -> None:
    """
    One line of JSON for each, the address in it; Ctrl-C ends it as well.
    """
    with listening("--json") as running:
        running.post("/webhooks/mailgun", delivered())
        shown = running.end(signal.SIGINT)

    assert "ann@example.org" == json.loads(shown)["recipient"]
    assert "raw" not in shown


def test_click_suppresses() -> None:
    """
    Whoever clicks on his link is on the list of suppressions, for the stream of the mail.
    """
    links = UnsubscribeLinks("https://hooks.example.com/unsubscribe", LINK_SECRET)
    path = links.url_for("ann@example.org", "news").removeprefix("https://hooks.example.com")

    with listening(
        "--unsubscribe-url", links.url, MAILFAILOVER_UNSUBSCRIBE_SECRET=LINK_SECRET
    ) as running:
        statuses = [running.post(path), running.post("/unsubscribe/abc")]
        running.end()

    assert [200, 404] == statuses
    (entry,) = json.loads(run("suppressions", "list", "--json").output)
    assert ("ann@example.org", "news") == (entry["email"], entry["stream"])


def test_other_system_is_told() -> None:
    """
    By a signed call.
    """
    calls: list[tuple[dict[str, str], bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            calls.append((dict(self.headers), body))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/mail-events"

    with listening("--callback-url", url, MAILFAILOVER_CALLBACK_SECRET=CALLBACK_SECRET) as running:
        running.post("/webhooks/mailgun", delivered())
        end = time.monotonic() + 20
        while not calls and time.monotonic() < end:
            time.sleep(0.01)
        running.end()
    server.shutdown()
    server.server_close()

    ((headers, body),) = calls
    told = Webhook(CALLBACK_SECRET).verify(body, headers)
    assert ("email.delivered", "ann@example.org") == (told["type"], told["data"]["recipient"])


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ((), "say where webhooks come"),
        (("--listen", "8026"), "must be HOST:PORT"),
        (("--listen", "localhost:x"), "must be HOST:PORT"),
        (("--listen", "localhost:99999"), "must be HOST:PORT"),
        (("--listen", "192.0.2.1:8026"), "cannot be had"),
        (("--listen", "[2001:db8::1]:8026"), "cannot be had"),
        (("--listen", "127.0.0.1:0", "--dsn", "null://"), "none of the providers has webhooks"),
        (("--listen", "--unsubscribe-url", "https://a.example"), "16 characters or more"),
        (("--listen", "--callback-url", "https://a.example"), "have no secret"),
    ],
)
def test_wrong_setting_is_named(
    arguments: tuple[str, ...], problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The error says what is wrong, before anything listens.
    """
    monkeypatch.setenv("MAILFAILOVER_DSN", DSN)

    result = run("webhooks", *arguments)

    assert 2 == result.exit_code
    assert problem in result.output


def test_tables_are_made_by_themselves() -> None:
    """
    Or beforehand.
    """
    assert [0, 0] == [run("webhooks", name).exit_code for name in ("init", "upgrade")]
