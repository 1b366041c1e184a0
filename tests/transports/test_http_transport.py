"""
What the HTTP transport puts on the wire, and what it makes of an answer.
"""

from __future__ import annotations

import errno
import gc
import gzip
import io
import logging
import os
import pickle
import subprocess
import sys
import threading
import traceback
import tracemalloc
import warnings
import zlib
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mailfailover.errors import ConnectionFailed, InvalidMessage, OutcomeUnknown, RequestRefused
from mailfailover.plugin import Base64, File, HTTPRequest, Response
from mailfailover.testing import CannedResponse, FaultServer, faults
from mailfailover.transports.http import HTTPTransport
from tests.samples import each
from tests.transports.sockets import ANSWER, answering, drain, server

if TYPE_CHECKING:
    import socket
    from collections.abc import Mapping

    from mailfailover.plugin import Body

KEY = "key-7d1f"


def mail(vendor: FaultServer, body: Body = b"{}", **options: object) -> HTTPRequest:
    """
    A request to *vendor* that sends a mail.
    """
    return HTTPRequest(url=f"{vendor.url}/mail", body=body, **options)  # type: ignore[arg-type]  # its fields


def test_the_answer_comes_whole(transport: HTTPTransport) -> None:
    """
    Status, headers in lower case and body are handed over; a header given twice is joined.
    """
    answer = CannedResponse(201, b'{"id": 7}', (("X-Id", "7"), ("X-Twice", "a"), ("X-Twice", "b")))
    with FaultServer(lambda _: answer) as vendor:
        response = transport.send(mail(vendor), 5)

    headers = {"x-id": "7", "x-twice": "a, b", "content-length": "9"}
    assert Response(201, headers, b'{"id": 7}') == response


def test_what_is_on_the_wire(transport: HTTPTransport, vendor: FaultServer) -> None:
    """
    The request is written as it was built, with nothing added but framing and our name.
    """
    url = f"{vendor.url}/mail?dry=1&q=%20"
    transport.send(HTTPRequest("PUT", url, {"X-Key": KEY}, b"body"), 5)

    (request,) = vendor.requests
    assert ("PUT", "/mail?dry=1&q=%20", b"body") == (request.method, request.path, request.body)
    assert {
        "Host": f"127.0.0.1:{vendor.port}",
        "Accept-Encoding": "identity",
        "X-Key": KEY,
        "User-Agent": "mailfailover",
        "Content-Length": "4",
    } == dict(request.headers)


def test_a_call_without_a_body(transport: HTTPTransport, vendor: FaultServer) -> None:
    """
    A GET says nothing about a body.
    """
    transport.send(HTTPRequest("GET", f"{vendor.url}/ping"), 5)

    (request,) = vendor.requests
    assert ("GET", "", b"") == (request.method, request.header("Content-Length"), request.body)


def test_framing_is_ours(transport: HTTPTransport, vendor: FaultServer) -> None:
    """
    A provider cannot say a wrong length, but its own name.
    """
    headers = {"content-length": "1", "Transfer-Encoding": "chunked", "user-agent": "acme/1"}
    transport.send(mail(vendor, b"four", headers=headers), 5)

    lines = [(name.lower(), value) for name, value in vendor.requests[0].headers]
    assert [("user-agent", "acme/1"), ("content-length", "4")] == lines[2:]


def test_a_small_request_is_one_write(transport: HTTPTransport) -> None:
    """
    Head and body leave together, so that they share a packet.
    """
    received = []

    def serve(connection: socket.socket) -> None:
        received.append(connection.recv(65536))
        connection.sendall(ANSWER)

    with server(serve) as port:
        transport.send(HTTPRequest(url=f"http://127.0.0.1:{port}/", body=b"x" * 2000), 5)

    assert received[0].endswith(b"\r\n\r\n" + b"x" * 2000)


@pytest.mark.parametrize("size", [0, 10, 100_001])
def test_a_body_of_parts(
    transport: HTTPTransport, vendor: FaultServer, tmp_path: Path, size: int
) -> None:
    """
    Files, memory and base64 come out as their bytes, the same at each attempt.
    """
    data = os.urandom(size)
    path = tmp_path / "file"
    path.write_bytes(data)
    file = File(path, size)
    request = mail(
        vendor,
        (b"<", memoryview(data), b"|", file, b"|", Base64(data), b"|", Base64(file), b">"),
    )
    transport.send(request, 5)
    transport.send(request, 5)

    whole = b"<%b|%b|%b|%b>" % (data, data, b64encode(data), b64encode(data))
    assert [whole, whole] == [received.body for received in vendor.requests]


