from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from mailfailover._values.wire import SMTPReply, SMTPResponse
from mailfailover.errors import (
    ConnectionFailed,
    OutcomeUnknown,
    RequestRefused,
    UnsupportedFeature,
)
from mailfailover.testing import SMTPFaultServer, faults
from mailfailover.transports._smtp_mail import framed
from tests.samples import each
from tests.transports.smtp_requests import (
    ANN,
    BAD,
    BOB,
    DATA,
    NO_SUCH_USER,
    plain,
    scripted,
    to,
    verbs,
)

if TYPE_CHECKING:
    from mailfailover.testing import Fault
    from mailfailover.transports.smtp import SMTPTransport


def test_mail_arrives_as_it_was_given(smtp: SMTPTransport, relay: SMTPFaultServer) -> None:
    """
    Envelope and data arrive unchanged, dots included; the last reply comes back.
    """
    response = smtp.send(to(relay, recipients=(ANN, BOB)), 5)

    (mail,) = relay.accepted
    assert ("me@a.example", (ANN, BOB), DATA) == (mail.mail_from, mail.rcpt_tos, mail.data)
    assert (250, ".", {}) == (response.reply.code, response.reply.command, response.refused)
    assert response.reply.text.startswith("2.0.0 OK queued as ")


def test_ping_sends_no_mail(smtp: SMTPTransport, relay: SMTPFaultServer) -> None:
    """
    Without recipients it says NOOP and nothing of a mail.
    """
    response = smtp.send(to(relay, mail_from="", recipients=(), data=b""), 5)

    assert SMTPResponse(SMTPReply(250, "2.0.0 OK", "noop")) == response
    assert [["EHLO", "NOOP"]] == verbs(relay)


def test_name_in_ehlo(smtp: SMTPTransport, relay: SMTPFaultServer) -> None:
    """
    We call ourselves as configured.
    """
    smtp.send(to(relay, local_hostname="app.a.example"), 5)

    assert "EHLO app.a.example" == relay.transcripts[1][0]


def test_address_in_ehlo(smtp: SMTPTransport, relay: SMTPFaultServer) -> None:
    """
    Unless configured, our address as a literal is our name: no look-up is needed.
    """
    smtp.send(to(relay), 5)

    assert "EHLO [127.0.0.1]" == relay.transcripts[1][0]


def test_partial_acceptance(smtp: SMTPTransport, relay: SMTPFaultServer) -> None:
    """
    Who is refused is reported; the mail goes to the others.
    """
    response = smtp.send(to(relay, recipients=(ANN, BAD, BOB)), 5)

    assert {BAD: SMTPReply(*NO_SUCH_USER, "rcpt")} == response.refused
    assert response.ok
    assert (ANN, BOB) == relay.accepted[0].rcpt_tos


def test_nobody_accepted(smtp: SMTPTransport, relay: SMTPFaultServer) -> None:
    """
    When all are refused no data is sent, and the refusal is the answer.
    """
    response = smtp.send(to(relay, recipients=(BAD,)), 5)

    refusal = SMTPReply(*NO_SUCH_USER, "rcpt")
    assert SMTPResponse(refusal, {BAD: refusal}) == response
    assert [["EHLO", "MAIL", "RCPT"]] == verbs(relay)


def test_too_many_recipients_goes_to_nobody(smtp: SMTPTransport) -> None:
    """
    A server that takes only some because there are too many gets no mail for any of them.
    """
    too_many = (452, "4.5.3 Too many recipients")
    with SMTPFaultServer(recipients={BOB: too_many}) as server:
        response = smtp.send(to(server, recipients=(ANN, BOB, "cat@b.example")), 5)

        reply = SMTPReply(*too_many, "rcpt")
        assert SMTPResponse(reply, {BOB: reply}) == response
        assert () == server.accepted


@pytest.mark.parametrize("step", ["banner", "ehlo", "mail", "data", "dot"])
def test_refusal_is_an_answer(smtp: SMTPTransport, relay: SMTPFaultServer, step: str) -> None:
    """
    A server that says no at any step, also after the final dot, has taken no mail.
    """
    relay.fail(step, (451, "4.3.0 Later"))

    response = smtp.send(to(relay), 5)

    command = {"banner": "connect", "dot": "."}.get(step, step)
    assert SMTPResponse(SMTPReply(451, "4.3.0 Later", command)) == response
    assert () == relay.accepted


