from __future__ import annotations

import os
import socket
import threading
import time
import traceback
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from mailfailover._wire import SMTPReply, SMTPRequest, SMTPResponse
from mailfailover.errors import (
    AuthenticationFailed,
    ConnectionFailed,
    OutcomeUnknown,
    RequestRefused,
    SendError,
    UnsupportedFeature,
)
from mailfailover.testing import SMTPFaultServer, faults
from mailfailover.transports._smtp_connection import Connection, Conversation
from mailfailover.transports._smtp_mail import framed
from mailfailover.transports.smtp import SMTPTransport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from mailfailover.testing import Fault

DATA = b"Message-ID: <01JD@a.example>\r\nSubject: Hi\r\n\r\n.dotted\r\n.\r\n..twice\r\n"
ANN, BOB, BAD = "ann@b.example", "bob@b.example", "bad@b.example"
NO_SUCH_USER = (550, "5.1.1 No such user")
LATER = (450, "4.2.0 Greylisted")
SECRET = "s3cret-Xq"
TOKEN = "t0ken-Xq"


class Clock:
    """
    A clock that stands still until told.
    """

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """
    The clock of the idle connections.
    """
    return Clock()


@pytest.fixture
def transport(clock: Clock) -> Iterator[SMTPTransport]:
    """
    A transport that leaves nothing open.
    """
    transport = SMTPTransport(clock=clock)
    yield transport
    transport.close()


@pytest.fixture
def server() -> Iterator[SMTPFaultServer]:
    """
    A relay without TLS that knows no BAD.
    """
    with SMTPFaultServer(recipients={BAD: NO_SUCH_USER}) as smtp:
        yield smtp


def to(server: SMTPFaultServer, **fields: Any) -> SMTPRequest:
    """
    A mail for *server*.
    """
    plain: dict[str, Any] = {
        "host": server.host,
        "port": server.port,
        "tls": "none",
        "mail_from": "me@a.example",
        "recipients": (ANN,),
        "data": DATA,
    }
    return SMTPRequest(**(plain | fields))


def trusting(server: SMTPFaultServer, folder: Path, **fields: Any) -> SMTPRequest:
    """
    The same, knowing the server's CA.
    """
    assert server.certificates is not None
    path = folder / "ca.pem"
    path.write_bytes(server.certificates.ca_pem)
    return to(server, ca_file=str(path), **fields)


@contextmanager
def scripted(*lines: bytes) -> Iterator[int]:
    """
    A port whose server says each of *lines* in turn, reading once in between, then closes.
    """
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            peer, _ = listening.accept()
            with peer:
                for line in lines:
                    peer.sendall(line)
                    peer.recv(65536)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listening.getsockname()[1]
        thread.join(5)


def commands(server: SMTPFaultServer) -> list[list[str]]:
    """
    The verbs that came on each connection.
    """
    return [[line.split()[0] for line in lines] for lines in server.transcripts.values()]


def test_mail_arrives_as_it_was_given(transport: SMTPTransport, server: SMTPFaultServer) -> None:
    """
    Envelope and data arrive unchanged, dots included; the last reply comes back.
    """
    response = transport.send(to(server, recipients=(ANN, BOB)), 5)

    (mail,) = server.accepted
    assert ("me@a.example", (ANN, BOB), DATA) == (mail.mail_from, mail.rcpt_tos, mail.data)
    assert (250, ".", {}) == (response.reply.code, response.reply.command, response.refused)
    assert response.reply.text.startswith("2.0.0 OK queued as ")


def test_ping_sends_no_mail(transport: SMTPTransport, server: SMTPFaultServer) -> None:
    """
    Without recipients it says NOOP and nothing of a mail.
    """
    response = transport.send(to(server, mail_from="", recipients=(), data=b""), 5)

    assert SMTPResponse(SMTPReply(250, "2.0.0 OK", "noop")) == response
    assert [["EHLO", "NOOP"]] == commands(server)


def test_name_in_ehlo(transport: SMTPTransport, server: SMTPFaultServer) -> None:
    """
    We call ourselves as configured.
    """
    transport.send(to(server, local_hostname="app.a.example"), 5)

    assert "EHLO app.a.example" == server.transcripts[1][0]