def test_small_parts_are_joined(transport: HTTPTransport, vendor: FaultServer) -> None:
    """
    Parts in memory may come in any number.
    """
    transport.send(mail(vendor, (b"a", memoryview(b"b"), Base64(b"c"))), 5)

    assert b"abYw==" == vendor.requests[0].body


def test_a_large_attachment_is_not_copied(transport: HTTPTransport) -> None:
    """
    10 MiB go out with under a tenth of that in new memory.
    """
    size = 10 * 1024 * 1024
    received = []

    def serve(connection: socket.socket) -> None:
        received.append(drain(connection))
        connection.sendall(ANSWER)

    content = memoryview(bytes(size))
    with server(serve) as port:
        request = HTTPRequest(url=f"http://127.0.0.1:{port}/", body=(b"{", content, b"}"))
        tracemalloc.start()
        transport.send(request, 20)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()

    assert [size + 2] == received
    assert peak < size / 10


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (
            None,
            "cannot be read (No such file or directory): keep it in place until the mail is sent",
        ),
        (b"12", "changed its size while the mail was sent: make the attachment anew"),
    ],
)
def test_a_file_that_is_gone(
    transport: HTTPTransport,
    vendor: FaultServer,
    tmp_path: Path,
    content: bytes | None,
    problem: str,
) -> None:
    """
    A missing or changed file is the message's fault, found before anything is connected.
    """
    path = tmp_path / "offer.pdf"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(InvalidMessage) as caught:
        transport.send(mail(vendor, (b"{", File(path, 3), b"}")), 5)

    assert f"attachments: the file 'offer.pdf' {problem}" == str(caught.value)
    assert 0 == vendor.connections


def test_a_file_that_shrinks_meanwhile(transport: HTTPTransport, tmp_path: Path) -> None:
    """
    The body then ends before its Content-Length says: no whole request reaches the vendor.
    """
    path = tmp_path / "offer.pdf"
    path.write_bytes(bytes(1000))
    size = 32 * 1024 * 1024
    ended = threading.Event()
    received = []

    def serve(connection: socket.socket) -> None:
        connection.recv(1)
        os.truncate(path, 10)
        received.append(drain(connection))
        ended.set()

    body = (memoryview(bytes(size)), Base64(File(path, 1000)), b"}")
    with server(serve) as port:
        with pytest.raises(InvalidMessage, match=r"'offer\.pdf' changed its size"):
            transport.send(HTTPRequest(url=f"http://127.0.0.1:{port}/", body=body), 20)
        assert ended.wait(5)

    # The 10 bytes that are left may come out, the end never.
    assert size <= received[0] < size + 100


def test_a_file_that_breaks_meanwhile(
    transport: HTTPTransport, vendor: FaultServer, tmp_path: Path
) -> None:
    """
    A file that fails while it is read is the message's fault too.
    """
    path = tmp_path / "offer.pdf"
    path.write_bytes(b"123")

    class Failing(io.BufferedReader):
        def read(self, *_: object) -> bytes:
            raise OSError(errno.EIO, "Input/output error")

    class FailingPath(type(path)):  # type: ignore[misc]  # the class for this system
        def open(self, *_: object) -> Failing:
            return Failing(io.FileIO(self))

    with pytest.raises(InvalidMessage) as caught:
        transport.send(mail(vendor, (b"{", File(FailingPath(path), 3), b"}")), 5)

    problem = "cannot be read (Input/output error): keep it in place until the mail is sent"
    assert f"attachments: the file 'offer.pdf' {problem}" == str(caught.value)
    assert () == vendor.requests


