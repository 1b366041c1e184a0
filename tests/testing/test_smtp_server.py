from __future__ import annotations

import smtplib
import socket
from typing import TYPE_CHECKING

import pytest

from mailfailover.testing import Fault, RecordedMail, SMTPFaultServer, faults
from tests.samples import each

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator

MAIL = b"Message-ID: <01JD@example.com>\r\nSubject: Hi\r\n\r\n.dotted\r\n..twice\r\n"
BAD = "bad@example.com"


@pytest.fixture
def server() -> Iterator[SMTPFaultServer]:
    """
    A healthy server that refuses one address.
    """
    with SMTPFaultServer(recipients={BAD: (550, "5.1.1 No such user")}) as smtp:
        yield smtp


def connect(server: SMTPFaultServer, timeout: float = 5.0) -> smtplib.SMTP:
    """
    A client that is through with the banner.
    """
    return smtplib.SMTP(server.host, server.port, local_hostname="test", timeout=timeout)


def send(server: SMTPFaultServer, timeout: float = 5.0) -> None:
    """
    One mail on a connection of its own, which is closed whatever happens.
    """
    client = connect(server, timeout)
    try:
        client.sendmail("me@example.com", ["ann@example.com"], MAIL)
        client.quit()
    finally:
        client.close()


def client_context(server: SMTPFaultServer) -> ssl.SSLContext:
    """
    Trust in the server's certificate.
    """
    assert server.certificates is not None
    return server.certificates.client_context


def test_mail_is_recorded(server: SMTPFaultServer) -> None:
    """
    Envelope, options and data as they were meant, dots unstuffed; refused recipients left out.
    """
    with connect(server) as client:
        refused = client.sendmail("me@example.com", ["ann@example.com", BAD], MAIL)

    (mail,) = server.accepted
    assert {BAD: (550, b"5.1.1 No such user")} == refused
    assert mail == RecordedMail(
        "me@example.com",
        ("ann@example.com",),
        MAIL,
        (f"size={len(MAIL)}",),
        1,
        False,
        "",
        mail.received_at,
    )
    assert {"01JD": 1} == server.accepted_ids()
    assert {"ann@example.com": 1} == server.accepted_recipients()


def test_connection_is_reused(server: SMTPFaultServer) -> None:
    """
    Several mails may go over one connection; the transcript shows it.
    """
    with connect(server) as client:
        for _ in range(2):
            client.sendmail("me@example.com", ["ann@example.com"], b"Hi\r\n")
        client.rset()
        client.noop()

    mail = (
        f"mail from:<me@example.com> size={len(b'Hi') + 2}",
        "rcpt to:<ann@example.com>",
        "data",
    )
    # Versions of smtplib write the commands in different case.
    transcripts = {
        number: tuple(line.lower() for line in lines)
        for number, lines in server.transcripts.items()
    }
    assert {1: ("ehlo test", *mail, *mail, "rset", "noop", "quit")} == transcripts


def test_extensions_are_announced() -> None:
    """
    What is offered is for the test to say.
    """
    with SMTPFaultServer(size=1000, extensions=("8BITMIME",)) as server, connect(server) as client:
        client.ehlo()

        assert {"size": "1000", "8bitmime": ""} == client.esmtp_features

    with SMTPFaultServer(size=None, extensions=()) as server, connect(server) as client:
        client.ehlo()

        assert {} == client.esmtp_features


def test_size_is_enforced() -> None:
    """
    A mail that is too large is refused: when it is declared, and when it has come.
    """
    with SMTPFaultServer(size=10) as server, connect(server) as client:
        client.ehlo()
        declared = client.mail("me@example.com", ["SIZE=11"])
        client.mail("me@example.com")
        client.rcpt("ann@example.com")
        undeclared = client.data(b"x" * 11)

        assert [552, 552] == [declared[0], undeclared[0]]
        assert () == server.accepted


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"FLY", 500),
        (b"MAIL FROM:me@example.com", 501),
        (b"MAIL FROM:<me@example.com>", 503),
        (b"RCPT TO:<ann@example.com>", 503),
        (b"RCPT ann", 501),
        (b"DATA", 503),
        (b"STARTTLS", 502),
        (b"AUTH PLAIN", 504),
        (b"HELO test", 250),
    ],
)
def test_rules_of_the_protocol_hold(server: SMTPFaultServer, line: bytes, code: int) -> None:
    """
    A client that speaks out of turn is told so.
    """
    with (
        socket.create_connection((server.host, server.port), 5) as sock,
        sock.makefile("rb") as file,
    ):
        file.readline()
        sock.sendall(line + b"\r\n")

        assert code == int(file.readline()[:3])


