from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
import requests

from mailfailover.testing import CannedResponse, FaultServer, RecordedRequest, faults
from tests.samples import each

if TYPE_CHECKING:
    from collections.abc import Callable


def post(vendor: FaultServer, body: bytes = b'{"n": 1}', timeout: float = 5.0) -> tuple[int, bytes]:
    """
    One request on a connection of its own: status and body.
    """
    connection = http.client.HTTPConnection(vendor.host, vendor.port, timeout=timeout)
    try:
        connection.request("POST", "/send", body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def test_healthy_vendor_accepts_and_records(vendor: FaultServer) -> None:
    """
    A mail is answered with an id, and recorded as it came.
    """
    status, body = post(vendor, b'{"to": "ann@example.com"}')

    (request,) = vendor.requests
    assert 200 == status
    assert json.loads(body)["id"].startswith("generic-")
    assert ("POST", "/send", b'{"to": "ann@example.com"}', 1) == (
        request.method,
        request.path,
        request.body,
        request.connection,
    )
    assert "application/json" == request.header("content-type")
    assert vendor.requests == vendor.accepted
    assert {"ann@example.com": 1} == vendor.accepted_recipients()


def test_connection_is_kept_alive(vendor: FaultServer, client: requests.Session) -> None:
    """
    One client's requests share a connection.
    """
    for _ in range(3):
        client.post(vendor.url, b"{}")

    assert [1, 1, 1] == [request.connection for request in vendor.requests]
    assert 1 == vendor.connections


def test_chunked_request_is_read(vendor: FaultServer, client: requests.Session) -> None:
    """
    A body without a length comes whole.
    """
    client.post(vendor.url, iter([b"one ", b"two ", b"x" * 100_000]))

    assert b"one two " + b"x" * 100_000 == vendor.requests[0].body


def test_trailer_is_skipped(vendor: FaultServer) -> None:
    """
    What may follow the chunks is no next request.
    """
    with socket.create_connection((vendor.host, vendor.port), 5) as sock:
        sock.sendall(
            b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"3;x=y\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n"
        )
        sock.recv(1000)

    assert [b"abc"] == [request.body for request in vendor.requests]


def test_pipelined_requests_are_answered(vendor: FaultServer) -> None:
    """
    Two requests in one piece are two requests.
    """
    with socket.create_connection((vendor.host, vendor.port), 5) as sock:
        sock.sendall(b"POST /1 HTTP/1.1\r\n\r\nPOST /2 HTTP/1.1\r\nConnection: close\r\n\r\n")
        answers = b"".join(iter(lambda: sock.recv(1000), b""))

    assert 2 == answers.count(b"HTTP/1.1 200 OK")
    assert ["/1", "/2"] == [request.path for request in vendor.requests]


def test_half_a_request_is_none(vendor: FaultServer) -> None:
    """
    A client that leaves in the middle of the body has sent no mail.
    """
    with socket.create_connection((vendor.host, vendor.port), 5) as sock:
        sock.sendall(b"POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nhalf")
        sock.shutdown(socket.SHUT_WR)
        answer = sock.recv(1000)

    assert (b"", ()) == (answer, vendor.requests)


def test_large_body_is_read(vendor: FaultServer, client: requests.Session) -> None:
    """
    Ten megabytes come whole.
    """
    body = os.urandom(10 * 1024 * 1024)

    client.post(vendor.url, body)

    assert body == vendor.requests[0].body


def test_expectation_is_answered(vendor: FaultServer) -> None:
    """
    A client that waits for 100 Continue gets it.
    """
    with socket.create_connection((vendor.host, vendor.port), 5) as sock:
        sock.sendall(b"POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        first = sock.recv(100)
        sock.sendall(b"{}")
        second = sock.recv(1000)

    assert b"HTTP/1.1 100 Continue\r\n\r\n" == first
    assert second.startswith(b"HTTP/1.1 200 OK\r\n")


def test_close_is_obeyed(vendor: FaultServer) -> None:
    """
    A client that asks for the end of the connection gets it.
    """
    with socket.create_connection((vendor.host, vendor.port), 5) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n")
        answer = b"".join(iter(lambda: sock.recv(1000), b""))

    assert answer.endswith(b"\r\n\r\n{}")


def test_bodies_can_be_left_out() -> None:
    """
    `record_bodies=False` counts without keeping what was sent.
    """
    with FaultServer(record_bodies=False) as vendor:
        post(vendor, b"x" * 1000)

        assert [b""] == [request.body for request in vendor.accepted]


def test_function_is_a_dialect() -> None:
    """
    A function may answer for a vendor of one's own.
    """

    def accept(request: RecordedRequest) -> CannedResponse:
        return CannedResponse(201, request.body[::-1], (("Content-Length", "3"),))

    with FaultServer(accept) as vendor:
        assert (201, b"cba") == post(vendor, b"abc")
        assert {} == vendor.accepted_recipients()


def test_text_that_is_not_http_ends_the_connection(vendor: FaultServer) -> None:
    """
    Nonsense from a client harms nobody.
    """
    with socket.create_connection((vendor.host, vendor.port), 5) as sock:
        sock.sendall(b"POST / HTTP/1.1\r\nContent-Length: many\r\n\r\n")
        answer = sock.recv(100)

    assert b"" == answer
    assert 200 == post(vendor)[0]


def test_times_and_after_count_requests(vendor: FaultServer) -> None:
    """
    A fault spares the first, strikes the next, and is over.
    """
    vendor.fail("unavailable", after=1, times=2)

    assert [200, 503, 503, 200] == [post(vendor)[0] for _ in range(4)]
    assert 2 == len(vendor.accepted)
    assert ["unavailable", "unavailable"] == [fault.name for fault in vendor.struck]


def test_later_rule_comes_first(vendor: FaultServer) -> None:
    """
    What was said last holds, until it is used up.
    """
    vendor.fail("auth")
    vendor.fail("quota", times=1)

    assert [429, 401] == [post(vendor)[0] for _ in range(2)]


def test_match_selects_requests(vendor: FaultServer, client: requests.Session) -> None:
    """
    A text is found in any body, quoted or not; a function decides for itself.
    """
    vendor.fail("bad_recipient", match="bad@example.com")
    vendor.fail("forbidden", match=lambda request: request.path == "/secret")

    assert 400 == client.post(vendor.url, json={"to": "bad@example.com"}).status_code
    assert 400 == client.post(vendor.url, {"to": "bad@example.com"}).status_code
    assert 403 == client.post(f"{vendor.url}/secret").status_code
    assert 200 == client.post(vendor.url, {"to": "good@example.com"}).status_code


def test_named_error_takes_headers(vendor: FaultServer, client: requests.Session) -> None:
    """
    An error may say when to come back.
    """
    vendor.fail("rate_limited", headers={"Retry-After": "120"})

    response = client.post(vendor.url)

    assert (429, "120") == (response.status_code, response.headers["Retry-After"])


def test_script_is_followed(vendor: FaultServer) -> None:
    """
    One entry a request, before any rule; None is health.
    """
    vendor.fail("payment")
    vendor.script(["unavailable", None, faults.status(418, "tea"), faults.ok()])

    assert [503, 200, 418, 200, 402] == [post(vendor)[0] for _ in range(5)]


def test_script_holds_for_many_clients(vendor: FaultServer) -> None:
    """
    With 16 clients at once each entry is still used once.
    """
    vendor.script(["unavailable", None] * 32)

    with ThreadPoolExecutor(16) as pool:
        codes = sorted(pool.map(lambda _: post(vendor)[0], range(64)))

    assert [200] * 32 + [503] * 32 == codes


def test_heal_ends_all_faults(vendor: FaultServer) -> None:
    """
    Healed, the vendor answers as if nothing had been.
    """
    vendor.fail("unavailable")
    vendor.script(["auth"] * 9)

    vendor.heal()

    assert 200 == post(vendor)[0]


def test_clear_forgets_records(vendor: FaultServer) -> None:
    """
    Counting can begin anew.
    """
    post(vendor)

    vendor.clear()

    assert ((), ()) == (vendor.requests, vendor.accepted)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda vendor: vendor.fail("tired"), "'tired' is unknown to generic; known: "),
        (lambda vendor: vendor.fail(faults.accept_then("tired")), "'tired' is unknown"),
        (lambda vendor: vendor.fail("refuse", times=1), "until heal"),
        (lambda vendor: vendor.fail("hang_before_read", match="x"), "leave out `match`"),
        (lambda vendor: vendor.fail("auth", times=0), "times is 0"),
        (lambda vendor: vendor.fail("auth", after=-1), "after is -1"),
        (lambda vendor: vendor.fail("truncate", headers={"A": "b"}), "`headers` is for"),
        (lambda vendor: vendor.fail("tls_hang"), "needs TLS"),
        (lambda vendor: vendor.script(["refuse"]), "no request can come"),
        (lambda _: FaultServer("pigeon"), "known: ahasend, azure, "),
    ],
    ids=[
        "name",
        "inner-name",
        "counted-refusal",
        "match-unread",
        "times",
        "after",
        "headers",
        "tls",
        "scripted-refusal",
        "dialect",
    ],
)
def test_impossible_orders_are_refused(
    vendor: FaultServer, call: Callable[[FaultServer], object], text: str
) -> None:
    """
    What cannot happen is said at once, with the remedy.
    """
    with pytest.raises(ValueError, match=text):
        call(vendor)