def test_a_signature_that_fails(transport: HTTPTransport, vendor: FaultServer) -> None:
    """
    Nothing was sent, and of the exception only its kind and place are told.
    """

    def sign(request: HTTPRequest, now: float) -> Mapping[str, str]:
        raise KeyError("secret-key")

    with pytest.raises(RequestRefused) as caught:
        transport.send(mail(vendor, auth=sign), 5)

    text = str(caught.value)
    assert text.startswith("nothing was sent: signing the request failed: KeyError in sign, test_")
    assert "secret-key" not in "".join(traceback.format_exception(caught.value))
    assert ("preparing", ()) == (caught.value.stage, vendor.requests)


def test_a_signature_that_misses_a_file(transport: HTTPTransport, vendor: FaultServer) -> None:
    """
    What it says of the message is left as it is.
    """

    def sign(request: HTTPRequest, now: float) -> Mapping[str, str]:
        raise InvalidMessage("gone", field="attachments")

    with pytest.raises(InvalidMessage, match="gone"):
        transport.send(mail(vendor, auth=sign), 5)


def test_auth_signs_each_attempt(transport: HTTPTransport, vendor: FaultServer) -> None:
    """
    What signs gets the request and the time, for each attempt anew.
    """
    asked = []

    def sign(request: HTTPRequest, now: float) -> Mapping[str, str]:
        asked.append((request, now))
        return {"Authorization": f"signed {len(asked)}"}

    request = mail(vendor, auth=sign)
    transport.send(request, 5)
    transport.send(request, 5)

    assert [request, request] == [one for one, _ in asked]
    assert asked[0][1] < asked[1][1]
    signatures = [received.header("Authorization") for received in vendor.requests]
    assert ["signed 1", "signed 2"] == signatures


