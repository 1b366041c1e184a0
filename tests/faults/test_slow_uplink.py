"""
Large mails over a slow uplink: while bytes flow, an attempt may outlast its own time.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from mailfailover import Attachment, Mailer
from mailfailover.aio import AsyncMailer
from mailfailover.errors import OutcomeUnknown, SendError
from mailfailover.plugin import HTTPRequest, SMTPRequest, Timeout
from mailfailover.testing import FaultServer, SMTPFaultServer
from mailfailover.transports.http import HTTPTransport
from mailfailover.transports.smtp import SMTPTransport
from tests.transports.looped import Looped, looped

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

SIZE = 4 * 1024 * 1024
SHORT = 0.5
"""Seconds of an attempt: a fraction of what the mail needs."""

PIECE, PAUSE = 64 * 1024, 0.03
"""What the uplink carries, and how long it then does nothing: 2 MiB a second."""

MAIL: dict[str, Any] = {
    "from_email": "shop@example.com",
    "to": "ann@example.org",
    "subject": "Hi",
    "text": "Hello",
    "attachments": [Attachment("plan.bin", bytes(SIZE))],
}


@contextmanager
def slow_uplink(port: int) -> Iterator[int]:
    """
    The way to *port* over a network that takes little at once; gives the port where it begins.
    """

    def pump(source: socket.socket, sink: socket.socket, pause: float) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(PIECE):
                sink.sendall(data)
                time.sleep(pause if len(data) > PIECE / 4 else 0)
            sink.shutdown(socket.SHUT_WR)

    def carry(near: socket.socket) -> None:
        with near, socket.create_connection(("127.0.0.1", port)) as far:
            back = threading.Thread(target=pump, args=(far, near, 0.0))
            back.start()
            pump(near, far, PAUSE)
            back.join()

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = listening.accept()
                threading.Thread(target=carry, args=(near,), daemon=True).start()

    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, PIECE)
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        acceptor = threading.Thread(target=accept, daemon=True)
        acceptor.start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)
        acceptor.join(5)


@contextmanager
def opened(kind: str, ca_file: str | None = None) -> Iterator[HTTPTransport | Looped]:
    """
    The transport for threads or for loops, closed at the end.
    """
    if kind == "threads":
        with contextlib.closing(HTTPTransport(ca_file=ca_file)) as made:
            yield made
    else:
        with looped(ca_file=ca_file) as in_loop:
            yield in_loop


@pytest.mark.parametrize("kind", ["threads", "loop"])
@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_a_large_body_over_http(kind: str, tls: bool, tmp_path: Any) -> None:
    """
    The call lives as long as the vendor takes in more of the body.
    """
    with FaultServer(tls=tls, record_bodies=False) as vendor, slow_uplink(vendor.port) as port:
        ca_file = None
        if vendor.certificates is not None:
            ca_file = str(tmp_path / "ca.pem")
            (tmp_path / "ca.pem").write_bytes(vendor.certificates.ca_pem)
        url = f"{'https' if tls else 'http'}://127.0.0.1:{port}/mail"
        request = HTTPRequest(url=url, body=(b"{", memoryview(bytes(SIZE)), b"}"))
        with opened(kind, ca_file) as transport:
            response = transport.send(request, Timeout(SHORT, limit=60))

    assert (200, 1) == (response.status_code, len(vendor.accepted))


def test_a_large_mail_over_smtp() -> None:
    """
    The same for a mail server.
    """
    with SMTPFaultServer() as relay, slow_uplink(relay.port) as port:
        transport = SMTPTransport()
        lines = b"x" * 98 + b"\r\n"
        request = SMTPRequest(
            "127.0.0.1",
            port,
            tls="none",
            mail_from="shop@example.com",
            recipients=("ann@example.org",),
            data=b"Subject: Hi\r\n\r\n" + lines * (SIZE // 100),
        )
        response = transport.send(request, Timeout(SHORT, limit=60))
        transport.close()

    assert (True, 1) == (response.ok, len(relay.accepted))


def test_a_large_mail_through_a_chain() -> None:
    """
    The time of the whole send is the limit, and nobody else gets a copy meanwhile.
    """
    with (
        FaultServer("mailgun", record_bodies=False) as vendor,
        slow_uplink(vendor.port) as port,
        Mailer(
            f"mailgun://key:example.com@default?base_url=http://127.0.0.1:{port}",
            attempt_timeout=SHORT,
        ) as mailer,
    ):
        receipt = mailer.send(**MAIL, timeout=60)

    assert (1, 1, False) == (
        len(receipt.attempts),
        len(vendor.accepted),
        receipt.possible_duplicate,
    )


@pytest.mark.parametrize("kind", ["threads", "loop"])
def test_a_vendor_that_stops_reading(kind: str) -> None:
    """
    Where nothing flows any more the attempt's own time counts.
    """
    with FaultServer(receive_buffer=65536) as vendor, opened(kind) as transport:
        vendor.fail("hang_before_read")
        request = HTTPRequest(url=f"{vendor.url}/mail", body=(memoryview(bytes(8 * SIZE)),))
        begun = time.monotonic()
        with pytest.raises(OutcomeUnknown) as caught:
            transport.send(request, Timeout(SHORT, limit=3600))

    assert "writing" == caught.value.stage
    assert time.monotonic() - begun < 600


@pytest.mark.parametrize("kind", ["threads", "loop"])
def test_the_deadline_ends_it(kind: str) -> None:
    """
    However well it flows, a send does not outlast its own time.
    """
    with FaultServer(record_bodies=False) as vendor, slow_uplink(vendor.port) as port:
        request = HTTPRequest(url=f"http://127.0.0.1:{port}/mail", body=(memoryview(bytes(SIZE)),))
        with opened(kind) as transport, pytest.raises(SendError) as caught:
            transport.send(request, Timeout(SHORT, limit=SHORT))

    assert (OutcomeUnknown, "writing") == (type(caught.value), caught.value.stage)


def test_a_large_mail_from_a_loop() -> None:
    """
    An event loop's mailer gives the same time.
    """

    async def use(port: int) -> int:
        dsn = f"mailgun://key:example.com@default?base_url=http://127.0.0.1:{port}"
        async with AsyncMailer(dsn, attempt_timeout=SHORT, timeout=60) as mailer:
            return len((await mailer.send(**MAIL)).attempts)

    with (
        FaultServer("mailgun", record_bodies=False) as vendor,
        slow_uplink(vendor.port) as port,
    ):
        assert (1, 1) == (asyncio.run(use(port)), len(vendor.accepted))