def test_url_needs_a_port() -> None:
    """
    Before it listens a server has no address.
    """
    with pytest.raises(RuntimeError, match="enter it with"):
        _ = FaultServer().url


def test_stopped_vendor_refuses_and_comes_back(vendor: FaultServer) -> None:
    """
    Stop is connection refused; start is the same port again.
    """
    url = vendor.url
    post(vendor)

    for _ in range(3):
        vendor.stop()
        assert not vendor.running
        with pytest.raises(ConnectionRefusedError):
            post(vendor)
        vendor.start()
        assert 200 == post(vendor)[0]

    assert url == vendor.url
    assert 4 == len(vendor.accepted)


def test_refuse_lasts_until_healed(vendor: FaultServer) -> None:
    """
    As a fault, a closed port ends with heal().
    """
    vendor.fail("refuse")
    with pytest.raises(ConnectionRefusedError):
        post(vendor)

    vendor.heal()

    assert 200 == post(vendor)[0]
    assert [faults.refuse()] == list(vendor.struck)


def test_taken_port_is_an_error(vendor: FaultServer) -> None:
    """
    Two servers cannot have one port.
    """
    with pytest.raises(OSError, match="in use"):
        FaultServer(port=vendor.port).start()


def test_starting_twice_changes_nothing(vendor: FaultServer) -> None:
    """
    A server that listens goes on.
    """
    port = vendor.port

    vendor.start()

    assert (port, 200) == (vendor.port, post(vendor)[0])


