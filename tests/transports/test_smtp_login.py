from __future__ import annotations

import base64
import pickle
import traceback
from typing import TYPE_CHECKING

import pytest

from mailfailover._values.wire import SMTPReply, SMTPRequest, SMTPResponse
from mailfailover.errors import AuthenticationFailed, SendError
from mailfailover.testing import SMTPFaultServer
from mailfailover.transports._smtp_connection import Connection, Conversation
from mailfailover.transports._smtp_login import log_in
from tests.transports.smtp_requests import plain, scripted, to, trusting, verbs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mailfailover.transports.smtp import SMTPTransport

SECRET = "s3cret-Xq-ü"
TOKEN = "t0ken-Xq"


@pytest.fixture
def bank() -> Iterator[SMTPFaultServer]:
    """
    A server with an account, a password and a token.
    """
    with SMTPFaultServer(
        tls="starttls", credentials={"me": SECRET}, tokens={"me": TOKEN}
    ) as server:
        yield server


@pytest.fixture
def mail(bank: SMTPFaultServer, tmp_path: Path) -> SMTPRequest:
    """
    A mail for the account with the password.
    """
    return trusting(bank, tmp_path, tls="starttls", username="me", password=SECRET)


def test_password(smtp: SMTPTransport, bank: SMTPFaultServer, mail: SMTPRequest) -> None:
    """
    The right password logs in; nothing secret was said before TLS.
    """
    smtp.send(mail, 5)

    assert "me" == bank.accepted[0].user
    assert [["EHLO", "STARTTLS", "EHLO", "AUTH", "MAIL", "RCPT", "DATA"]] == verbs(bank)


def test_token(smtp: SMTPTransport, bank: SMTPFaultServer, tmp_path: Path) -> None:
    """
    A token logs in with XOAUTH2.
    """
    smtp.send(trusting(bank, tmp_path, tls="starttls", username="me", access_token=TOKEN), 5)

    (mail,) = bank.accepted
    assert "me" == mail.user
    assert any(line.startswith("AUTH XOAUTH2 ") for line in bank.transcripts[1])


@pytest.mark.parametrize("secret", [{"password": "wrong"}, {"access_token": "wrong"}], ids=str)
def test_wrong_secret_is_an_answer(
    smtp: SMTPTransport, bank: SMTPFaultServer, tmp_path: Path, secret: dict[str, str]
) -> None:
    """
    A refused log-in comes back as the answer to AUTH, and such a connection is not kept.
    """
    request = trusting(bank, tmp_path, tls="starttls", username="me", **secret)

    answers = [smtp.send(request, 5) for _ in range(2)]

    refusal = SMTPReply(535, "5.7.8 Authentication credentials invalid", "auth")
    assert [SMTPResponse(refusal)] * 2 == answers
    assert 2 == bank.connections


def test_token_refused_at_once(smtp: SMTPTransport, bank: SMTPFaultServer, tmp_path: Path) -> None:
    """
    A server may also refuse a token without explaining itself first.
    """
    bank.fail("auth", (535, "5.7.8 No"))

    response = smtp.send(
        trusting(bank, tmp_path, tls="starttls", username="me", access_token=TOKEN), 5
    )

    assert SMTPResponse(SMTPReply(535, "5.7.8 No", "auth")) == response


@pytest.mark.parametrize(
    ("server", "secret", "problem"),
    [
        pytest.param({}, {"password": SECRET}, "a password; it offers: none", id="no AUTH"),
        pytest.param(
            {"tokens": {"me": TOKEN}},
            {"password": SECRET},
            "a password; it offers: XOAUTH2",
            id="tokens only",
        ),
        pytest.param(
            {"credentials": {"me": SECRET}},
            {"access_token": TOKEN},
            "an access token; it offers: PLAIN LOGIN",
            id="passwords only",
        ),
    ],
)
def test_no_common_mechanism(
    smtp: SMTPTransport,
    tmp_path: Path,
    server: dict[str, dict[str, str]],
    secret: dict[str, str],
    problem: str,
) -> None:
    """
    When the server takes no such secret, it is not sent, and the error says what it takes.
    """
    with SMTPFaultServer(
        tls="implicit", credentials=server.get("credentials"), tokens=server.get("tokens")
    ) as bank:
        request = trusting(bank, tmp_path, tls="implicit", username="me", **secret)

        with pytest.raises(AuthenticationFailed, match=f"no log-in with {problem}$"):
            smtp.send(request, 5)

        assert [["EHLO"]] == verbs(bank)


def test_log_in_without_tls_on_this_machine(smtp: SMTPTransport) -> None:
    """
    Over the loopback interface a password may be sent in the clear.
    """
    with SMTPFaultServer(credentials={"me": SECRET}) as server:
        smtp.send(to(server, username="me", password=SECRET), 5)

        assert "me" == server.accepted[0].user


def test_no_log_in_without_tls_elsewhere() -> None:
    """
    Without TLS a password goes to a peer on this machine only, whatever its name.
    """
    there = Connection(Elsewhere(), Conversation(1.0))  # type: ignore[arg-type]  # a stand-in for a socket

    with pytest.raises(AuthenticationFailed, match=r"^no log-in without TLS"):
        log_in(there, plain(25, username="me", password=SECRET))


def test_address_of_our_end_over_ipv6() -> None:
    """
    An IPv6 address is written as RFC 5321 asks, without its zone.
    """
    there = Connection(Elsewhere(), Conversation(1.0))  # type: ignore[arg-type]  # a stand-in for a socket

    assert "[IPv6:2001:db8::1]" == there.address


class Elsewhere:
    """
    A socket to another machine.
    """

    def getpeername(self) -> tuple[str, int]:
        return "192.0.2.1", 25

    def getsockname(self) -> tuple[str, int, int, int]:
        return "2001:db8::1%eth0", 5000, 0, 2


@pytest.mark.parametrize("secret", [{"password": SECRET}, {"access_token": TOKEN}], ids=str)
def test_quoted_secret_is_taken_out(smtp: SMTPTransport, secret: dict[str, str]) -> None:
    """
    A server that quotes our line in its refusal does not get a secret into the answer.
    """
    plain_word = base64.b64encode(f"\0me\0{SECRET}".encode())
    token_word = base64.b64encode(f"user=me\1auth=Bearer {TOKEN}\1\1".encode())
    quoting = b" ".join((b"500 What is", plain_word, token_word, SECRET.encode(), TOKEN.encode()))
    with scripted(b"220 x\r\n", b"250-x\r\n250 AUTH PLAIN XOAUTH2\r\n", quoting + b"\r\n") as port:
        response = smtp.send(plain(port, username="me", **secret), 5)

    (kept,) = (word for word in (SECRET, TOKEN) if word not in secret.values())
    kept_word = plain_word if kept == SECRET else token_word
    words = {"What", "is", "<secret>", kept_word.decode(), kept}
    assert words == set(response.reply.text.split())


def test_errors_carry_no_secret(
    smtp: SMTPTransport, bank: SMTPFaultServer, mail: SMTPRequest
) -> None:
    """
    Neither text, repr, traceback nor pickle of an error shows the password.
    """
    bank.fail("auth", "reset_after_read")

    with pytest.raises(SendError) as caught:
        smtp.send(mail, 5)

    shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value) + repr(mail)
    encoded = base64.b64encode(f"\0me\0{SECRET}".encode())
    assert SECRET not in shown
    assert encoded.decode() not in shown
    assert encoded not in pickle.dumps(caught.value)
