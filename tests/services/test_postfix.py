"""
The provider ``smtp`` against a real Postfix, which is started here.

Where none is installed these tests skip, also where services are required: what they need is a
program on this machine, not a server that ought to run.
"""

from __future__ import annotations

from dataclasses import replace
from email.parser import BytesHeaderParser
from typing import TYPE_CHECKING, Any

import pytest

from mailfailover import Mailer, Receipt
from mailfailover.errors import (
    AuthenticationFailed,
    ConnectionFailed,
    RateLimited,
    RecipientRejected,
    SenderRefused,
    SendError,
    UnsupportedFeature,
)
from mailfailover.plugin import Attachment, Message, RecipientStatus, SMTPRequest, SMTPResponse
from mailfailover.providers.smtp import SMTP
from mailfailover.testing import PLAIN, certificates
from mailfailover.transports.smtp import SMTPTransport
from tests.providers.bodies import as_mime, read_blind, read_mime
from tests.providers.round_trip import RoundTrip
from tests.services import postfix

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MISSING = postfix.why_not()
pytestmark = [
    pytest.mark.skip(reason=MISSING) if MISSING else pytest.mark.services,
    pytest.mark.xdist_group("postfix"),
]

EVE = "eve@example.org"


@pytest.fixture(scope="module")
def server() -> Iterator[postfix.Postfix]:
    """
    One Postfix for all of these tests.
    """
    with postfix.running() as one:
        yield one


@pytest.fixture(scope="module")
def transport() -> Iterator[SMTPTransport]:
    """
    One transport, whose connections stay open from test to test.
    """
    made = SMTPTransport()
    yield made
    made.close()


@pytest.fixture
def relay(server: postfix.Postfix) -> SMTP:
    """
    The server for whoever has no account: it takes mail for its own mailboxes only.
    """
    return SMTP(host="localhost", port=server.submission, ca_file=server.ca_file)


@pytest.fixture
def account(relay: SMTP) -> SMTP:
    """
    The server for its customer, who may write to everybody.
    """
    return replace(relay, username=postfix.USER, password=postfix.PASSWORD)


def send(provider: SMTP, **fields: Any) -> Receipt:
    """
    Send a plain mail with other *fields*.
    """
    with Mailer(provider) as mailer:
        return mailer.send(PLAIN.replace(**fields))


def refusal(provider: SMTP, transport: SMTPTransport, **fields: Any) -> SendError:
    """
    Why the server does not take the same.
    """
    message = PLAIN.replace(**fields)
    try:
        response = transport.send(provider.build_request(message), 5)
    except SendError as exc:
        return exc
    assert not response.ok
    return provider.classify_error(response, message)


class TestRoundTrip(RoundTrip):
    provider = SMTP(host="localhost")

    def expected(self, message: Message) -> Message:
        """
        The last line of a mail has an end, though that of its HTML had none.
        """
        ends = message.html and not message.text and not message.attachments
        return as_mime(message).bound(html=message.html + "\n" * bool(ends))

    @pytest.fixture(autouse=True)
    def _running(self, server: postfix.Postfix, transport: SMTPTransport) -> None:
        self.server = server
        self.transport = transport

    def decode(self, request: SMTPRequest) -> dict[str, Any]:
        """
        Send the request, and read what is in the mailboxes: the same for all recipients.
        """
        port, ca_file = self.server.submission, self.server.ca_file

        response = self.transport.send(replace(request, port=port, ca_file=ca_file), 5)
        assert isinstance(response, SMTPResponse)
        assert (250, {}) == (response.status_code, dict(response.refused))

        copies = self.server.delivered(_message_id(request.data), len(request.recipients))
        first, *others = [read_blind(read_mime(copy), request.recipients) for copy in copies]
        assert [first] * len(others) == others
        sender = first["from_email"].email
        return first | {"envelope_from": _return_path(copies[0]).replace(sender, "")}


def _message_id(mail: bytes) -> str:
    return str(BytesHeaderParser().parsebytes(mail)["Message-ID"])


def _return_path(mail: bytes) -> str:
    return str(BytesHeaderParser().parsebytes(mail)["Return-Path"]).strip("<>")