def test_starttls_encrypts() -> None:
    """
    After STARTTLS all is encrypted, and the record says so.
    """
    with SMTPFaultServer(tls="starttls") as server, connect(server) as client:
        client.starttls(context=client_context(server))
        client.sendmail("me@example.com", ["ann@example.com"], MAIL)

        assert [True] == [mail.tls for mail in server.accepted]


def test_implicit_tls_encrypts() -> None:
    """
    The same from the first byte, here with a context of one's own.
    """
    with (
        SMTPFaultServer(tls="implicit") as first,
        SMTPFaultServer(
            tls="implicit",
            context=first.certificates.server_context if first.certificates else None,
        ) as server,
        smtplib.SMTP_SSL(
            server.host, server.port, timeout=5, context=client_context(first)
        ) as client,
    ):
        client.sendmail("me@example.com", ["ann@example.com"], MAIL)

        assert [True] == [mail.tls for mail in server.accepted]


@pytest.mark.parametrize("mechanism", ["auth_plain", "auth_login"])
def test_password_is_checked(mechanism: str) -> None:
    """
    PLAIN and LOGIN: the right password only, and no mail before it.
    """
    with SMTPFaultServer(credentials={"ann": "s3cret"}) as server, connect(server) as client:
        client.ehlo()
        before = client.mail("me@example.com")[0]
        client.user, client.password = "ann", "wrong"
        name = mechanism.removeprefix("auth_")
        with pytest.raises(smtplib.SMTPAuthenticationError):
            client.auth(name, getattr(client, mechanism))
        client.password = "s3cret"
        client.auth(name, getattr(client, mechanism), initial_response_ok=mechanism == "auth_plain")
        client.sendmail("me@example.com", ["ann@example.com"], MAIL)

        assert (530, ["ann"]) == (before, [mail.user for mail in server.accepted])


def test_token_is_checked() -> None:
    """
    XOAUTH2: a wrong token is answered with a challenge, then refused.
    """
    with SMTPFaultServer(tokens={"ann": "t0ken"}) as server, connect(server) as client:
        client.ehlo()

        def answer(token: str, challenge: bytes | None) -> str:
            return "" if challenge else f"user=ann\x01auth=Bearer {token}\x01\x01"

        with pytest.raises(smtplib.SMTPAuthenticationError):
            client.auth("XOAUTH2", lambda challenge=None: answer("old", challenge))
        code, _ = client.auth("XOAUTH2", lambda challenge=None: answer("t0ken", challenge))

        assert 235 == code


def test_nonsense_authenticates_nobody() -> None:
    """
    What is no base64 and no XOAUTH2 is refused.
    """
    with (
        SMTPFaultServer(tokens={"ann": "t"}, credentials={"ann": "p"}) as server,
        connect(server) as client,
    ):
        client.ehlo()
        plain = client.docmd("AUTH", "PLAIN !!!")
        client.docmd("AUTH", "XOAUTH2 !!!")
        token = client.docmd("")

        assert [535, 535] == [plain[0], token[0]]


def test_no_secret_before_tls() -> None:
    """
    Where STARTTLS is offered, neither AUTH nor mail is taken before it.
    """
    with (
        SMTPFaultServer(tls="starttls", credentials={"ann": "p"}) as server,
        connect(server) as client,
    ):
        client.ehlo()

        assert not client.has_extn("auth")
        assert 530 == client.docmd("AUTH", "PLAIN AGFubgBw")[0]
        assert 530 == client.mail("me@example.com")[0]


STEPS = ["ehlo", "mail", "rcpt", "data", "dot"]


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (faults.hang_after_read(), (TimeoutError, smtplib.SMTPServerDisconnected)),
        (faults.close_after_read(), smtplib.SMTPServerDisconnected),
        (faults.reset_after_read(), (ConnectionResetError, smtplib.SMTPServerDisconnected)),
        (faults.slow(0.01, faults.close_after_read()), smtplib.SMTPServerDisconnected),
    ],
    ids=str,
)
def test_fault_strikes_at_its_step(
    server: SMTPFaultServer, step: str, fault: Fault, error: type[Exception]
) -> None:
    """
    Each fault at each step ends the call; nothing is accepted, and the next mail goes through.
    """
    server.fail(step, fault, times=1)

    with pytest.raises(error):
        send(server, 1 if "hang" in fault.name else 5)

    assert () == server.accepted
    send(server)
    assert 1 == len(server.accepted)


@pytest.mark.parametrize(
    ("step", "error"),
    [
        ("banner", smtplib.SMTPConnectError),
        ("mail", smtplib.SMTPSenderRefused),
        ("rcpt", smtplib.SMTPRecipientsRefused),
        ("data", smtplib.SMTPDataError),
        ("dot", smtplib.SMTPDataError),
    ],
)
def test_reply_takes_the_steps_place(
    server: SMTPFaultServer, step: str, error: type[Exception]
) -> None:
    """
    A step may be answered with any code and text.
    """
    server.fail(step, (451, "4.3.0 Try\nlater"), times=1)

    with pytest.raises(error):
        send(server)

    assert () == server.accepted
    send(server)


