"""
Signed mails after their journey: S/MIME, PGP and DKIM still verify where they arrive.
"""

from __future__ import annotations

import base64
import shutil
import socket
import subprocess
from typing import TYPE_CHECKING, Any

import dkim  # type: ignore[import-untyped]  # has none
import pytest
from aiosmtpd.controller import Controller

from mailfailover import Mailer, Message
from mailfailover.providers.mailgun import Mailgun
from mailfailover.testing import FaultServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BODY = (
    b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8; format=flowed\r\n"
    b"Content-Transfer-Encoding: 8bit\r\n\r\n"
    b".a dot, Gr\xc3\xb6\xc3\x9fe, trailing spaces  \r\n-- \r\nFrom here on\r\n"
)
HEADER = b"From: a@example.com\r\nTo: b@example.org\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n"


class Inbox:
    """
    Keeps what arrives, byte for byte.
    """

    def __init__(self) -> None:
        self.mails: list[bytes] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 -- aiosmtpd's name
        self.mails.append(envelope.original_content)
        return "250 Ok"


def over_smtp(raw: bytes) -> bytes:
    """
    Send *raw* through a real SMTP server and return what it got.
    """
    inbox = Inbox()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    controller = Controller(inbox, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        with Mailer(f"smtp://127.0.0.1:{port}?tls=none") as mailer:
            mailer.send(Message.from_mime(raw, to="b@example.org"))
    finally:
        controller.stop()
    return inbox.mails[0]


def over_http(raw: bytes) -> bytes:
    """
    Send *raw* through a server that answers as Mailgun does, and return what it got.
    """
    with FaultServer("mailgun") as server:
        provider = Mailgun(api_key="k", domain="example.com", base_url=server.url)
        with Mailer(provider) as mailer:
            mailer.send(Message.from_mime(raw, to="b@example.org"))
        (request,) = server.requests
    boundary = dict(request.headers)["Content-Type"].partition("boundary=")[2].encode()
    _, _, rest = request.body.partition(b"Content-Type: message/rfc822\r\n\r\n")
    return rest.partition(b"\r\n--" + boundary)[0]


JOURNEYS = pytest.mark.parametrize("journey", [over_smtp, over_http])


def run(*command: str, given: bytes = b"", home: Path | None = None) -> bytes:
    """
    Run a program; what it writes comes back.
    """
    env = {"GNUPGHOME": str(home), "PATH": "/usr/bin:/bin"} if home else None
    done = subprocess.run(command, input=given, capture_output=True, check=True, env=env)
    return done.stdout


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """
    A key and a certificate of its own for S/MIME.
    """
    folder = tmp_path_factory.mktemp("smime")
    key, certificate = str(folder / "key.pem"), str(folder / "cert.pem")
    run(
        *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
        *("-subj", "/CN=a/emailAddress=a@example.com", "-keyout", key, "-out", certificate),
    )
    return key, certificate


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
@JOURNEYS
def test_smime_verifies(journey: Any, certificate: tuple[str, str]) -> None:
    """
    OpenSSL finds the signature good where the mail arrives.
    """
    key, cert = certificate
    signed = run(*("openssl", "smime", "-sign", "-signer", cert, "-inkey", key), given=BODY)

    arrived = journey(HEADER + signed)

    verified = run(*("openssl", "smime", "-verify", "-CAfile", cert), given=arrived)
    assert BODY == verified.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


@pytest.fixture(scope="module")
def keyring(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """
    A home of GnuPG with one key.
    """
    home = tmp_path_factory.mktemp("pgp")
    home.chmod(0o700)
    run(
        *("gpg", "--batch", "--passphrase", "", "--quick-generate-key", "a@example.com"),
        home=home,
    )
    yield home
    run("gpgconf", "--kill", "all", home=home)


@pytest.mark.skipif(shutil.which("gpg") is None, reason="gpg is not installed")
@JOURNEYS
def test_pgp_verifies(journey: Any, keyring: Path, tmp_path: Path) -> None:
    """
    GnuPG finds the signature of a PGP/MIME mail (RFC 3156) good where it arrives.
    """
    signature = run(
        *("gpg", "--batch", "--armor", "--detach-sign", "--digest-algo", "SHA512"),
        given=BODY,
        home=keyring,
    )
    raw = (
        HEADER
        + b'MIME-Version: 1.0\r\nContent-Type: multipart/signed; boundary="b1"; micalg=pgp-sha512;'
        b'\r\n protocol="application/pgp-signature"\r\n\r\n--b1\r\n'
        + BODY
        + b"\r\n--b1\r\nContent-Type: application/pgp-signature\r\n\r\n"
        + signature.replace(b"\n", b"\r\n")
        + b"\r\n--b1--\r\n"
    )

    arrived = journey(raw)

    _, signed, found, _ = arrived.split(b"--b1")
    (tmp_path / "signature").write_bytes(found.partition(b"\r\n\r\n")[2])
    run(
        *("gpg", "--batch", "--verify", str(tmp_path / "signature"), "-"),
        given=signed.removeprefix(b"\r\n").removesuffix(b"\r\n"),
        home=keyring,
    )


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
@JOURNEYS
@pytest.mark.parametrize("form", [b"simple/simple", b"relaxed/relaxed"])
def test_dkim_verifies(journey: Any, form: bytes, tmp_path: Path) -> None:
    """
    A DKIM signature holds, in the strict form too.
    """
    pem = run("openssl", "genrsa", "-traditional", "2048")
    (tmp_path / "key").write_bytes(pem)
    public = run("openssl", "rsa", "-in", str(tmp_path / "key"), "-pubout", "-outform", "DER")
    record = b"v=DKIM1; k=rsa; p=" + base64.b64encode(public)
    head, body = form.split(b"/")
    signature = dkim.sign(
        HEADER + BODY,
        b"s1",
        b"example.com",
        pem,
        canonicalize=(head, body),
        include_headers=[b"from", b"to", b"subject"],
    )

    arrived = journey(signature + HEADER + BODY)

    assert dkim.verify(arrived, dnsfunc=lambda *_args, **_named: record)
