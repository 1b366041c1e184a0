from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from mailfailover import Mailer, errors
from mailfailover.cli.output import describe
from mailfailover.deliveries import DeliveryHealth
from mailfailover.testing import FaultServer, faults
from mailfailover.tracking import Tracking
from tests.cli.running import KEY, MAIL, dsn_of, run
from tests.samples import each

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_options_make_the_mail(vendor: FaultServer, tmp_path: Path) -> None:
    """
    Every option of a mail arrives at the vendor.
    """
    (tmp_path / "a.txt").write_text("attached")

    done = run(
        *("send", "--dsn", dsn_of(vendor), "--json", *MAIL, "extra@example.com"),
        *("--to", '"Doe, Jane" <c@example.com>', "--cc", "d@example.com", "--bcc", "e@example.com"),
        *("--reply-to", "r@example.com", "--html", "<p>Hello</p>", "--attach", "a.txt"),
        *("--header", "X-One: 1", "--tag", "t1", "--tag", "t2", "--metadata", "order=7=8"),
        *("--via", "sendgrid"),
    )

    assert (0, "") == (done.exit_code, done.stderr)
    sent = json.loads(vendor.requests[0].body)
    group = sent["personalizations"][0]
    assert {
        "to": [
            {"email": "b@example.com"},
            {"email": "c@example.com", "name": "Doe, Jane"},
            {"email": "extra@example.com"},
        ],
        "cc": [{"email": "d@example.com"}],
        "bcc": [{"email": "e@example.com"}],
    } == {name: group[name] for name in ("to", "cc", "bcc")}
    assert ["t1", "t2"] == sent["categories"]
    assert "7=8" in json.dumps(sent)
    assert "r@example.com" in json.dumps(sent)
    assert "X-One" in json.dumps(sent)
    assert ["text/plain", "text/html"] == [one["type"] for one in sent["content"]]
    assert ["a.txt"] == [one["filename"] for one in sent["attachments"]]


def test_json_is_the_receipt(vendor: FaultServer) -> None:
    """
    ``--json`` prints ``Receipt.to_dict()`` and nothing else.
    """
    done = run("send", "--dsn", dsn_of(vendor), "--json", *MAIL)

    receipt: dict[str, Any] = json.loads(done.stdout)
    attempt = receipt["attempts"].pop()
    assert {
        "mail_id": next(iter(vendor.accepted_ids())),
        "provider": "sendgrid",
        "provider_message_id": attempt["provider_message_id"],
        "recipients": {"b@example.com": "accepted"},
        "attempts": [],
        "possible_duplicate": False,
        "message_ids": {},
        "unsent": [],
    } == receipt


def test_failover_is_told(vendor: FaultServer) -> None:
    """
    The text names who took the mail, and every attempt with its reason.
    """
    with FaultServer("sendgrid") as broken:
        broken.fail("unavailable")
        chain = f"failover({dsn_of(broken, 'one')} {dsn_of(vendor, 'two')})"
        done = run("send", "--dsn", chain, *MAIL)

    first, one, two = done.stdout.splitlines()
    assert first.startswith("two accepted mail ")
    assert one.startswith("  one: ProviderUnavailable in 0.")
    assert one.endswith("HTTP 503: service unavailable")
    assert two.startswith("  two: accepted in 0.")
    assert (0, "") == (done.exit_code, done.stderr)


def test_possible_duplicate_is_a_warning(vendor: FaultServer) -> None:
    """
    A mail that may have been sent twice is sent, and said to be.
    """
    with FaultServer("sendgrid") as broken:
        broken.fail("bad_gateway")
        chain = f"failover({dsn_of(broken, 'one')} {dsn_of(vendor, 'two')})"
        done = run("send", "--dsn", chain, *MAIL)

    text = "mailfailover: an earlier attempt may have sent the mail too: possible duplicate\n"
    assert (0, text) == (done.exit_code, done.stderr)