@pytest.mark.parametrize("step", ["banner", "ehlo", "mail", "rcpt", "data", "dot"])
def test_closing_reply_is_an_answer(smtp: SMTPTransport, relay: SMTPFaultServer, step: str) -> None:
    """
    A 421 at any step ends the mail unsent, and that connection is not used again.
    """
    relay.fail(step, (421, "4.3.2 Bye"), times=1)

    refused = smtp.send(to(relay, recipients=(ANN, BOB)), 5)
    accepted = smtp.send(to(relay), 5)

    assert (421, {}, True) == (refused.reply.code, refused.refused, accepted.ok)
    assert 2 == relay.connections


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
    smtp: SMTPTransport, relay: SMTPFaultServer, step: str, fault: Fault
) -> None:
    """
    Whatever breaks before the final dot is written, nothing was sent.
    """
    relay.fail(step, fault)

    with pytest.raises(ConnectionFailed, match=r"^nothing was sent: SMTP") as caught:
        smtp.send(to(relay), 0.3)

    # A reset may arrive before the connection is known to stand.
    early = {"connecting"} if (step, fault.name) == ("banner", "reset_after_read") else set()
    assert caught.value.stage in {"connected"} | early
    assert () == relay.accepted


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_fault_after_the_dot(smtp: SMTPTransport, relay: SMTPFaultServer, fault: Fault) -> None:
    """
    Once the final dot is written, whatever is no answer leaves the outcome unknown.
    """
    relay.fail("dot", faults.accept_then(fault))

    with pytest.raises(OutcomeUnknown, match=r"^it may have been sent: SMTP") as caught:
        smtp.send(to(relay), 0.3)

    assert "written" == caught.value.stage
    assert 1 == len(relay.accepted)


def test_acceptance_where_the_go_ahead_was_due(smtp: SMTPTransport) -> None:
    """
    A 250 as the reply to DATA is no acceptance: nothing of the mail was written.
    """
    with (
        scripted(b"220 x\r\n", b"250 x\r\n", b"250 ok\r\n", b"250 ok\r\n", b"250 ok\r\n") as port,
        pytest.raises(ConnectionFailed),
    ):
        smtp.send(plain(port), 5)


def test_server_that_stops_reading(smtp: SMTPTransport) -> None:
    """
    When the data cannot be written, the final dot was not: nothing was sent.
    """
    with SMTPFaultServer() as server:
        server.fail("data", faults.garbage(b"354 go\r\n"))
        data = b"x" * 20_000_000

        with pytest.raises(ConnectionFailed) as caught:
            smtp.send(to(server, data=data), 5)

    assert "writing" == caught.value.stage


def test_stalled_data_keeps_the_deadline(smtp: SMTPTransport) -> None:
    """
    A server that goes on holding but reads no more cannot outlive the deadline.
    """
    with scripted(b"220 x\r\n", b"250 x\r\n", b"250 ok\r\n", b"250 ok\r\n") as port:
        started = time.monotonic()

        with pytest.raises(ConnectionFailed):
            smtp.send(plain(port), 0.3)

    assert time.monotonic() - started < 1


@pytest.mark.parametrize("step", ["banner", "ehlo", "mail", "rcpt", "data", "dot"])
def test_dripping_keeps_the_deadline(
    smtp: SMTPTransport, relay: SMTPFaultServer, step: str
) -> None:
    """
    A reply that comes byte by byte cannot outlive the deadline.
    """
    relay.fail(step, faults.Fault("drip", "unknown", faults.ok().phase, http_only=False, run=drip))
    started = time.monotonic()

    with pytest.raises((ConnectionFailed, OutcomeUnknown)):
        smtp.send(to(relay), 0.3)

    assert time.monotonic() - started < 1


def drip(exchange: Any) -> None:
    """
    Say nothing, slowly.
    """
    exchange.channel.drip(b"250-" + b"x" * 1000, 0.05)


def test_connection_refused(smtp: SMTPTransport, relay: SMTPFaultServer) -> None:
    """
    A closed port: nothing was sent.
    """
    relay.stop()

    with pytest.raises(ConnectionFailed, match="SMTP connect: Connection refused") as caught:
        smtp.send(to(relay), 5)

    assert "connecting" == caught.value.stage


@pytest.mark.parametrize("host", ["nowhere.invalid", "a..b", "x" * 70])
def test_unknown_host(smtp: SMTPTransport, host: str) -> None:
    """
    A name without an address: nothing was sent.
    """
    with pytest.raises(ConnectionFailed, match="SMTP connect: "):
        smtp.send(plain(25, host=host), 5)


def test_no_time_left(smtp: SMTPTransport, relay: SMTPFaultServer) -> None:
    """
    Without any time nothing is sent.
    """
    with pytest.raises(ConnectionFailed):
        smtp.send(to(relay), 0.0)