def test_address_in_ehlo(transport: SMTPTransport, server: SMTPFaultServer) -> None:
    """
    Unless configured, our address as a literal is our name: no look-up is needed.
    """
    transport.send(to(server), 5)

    assert "EHLO [127.0.0.1]" == server.transcripts[1][0]


def test_partial_acceptance(transport: SMTPTransport, server: SMTPFaultServer) -> None:
    """
    Who is refused is reported; the mail goes to the others.
    """
    response = transport.send(to(server, recipients=(ANN, BAD, BOB)), 5)

    assert {BAD: SMTPReply(*NO_SUCH_USER, "rcpt")} == response.refused
    assert response.ok
    assert (ANN, BOB) == server.accepted[0].rcpt_tos


def test_nobody_accepted(transport: SMTPTransport, server: SMTPFaultServer) -> None:
    """
    When all are refused no data is sent, and the refusal is the answer.
    """
    response = transport.send(to(server, recipients=(BAD,)), 5)

    refusal = SMTPReply(*NO_SUCH_USER, "rcpt")
    assert SMTPResponse(refusal, {BAD: refusal}) == response
    assert [["EHLO", "MAIL", "RCPT"]] == commands(server)


def test_too_many_recipients_goes_to_nobody(transport: SMTPTransport) -> None:
    """
    A server that takes only some because there are too many gets no mail for any of them.
    """
    too_many = (452, "4.5.3 Too many recipients")
    with SMTPFaultServer(recipients={BOB: too_many}) as server:
        response = transport.send(to(server, recipients=(ANN, BOB, "cat@b.example")), 5)

        reply = SMTPReply(*too_many, "rcpt")
        assert SMTPResponse(reply, {BOB: reply}) == response
        assert () == server.accepted


@pytest.mark.parametrize("step", ["banner", "ehlo", "mail", "data", "dot"])
def test_refusal_is_an_answer(
    transport: SMTPTransport, server: SMTPFaultServer, step: str
) -> None:
    """
    A server that says no at any step, also after the final dot, has taken no mail.
    """
    server.fail(step, (451, "4.3.0 Later"))

    response = transport.send(to(server), 5)

    command = {"banner": "connect", "dot": "."}.get(step, step)
    assert SMTPResponse(SMTPReply(451, "4.3.0 Later", command)) == response
    assert () == server.accepted


@pytest.mark.parametrize("step", ["banner", "ehlo", "mail", "rcpt", "data", "dot"])
def test_closing_reply_is_an_answer(
    transport: SMTPTransport, server: SMTPFaultServer, step: str
) -> None:
    """
    A 421 at any step ends the mail unsent, and that connection is not used again.
    """
    server.fail(step, (421, "4.3.2 Bye"), times=1)

    refused = transport.send(to(server, recipients=(ANN, BOB)), 5)
    accepted = transport.send(to(server), 5)

    assert (421, {}, True) == (refused.reply.code, refused.refused, accepted.ok)
    assert 2 == server.connections