def test_dropped_features_are_told(vendor: FaultServer) -> None:
    """
    What was left off stands with the attempt.
    """
    tags = [part for number in range(11) for part in ("--tag", f"t{number}")]

    done = run("send", "--dsn", dsn_of(vendor), *MAIL, *tags)

    assert done.stdout.endswith("; left off: TAGS\n")


def test_provider_without_an_id_is_told() -> None:
    """
    Where the vendor gives no id, none is invented.
    """
    done = run("send", "--dsn", "null://", *MAIL)

    first = done.stdout.splitlines()[0]
    assert first.startswith("null accepted mail ")
    assert " as " not in first


def test_refused_recipient_is_an_exit_code() -> None:
    """
    A mail that not all get is sent, and still ends with 1 and the address.
    """
    with FaultServer("mandrill") as vendor:
        answer = [
            {"email": "b@example.com", "status": "sent", "_id": "1"},
            {"email": "x@example.com", "status": "invalid", "_id": "2"},
        ]
        vendor.fail(faults.status(200, json.dumps(answer)))
        dsn = f"mandrill://{KEY}@default?base_url={vendor.url}"
        done = run("send", "--dsn", dsn, *MAIL, "x@example.com")

    text = "mailfailover: x@example.com gets no mail: invalid\n"
    assert (1, text) == (done.exit_code, done.stderr)


def test_all_failed_is_temporary(vendor: FaultServer) -> None:
    """
    When nobody took the mail, the code is sendmail's EX_TEMPFAIL and the table is on stderr.
    """
    vendor.fail("auth")

    done = run("send", "--dsn", dsn_of(vendor), *MAIL)

    assert (75, "") == (done.exit_code, done.stdout)
    assert "AuthenticationFailed" in done.stderr
    assert "(check the key and its permissions)" in done.stderr


def test_errors_are_json_too(vendor: FaultServer) -> None:
    """
    With ``--json`` an error is a document with its code and its attempts.
    """
    vendor.fail("auth")

    done = run("send", "--dsn", dsn_of(vendor), "--json", *MAIL)

    data = json.loads(done.stdout)
    assert 75 == data["exit_code"]
    assert "AllProvidersFailed" == data["error"]["type"]
    assert ["AuthenticationFailed"] == [one["outcome"] for one in data["error"]["attempts"]]


def test_configuration_error_is_json_too() -> None:
    """
    The same for what is wrong before any call.
    """
    done = run("send", "--dsn", "acme://", "--json", *MAIL)

    data = json.loads(done.stdout)
    assert (2, 2) == (done.exit_code, data["exit_code"])
    assert {"type", "message", "attempts"} == data["error"].keys()
    assert "ConfigurationError" == data["error"]["type"]


def test_time_to_try_again_is_told() -> None:
    """
    Where the chain knows when to try again, the document says so.
    """
    error = errors.AllProvidersFailed("no", retry_at=datetime(2026, 11, 24, tzinfo=UTC))

    assert {
        "type": "AllProvidersFailed",
        "message": "no",
        "attempts": [],
        "retry_at": "2026-11-24T00:00:00+00:00",
    } == describe(error)


def test_unknown_outcome_has_its_own_code(vendor: FaultServer) -> None:
    """
    A mail that may have been sent is told apart from one that was not.
    """
    vendor.fail("hang_after_read")

    done = run("send", "--dsn", dsn_of(vendor), "--timeout", "0.3", *MAIL)

    assert 3 == done.exit_code
    assert "may have been sent" in done.stderr


def test_nothing_configured_is_explained() -> None:
    """
    Without any configuration the error says what to set.
    """
    done = run("send", *MAIL)

    assert (2, "") == (done.exit_code, done.stdout)
    assert done.stderr.startswith("mailfailover: no provider is configured: set MAILFAILOVER_DSN")