def test_nothing_comes_from_the_environment(
    tls_vendor: FaultServer, ca_file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Neither proxy variables nor .netrc count: the one would lead astray, the other replace a key.
    """
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login mallory password x\n")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    transport = HTTPTransport(ca_file=ca_file)
    transport.send(mail(tls_vendor, headers={"Authorization": KEY}), 5)
    transport.close()

    assert KEY == tls_vendor.requests[0].header("Authorization")


def test_a_redirect_is_an_answer(transport: HTTPTransport, vendor: FaultServer) -> None:
    """
    Nobody follows: the mail and the key would go to a stranger.
    """
    with FaultServer() as stranger:
        vendor.fail(faults.redirect(f"{stranger.url}/mail"))
        response = transport.send(mail(vendor), 5)

        assert (307, f"{stranger.url}/mail") == (response.status_code, response.headers["location"])
        assert 0 == stranger.connections


def test_a_certificate_nobody_vouches_for(
    transport: HTTPTransport, tls_vendor: FaultServer
) -> None:
    """
    TLS is verified by default.
    """
    with pytest.raises(ConnectionFailed) as caught:
        transport.send(mail(tls_vendor), 5)

    where = f"127.0.0.1:{tls_vendor.port}"
    assert f"nothing was sent: the certificate of {where} is not trusted" == str(caught.value)
    assert "unable to get local issuer certificate" in str(caught.value.__cause__)
    assert () == tls_vendor.requests


def test_connections_are_kept(tls_vendor: FaultServer, vendor: FaultServer, ca_file: str) -> None:
    """
    The next call to the same origin goes over the same connection.
    """
    transport = HTTPTransport(ca_file=ca_file)
    for _ in range(3):
        transport.send(mail(tls_vendor), 5)
        transport.send(mail(vendor), 5)
    transport.close()

    assert (1, 1) == (tls_vendor.connections, vendor.connections)


def test_one_context_for_all_hosts(tls_vendor: FaultServer, ca_file: str) -> None:
    """
    Certificates are read once, at the first connection; their file is not needed again.
    """
    transport = HTTPTransport(ca_file=ca_file)
    transport.send(mail(tls_vendor), 5)
    Path(ca_file).unlink()
    transport.send(HTTPRequest(url=f"https://localhost:{tls_vendor.port}/mail", body=b"x"), 5)
    transport.close()

    assert [1, 2] == [request.connection for request in tls_vendor.requests]


def test_an_old_connection_is_closed(vendor: FaultServer) -> None:
    """
    A connection that was idle for too long is closed instead of used again.
    """
    transport = HTTPTransport(idle=0.0)
    transport.send(mail(vendor), 5)
    transport.send(mail(vendor), 5)
    transport.close()

    assert [1, 2] == [request.connection for request in vendor.requests]


def test_a_stale_connection_is_noticed(transport: HTTPTransport, vendor: FaultServer) -> None:
    """
    A kept connection that the vendor has closed meanwhile is replaced before anything is written.
    """
    transport.send(mail(vendor), 5)
    vendor.drop_connections()
    transport.send(mail(vendor), 5)

    assert [1, 2] == [request.connection for request in vendor.requests]


def test_close_is_not_the_end(transport: HTTPTransport, vendor: FaultServer) -> None:
    """
    A closed transport makes new connections when it is used again.
    """
    transport.send(mail(vendor), 5)
    transport.close()
    transport.send(mail(vendor), 5)

    assert [1, 2] == [request.connection for request in vendor.requests]


def test_more_threads_than_places(vendor: FaultServer, caplog: pytest.LogCaptureFixture) -> None:
    """
    Any number of threads is served at once and nobody complains; what is too much is closed.
    """
    everybody = threading.Barrier(16)

    def answer(_: object) -> CannedResponse:
        everybody.wait(10)
        return CannedResponse()

    caplog.set_level(logging.INFO)
    transport = HTTPTransport(pool_size=4)
    with FaultServer(answer) as busy, ThreadPoolExecutor(16) as threads:
        for _ in range(2):
            responses = list(threads.map(lambda _: transport.send(mail(busy), 10), range(16)))
            assert 16 == sum(response.ok for response in responses)
        assert 16 + 12 == busy.connections
    transport.close()

    assert [] == caplog.records


def test_a_forked_child_has_its_own_connections(vendor: FaultServer) -> None:
    """
    After a fork, parent and child never speak over the same connection.
    """
    program = f"""
import os
from mailfailover.plugin import HTTPRequest
from mailfailover.transports.http import HTTPTransport

transport = HTTPTransport()
request = HTTPRequest(url="{vendor.url}/mail", body=b"{{}}")
transport.send(request, 5)
child = os.fork()
transport.send(request, 5) if child == 0 else os.waitpid(child, 0)
if child:
    transport.send(request, 5)
transport.close()
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=30)

    assert [1, 2, 1] == [request.connection for request in vendor.requests]


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", "Deflate"])
def test_a_packed_answer_is_unpacked(transport: HTTPTransport, encoding: str) -> None:
    """
    A vendor that packs its answer unasked is understood.
    """
    packed = zlib.compress(b"hello") if encoding == "Deflate" else gzip.compress(b"hello", mtime=0)
    answer = CannedResponse(200, packed, (("Content-Encoding", encoding),))
    with FaultServer(lambda _: answer) as vendor:
        response = transport.send(mail(vendor), 5)

    assert b"hello" == response.body


@each(
    ("body", "encoding", "problem"),
    [
        (b"hello", "br", "its content encoding is not one we asked for"),
        (b"hello", "gzip", "it cannot be unpacked"),
        (gzip.compress(b"hello", mtime=0)[:-9], "gzip", "it is packed and broke off"),
        (gzip.compress(bytes(1001), mtime=0), "gzip", "it is larger than 1000 bytes when unpacked"),
        (bytes(1001), "identity", "it is larger than 1000 bytes"),
    ],
)
def test_an_unreadable_answer(body: bytes, encoding: str, problem: str) -> None:
    """
    A 2xx whose body cannot be read has accepted the mail, under an id that is lost.
    """
    transport = HTTPTransport(max_response=1000)
    answer = CannedResponse(200, body, (("Content-Encoding", encoding),))
    with FaultServer(lambda _: answer) as vendor, pytest.raises(OutcomeUnknown) as caught:
        transport.send(mail(vendor), 5)
    transport.close()

    reason = f"the answer of 127.0.0.1:{vendor.port} is unreadable: {problem}"
    assert f"it may have been sent: {reason}" == str(caught.value)
    assert ("response", 200) == (caught.value.stage, caught.value.status_code)


def test_an_answer_without_a_length(transport: HTTPTransport) -> None:
    """
    An answer may end with the connection.
    """
    with answering(b"HTTP/1.0 200 OK\r\n\r\nhello") as port:
        response = transport.send(HTTPRequest(url=f"http://127.0.0.1:{port}/", body=b"x"), 5)

    assert Response(200, {}, b"hello") == response


