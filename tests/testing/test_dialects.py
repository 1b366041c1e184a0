from __future__ import annotations

import re
from typing import Any

import pytest
import requests

from mailfailover.testing import CannedResponse, Dialect, FaultServer, RecordedRequest

ULID = "01JDABCDEFGHJKMNPQRSTVWXYZ"
SEND_PATHS = {
    "generic": "/anything",
    "mailgun": "/v3/mg.example.com/messages",
    "mandrill": "/api/1.0/messages/send",
    "sendgrid": "/v3/mail/send",
}
ERRORS = {
    "unavailable": 503,
    "internal": 500,
    "rate_limited": 429,
    "auth": 401,
    "payment": 402,
    "forbidden": 403,
    "bad_gateway": 502,
    "gateway_timeout": 504,
    "too_large": 413,
    "not_found": 404,
}


@pytest.mark.parametrize("dialect", sorted(SEND_PATHS))
@pytest.mark.parametrize("name", sorted(ERRORS))
def test_named_error_has_its_status(client: requests.Session, dialect: str, name: str) -> None:
    """
    Every vendor can say each of these, with the status that goes with it.
    """
    with FaultServer(dialect) as vendor:
        vendor.fail(name)

        response = client.post(vendor.url + SEND_PATHS[dialect], b"{}")

        assert (ERRORS[name], ()) == (response.status_code, vendor.accepted)


@pytest.mark.parametrize("dialect", sorted(SEND_PATHS))
@pytest.mark.parametrize("name", ["sender", "quota", "bad_recipient"])
def test_refusals_accept_nothing(client: requests.Session, dialect: str, name: str) -> None:
    """
    These look different at each vendor; the mail is never accepted.
    """
    with FaultServer(dialect) as vendor:
        vendor.fail(name)

        client.post(vendor.url + SEND_PATHS[dialect], b"{}")

        assert () == vendor.accepted


def test_mailgun_accepts(client: requests.Session) -> None:
    """
    Mailgun's answer, and what is read out of its form, files among it.
    """
    with FaultServer("mailgun") as vendor:
        response = client.post(
            vendor.url + "/prefix/v3/mg.example.com/messages",
            data={"to": "Ann <ann@example.com>", "cc": "b@example.com", "v:mailfailover-id": ULID},
            files={"attachment": ("a.txt", b"v:mailfailover-id")},
        )

        assert "Queued. Thank you." == response.json()["message"]
        assert re.fullmatch(r"<\d+\.mailgun@mg\.example\.com>", response.json()["id"])
        assert {ULID: 1} == vendor.accepted_ids()
        assert {"ann@example.com": 1, "b@example.com": 1} == vendor.accepted_recipients()


def test_mailgun_message_id_stands_in(client: requests.Session) -> None:
    """
    Without our variable the Message-ID tells the mail; urlencoded forms are read too.
    """
    with FaultServer("mailgun") as vendor:
        client.post(
            vendor.url + SEND_PATHS["mailgun"], data={"h:Message-Id": f"<{ULID}@example.com>"}
        )

        assert {ULID: 1} == vendor.accepted_ids()


def test_mailgun_mime_message_id_stands_in(client: requests.Session) -> None:
    """
    In a mail that is posted as MIME the Message-ID is found in the text.
    """
    with FaultServer("mailgun") as vendor:
        client.post(
            vendor.url + "/v3/mg.example.com/messages.mime",
            files={"message": ("m.mime", f"Message-ID: <{ULID}@example.com>\r\n\r\nHi".encode())},
        )

        assert {ULID: 1} == vendor.accepted_ids()


def test_mailgun_wrong_url_looks_like_a_success(client: requests.Session) -> None:
    """
    A 200 that accepted nothing.
    """
    with FaultServer("mailgun") as vendor:
        vendor.fail("wrong_url")

        response = client.post(vendor.url + SEND_PATHS["mailgun"], data={"to": "a@example.com"})

        assert (200, "Mailgun Magnificent API") == (response.status_code, response.text)
        assert () == vendor.accepted