@each(
    ("arguments", "words"),
    [
        (("--text", "x"), "give the recipients in one way"),
        (("-t", "--text", "x"), "-t needs a mail on standard input"),
        (("-t", "a@example.com"), "give the recipients in one way"),
        (("--to", "a@example.com", "b@example.com"), "give the recipients in one way"),
        (("--text", "-", "--html", "-", "a@b.example"), "cannot both be standard input"),
        (("--attach", "none.txt", *MAIL), "does not exist"),
        (("--timeout", "0", *MAIL), "is not in the range"),
    ],
    ids=["nobody", "-t", "-t+argument", "--to+argument", "stdin twice", "attach", "timeout"],
)
def test_contradictions_are_usage_errors(arguments: tuple[str, ...], words: str) -> None:
    """
    A command line that makes no sense is refused with a hint.
    """
    done = run("send", "--dsn", "null://", *arguments, stdin="")

    assert 2 == done.exit_code
    assert words in done.stderr


@each(
    ("arguments", "words"),
    [
        (("--header", "nonsense"), "headers: an option is not of the form 'Name: value'"),
        (("--metadata", "nonsense"), "metadata: an option is not of the form 'key=value'"),
        (("--to", "nonsense"), "to is not a valid address"),
        (("--via", "nonsense"), "via names no provider of this chain; known: null"),
    ],
    ids=["header", "metadata", "to", "via"],
)
def test_wrong_mail_is_refused(arguments: tuple[str, ...], words: str) -> None:
    """
    A mail that cannot be is refused in one line that names the field.
    """
    done = run("send", "--dsn", "null://", *MAIL, *arguments)

    assert (1, "") == (done.exit_code, done.stdout)
    assert done.stderr.startswith(f"mailfailover: {words}")


def test_repeated_header_is_kept(vendor: FaultServer) -> None:
    """
    The same header twice is one header with two values.
    """
    done = run(
        *("send", "--dsn", "smtp://mail.example.com", "--dry-run", *MAIL),
        *("--header", "X-A: 1", "--header", "X-A: 2"),
    )

    assert "X-A: 1\nX-A: 2\n" in done.stdout


def test_text_comes_from_standard_input(vendor: FaultServer) -> None:
    """
    ``--text -`` takes what a program writes.
    """
    run("send", "--dsn", dsn_of(vendor), *MAIL[:-1], "-", stdin="Grüße\n")

    assert "Grüße\n" == json.loads(vendor.requests[0].body)["content"][0]["value"]


def test_configuration_file_is_used(vendor: FaultServer, tmp_path: Path) -> None:
    """
    ``--config`` takes chain and sender from a file.
    """
    config = tmp_path / "mail.toml"
    config.write_text(
        '[mailer]\nfrom_email = "shop@example.com"\n'
        f'[providers.sg]\nscheme = "sendgrid"\napi_key = "{KEY}"\nbase_url = "{vendor.url}"\n'
    )

    done = run("send", "--config", str(config), *MAIL[2:])

    assert (0, "") == (done.exit_code, done.stderr)
    assert done.stdout.startswith("sg accepted mail ")


def test_environment_is_the_default(vendor: FaultServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Without options the chain is that of MAILFAILOVER_DSN.
    """
    monkeypatch.setenv("MAILFAILOVER_DSN", dsn_of(vendor, "env"))

    assert run("send", *MAIL).stdout.startswith("env accepted mail ")


def test_after_avoids_the_provider_that_owes_the_earlier_mail() -> None:
    """
    By what the database knows; the mail is tracked there as well.
    """
    tracking = Tracking()
    tracking.init()
    DeliveryHealth(tracking).init()
    chain = "failover(one=null:// two=null://)"
    with Mailer(chain, observers=[tracking]) as mailer:
        first = mailer.send(to="b@example.com", from_email="a@example.com", text="1234")

    done = run("send", "--dsn", chain, "--json", *MAIL, "--after", first.mail_id)

    receipt = json.loads(done.stdout)
    assert (0, "two") == (done.exit_code, receipt["provider"])
    assert tracking.status(receipt["mail_id"])


def test_after_needs_a_database_that_knows_mails() -> None:
    """
    The error says what to run.
    """
    done = run("send", "--dsn", "null://", *MAIL, "--after", "m1")

    assert 2 == done.exit_code
    assert "mailfailover tracking init" in done.stderr