def test_an_answer_in_chunks(transport: HTTPTransport) -> None:
    """
    Chunks are put together.
    """
    chunks = b"5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n"
    with answering(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks) as port:
        response = transport.send(HTTPRequest(url=f"http://127.0.0.1:{port}/", body=b"x"), 5)

    assert Response(200, {"transfer-encoding": "chunked"}, b"hello!") == response


@pytest.mark.parametrize(
    "url",
    [
        "",
        "acme.example/mail",
        "ftp://acme.example/",
        f"https://user:{KEY}@acme.example/",
        f"https://user:{KEY}",
        "https://[::1",
        "https:///mail",
    ],
)
def test_an_url_that_is_none(transport: HTTPTransport, url: str) -> None:
    """
    A malformed URL is the adapter's fault, and no part of it is quoted.
    """
    with pytest.raises(RequestRefused) as caught:
        transport.send(HTTPRequest(url=url, body=b"x"), 5)

    text = "nothing was sent: the URL is not of the form https://host[:port]/path"
    assert (text, "preparing") == (str(caught.value), caught.value.stage)


def test_plain_http_to_a_stranger(transport: HTTPTransport) -> None:
    """
    A key never leaves this machine in clear text.
    """
    with pytest.raises(RequestRefused, match="the URL is plain http: use https"):
        transport.send(HTTPRequest(url="http://acme.example/", body=b"x"), 5)


@pytest.mark.parametrize(
    "request_",
    [
        HTTPRequest(headers={"X-Key": f"{KEY}\r\nX: y"}),
        HTTPRequest(headers={"X-Key": f"{KEY}\u2028"}),
        HTTPRequest(method=None),  # type: ignore[arg-type]  # nonsense, on purpose
    ],
    ids=["line break", "not Latin-1", "no method"],
)
def test_a_malformed_request(
    transport: HTTPTransport, vendor: FaultServer, request_: HTTPRequest
) -> None:
    """
    What cannot be written is the adapter's fault; its text quotes nothing.
    """
    with pytest.raises(RequestRefused) as caught:
        transport.send(replace(request_, url=f"{vendor.url}/mail", body=b"x"), 5)

    assert str(caught.value).startswith("nothing was sent: the request is malformed: ")
    assert KEY not in f"{caught.value!r} {caught.value.__cause__!r}"
    assert 0 == vendor.connections


def test_no_time_left(transport: HTTPTransport, vendor: FaultServer) -> None:
    """
    Without time nothing is begun.
    """
    with pytest.raises(ConnectionFailed, match="nothing was sent: no time is left"):
        transport.send(mail(vendor), 0)

    assert 0 == vendor.connections


def test_no_time_left_to_connect(transport: HTTPTransport, vendor: FaultServer) -> None:
    """
    Time that runs out before the connection stands means that nothing was sent.
    """
    with pytest.raises(ConnectionFailed, match=r"nothing was sent: no answer from .* in time"):
        transport.send(mail(vendor), 1e-9)

    assert 0 == vendor.connections


def test_an_error_carries_no_secret(transport: HTTPTransport, vendor: FaultServer) -> None:
    """
    Neither the text, the causes nor the pickle of an error hold header, body or query.
    """
    vendor.fail("reset_after_read")
    url = f"{vendor.url}/mail?token={KEY}"
    with pytest.raises(OutcomeUnknown) as caught:
        transport.send(HTTPRequest(url=url, headers={"X-Key": KEY}, body=KEY.encode()), 5)

    error = caught.value
    everything = f"{''.join(traceback.format_exception(error))} {error!r} {pickle.dumps(error)!r}"
    assert KEY not in everything
    assert error.__context__ is None
    assert "ConnectionResetError: Connection reset by peer" == str(error.__cause__)


def test_a_transport_that_is_dropped_leaves_no_socket_open(vendor: FaultServer) -> None:
    """
    As a mailer in a function does that nobody closes; an unclosed socket would be a warning.
    """
    transport = HTTPTransport()
    transport.send(mail(vendor), 5.0)

    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        del transport
        gc.collect()

    assert [one for one in told if one.category is ResourceWarning] == []
