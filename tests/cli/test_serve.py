from __future__ import annotations

import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
import requests

from mailfailover._sql.database import open_engine
from mailfailover.cli.source import is_configured
from mailfailover.outbox import Outbox
from mailfailover.service.keys import Keys
from mailfailover.testing import PLAIN
from tests.cli.running import listening, run

if TYPE_CHECKING:
    from pathlib import Path

SEND = "/email/api/1.0/send"
FORM = {"to": "ann@example.com", "from_email": "shop@example.com", "subject": "Hi", "text": "Hello"}


def ask(method: str, url: str, **options: Any) -> requests.Response:
    """
    Ask the service.
    """
    return requests.request(method, url, timeout=30, **options)


def post(url: str, **headers: str) -> Any:
    """
    Post the mail and wait until it is sent.
    """
    answer = ask("POST", f"{url}{SEND}", data=FORM, headers={"Prefer": "wait=20"} | headers)
    return answer.status_code, answer.json()


def test_one_command_is_the_whole_service(tmp_path: Path) -> None:
    """
    With nothing configured, a posted mail is in the mailbox, and SIGTERM is an orderly end.
    """
    box = str(tmp_path / "preview.db")

    with listening("serve", "--preview", MAILFAILOVER_PREVIEW=box) as (process, url):
        status, mail = post(url)
        (kept,) = ask("GET", f"{url}/mailbox/json").json()
        process.send_signal(signal.SIGTERM)
        code = process.wait(20)

    assert (200, "sent", "preview") == (status, mail["state"], mail["provider"])
    assert mail["id"] == kept["id"]
    assert 0 == code


def test_old_variables_work_as_they_are() -> None:
    """
    PORT and the vendors' variables of the old service need no change.
    """
    old = {
        "MAILGUN_API_KEY": "key",
        "MAILGUN_DOMAIN": "mg.example.com",
        "MAILGUN_API_URL": "http://127.0.0.1:9/v2",
        "PORT": "1",  # --port of the test takes precedence
    }
    with listening("serve", "--preview", "--workers", "0", **old) as (_, url):
        text = ask("GET", url, headers={"Accept": "text/html"}).text

    assert "mailgun" in text
    assert "/mailbox/" not in text


def test_service_can_leave_the_sending_to_others() -> None:
    """
    Without workers a mail is stored, and stays there for another process.
    """
    with listening("serve", "--dsn", "null://", "--workers", "0") as (_, url):
        answer = ask("POST", f"{url}{SEND}", data=FORM)

    (mail,) = Outbox().list()
    assert (202, mail.id) == (answer.status_code, answer.json()["id"])
    assert "pending" == mail.state


def test_keys_and_proxies_are_heeded() -> None:
    """
    A key made by the command opens the service, and a believed proxy tells who asks and how.
    """
    key = run("keys", "add", "shop").stdout.strip()
    assert Keys(open_engine()).check(key)

    with listening("serve", "--dsn", "null://", "--proxies", "1") as (_, url):
        closed = ask("POST", f"{url}{SEND}", data=FORM)
        headers = {
            "X-Forwarded-For": "192.0.2.1",
            "X-Forwarded-Proto": "https",
            "X-Forwarded-Host": "mail.example.com",
        }
        status, mail = post(url, Authorization=f"Bearer {key}", **headers)

    assert 401 == closed.status_code
    assert 200 == status
    assert mail["status_url"].startswith("https://mail.example.com/email/")


def test_proxy_on_this_machine_opens_nothing() -> None:
    """
    Without keys, what a proxy hands on is not taken for this machine's own.
    """
    headers = {"X-Forwarded-For": "192.0.2.1"}

    with listening("serve", "--dsn", "null://", "--workers", "0") as (_, url):
        answer = ask("POST", f"{url}{SEND}", data=FORM, headers=headers)

    assert 403 == answer.status_code
    assert [] == Outbox().list()


def test_worker_works_without_listening() -> None:
    """
    It sends what others store, until it is told to end.
    """
    outbox = Outbox()
    outbox.init()
    outbox.add(PLAIN)
    command = [sys.executable, "-m", "mailfailover", "serve", "--worker-only", "--dsn", "null://"]
    with subprocess.Popen(command) as process:
        try:
            for _ in range(200):
                if outbox.list("sent"):
                    break
                time.sleep(0.1)
        finally:
            process.terminate()
        code = process.wait(20)

    assert ["sent"] == [mail.state for mail in outbox.list()]
    assert 0 == code


def test_broker_does_the_sending() -> None:
    """
    With a broker the service stores and wakes, and sends nothing itself.
    """
    surroundings = {"MAILFAILOVER_BROKER": "memory://"}
    with listening("serve", "--dsn", "null://", **surroundings) as (_, url):
        answer = ask("POST", f"{url}{SEND}", data=FORM, headers={"Prefer": "wait=1"})

    assert 202 == answer.status_code
    assert ["pending"] == [mail.state for mail in Outbox().list()]


def test_service_without_provider_does_not_start() -> None:
    """
    Nobody's mails vanish in a mailbox that was not asked for.
    """
    done = run("serve", "--port", "0")

    assert 2 == done.exit_code
    assert "no provider is configured" in done.stderr


@pytest.mark.parametrize(
    ("dsn", "variable", "expected"),
    [("null://", "", True), (None, "", False), (None, "MAILFAILOVER_DSN", True)],
)
def test_configuration_is_found(
    dsn: str | None, variable: str, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    An option or a variable says which providers to use.
    """
    if variable:
        monkeypatch.setenv(variable, "null://")

    assert expected is is_configured(dsn, None)