MANDRILL_BODY: Any = {
    "message": {
        "to": [{"email": "ann@example.com"}, {"email": "bob@example.com"}],
        "metadata": {"mailfailover-id": ULID},
    }
}


@pytest.mark.parametrize(
    ("name", "status", "reason", "accepted"),
    [
        (None, "sent", None, 1),
        ("bad_recipient", "invalid", None, 0),
        ("suppressed", "rejected", "hard-bounce", 0),
        ("sender", "rejected", "unsigned", 0),
        ("quota", "rejected", "test-mode-limit", 0),
    ],
    ids=["accepted", "bad-recipient", "suppressed", "sender", "quota"],
)
def test_mandrill_answers_for_each_recipient(
    client: requests.Session, name: str | None, status: str, reason: str | None, accepted: int
) -> None:
    """
    Mandrill's list with a status for each recipient, which may hide a refusal in a 200.
    """
    with FaultServer("mandrill") as vendor:
        vendor.script([name])

        response = client.post(vendor.url + SEND_PATHS["mandrill"], json=MANDRILL_BODY)

        assert 200 == response.status_code
        assert [
            ("ann@example.com", status, reason),
            ("bob@example.com", status, reason),
        ] == [
            (entry["email"], entry["status"], entry["reject_reason"]) for entry in response.json()
        ]
        assert accepted == vendor.accepted_ids()[ULID]


def test_mandrill_names_its_errors(client: requests.Session) -> None:
    """
    The name is what a client has to look at.
    """
    with FaultServer("mandrill") as vendor:
        vendor.fail("auth")

        response = client.post(vendor.url + "/api/1.0/users/ping2.json", json={})

        assert {
            "status": "error",
            "code": -1,
            "name": "Invalid_Key",
            "message": "Invalid API key",
        } == response.json()


@pytest.mark.parametrize(
    "message",
    [
        {"recipient_metadata": [{"rcpt": "a@example.com", "values": {"mailfailover-id": ULID}}]},
        {"headers": {"Message-Id": f"<{ULID}@example.com>"}},
    ],
    ids=["recipient", "message-id"],
)
def test_mandrill_ids_are_found(client: requests.Session, message: dict[str, Any]) -> None:
    """
    Also where only a recipient's metadata or the Message-ID has it.
    """
    with FaultServer("mandrill") as vendor:
        client.post(vendor.url + SEND_PATHS["mandrill"], json={"message": message})

        assert {ULID: 1} == vendor.accepted_ids()


def test_mandrill_raw_mail_is_read(client: requests.Session) -> None:
    """
    In send-raw the recipients are plain and the id stands in the MIME text.
    """
    with FaultServer("mandrill") as vendor:
        response = client.post(
            vendor.url + "/api/1.0/messages/send-raw.json",
            json={"to": ["a@example.com"], "raw_message": f"Message-ID: <{ULID}@x>\r\n\r\nHi"},
        )

        assert "a@example.com" == response.json()[0]["email"]
        assert {ULID: 1} == vendor.accepted_ids()


@pytest.mark.parametrize(
    "body",
    [
        {"personalizations": [{"custom_args": {"mailfailover-id": ULID}}]},
        {"custom_args": {"mailfailover-id": ULID}},
        {"headers": {"Message-ID": f"<{ULID}@example.com>"}},
    ],
    ids=["personalization", "top", "message-id"],
)
def test_sendgrid_accepts(client: requests.Session, body: dict[str, Any]) -> None:
    """
    SendGrid's 202 without a body; our id is found wherever it may stand.
    """
    with FaultServer("sendgrid") as vendor:
        response = client.post(vendor.url + SEND_PATHS["sendgrid"], json=body)

        assert (202, b"") == (response.status_code, response.content)
        assert response.headers["X-Message-Id"].startswith("sendgrid-")
        assert {ULID: 1} == vendor.accepted_ids()


