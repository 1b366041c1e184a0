"""
Against a server that is not ours, so that both sides cannot be wrong in the same way.
"""

from __future__ import annotations

import gc
import socket
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from mailfailover._values.wire import SMTPReply
from mailfailover.plugin import Accepted, Message, RecipientStatus
from mailfailover.providers.smtp import SMTP
from mailfailover.testing import certificates

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from aiosmtpd import smtp as server_side
    from aiosmtpd.smtp import Envelope, Session

    from mailfailover.transports.smtp import SMTPTransport

# From CPython 3.12 on, asyncio's side waits 30 s for the end of TLS.
pytestmark = pytest.mark.slow

SECRET = "s3cret-ü"


class Mailbox:
    """
    Takes every mail, but none for BAD.
    """

    def __init__(self) -> None:
        self.envelopes: list[Envelope] = []

    async def handle_RCPT(  # noqa: N802 -- aiosmtpd calls it by this name
        self,
        server: server_side.SMTP,
        session: Session,
        envelope: Envelope,
        address: str,
        options: list[str],
    ) -> str:
        if address == "bad@b.example":
            return "550 5.1.1 No such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 -- the same
        self, server: server_side.SMTP, session: Session, envelope: Envelope
    ) -> str:
        self.envelopes.append(envelope)
        return "250 2.0.0 Ok: queued as ABC123"


def check(
    server: server_side.SMTP, session: Session, envelope: Envelope, mechanism: str, data: object
) -> AuthResult:
    """
    Let in who knows the password.
    """
    known = LoginPassword(b"me", SECRET.encode())
    return AuthResult(success=data == known, handled=False)


@contextmanager
def aiosmtpd(mailbox: Mailbox, **options: Any) -> Iterator[int]:
    """
    A running server; gives its port.
    """
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    controller = Controller(mailbox, hostname="127.0.0.1", port=port, **options)
    controller.start()
    try:
        yield port
    finally:
        controller.stop()
        # It leaves sockets to the garbage collector: those under TLS, and those still open.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()


@pytest.fixture
def mailbox() -> Mailbox:
    """
    Where the mails arrive.
    """
    return Mailbox()


@pytest.fixture(params=["PLAIN", "LOGIN"])
def submission(request: pytest.FixtureRequest, mailbox: Mailbox, tmp_path: Path) -> Iterator[SMTP]:
    """
    A provider for a server that demands STARTTLS and a log-in with one mechanism.
    """
    made = certificates()
    (tmp_path / "ca.pem").write_bytes(made.ca_pem)
    other = {"PLAIN": "LOGIN", "LOGIN": "PLAIN"}[request.param]
    with aiosmtpd(
        mailbox,
        tls_context=made.server_context,
        require_starttls=True,
        auth_required=True,
        authenticator=check,
        auth_exclude_mechanism=[other],
        enable_SMTPUTF8=True,
    ) as port:
        yield SMTP(
            host="localhost",
            port=port,
            username="me",
            password=SECRET,
            ca_file=str(tmp_path / "ca.pem"),
        )


def mail(**fields: Any) -> Message:
    """
    A mail with a little of everything.
    """
    plain: dict[str, Any] = {
        "to": ["ann@b.example", "bad@b.example"],
        "bcc": "bob@b.example",
        "from_email": "me@a.example",
        "subject": "Grüße",
        "text": ".\n..\nschön\n",
        "html": "<p>schön",
    }
    return Message(**(plain | fields))


def test_mixed_recipients(smtp: SMTPTransport, mailbox: Mailbox, submission: SMTP) -> None:
    """
    Through STARTTLS and AUTH a mail reaches those who exist and names the one who does not.
    """
    message = mail()

    response = smtp.send(submission.build_request(message), 5)

    (envelope,) = mailbox.envelopes
    expected = message.as_email_message()
    assert ("me@a.example", ["ann@b.example", "bob@b.example"]) == (
        envelope.mail_from,
        envelope.rcpt_tos,
    )
    assert expected.as_bytes(policy=expected.policy.clone(linesep="\r\n")) == envelope.content
    assert Accepted(
        "ABC123", {"bad@b.example": RecipientStatus.INVALID}
    ) == submission.parse_response(response, message)


def test_unicode_addresses(smtp: SMTPTransport, mailbox: Mailbox, submission: SMTP) -> None:
    """
    A non-ASCII address stands as UTF-8 in the envelope and in the header.
    """
    smtp.send(submission.build_request(mail(to="jörg@b.example", bcc=())), 5)

    (envelope,) = mailbox.envelopes
    assert ["jörg@b.example"] == envelope.rcpt_tos
    assert isinstance(envelope.content, bytes)
    assert "To: jörg@b.example\r\n".encode() in envelope.content


def test_wrong_password(smtp: SMTPTransport, mailbox: Mailbox, submission: SMTP) -> None:
    """
    A wrong password is refused at AUTH.
    """
    wrong = SMTP(
        host="localhost",
        port=submission.port,
        username="me",
        password="wrong",
        ca_file=submission.ca_file,
    )

    response = smtp.send(wrong.build_request(mail()), 5)

    assert SMTPReply(535, "5.7.8 Authentication credentials invalid", "auth") == response.reply


def test_implicit_tls(smtp: SMTPTransport, mailbox: Mailbox, tmp_path: Path) -> None:
    """
    Several mails go through one connection that is encrypted from the start.
    """
    made = certificates()
    (tmp_path / "ca.pem").write_bytes(made.ca_pem)
    with aiosmtpd(mailbox, ssl_context=made.server_context) as port:
        provider = SMTP(
            host="127.0.0.1", port=port, tls="implicit", ca_file=str(tmp_path / "ca.pem")
        )
        for _ in range(3):
            assert smtp.send(provider.build_request(mail()), 5).ok

    assert 3 == len(mailbox.envelopes)


def test_large_mail(smtp: SMTPTransport, mailbox: Mailbox, submission: SMTP) -> None:
    """
    A mail of many megabytes arrives whole.
    """
    text = ".line\n" * 200_000

    smtp.send(submission.build_request(mail(text=text, html="")), 30)

    (envelope,) = mailbox.envelopes
    assert isinstance(envelope.content, bytes)
    assert envelope.content.endswith(text.replace("\n", "\r\n").encode())