def test_stop_ends_connections(vendor: FaultServer, client: requests.Session) -> None:
    """
    A kept-alive connection does not outlive its server.
    """
    client.post(vendor.url)

    vendor.stop()

    with pytest.raises(requests.ConnectionError):
        client.post(vendor.url)


def test_dropped_connections_are_made_anew(vendor: FaultServer, client: requests.Session) -> None:
    """
    A vendor may close what is idle and go on.
    """
    client.post(vendor.url)

    vendor.drop_connections()
    client.post(vendor.url)

    assert [1, 2] == [request.connection for request in vendor.requests]


@each("fault", ["hang_before_read", "hang_after_read", "stall_body"])
def test_close_does_not_wait_for_hanging_clients(fault: str) -> None:
    """
    Twenty clients that wait for ever are let go at once.
    """
    with FaultServer() as vendor, ThreadPoolExecutor(20) as pool:
        vendor.fail(fault)
        waiting = [pool.submit(post, vendor) for _ in range(20)]
        while len(vendor.struck) < 20:
            time.sleep(0.005)
        began = time.monotonic()
        vendor.close()
        took = time.monotonic() - began

        assert took < 1
        for future in waiting:
            with pytest.raises((http.client.HTTPException, ConnectionError)):
                future.result()


def test_many_clients_are_counted_exactly(vendor: FaultServer) -> None:
    """
    64 threads, 10 mails each: 640.
    """

    def send(thread: int) -> None:
        connection = http.client.HTTPConnection(vendor.host, vendor.port, timeout=10)
        for number in range(10):
            body = json.dumps({"mailfailover-id": f"{thread}-{number}"})
            connection.request("POST", "/", body)
            connection.getresponse().read()
        connection.close()

    with ThreadPoolExecutor(64) as pool:
        list(pool.map(send, range(64)))

    assert {f"{thread}-{n}": 1 for thread in range(64) for n in range(10)} == vendor.accepted_ids()


def test_wait_for_wakes_with_the_request(vendor: FaultServer) -> None:
    """
    A test may wait for what another thread sends.
    """
    sender = threading.Thread(target=post, args=(vendor,))
    sender.start()

    (request,) = vendor.wait_for(1, accepted=True)
    sender.join()

    assert (request,) == vendor.wait_for(1)


def test_wait_for_gives_up(vendor: FaultServer) -> None:
    """
    What does not come is an error with the count.
    """
    with pytest.raises(TimeoutError, match="0 of 2 requests came within 0"):
        vendor.wait_for(2, 0.01)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_forked_child_has_no_part_in_the_server(vendor: FaultServer) -> None:
    """
    Stopping works although a forked child is alive, and the child can be a client.
    """
    client = http.client.HTTPConnection(vendor.host, vendor.port, timeout=5)
    client.request("POST", "/")
    client.getresponse().read()
    read, write = os.pipe()
    answered, tell = os.pipe()
    child = os.fork()
    if not child:  # pragma: no cover  # another process
        code = 1
        try:
            post(vendor)
            os.write(tell, b"x")
            os.close(write)
            os.read(read, 1)
            code = 0
        finally:
            os._exit(code)
    os.close(read)
    os.read(answered, 1)

    vendor.stop()
    with pytest.raises(ConnectionRefusedError):
        post(vendor)
    with pytest.raises((ConnectionError, http.client.HTTPException)):
        client.request("POST", "/")
        client.getresponse()
    client.close()
    for end in (write, answered, tell):
        os.close(end)

    assert 0 == os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_import_needs_the_standard_library_only() -> None:
    """
    The servers load neither an HTTP client nor anything for TLS certificates.
    """
    code = (
        "import sys; from mailfailover.testing import FaultServer, SMTPFaultServer, FaultProxy;"
        "print({'requests', 'urllib3', 'tenacity', 'trustme', 'cryptography'} & set(sys.modules))"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "set()" == done.stdout.strip()
