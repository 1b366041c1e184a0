"""
Each way an HTTP vendor fails, on real sockets: what is known of the mail afterwards.

What the vendor counted is the truth that the error is measured against. These tests pin the
insides of urllib3 and http.client on which the stages depend.
"""

from __future__ import annotations

import socket
import threading
import time
from typing import TYPE_CHECKING, NamedTuple

import pytest

from mailfailover.errors import ConnectionFailed, OutcomeUnknown, SendError
from mailfailover.plugin import HTTPRequest, Response
from mailfailover.testing import CannedResponse, Fault, FaultServer, faults
from mailfailover.transports.http import HTTPTransport
from tests.transports.sockets import ANSWER, answering, black_hole, drain, server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

TIMEOUT = 0.5


class Known(NamedTuple):
    """
    What an error says.
    """

    kind: type[SendError]
    stage: str
    status_code: int | None
    text: str


def not_sent(text: str) -> Known:
    """
    No connection, and the reason.
    """
    return Known(ConnectionFailed, "connecting", None, f"nothing was sent: {text}")


def unknown(stage: str, status_code: int | None, text: str) -> Known:
    """
    It may have been sent, and the reason.
    """
    return Known(OutcomeUnknown, stage, status_code, f"it may have been sent: {text}")


CLOSED = "{} closed the connection without an answer"
BROKEN = "{} broke the connection"
LATE = "no answer from {} in time"

ANY = [
    (faults.refuse(), not_sent("connection refused by {}")),
    (faults.hang_before_read(), unknown("written", None, LATE)),
    (faults.close_before_read(), unknown("written", None, CLOSED)),
    (faults.hang_after_read(), unknown("written", None, LATE)),
    (faults.close_after_read(), unknown("written", None, CLOSED)),
    (faults.accept_then("hang_after_read"), unknown("written", None, LATE)),
    (faults.garbage(), unknown("written", None, "{} does not speak HTTP")),
    (faults.drip_headers(), unknown("written", None, LATE)),  # within the status line
    (faults.drip_headers(0.01), unknown("response", 200, LATE)),  # after it
    (faults.drip_body(), unknown("response", 200, LATE)),
    (faults.stall_body(), unknown("response", 200, LATE)),
    (faults.truncate(), unknown("response", 200, "the answer of {} broke off")),
    (
        faults.huge_body(2 * 1024 * 1024),
        unknown("response", 200, "the answer of {} is unreadable: it is larger than 1048576 bytes"),
    ),
    (
        faults.gzip_bomb(4 * 1024 * 1024),
        unknown(
            "response",
            200,
            "the answer of {} is unreadable: it is larger than 1048576 bytes when unpacked",
        ),
    ),
]
PLAIN = [
    (faults.reset_before_read(), unknown("written", None, BROKEN)),
    (faults.reset_after_read(), unknown("written", None, BROKEN)),
]
TLS = [
    (faults.tls_hang(), not_sent(LATE)),
    (faults.tls_reset(), not_sent(BROKEN)),
    (faults.tls_eof(), not_sent("TLS with {} failed")),
    (faults.plain_on_tls(), not_sent("TLS with {} failed")),
    (faults.tls_bad_certificate(), not_sent("the certificate of {} is not trusted")),
]


@pytest.fixture
def transport() -> Iterator[HTTPTransport]:
    """
    A transport with nothing configured.
    """
    made = HTTPTransport()
    yield made
    made.close()


def known(error: SendError, port: int) -> Known:
    """
    What *error* says, without the vendor's port.
    """
    text = str(error).replace(f"127.0.0.1:{port}", "{}")
    return Known(type(error), error.stage, error.status_code, text)


def mail(vendor: FaultServer) -> HTTPRequest:
    """
    A mail to *vendor*.
    """
    return HTTPRequest(url=f"{vendor.url}/mail", body=b"{}")


def name(value: object) -> str | None:
    """
    The name of a fault, for the test's id.
    """
    return value.name if isinstance(value, Fault) else None


@pytest.mark.parametrize(("fault", "expected"), [*ANY, *PLAIN], ids=name)
def test_a_fault(transport: HTTPTransport, fault: Fault, expected: Known) -> None:
    """
    The error says what is known, no more and no less, and in time.
    """
    with FaultServer() as vendor:
        vendor.fail(fault)
        begun = time.monotonic()
        with pytest.raises(SendError) as caught:
            transport.send(mail(vendor), TIMEOUT)
        took = time.monotonic() - begun

    assert expected == known(caught.value, vendor.port)
    assert took < TIMEOUT + 1


