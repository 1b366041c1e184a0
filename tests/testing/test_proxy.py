from __future__ import annotations

import http.client
import socket
import threading
import time
from typing import TYPE_CHECKING

import pytest

from mailfailover.testing import FaultProxy, FaultServer

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def proxy(vendor: FaultServer) -> Iterator[FaultProxy]:
    """
    A proxy before the vendor.
    """
    with FaultProxy(vendor.host, vendor.port) as server:
        yield server


@pytest.fixture
def connection(proxy: FaultProxy) -> Iterator[http.client.HTTPConnection]:
    """
    One client's connection through the proxy.
    """
    made = http.client.HTTPConnection(proxy.host, proxy.port, timeout=5)
    yield made
    made.close()


def post(connection: http.client.HTTPConnection, body: bytes = b"{}") -> int:
    """
    The status of the answer to one request.
    """
    connection.request("POST", "/", body)
    response = connection.getresponse()
    response.read()
    return response.status


def test_everything_goes_through(
    vendor: FaultServer, connection: http.client.HTTPConnection
) -> None:
    """
    A healthy proxy changes nothing, however large.
    """
    body = bytes(3_000_000)

    assert [200, 200] == [post(connection, body) for _ in range(2)]
    assert [body, body] == [request.body for request in vendor.requests]
    assert 1 == vendor.connections


def test_end_of_one_side_goes_through(vendor: FaultServer, proxy: FaultProxy) -> None:
    """
    A client that has said all still gets its answer.
    """
    with socket.create_connection((proxy.host, proxy.port), 5) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\n\r\n")
        sock.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: sock.recv(1000), b""))

    assert answer.startswith(b"HTTP/1.1 200 OK")


def test_cut_resets(proxy: FaultProxy, connection: http.client.HTTPConnection) -> None:
    """
    What was connected sees a RST; what connects anew goes through.
    """
    post(connection)

    proxy.cut()

    with pytest.raises(ConnectionResetError):
        post(connection)
    connection.close()
    assert 200 == post(connection)


def test_refusal_ends_with_health(
    proxy: FaultProxy, connection: http.client.HTTPConnection
) -> None:
    """
    Refused until healed, on the same port.
    """
    proxy.refuse()
    with pytest.raises(ConnectionRefusedError):
        post(connection)
    connection.close()

    proxy.heal()

    assert 200 == post(connection)


def test_stop_ends_connections(proxy: FaultProxy, connection: http.client.HTTPConnection) -> None:
    """
    Stopped, it ends what was connected.
    """
    post(connection)

    proxy.stop()

    with pytest.raises((http.client.RemoteDisconnected, ConnectionError)):
        post(connection)


def test_stall_loses_nothing(
    vendor: FaultServer, proxy: FaultProxy, connection: http.client.HTTPConnection
) -> None:
    """
    Held back until healed, then all of it comes.
    """
    post(connection)
    proxy.stall()
    codes: list[int] = []
    thread = threading.Thread(target=lambda: codes.append(post(connection)))
    thread.start()
    time.sleep(0.05)
    before = len(vendor.requests)

    proxy.heal()
    thread.join(5)

    assert (1, [200], 2) == (before, codes, len(vendor.requests))


def test_stalled_proxy_closes_at_once(vendor: FaultServer) -> None:
    """
    Closing waits for nobody.
    """
    with FaultProxy(vendor.host, vendor.port) as proxy:
        proxy.stall()
        with socket.create_connection((proxy.host, proxy.port), 5) as sock:
            sock.sendall(b"x")
            time.sleep(0.02)
            began = time.monotonic()
            proxy.close()

            assert time.monotonic() - began < 0.5


def test_delay_is_felt(proxy: FaultProxy, connection: http.client.HTTPConnection) -> None:
    """
    There and back, each piece is late.
    """
    proxy.delay(0.03)

    began = time.monotonic()

    assert 200 == post(connection)
    assert time.monotonic() - began >= 0.06


def test_truncated_request_never_arrives(
    vendor: FaultServer, proxy: FaultProxy, connection: http.client.HTTPConnection
) -> None:
    """
    After so many bytes upstream the connection is over.
    """
    proxy.truncate_after(upstream=20)

    with pytest.raises((http.client.HTTPException, ConnectionError)):
        post(connection)

    assert () == vendor.requests


def test_truncated_answer_is_an_accepted_mail(
    vendor: FaultServer, proxy: FaultProxy, connection: http.client.HTTPConnection
) -> None:
    """
    After so many bytes downstream: accepted, and the client does not know.
    """
    proxy.truncate_after(downstream=10)

    with pytest.raises(http.client.HTTPException):
        post(connection)

    assert 1 == len(vendor.accepted)


def test_lost_target_ends_the_connection(
    vendor: FaultServer, connection: http.client.HTTPConnection
) -> None:
    """
    A target that is down looks like a connection that ends.
    """
    vendor.stop()

    with pytest.raises((http.client.HTTPException, ConnectionError)):
        post(connection)


def test_reset_of_the_target_is_passed_on(
    vendor: FaultServer, connection: http.client.HTTPConnection
) -> None:
    """
    As one side broke, so does the other.
    """
    vendor.fail("reset_after_read")

    with pytest.raises(ConnectionResetError):
        post(connection)