def test_receipt_has_the_queue_id(server: postfix.Postfix, relay: SMTP) -> None:
    """
    Under the id of the receipt the server's log tells what became of the mail.
    """
    receipt = send(relay, id="queued")
    server.delivered("<queued@example.com>", 1)

    assert f"{receipt.provider_message_id}: message-id=<queued@example.com>" in server.log


def test_only_some_recipients(server: postfix.Postfix, relay: SMTP) -> None:
    """
    Who is not known there is named, and the others get the mail.
    """
    receipt = send(relay, id="mixed", to=["ann@example.org", EVE], bcc="bob@example.net")

    assert {
        "ann@example.org": RecipientStatus.ACCEPTED,
        EVE: RecipientStatus.INVALID,
        "bob@example.net": RecipientStatus.ACCEPTED,
    } == dict(receipt.recipients)
    assert 2 == len(server.delivered("<mixed@example.com>", 2))


def test_no_recipient(relay: SMTP, transport: SMTPTransport) -> None:
    """
    A mail to nobody who is known there is at an end.
    """
    error = refusal(relay, transport, to=EVE)

    assert (RecipientRejected, "5.1.1", (EVE,)) == (type(error), error.code, error.recipients)


@pytest.mark.parametrize(
    ("fields", "kind", "code"),
    [
        pytest.param({"to": "dan@elsewhere.example"}, SenderRefused, "5.7.1", id="relay"),
        pytest.param({"from_email": "blocked@example.com"}, SenderRefused, "5.7.1", id="sender"),
        pytest.param({"to": "later@example.org"}, RateLimited, "4.2.0", id="greylisted"),
        pytest.param(
            {"attachments": Attachment("big.bin", bytes(1_000_000))},
            UnsupportedFeature,
            "",
            id="size",
        ),
    ],
)
def test_refusals(
    relay: SMTP, transport: SMTPTransport, fields: dict[str, Any], kind: type[SendError], code: str
) -> None:
    """
    Each of the server's own refusals says whose fault it is.
    """
    error = refusal(relay, transport, **fields)

    assert (kind, code) == (type(error), error.code)


def test_account_may_write_to_everybody(account: SMTP) -> None:
    """
    Whoever has logged in is relayed for.
    """
    receipt = send(account, to="dan@elsewhere.example")

    assert {"dan@elsewhere.example": RecipientStatus.ACCEPTED} == dict(receipt.recipients)


def test_wrong_password(account: SMTP, transport: SMTPTransport) -> None:
    """
    A wrong password is the account's fault, and is not shown.
    """
    error = refusal(replace(account, password="wr0ng-Xq"), transport)

    assert (AuthenticationFailed, "5.7.8") == (type(error), error.code)
    assert "wr0ng-Xq" not in str(error)


def test_implicit_tls(server: postfix.Postfix, account: SMTP) -> None:
    """
    The port that speaks TLS from the first byte takes the same mail.
    """
    send(replace(account, tls="implicit", port=server.smtps), id="implicit")

    assert 1 == len(server.delivered("<implicit@example.com>", 1))


def test_all_went_through_tls(server: postfix.Postfix, relay: SMTP) -> None:
    """
    The server itself says that the mail came encrypted.
    """
    send(relay, id="encrypted")

    (mail,) = server.delivered("<encrypted@example.com>", 1)

    assert b"with ESMTPS id" in mail


def test_strange_certificate(relay: SMTP, transport: SMTPTransport, tmp_path: Path) -> None:
    """
    A server that cannot prove who it is gets no mail.
    """
    ca_file = tmp_path / "ca.pem"
    ca_file.write_bytes(certificates().ca_pem)

    error = refusal(replace(relay, ca_file=str(ca_file)), transport)

    assert ConnectionFailed is type(error)
    assert "certificate" in str(error)


def test_ping(relay: SMTP, transport: SMTPTransport) -> None:
    """
    A ping connects, and leaves no mail.
    """
    response = transport.send(relay.build_ping(), 5)

    assert 250 == response.status_code