@pytest.mark.parametrize(("fault", "expected"), [*ANY, *TLS], ids=name)
def test_a_fault_over_tls(tmp_path: Path, fault: Fault, expected: Known) -> None:
    """
    The same over TLS, where the handshake has faults of its own.
    """
    with FaultServer(tls=True) as vendor:
        assert vendor.certificates is not None
        ca_file = tmp_path / "ca.pem"
        ca_file.write_bytes(vendor.certificates.ca_pem)
        transport = HTTPTransport(ca_file=str(ca_file))
        vendor.fail(fault)
        begun = time.monotonic()
        with pytest.raises(SendError) as caught:
            transport.send(mail(vendor), TIMEOUT)
        took = time.monotonic() - begun
        transport.close()

    assert expected == known(caught.value, vendor.port)
    assert took < TIMEOUT + 1


@pytest.mark.parametrize("fault", [faults.reset_before_read(), faults.reset_after_read()], ids=name)
def test_a_reset_over_tls(tmp_path: Path, fault: Fault) -> None:
    """
    Whether TLS shows a reset or an end depends on the system; the mail is unknown either way.
    """
    with FaultServer(tls=True) as vendor:
        assert vendor.certificates is not None
        ca_file = tmp_path / "ca.pem"
        ca_file.write_bytes(vendor.certificates.ca_pem)
        transport = HTTPTransport(ca_file=str(ca_file))
        vendor.fail(fault)
        with pytest.raises(OutcomeUnknown) as caught:
            transport.send(mail(vendor), TIMEOUT)
        transport.close()

    assert ("written", None) == (caught.value.stage, caught.value.status_code)


@pytest.mark.parametrize("make", [faults.drip_headers, faults.drip_body, faults.stall_body])
def test_two_seconds_are_two_seconds(transport: HTTPTransport, make: Callable[[], Fault]) -> None:
    """
    An answer that drips for ever is given up in time.
    """
    answer = CannedResponse(200, b"x" * 1000)
    with FaultServer(lambda _: answer) as vendor:
        vendor.fail(make())
        begun = time.monotonic()
        with pytest.raises(OutcomeUnknown):
            transport.send(mail(vendor), 2)

    assert 2 <= time.monotonic() - begun < 2.2


def test_a_stalled_write(transport: HTTPTransport) -> None:
    """
    A vendor that stops reading holds us no longer than the deadline.
    """
    with FaultServer(receive_buffer=65536) as vendor:
        vendor.fail("hang_before_read")
        body = (memoryview(bytes(32 * 1024 * 1024)),)
        begun = time.monotonic()
        with pytest.raises(OutcomeUnknown) as caught:
            transport.send(HTTPRequest(url=f"{vendor.url}/mail", body=body), TIMEOUT)
        took = time.monotonic() - begun

    assert unknown("writing", None, LATE) == known(caught.value, vendor.port)
    assert took < TIMEOUT + 1


def test_an_early_refusal_counts(transport: HTTPTransport) -> None:
    """
    A vendor may refuse a large mail before it has read all of it.
    """

    def serve(connection: socket.socket) -> None:
        connection.recv(1)
        connection.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
        drain(connection)

    with server(serve) as port:
        body = (memoryview(bytes(8 * 1024 * 1024)),)
        response = transport.send(HTTPRequest(url=f"http://127.0.0.1:{port}/", body=body), 10)

    assert Response(413, {"content-length": "0"}) == response


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (
            b"HTTP/1.1 403 No\r\nContent-Length: 99\r\n\r\nhalf",
            Response(403, {"content-length": "99"}, b"half"),
        ),
        (
            b"HTTP/1.1 307 Away\r\nContent-Length: 99\r\n\r\n",
            Response(307, {"content-length": "99"}),
        ),
        (b"HTTP/1.1 429 Slow\r\n" + b"X: y\r\n" * 200, Response(429)),
    ],
    ids=["body broke off", "no body", "broken headers"],
)  # fmt: skip
def test_a_refusal_is_a_refusal(
    transport: HTTPTransport, answer: bytes, expected: Response
) -> None:
    """
    A 3xx or 4xx counts by its status, whatever became of the rest.
    """
    with answering(answer) as port:
        response = transport.send(HTTPRequest(url=f"http://127.0.0.1:{port}/", body=b"x"), 5)

    assert expected == response


