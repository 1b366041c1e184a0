"""
Vendors behind a proxy, reached from an event loop.
"""

from __future__ import annotations

import threading
import time
from base64 import b64encode
from typing import TYPE_CHECKING
from urllib.parse import unquote

import pytest

from mailfailover.errors import ConnectionFailed
from mailfailover.plugin import HTTPRequest
from tests.samples import each
from tests.transports.looped import looped
from tests.transports.sockets import answering, server
from tests.transports.test_http_proxies import tunnel

if TYPE_CHECKING:
    import socket

    from mailfailover.testing import FaultServer

FAR = HTTPRequest(url="https://acme.example/", body=b"x")


@pytest.mark.parametrize("password", ["user:pass@", "user:%3Apass%3A@", ""])
def test_https_goes_through_a_tunnel(tls_vendor: FaultServer, ca_file: str, password: str) -> None:
    """
    The proxy gets its password and the vendor's address, the vendor alone the key.
    """
    request = HTTPRequest(url=f"{tls_vendor.url}/mail", headers={"X-Key": "k"}, body=b"x")
    with tunnel() as (port, asked):
        proxies = {"https": f"{password}127.0.0.1:{port}"}
        with looped(proxies=proxies, ca_file=ca_file) as transport:
            transport.send(request, 5)
            transport.send(request, 5)

    (head,) = asked
    auth = b64encode(unquote(password.partition("@")[0]).encode())
    assert head.startswith(b"CONNECT 127.0.0.1:%d HTTP/1.1\r\nHost: " % tls_vendor.port)
    assert (bool(password), False) == (b"\r\nProxy-Authorization: Basic " in head, b"X-Key" in head)
    assert auth in head
    keys = [(one.header("X-Key"), one.header("Proxy-Authorization")) for one in tls_vendor.requests]
    assert [("k", ""), ("k", "")] == keys


def test_loopback_needs_no_proxy(vendor: FaultServer) -> None:
    """
    Plain http is for this machine, which no proxy reaches.
    """
    with looped(proxies={"all": "http://127.0.0.1:9"}) as transport:
        transport.send(HTTPRequest(url=f"{vendor.url}/mail", body=b"x"), 5)

    assert 1 == len(vendor.requests)


@each(
    "answer",
    [
        b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\nWho are you?",
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 200 OK\r\nA: " + b"x" * 100_000,
        b"",
    ],
    ids=["refused", "nonsense", "broken off", "endless", "nothing"],
)
def test_a_proxy_that_refuses(answer: bytes) -> None:
    """
    Without a tunnel nothing was sent.
    """
    with (
        answering(answer) as port,
        looped(proxies={"https": f"http://127.0.0.1:{port}"}) as made,
        pytest.raises(ConnectionFailed) as caught,
    ):
        made.send(FAR, 5)

    text = "nothing was sent: the proxy made no tunnel to acme.example:443"
    assert (text, "connecting") == (str(caught.value), caught.value.stage)


def test_a_proxy_that_resets() -> None:
    """
    The same where the connection breaks.
    """

    def serve(connection: socket.socket) -> None:
        connection.recv(1)
        connection.close()  # with bytes unread: a reset

    with (
        server(serve) as port,
        looped(proxies={"https": f"http://127.0.0.1:{port}"}) as made,
        pytest.raises(ConnectionFailed, match="the proxy made no tunnel"),
    ):
        made.send(FAR, 5)


@pytest.mark.parametrize("start", [b"", b"HTTP/1.1 200 OK\r\n\r\n"], ids=["tunnel", "handshake"])
def test_a_proxy_that_hangs(start: bytes) -> None:
    """
    A proxy that keeps us waiting, for its tunnel or behind it, does so within the deadline.
    """
    done = threading.Event()

    def serve(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(start)
        done.wait(10)

    with server(serve) as port, looped(proxies={"https": f"http://127.0.0.1:{port}"}) as made:
        begun = time.monotonic()
        with pytest.raises(ConnectionFailed, match="no answer from acme"):
            made.send(FAR, 0.5)
        took = time.monotonic() - begun
        done.set()

    assert 0.5 <= took < 1.5