def test_421_closes(server: SMTPFaultServer) -> None:
    """
    Who says that he closes, closes.
    """
    server.fail("noop", (421, "4.3.2 Shutting down"))
    client = connect(server)

    assert 421 == client.noop()[0]
    with pytest.raises(smtplib.SMTPServerDisconnected):
        client.noop()


@pytest.mark.parametrize("kind", ["hang_after_read", "close_after_read", "reset_after_read"])
def test_mail_may_be_accepted_unseen(server: SMTPFaultServer, kind: str) -> None:
    """
    The final dot has come and the mail is out, but the client never learns it.
    """
    server.fail("dot", faults.accept_then(kind), times=1)

    with pytest.raises((OSError, smtplib.SMTPServerDisconnected)):
        send(server, 0.3 if "hang" in kind else 5)

    assert {"01JD": 1} == server.accepted_ids()


def test_mail_is_accepted_once(server: SMTPFaultServer) -> None:
    """
    Accepted, then late, then answered: one mail.
    """
    server.fail("dot", faults.accept_then(faults.slow(0.01)))

    send(server)

    assert {"01JD": 1} == server.accepted_ids()


def test_slow_step_is_done(server: SMTPFaultServer) -> None:
    """
    Late is not never.
    """
    server.fail("mail", faults.slow(0.02))

    send(server)

    assert 1 == len(server.wait_for(1))


def test_fault_spares_the_first(server: SMTPFaultServer) -> None:
    """
    `after` lets a connection grow old before it breaks.
    """
    server.fail("mail", (450, "4.2.1 Busy"), after=1)

    send(server)
    with pytest.raises(smtplib.SMTPSenderRefused):
        send(server)
    server.heal()
    send(server)

    assert 2 == len(server.accepted)


@each("name", ["tls_hang", "tls_reset", "tls_eof", "tls_bad_certificate"])
def test_handshake_of_starttls_breaks(name: str) -> None:
    """
    The faults of TLS after STARTTLS was agreed on.
    """
    with SMTPFaultServer(tls="starttls") as server:
        server.fail("handshake", name)
        client = connect(server, 0.15 if name == "tls_hang" else 5)

        with pytest.raises((OSError, smtplib.SMTPException)):
            client.starttls(context=client_context(server))
        client.close()

        assert () == server.accepted


@each("name", ["tls_hang", "tls_reset", "tls_eof", "plain_on_tls"])
def test_handshake_of_implicit_tls_breaks(name: str) -> None:
    """
    The same before the banner.
    """
    with SMTPFaultServer(tls="implicit") as server:
        server.fail("connect", name)

        with pytest.raises(OSError):  # noqa: PT011  # an SSLError, a timeout or a reset
            smtplib.SMTP_SSL(
                server.host,
                server.port,
                timeout=0.15 if name == "tls_hang" else 5,
                context=client_context(server),
            )

        assert {} == server.transcripts


@pytest.mark.parametrize(
    ("step", "fault", "text"),
    [
        ("lunch", "garbage", "step 'lunch' is unknown; known: connect, banner"),
        ("mail", "tired", "'tired' is unknown; known: "),
        ("mail", faults.accept_then("tired"), "'tired' is unknown"),
        ("mail", "truncate", "a fault of HTTP"),
        ("mail", faults.slow(0.1, faults.status(500)), "a fault of HTTP"),
        ("mail", "refuse", r"use stop\(\)"),
    ],
    ids=["step", "name", "inner-name", "http", "inner-http", "refuse"],
)
def test_impossible_orders_are_refused(
    server: SMTPFaultServer, step: str, fault: Fault | str, text: str
) -> None:
    """
    What cannot happen is said at once.
    """
    with pytest.raises(ValueError, match=text):
        server.fail(step, fault)


def test_kind_of_tls_is_checked() -> None:
    """
    A slip of the pen does not turn encryption off.
    """
    with pytest.raises(ValueError, match="must be None, 'starttls' or 'implicit'"):
        SMTPFaultServer(tls="ssl")


def test_stopped_server_comes_back(server: SMTPFaultServer) -> None:
    """
    Stop is connection refused; start is the same port.
    """
    send(server)
    server.stop()
    with pytest.raises(ConnectionRefusedError):
        send(server)

    server.start()
    send(server)

    assert 2 == len(server.accepted)


def test_clear_forgets_records(server: SMTPFaultServer) -> None:
    """
    Counting can begin anew.
    """
    send(server)

    server.clear()

    assert () == server.accepted
    assert {} == server.transcripts
