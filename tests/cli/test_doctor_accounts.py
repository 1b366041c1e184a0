from __future__ import annotations

import json
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest

from mailfailover.cli.doctor_dns import examine_dns
from mailfailover.cli.finding import Finding
from tests.cli.running import run

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

HOOKS = "https://hooks.example.com/webhooks"


class Vendor:
    """
    Resend's API on a real socket, with one account: what is posted to it is kept.
    """

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, Any]] = {
            "/domains": (200, {"data": [{"name": "example.com", "status": "verified"}]}),
            "/webhooks": (200, {"data": []}),
        }
        self.posted: list[Any] = []
        self.url = ""


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    """
    The vendor, until the test ends.
    """
    vendor = Vendor()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, data = vendor.answers.get(self.path.partition("?")[0], (404, {}))
            self._answer(status, data)

        def do_POST(self) -> None:
            vendor.posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self._answer(201, {"id": "1", "signing_secret": "whsec_new"})

        def _answer(self, status: int, data: object) -> None:
            body = json.dumps(data).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with _served(Handler) as vendor.url:
        yield vendor


@contextmanager
def _served(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def chain(vendor: Vendor) -> str:
    """
    The DSN of the account.
    """
    return f"resend://key@default?base_url={vendor.url}&from_email=shop@example.com"


def examine(vendor: Vendor, *options: str) -> tuple[int, dict[str, Any]]:
    """
    Return the exit code and what ``doctor --json`` writes.
    """
    done = run("doctor", "--json", "--dsn", chain(vendor), *options)
    return done.exit_code, json.loads(done.stdout)


def by_subject(report: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """
    Return severity and text of each finding about the link.
    """
    return {
        one["subject"]: (one["severity"], one["text"])
        for one in report["findings"]
        if one["link"] == "resend"
    }


def test_a_verified_sender_is_ready(vendor: Vendor) -> None:
    """
    The link is ready; that no webhook is set is a warning as long as ours is unknown.
    """
    code, report = examine(vendor)

    assert (0, True, {"resend": True}) == (code, report["ready"], report["links"])
    assert ("ok", "example.com is verified") == by_subject(report)["sender of resend"]
    assert ("warning", "none is set") == by_subject(report)["webhook of resend"]


def test_an_unverified_sender_is_not_ready(vendor: Vendor) -> None:
    """
    The exit code is 1, and the text says which link is not ready.
    """
    vendor.answers["/domains"] = (200, {"data": [{"name": "example.com", "status": "pending"}]})

    code, report = examine(vendor)
    text = run("doctor", "--dsn", chain(vendor)).stdout

    assert (1, False, {"resend": False}) == (code, report["ready"], report["links"])
    assert ("problem", "example.com is not verified (pending)") == by_subject(report)[
        "sender of resend"
    ]
    assert "Ready: resend no\n" in text


def test_a_key_that_may_not_read_is_a_note(vendor: Vendor) -> None:
    """
    What the vendor does not tell is no problem, and says where to look.
    """
    vendor.answers["/webhooks"] = (403, {"name": "restricted_api_key"})

    code, report = examine(vendor)

    found = by_subject(report)["webhook of resend"]
    assert (0, "note") == (code, found[0])
    assert "HTTP 403 (the key may not read it)" in found[1]


def test_webhooks_are_set_up_once(vendor: Vendor) -> None:
    """
    The webhook is registered with its secret told, and left alone the next time.
    """
    first = run("webhooks", "setup", HOOKS, "--dsn", chain(vendor))
    vendor.answers["/webhooks"] = (200, {"data": [{"endpoint": vendor.posted[0]["endpoint"]}]})
    second = run("webhooks", "setup", HOOKS, "--dsn", chain(vendor), "--json")

    assert f"resend: set ({HOOKS}/resend)\n  set its option webhook_secret to whsec_new\n" == (
        first.stdout
    )
    assert ["already set"] == [one["state"] for one in json.loads(second.stdout)]
    assert 1 == len(vendor.posted)
    assert (0, {"resend": True}) == (examine(vendor, "--webhook-url", HOOKS)[0], {"resend": True})


def test_a_webhook_elsewhere_is_a_problem_once_ours_is_known(vendor: Vendor) -> None:
    """
    With --webhook-url the doctor knows where the webhooks must point.
    """
    vendor.answers["/webhooks"] = (200, {"data": [{"endpoint": "https://old.example.net/"}]})

    code, report = examine(vendor, "--webhook-url", HOOKS)

    assert 1 == code
    assert ("problem", f"none points at {HOOKS}/resend") == by_subject(report)["webhook of resend"]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("http://hooks.example.com",), "is no https URL"),
        ((HOOKS, "--via", "other"), "'other' is no key of the chain: use one of resend"),
    ],
)
def test_bad_arguments_of_the_set_up_are_told(
    vendor: Vendor, arguments: tuple[str, ...], text: str
) -> None:
    """
    Nothing is posted, and the exit code is 2.
    """
    done = run("webhooks", "setup", *arguments, "--dsn", chain(vendor))

    assert (2, []) == (done.exit_code, vendor.posted)
    assert text in done.stderr


def test_a_provider_without_an_api_for_webhooks_is_set_up_by_hand() -> None:
    """
    The URL to enter is told.
    """
    done = run("webhooks", "setup", HOOKS, "--dsn", "null://")

    assert f"null: set it by hand ({HOOKS}/null)\n" == done.stdout


def _lookup(records: Mapping[tuple[str, str], tuple[str, ...]]) -> Any:
    return lambda name, kind: records.get((name, kind), ())


def test_records_of_a_domain_are_told() -> None:
    """
    SPF, the vendors' DKIM keys, and DMARC, also of the domain above.
    """
    records = {
        ("mail.shop.de", "TXT"): ("v=spf1 include:x.example -all", "other"),
        ("k1._domainkey.mail.shop.de", "CNAME"): ("k1.vendor.example.",),
        ("_dmarc.shop.de", "TXT"): ("v=DMARC1; p=reject",),
    }

    found = list(examine_dns({"mail.shop.de": ["k1._domainkey.mail.shop.de"]}, 1, _lookup(records)))

    assert [
        ("ok", "SPF of mail.shop.de"),
        ("ok", "DMARC of mail.shop.de"),
        ("ok", "DKIM of mail.shop.de"),
    ] == [(one.severity, one.subject) for one in found]


def test_missing_and_doubled_records_are_told() -> None:
    """
    Two SPF records, no DMARC and no DKIM.
    """
    records = {("shop.de", "TXT"): ("v=spf1 -all", "v=spf1 ~all")}

    found = list(examine_dns({"shop.de": ["k1._domainkey.shop.de"]}, 1, _lookup(records)))

    assert ["problem", "warning", "problem"] == [one.severity for one in found]
    assert ["note"] == [one.severity for one in examine_dns({"shop.eu": []}, 1, _lookup({}))][:1]


def test_a_name_server_that_fails_is_a_note() -> None:
    """
    No answer proves nothing.
    """

    def fail(name: str, kind: str) -> tuple[str, ...]:
        raise OSError("LifetimeTimeout")

    found = list(examine_dns({"shop.de": [], "example.com": [], "": []}, 1, fail))

    expected = Finding(
        "note", "DNS of shop.de", "no answer: LifetimeTimeout", "is there a name server?"
    )
    assert [expected] == found
