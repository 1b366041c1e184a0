from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mailfailover._values.wire import SMTPReply, SMTPResponse
from mailfailover.errors import ConnectionFailed
from mailfailover.testing import SMTPFaultServer, certificates, faults
from tests.transports.smtp_requests import plain, scripted, to, trusting, verbs

if TYPE_CHECKING:
    from pathlib import Path

    from mailfailover.testing import Fault
    from mailfailover.transports.smtp import SMTPTransport


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_tls(smtp: SMTPTransport, tmp_path: Path, tls: str) -> None:
    """
    With either kind of TLS the mail goes over an encrypted connection.
    """
    with SMTPFaultServer(tls=tls) as server:
        smtp.send(trusting(server, tmp_path, tls=tls), 5)

        assert server.accepted[0].tls


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_untrusted_certificate(smtp: SMTPTransport, tls: str) -> None:
    """
    A certificate of an unknown CA: nothing was sent, and the error says what to set.
    """
    with (
        SMTPFaultServer(tls=tls) as server,
        pytest.raises(ConnectionFailed, match="private CA signed it, set ca_file"),
    ):
        smtp.send(to(server, tls=tls), 5)


def test_certificate_of_another_host(smtp: SMTPTransport, tmp_path: Path) -> None:
    """
    The certificate must be the host's own.
    """
    made = certificates("other.example")
    (tmp_path / "ca.pem").write_bytes(made.ca_pem)
    with (
        SMTPFaultServer(tls="implicit", context=made.server_context) as server,
        pytest.raises(ConnectionFailed, match="IP address mismatch"),
    ):
        smtp.send(to(server, tls="implicit", ca_file=str(tmp_path / "ca.pem")), 5)


def test_ca_file_that_is_not_there(smtp: SMTPTransport, tmp_path: Path) -> None:
    """
    A missing ca_file is named; nothing was sent.
    """
    with (
        SMTPFaultServer(tls="implicit") as server,
        pytest.raises(ConnectionFailed, match=r"^ca_file cannot be read: No such file"),
    ):
        smtp.send(to(server, tls="implicit", ca_file=str(tmp_path / "none")), 5)


def test_starttls_is_mandatory(smtp: SMTPTransport, relay: SMTPFaultServer) -> None:
    """
    A server without STARTTLS gets no mail.
    """
    with pytest.raises(ConnectionFailed, match=r"^the server offers no STARTTLS: use smtps://"):
        smtp.send(to(relay, tls="starttls"), 5)

    assert [["EHLO"]] == verbs(relay)


def test_starttls_refused(smtp: SMTPTransport) -> None:
    """
    A refused STARTTLS is an answer, and nothing follows it in the clear.
    """
    with SMTPFaultServer(tls="starttls") as server:
        server.fail("starttls", (454, "4.7.0 TLS not available"))

        response = smtp.send(to(server, tls="starttls"), 5)

        assert SMTPResponse(SMTPReply(454, "4.7.0 TLS not available", "starttls")) == response
        assert [["EHLO", "STARTTLS"]] == verbs(server)


def test_bytes_ahead_of_tls(smtp: SMTPTransport) -> None:
    """
    What a man in the middle puts before the handshake is not taken for the server's words.
    """
    injected = b"220 go\r\n250 injected\r\n"
    with (
        scripted(b"220 x\r\n", b"250-x\r\n250 STARTTLS\r\n", injected) as port,
        pytest.raises(ConnectionFailed, match="something ahead of TLS"),
    ):
        smtp.send(plain(port, tls="starttls"), 5)


@pytest.mark.parametrize(
    "fault", [faults.tls_hang(), faults.tls_reset(), faults.tls_eof()], ids=str
)
@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_broken_handshake(smtp: SMTPTransport, tmp_path: Path, tls: str, fault: Fault) -> None:
    """
    A handshake that fails or hangs: nothing was sent.
    """
    with SMTPFaultServer(tls=tls) as server:
        server.fail("handshake" if tls == "starttls" else "connect", fault)

        with pytest.raises(ConnectionFailed, match="SMTP tls: "):
            smtp.send(trusting(server, tmp_path, tls=tls), 0.5)


@pytest.mark.parametrize(
    ("server_tls", "client_tls"), [("implicit", "starttls"), (None, "implicit")]
)
def test_wrong_kind_of_tls(smtp: SMTPTransport, server_tls: str | None, client_tls: str) -> None:
    """
    The usual mix-up of ports 465 and 587 is named.
    """
    with (
        SMTPFaultServer(tls=server_tls) as server,
        pytest.raises(ConnectionFailed, match=r"is tls right\?"),
    ):
        smtp.send(to(server, tls=client_tls), 0.5)