@pytest.mark.parametrize(
    "address", ["a@b.example>\r\nRCPT TO:<c@d.example", "a b@c.example", "a>@b.example", "a\0@b"]
)
def test_address_that_would_break_out(
    smtp: SMTPTransport, relay: SMTPFaultServer, address: str
) -> None:
    """
    An address that could end its command is refused before any connection.
    """
    for request in (to(relay, mail_from=address), to(relay, recipients=(ANN, address))):
        with pytest.raises(RequestRefused, match=r"^an envelope address has"):
            smtp.send(request, 5)

    assert 0 == relay.connections


def test_quoted_local_part(smtp: SMTPTransport, relay: SMTPFaultServer) -> None:
    """
    Inside quotes, spaces are part of the address.
    """
    assert smtp.send(to(relay, mail_from='"a b"@c.example'), 5).ok


# What the mail needs of the server.


def test_options_of_a_plain_mail(smtp: SMTPTransport, relay: SMTPFaultServer) -> None:
    """
    Only the size is declared where nothing else is needed.
    """
    smtp.send(to(relay), 5)

    assert (f"SIZE={len(framed(DATA))}",) == relay.accepted[0].mail_options


def test_options_of_a_mail_in_utf8(smtp: SMTPTransport, relay: SMTPFaultServer) -> None:
    """
    8-bit data and UTF-8 headers are declared.
    """
    data = "Subject: Grüße\r\n\r\nHallo\r\n".encode()

    smtp.send(to(relay, recipients=("jörg@b.example",), data=data, smtputf8=True), 5)

    (mail,) = relay.accepted
    assert ((f"SIZE={len(data)}", "BODY=8BITMIME", "SMTPUTF8"), ("jörg@b.example",), data) == (
        mail.mail_options,
        mail.rcpt_tos,
        mail.data,
    )


@pytest.mark.parametrize(
    ("fields", "features", "problem"),
    [
        pytest.param({"data": b"x" * 2000}, (), "2002 bytes, the server takes 1000", id="size"),
        pytest.param({"data": b"\xc3\xa4"}, (), "takes 7-bit data only", id="8-bit data"),
        pytest.param(
            {"recipients": ("jörg@b.example",)}, ("UNICODE_LOCAL_PART",), "SMTPUTF8", id="recipient"
        ),
        pytest.param({"smtputf8": True}, ("UNICODE_LOCAL_PART",), "SMTPUTF8", id="headers"),
    ],
)
def test_mail_that_the_server_cannot_take(
    smtp: SMTPTransport, fields: dict[str, Any], features: tuple[str, ...], problem: str
) -> None:
    """
    What the server does not offer is found before MAIL; the connection is good for the next.
    """
    with SMTPFaultServer(size=1000, extensions=()) as server:
        with pytest.raises(UnsupportedFeature, match=problem) as caught:
            smtp.send(to(server, **fields), 5)
        smtp.send(to(server), 5)

        assert (features, "connected") == (caught.value.features, caught.value.stage)
        assert [["EHLO", "MAIL", "RCPT", "DATA"]] == verbs(server)


@pytest.mark.parametrize("extensions", [("SIZE",), ("SIZE 0",), ("SIZE many",)], ids=str)
def test_size_without_a_limit(smtp: SMTPTransport, extensions: tuple[str, ...]) -> None:
    """
    A server may announce SIZE without saying how much it takes.
    """
    with SMTPFaultServer(size=None, extensions=extensions) as server:
        assert smtp.send(to(server), 5).ok


def test_server_without_extensions(smtp: SMTPTransport) -> None:
    """
    A server that offers nothing takes a plain mail without any option.
    """
    with SMTPFaultServer(size=None, extensions=()) as server:
        smtp.send(to(server), 5)

        assert () == server.accepted[0].mail_options


@each(
    ("data", "written"),
    [
        (b"a\r\nb\r\n", b"a\r\nb\r\n"),
        (b"a\nb", b"a\r\nb\r\n"),
        (b"a\rb\r\r\nc", b"a\r\nb\r\n\r\nc\r\n"),
        (b".a\r\n.\r\n..b\r\nc.\r\n", b"..a\r\n..\r\n...b\r\nc.\r\n"),
        (b"a\n.\nb", b"a\r\n..\r\nb\r\n"),
        (b"a\r.\rb", b"a\r\n..\r\nb\r\n"),
        (b"", b"\r\n"),
    ],
)
def test_data_is_canonical(data: bytes, written: bytes) -> None:
    """
    Lines end in CRLF and only there, and no dot stands alone: the mail ends where we end it.
    """
    assert written == framed(data)