FAULTS = {
    "hang": faults.hang_after_read(),
    "reset": faults.reset_after_read(),
    "close": faults.close_after_read(),
    "garbage": faults.garbage(b"HTTP/1.1 400 Bad Request\r\n"),
    "half a reply": faults.garbage(b"25"),
    "wrong digit": faults.garbage(b"334 \r\n"),
    "endless": faults.garbage(b"250-x" * 20000),
    "endless lines": faults.garbage(b"250-x\r\n" * 20000),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize("step", ["banner", "ehlo", "mail", "rcpt", "data"])
def test_fault_before_the_dot(
    transport: SMTPTransport, server: SMTPFaultServer, step: str, fault: Fault
) -> None:
    """
    Whatever breaks before the final dot is written, nothing was sent.
    """
    server.fail(step, fault)

    with pytest.raises(ConnectionFailed, match="^nothing was sent: SMTP") as caught:
        transport.send(to(server), 0.3)

    assert "connected" == caught.value.stage
    assert () == server.accepted


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_fault_after_the_dot(
    transport: SMTPTransport, server: SMTPFaultServer, fault: Fault
) -> None:
    """
    Once the final dot is written, whatever is no answer leaves the outcome unknown.
    """
    server.fail("dot", faults.accept_then(fault))

    with pytest.raises(OutcomeUnknown, match="^it may have been sent: SMTP") as caught:
        transport.send(to(server), 0.3)

    assert "written" == caught.value.stage
    assert 1 == len(server.accepted)


def test_acceptance_where_the_go_ahead_was_due(transport: SMTPTransport) -> None:
    """
    A 250 as the reply to DATA is no acceptance: nothing of the mail was written.
    """
    with (
        scripted(b"220 x\r\n", b"250 x\r\n", b"250 ok\r\n", b"250 ok\r\n", b"250 ok\r\n") as port,
        pytest.raises(ConnectionFailed),
    ):
        transport.send(SMTPRequest("127.0.0.1", port, "none", recipients=(ANN,)), 5)


def test_server_that_stops_reading(transport: SMTPTransport) -> None:
    """
    When the data cannot be written, the final dot was not: nothing was sent.
    """
    with SMTPFaultServer() as server:
        server.fail("data", faults.garbage(b"354 go\r\n"))
        data = b"x" * 20_000_000

        with pytest.raises(ConnectionFailed) as caught:
            transport.send(to(server, data=data), 5)

    assert "writing" == caught.value.stage


def test_stalled_data_keeps_the_deadline(transport: SMTPTransport) -> None:
    """
    A server that goes on holding but reads no more cannot outlive the deadline.
    """
    with scripted(b"220 x\r\n", b"250 x\r\n", b"250 ok\r\n", b"250 ok\r\n") as port:
        started = time.monotonic()

        with pytest.raises(ConnectionFailed):
            transport.send(
                SMTPRequest("127.0.0.1", port, "none", recipients=(ANN,), data=DATA), 0.3
            )

    assert time.monotonic() - started < 1


@pytest.mark.parametrize("step", ["banner", "ehlo", "mail", "rcpt", "data", "dot"])
def test_dripping_keeps_the_deadline(
    transport: SMTPTransport, server: SMTPFaultServer, step: str
) -> None:
    """
    A reply that comes byte by byte cannot outlive the deadline.
    """
    server.fail(step, faults.Fault("drip", "unknown", faults.ok().phase, http_only=False, run=drip))
    started = time.monotonic()

    with pytest.raises((ConnectionFailed, OutcomeUnknown)):
        transport.send(to(server), 0.3)

    assert time.monotonic() - started < 1


def drip(exchange: Any) -> None:
    """
    Say nothing, slowly.
    """
    exchange.channel.drip(b"250-" + b"x" * 1000, 0.05)


def test_connection_refused(transport: SMTPTransport, server: SMTPFaultServer) -> None:
    """
    A closed port: nothing was sent.
    """
    server.stop()

    with pytest.raises(ConnectionFailed, match="SMTP connect: Connection refused") as caught:
        transport.send(to(server), 5)

    assert "connecting" == caught.value.stage


@pytest.mark.parametrize("host", ["nowhere.invalid", "a..b", "x" * 70])
def test_unknown_host(transport: SMTPTransport, host: str) -> None:
    """
    A name without an address: nothing was sent.
    """
    with pytest.raises(ConnectionFailed, match="SMTP connect: "):
        transport.send(SMTPRequest(host, 25, "none"), 5)


def test_no_time_left(transport: SMTPTransport, server: SMTPFaultServer) -> None:
    """
    Without any time nothing is sent.
    """
    with pytest.raises(ConnectionFailed):
        transport.send(to(server), 0.0)


@pytest.mark.parametrize(
    "address", ["a@b.example>\r\nRCPT TO:<c@d.example", "a b@c.example", "a>@b.example", "a\0@b"]
)
def test_address_that_would_break_out(
    transport: SMTPTransport, server: SMTPFaultServer, address: str
) -> None:
    """
    An address that could end its command is refused before any connection.
    """
    for request in (to(server, mail_from=address), to(server, recipients=(ANN, address))):
        with pytest.raises(RequestRefused, match="^an envelope address has"):
            transport.send(request, 5)

    assert 0 == server.connections


def test_quoted_local_part(transport: SMTPTransport, server: SMTPFaultServer) -> None:
    """
    Inside quotes, spaces are part of the address.
    """
    assert transport.send(to(server, mail_from='"a b"@c.example'), 5).ok


# TLS.


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_tls(transport: SMTPTransport, tmp_path: Path, tls: str) -> None:
    """
    With either kind of TLS the mail goes over an encrypted connection.
    """
    with SMTPFaultServer(tls=tls) as server:
        transport.send(trusting(server, tmp_path, tls=tls), 5)

        assert server.accepted[0].tls


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_untrusted_certificate(transport: SMTPTransport, tls: str) -> None:
    """
    A certificate of an unknown CA: nothing was sent, and the error says what to set.
    """
    with (
        SMTPFaultServer(tls=tls) as server,
        pytest.raises(ConnectionFailed, match="private CA signed it, set ca_file"),
    ):
        transport.send(to(server, tls=tls), 5)


def test_certificate_of_another_host(transport: SMTPTransport, tmp_path: Path) -> None:
    """
    The certificate must be the host's own.
    """
    from mailfailover.testing import certificates

    made = certificates("other.example")
    (tmp_path / "ca.pem").write_bytes(made.ca_pem)
    with (
        SMTPFaultServer(tls="implicit", context=made.server_context) as server,
        pytest.raises(ConnectionFailed, match="IP address mismatch"),
    ):
        transport.send(to(server, tls="implicit", ca_file=str(tmp_path / "ca.pem")), 5)


def test_ca_file_that_is_not_there(transport: SMTPTransport, tmp_path: Path) -> None:
    """
    A missing ca_file is named; nothing was sent.
    """
    with (
        SMTPFaultServer(tls="implicit") as server,
        pytest.raises(ConnectionFailed, match="^ca_file cannot be read: No such file"),
    ):
        transport.send(to(server, tls="implicit", ca_file=str(tmp_path / "none")), 5)


def test_starttls_is_mandatory(transport: SMTPTransport, server: SMTPFaultServer) -> None:
    """
    A server without STARTTLS gets no mail.
    """
    with pytest.raises(ConnectionFailed, match="^the server offers no STARTTLS: use smtps://"):
        transport.send(to(server, tls="starttls"), 5)

    assert [["EHLO"]] == commands(server)


def test_starttls_refused(transport: SMTPTransport) -> None:
    """
    A refused STARTTLS is an answer, and nothing follows it in the clear.
    """
    with SMTPFaultServer(tls="starttls") as server:
        server.fail("starttls", (454, "4.7.0 TLS not available"))

        response = transport.send(to(server, tls="starttls"), 5)

        assert SMTPResponse(SMTPReply(454, "4.7.0 TLS not available", "starttls")) == response
        assert [["EHLO", "STARTTLS"]] == commands(server)


def test_bytes_ahead_of_tls(transport: SMTPTransport) -> None:
    """
    What a man in the middle puts before the handshake is not taken for the server's words.
    """
    injected = b"220 go\r\n250 injected\r\n"
    with (
        scripted(b"220 x\r\n", b"250-x\r\n250 STARTTLS\r\n", injected) as port,
        pytest.raises(ConnectionFailed, match="something ahead of TLS"),
    ):
        transport.send(SMTPRequest("127.0.0.1", port, "starttls"), 5)


@pytest.mark.parametrize("fault", [faults.tls_hang(), faults.tls_reset(), faults.tls_eof()])
@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_broken_handshake(transport: SMTPTransport, tmp_path: Path, tls: str, fault: Fault) -> None:
    """
    A handshake that fails or hangs: nothing was sent.
    """
    with SMTPFaultServer(tls=tls) as server:
        server.fail("handshake" if tls == "starttls" else "connect", fault)

        with pytest.raises(ConnectionFailed, match="SMTP tls: "):
            transport.send(trusting(server, tmp_path, tls=tls), 0.5)


@pytest.mark.parametrize(
    ("server_tls", "client_tls"), [("implicit", "starttls"), (None, "implicit")]
)
def test_wrong_kind_of_tls(
    transport: SMTPTransport, server_tls: str | None, client_tls: str
) -> None:
    """
    The usual mix-up of ports 465 and 587 is named.
    """
    with (
        SMTPFaultServer(tls=server_tls) as server,
        pytest.raises(ConnectionFailed, match="is tls right?"),
    ):
        transport.send(to(server, tls=client_tls), 0.5)


# Logging in.


@pytest.fixture(params=[("PLAIN",), ("LOGIN",), ("LOGIN", "PLAIN")], ids="+".join)
def account(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SMTPRequest]:
    """
    A mail for a server with an account, which offers some of the mechanisms.
    """
    with SMTPFaultServer(
        tls="implicit", credentials={"me": SECRET}, mechanisms=request.param
    ) as server:
        yield trusting(server, tmp_path, tls="implicit", username="me", password=SECRET)