def test_sendgrid_recipients_are_read(client: requests.Session) -> None:
    """
    Each personalization's to, cc and bcc.
    """
    with FaultServer("sendgrid") as vendor:
        groups = [
            {"to": [{"email": "a@example.com"}], "bcc": [{"email": "b@example.com"}]},
            {"to": [{"email": "c@example.com"}]},
        ]
        client.post(vendor.url + SEND_PATHS["sendgrid"], json={"personalizations": groups})

        assert ["a@example.com", "b@example.com", "c@example.com"] == [
            *vendor.accepted_recipients()
        ]


def test_sendgrid_says_which_field(client: requests.Session) -> None:
    """
    The errors' form, with the field that a client has to look at.
    """
    with FaultServer("sendgrid") as vendor:
        vendor.fail("bad_recipient")

        response = client.post(vendor.url + SEND_PATHS["sendgrid"], json={})

        assert {
            "errors": [
                {
                    "message": "Does not contain a valid address.",
                    "field": "personalizations.0.to.0.email",
                    "help": None,
                }
            ]
        } == response.json()


@pytest.mark.parametrize(
    ("dialect", "method", "path", "answer"),
    [
        ("generic", "GET", "/", {}),
        ("mailgun", "GET", "/v4/domains/mg.example.com", None),
        ("mailgun", "GET", "/v3/domains/mg.example.com?h:extended=true", None),
        ("mandrill", "POST", "/api/1.0/users/ping2", {"PING": "PONG!"}),
        ("mandrill", "POST", "/api/1.0/users/ping2.json", {"PING": "PONG!"}),
        ("sendgrid", "GET", "/v3/scopes", {"scopes": ["mail.send"]}),
    ],
)
def test_ping_is_answered_and_is_no_mail(
    client: requests.Session, dialect: str, method: str, path: str, answer: object
) -> None:
    """
    The vendor's harmless call succeeds and counts as no mail.
    """
    with FaultServer(dialect) as vendor:
        response = client.request(method, vendor.url + path)

        assert (200, ()) == (response.status_code, vendor.accepted)
        assert response.json() == answer if answer is not None else response.json()


@pytest.mark.parametrize("dialect", ["mailgun", "mandrill", "sendgrid"])
def test_wrong_path_is_not_found(client: requests.Session, dialect: str) -> None:
    """
    A request that the vendor does not know accepts nothing.
    """
    with FaultServer(dialect) as vendor:
        response = client.post(f"{vendor.url}/elsewhere", b"{}")

        assert (404, ()) == (response.status_code, vendor.accepted)


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (f'{{"meta": {{"mailfailover-id": "{ULID}"}}}}', "application/json"),
        (
            f"meta%5Bmailfailover-id%5D=1&mailfailover-id={ULID}",
            "application/x-www-form-urlencoded",
        ),
        (f"X-Mailfailover-ID: {ULID}", "message/rfc822"),
        (f"Message-ID: <{ULID}@example.com>", "message/rfc822"),
    ],
    ids=["json", "form", "header", "message-id"],
)
def test_unknown_vendors_ids_are_found(
    client: requests.Session, body: str, content_type: str
) -> None:
    """
    In a body of any form our id is looked for by its name.
    """
    with FaultServer() as vendor:
        client.post(vendor.url, body, headers={"Content-Type": content_type})

        assert ULID in vendor.accepted_ids()


def test_vendor_of_ones_own() -> None:
    """
    A plugin's author describes his vendor as data.
    """

    def accept(_: RecordedRequest) -> CannedResponse:
        return CannedResponse(201, b"taken")

    acme = Dialect(
        name="acme",
        mail=re.compile("^POST /mail$"),
        accept=accept,
        errors={"not_found": CannedResponse(404), "asleep": CannedResponse(503, b"zzz")},
    )

    with FaultServer(acme) as vendor, requests.Session() as client:
        vendor.script([None, "asleep"])

        assert [201, 503] == [client.post(f"{vendor.url}/mail").status_code for _ in range(2)]
        assert {} == vendor.accepted_recipients()