def test_a_broken_5xx_is_unknown(transport: HTTPTransport) -> None:
    """
    Only a whole envelope of the vendor's own could say that nothing was sent.
    """
    answer = b"HTTP/1.1 503 Busy\r\nContent-Length: 99\r\n\r\n{"
    with answering(answer) as port, pytest.raises(OutcomeUnknown) as caught:
        transport.send(HTTPRequest(url=f"http://127.0.0.1:{port}/", body=b"x"), 5)

    assert unknown("response", 503, "the answer of {} broke off") == known(caught.value, port)


def test_a_broken_connection_is_not_kept(transport: HTTPTransport) -> None:
    """
    After any failure the next mail goes over a new connection.
    """
    with FaultServer() as vendor:
        vendor.script(["truncate", "huge_body", "hang_after_read", None, None])
        for _ in range(3):
            with pytest.raises(OutcomeUnknown):
                transport.send(mail(vendor), TIMEOUT)
        transport.send(mail(vendor), 5)
        transport.send(mail(vendor), 5)

    assert [1, 2, 3, 4, 4] == [request.connection for request in vendor.requests]


def test_nothing_is_sent_twice(transport: HTTPTransport) -> None:
    """
    One call is one request, however it ends.
    """
    with FaultServer() as vendor:
        vendor.script(["close_after_read", "unavailable", "rate_limited"])
        with pytest.raises(OutcomeUnknown):
            transport.send(mail(vendor), 5)
        statuses = [transport.send(mail(vendor), 5).status_code for _ in range(2)]

    assert ([503, 429], 3) == (statuses, len(vendor.requests))


def test_a_name_that_is_unknown(transport: HTTPTransport) -> None:
    """
    No address, nothing sent.
    """
    with pytest.raises(ConnectionFailed) as caught:
        transport.send(HTTPRequest(url="https://nobody.invalid/", body=b"x"), 5)

    expected = not_sent("the name of nobody.invalid:443 cannot be resolved")
    assert expected == known(caught.value, 443)


def test_nobody_answers_the_call(transport: HTTPTransport) -> None:
    """
    A host that drops our packets is given up after 3 s, however long the call may take.
    """
    with black_hole() as port:
        begun = time.monotonic()
        with pytest.raises(ConnectionFailed) as caught:
            transport.send(HTTPRequest(url=f"http://127.0.0.1:{port}/", body=b"x"), 10)

    assert not_sent(LATE) == known(caught.value, port)
    assert 3 <= time.monotonic() - begun < 3.2


def test_a_dead_address_among_others(
    transport: HTTPTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The addresses of a name share the time to connect, so that the second gets its turn.
    """

    def serve(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(ANSWER)

    with black_hole() as dead, server(serve) as alive:
        kind = (socket.AF_INET, socket.SOCK_STREAM, 6, "")
        addresses = [(*kind, ("127.0.0.1", dead)), (*kind, ("127.0.0.1", alive))]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: addresses)
        response = transport.send(HTTPRequest(url="http://localhost/", body=b"x"), 2.5)

    assert 200 == response.status_code


def test_a_name_without_an_address(
    transport: HTTPTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A resolver that knows the name but no address leads nowhere.
    """
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [])
    with pytest.raises(ConnectionFailed) as caught:
        transport.send(HTTPRequest(url="http://localhost/", body=b"x"), 5)

    assert not_sent("OSError at localhost:80") == known(caught.value, 80)


def test_an_interrupt_passes(transport: HTTPTransport, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    What is no failure of the call is not judged, and leaves no socket behind.
    """

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(socket.socket, "connect", interrupt)
    with pytest.raises(KeyboardInterrupt):
        transport.send(HTTPRequest(url="http://localhost/", body=b"x"), 5)


def test_a_slow_vendor_meets_an_impatient_pool(transport: HTTPTransport) -> None:
    """
    A transport that is closed while a call is under way lets it end.
    """
    arrived = threading.Event()
    closed = threading.Event()

    def answer(_: object) -> CannedResponse:
        arrived.set()
        closed.wait(5)
        return CannedResponse()

    def close() -> None:
        arrived.wait(5)
        transport.close()
        closed.set()

    with FaultServer(answer) as vendor:
        closer = threading.Thread(target=close)
        closer.start()
        response = transport.send(mail(vendor), 5)
        closer.join()

    assert 200 == response.status_code
