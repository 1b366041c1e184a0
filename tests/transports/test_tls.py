"""
TLS sessions: a new connection to the same vendor goes on with the session of an earlier one.
"""

from __future__ import annotations

import contextlib
import ssl
from typing import TYPE_CHECKING, Any

import pytest

from mailfailover.errors import ConnectionFailed
from mailfailover.plugin import HTTPRequest
from mailfailover.testing import FaultServer
from mailfailover.transports import _tls
from mailfailover.transports._answer import Answer
from mailfailover.transports._connection import connect
from mailfailover.transports._progress import Progress
from mailfailover.transports._target import find_target
from mailfailover.transports._tls import TLS
from mailfailover.transports.http import HTTPTransport
from tests.transports.looped import looped, loops
from tests.transports.sockets import server

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator
    from pathlib import Path

LAST = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}"


class Vendor:
    """
    A vendor over TLS that ends each connection after its answer.

    Attributes:
        resumed: For each connection, whether it went on with a session.
    """

    def __init__(self, ca_file: Path) -> None:
        with FaultServer(tls=True) as vendor:
            assert vendor.certificates is not None
            self.context = vendor.certificates.server_context
            ca_file.write_bytes(vendor.certificates.ca_pem)
        self.resumed: list[bool | None] = []

    def serve(self, connection: socket.socket) -> None:
        with (
            contextlib.suppress(OSError),
            self.context.wrap_socket(connection, server_side=True) as secured,
        ):
            self.resumed.append(secured.session_reused)
            secured.recv(65536)
            secured.sendall(LAST)
            secured.unwrap()


@contextlib.contextmanager
def opened(kind: Any, ca_file: Path) -> Iterator[Any]:
    """
    The transport for threads, or for a kind of loop, closed at the end.
    """
    if kind == "threads":
        with contextlib.closing(HTTPTransport(ca_file=str(ca_file))) as made:
            yield made
    else:
        with looped(kind, ca_file=str(ca_file)) as in_loop:
            yield in_loop


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize(
    "kind", ["threads", *loops()], ids=lambda made: getattr(made, "__module__", made)
)
def test_a_session_is_resumed(tmp_path: Path, kind: Any, version: ssl.TLSVersion) -> None:
    """
    Only the first connection to a host and port does the whole handshake.
    """
    vendor = Vendor(tmp_path / "ca.pem")
    vendor.context.maximum_version = version
    with server(vendor.serve) as port, opened(kind, tmp_path / "ca.pem") as transport:
        for host in ("127.0.0.1", "127.0.0.1", "localhost", "127.0.0.1"):
            transport.send(HTTPRequest(url=f"https://{host}:{port}/", body=b"x"), 10)

    assert [False, True, False, True] == vendor.resumed


@pytest.mark.parametrize(
    "kind", ["threads", *loops()], ids=lambda made: getattr(made, "__module__", made)
)
def test_a_session_proves_nothing_to_others(tmp_path: Path, kind: Any) -> None:
    """
    A transport that trusts other certificates does a handshake of its own, which fails.
    """
    vendor = Vendor(tmp_path / "ca.pem")
    other = tmp_path / "other.pem"
    Vendor(other)
    request = "https://127.0.0.1:{}/"
    with server(vendor.serve) as port, opened(kind, tmp_path / "ca.pem") as transport:
        transport.send(HTTPRequest(url=request.format(port), body=b"x"), 10)
        with opened(kind, other) as suspicious, pytest.raises(ConnectionFailed):
            suspicious.send(HTTPRequest(url=request.format(port), body=b"x"), 10)

    assert [False] == vendor.resumed


def test_a_vendor_that_forgot_the_session(tmp_path: Path) -> None:
    """
    Where the vendor does not know the session any more, the whole handshake is done.
    """
    vendor = Vendor(tmp_path / "ca.pem")
    with server(vendor.serve) as port, opened("threads", tmp_path / "ca.pem") as transport:
        transport.send(HTTPRequest(url=f"https://127.0.0.1:{port}/", body=b"x"), 10)
        vendor.context.options |= ssl.OP_NO_TICKET
        transport.send(HTTPRequest(url=f"https://127.0.0.1:{port}/", body=b"x"), 10)

    assert [False, False] == vendor.resumed


def test_a_session_is_renewed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A session serves for a minute; then the one that the vendor gave meanwhile takes its place.
    """
    vendor = Vendor(tmp_path / "ca.pem")
    kept = []
    with server(vendor.serve) as port:
        tls = TLS(str(tmp_path / "ca.pem"))
        target = find_target(f"https://127.0.0.1:{port}/")
        for renewed in (60.0, 60.0, 0.0):
            monkeypatch.setattr(_tls, "_RENEWED", renewed)
            connection = connect(target, None, tls, Progress(10))
            answer = Answer(lambda _: None, 1000)
            connection.exchange(b"POST / HTTP/1.1\r\n\r\n", b"", answer, Progress(10))
            connection.remember_session(tls, target)
            kept.append(tls._find_session(target))
            connection.close()

    assert ([True, False], [False, True, True]) == (
        [one is kept[0] for one in kept[1:]],
        vendor.resumed,
    )
