"""
Vendors behind a proxy: an https tunnel, given or found in the environment.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from base64 import b64encode
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from mailfailover.errors import ConfigurationError, ConnectionFailed
from mailfailover.plugin import HTTPRequest
from mailfailover.transports.http import HTTPTransport
from tests.samples import each
from tests.transports.sockets import answering, server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailfailover.testing import FaultServer

VARIABLES = ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY")


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Takes this machine's own proxies away.
    """
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


@contextmanager
def tunnel() -> Iterator[tuple[int, list[bytes]]]:
    """
    A proxy that makes every tunnel it is asked for; gives its port, and what it was asked.
    """
    asked: list[bytes] = []

    def serve(connection: socket.socket) -> None:
        asked.append(connection.recv(65536))
        host, port = asked[-1].split()[1].split(b":")
        with socket.create_connection((host.decode(), int(port))) as target:
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            threading.Thread(target=pump, args=(target, connection), daemon=True).start()
            pump(connection, target)

    def pump(source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)

    with server(serve) as port:
        yield port, asked


def test_https_goes_through_a_tunnel(tls_vendor: FaultServer, ca_file: str) -> None:
    """
    The proxy gets its password and the vendor's address, the vendor alone the key.
    """
    with tunnel() as (port, asked):
        proxies = {"https": f"user:pass@127.0.0.1:{port}"}
        transport = HTTPTransport(proxies=proxies, ca_file=ca_file)
        for _ in range(2):
            transport.send(
                HTTPRequest(url=f"{tls_vendor.url}/mail", headers={"X-Key": "k"}, body=b"x"), 5
            )
        transport.close()

    (head,) = asked
    assert head.startswith(b"CONNECT 127.0.0.1:%d " % tls_vendor.port)
    assert b"Proxy-Authorization: Basic " + b64encode(b"user:pass") in head
    assert b"X-Key" not in head
    keys = [(one.header("X-Key"), one.header("Proxy-Authorization")) for one in tls_vendor.requests]
    assert [("k", ""), ("k", "")] == keys


def test_loopback_needs_no_proxy(vendor: FaultServer) -> None:
    """
    Plain http is for this machine, which no proxy reaches.
    """
    transport = HTTPTransport(proxies={"all": "http://127.0.0.1:9"})
    transport.send(HTTPRequest(url=f"{vendor.url}/mail", body=b"x"), 5)
    transport.close()

    assert 1 == len(vendor.requests)


@each("answer", [b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", b"nonsense\r\n\r\n", b""])
def test_a_proxy_that_refuses(answer: bytes) -> None:
    """
    Without a tunnel nothing was sent.
    """
    with answering(answer) as port:
        transport = HTTPTransport(proxies={"https": f"http://127.0.0.1:{port}"})
        with pytest.raises(ConnectionFailed) as caught:
            transport.send(HTTPRequest(url="https://acme.example/", body=b"x"), 5)
    transport.close()

    text = "nothing was sent: the proxy made no tunnel to acme.example:443"
    assert (text, "connecting") == (str(caught.value), caught.value.stage)


def test_a_proxy_that_is_down() -> None:
    """
    Nor where the proxy takes no connection at all.
    """
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    transport = HTTPTransport(proxies={"https": f"http://127.0.0.1:{port}"})
    with pytest.raises(ConnectionFailed) as caught:
        transport.send(HTTPRequest(url="https://acme.example/", body=b"x"), 5)
    transport.close()

    text = "nothing was sent: the proxy made no tunnel to acme.example:443"
    assert (text, "connecting") == (str(caught.value), caught.value.stage)


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

    with server(serve) as port:
        transport = HTTPTransport(proxies={"https": f"http://127.0.0.1:{port}"})
        begun = time.monotonic()
        with pytest.raises(ConnectionFailed):
            transport.send(HTTPRequest(url="https://acme.example/", body=b"x"), 0.5)
        took = time.monotonic() - begun
        done.set()
    transport.close()

    assert 0.5 <= took < 0.7


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "ALL_PROXY"])
def test_the_environment_when_asked(
    tls_vendor: FaultServer, ca_file: str, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    """
    The environment names the proxy for those who trust it.
    """
    with tunnel() as (port, asked):
        monkeypatch.setenv(variable, f"http://127.0.0.1:{port}")
        transport = HTTPTransport(trust_env=True, ca_file=ca_file)
        transport.send(HTTPRequest(url=f"{tls_vendor.url}/mail", body=b"x"), 5)
        transport.close()

    assert 1 == len(asked)


def test_the_environment_makes_exceptions(
    tls_vendor: FaultServer, ca_file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A host that NO_PROXY names is reached directly.
    """
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    transport = HTTPTransport(trust_env=True, ca_file=ca_file)
    transport.send(HTTPRequest(url=f"{tls_vendor.url}/mail", body=b"x"), 5)
    transport.close()

    assert 1 == len(tls_vendor.requests)


@each("proxy", ["socks5://127.0.0.1:1080", "https://proxy:3128", "http://", ""])
def test_a_proxy_of_another_kind(proxy: str) -> None:
    """
    What cannot be a proxy here is refused before any call.
    """
    with pytest.raises(ConfigurationError, match=r"http://\[user:password@\]host:port"):
        HTTPTransport(proxies={"https": proxy})
