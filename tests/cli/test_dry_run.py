from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from mailfailover.cli.dry_run import show_request
from mailfailover.plugin import HTTPRequest
from tests.cli.running import KEY, MAIL, dsn_of, run

if TYPE_CHECKING:
    from mailfailover.testing import FaultServer


def test_dry_run_shows_the_request_without_secrets(vendor: FaultServer) -> None:
    """
    The first provider, what would be left off and the request are shown, and nothing is sent.
    """
    chain = f"failover({dsn_of(vendor)} null://)"

    done = run("send", "--dsn", chain, "--dry-run", *MAIL)

    head, _, rest = done.stdout.partition("\n\n")
    assert [
        "Nothing was sent. sendgrid would get the mail first.",
        "Left off for it: nothing",
        "Tried then: null",
    ] == head.splitlines()
    assert rest.startswith(
        f"method: POST\nurl: {vendor.url}/v3/mail/send\nAuthorization: ***\n"
        "Content-Type: application/json\n\n{\n"
    )
    assert KEY not in done.output
    assert () == vendor.requests


def test_dry_run_is_json() -> None:
    """
    ``--json`` gives the same as data.
    """
    chain = f"failover(mandrill://{KEY}@default null://)"
    tags = ("--tag", "one", "--attach", "big.bin")
    Path("big.bin").write_bytes(b"x" * 100)

    done = run("send", "--dsn", chain, "--dry-run", "--json", *MAIL, *tags)

    data = json.loads(done.stdout)
    assert KEY not in done.stdout
    assert "(136 bytes of an attachment)" in data["request"].pop("body")
    assert {
        "dry_run": True,
        "mail_id": data["mail_id"],
        "provider": "mandrill",
        "dropped": [],
        "next_ones": ["null"],
        "passed_by": [],
        "request": {
            "method": "POST",
            "url": "https://mandrillapp.com/api/1.0/messages/send",
            "headers": {"Content-Type": "application/json"},
        },
    } == data


def test_dry_run_names_who_would_not_get_it() -> None:
    """
    A provider that cannot express the mail is named; one with code of its own has no request.
    """
    chain = f"failover(mailgun://{KEY}:mg.example.com@default null://)"
    repeated = ("--header", "X-A: 1", "--header", "X-A: 2")

    done = run("send", "--dsn", chain, "--dry-run", *MAIL, *repeated)

    assert [
        "Nothing was sent. null would get the mail first.",
        "Left off for it: nothing",
        "Tried then: nobody",
        "Would not get it: mailgun",
        "null sends by code of its own: there is no request to show.",
    ] == done.stdout.splitlines()


def test_dry_run_obeys_the_staging_address(tmp_path: Path) -> None:
    """
    Mail that would be redirected is shown so.
    """
    config = tmp_path / "mail.toml"
    config.write_text(
        '[mailer]\nredirect_to = "team@example.com"\n'
        '[providers.relay]\nscheme = "smtp"\nhost = "mail.example.com"\n'
    )

    done = run("send", "--config", str(config), "--dry-run", *MAIL)

    assert "recipients: team@example.com\n" in done.stdout


def test_terminal_gets_no_control_characters() -> None:
    """
    What could steer the terminal is shown as an escape.
    """
    done = run("send", "--dsn", "smtp://mail.example.com", "--dry-run", *MAIL[:-1], "a\x9b31mb")
    shown = run("send", "--dsn", f"sendgrid://{KEY}@default", "--dry-run", *MAIL[:-1], "\x9b31m")

    assert (0, 0) == (done.exit_code, shown.exit_code)
    assert "\x9b" not in shown.stdout
    assert r"\x9b31m" in shown.stdout


def test_request_of_another_kind_is_not_shown() -> None:
    """
    What a vendor's own transport carries is not ours to read; a form is text.
    """
    form = HTTPRequest("POST", "https://x.example/", {"X-Key": "secret"}, b"a=1&b=2")

    assert {} == show_request(object())
    assert {
        "method": "POST",
        "url": "https://x.example/",
        "headers": {"X-Key": "***"},
        "body": "a=1&b=2",
    } == show_request(form)
