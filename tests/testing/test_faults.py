from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING

import pytest
import requests
import urllib3

from mailfailover.testing import Fault, FaultServer, faults
from tests.samples import each

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TIMEOUT = 0.15


@pytest.mark.parametrize(
    ("fault", "error", "accepted"),
    [
        (faults.hang_before_read(), requests.ReadTimeout, 0),
        (faults.hang_after_read(), requests.ReadTimeout, 0),
        (faults.hang_after_read(0.02), requests.ConnectionError, 0),
        (faults.reset_before_read(), requests.ConnectionError, 0),
        (faults.reset_after_read(), requests.ConnectionError, 0),
        (faults.close_before_read(), requests.ConnectionError, 0),
        (faults.close_after_read(), requests.ConnectionError, 0),
        (faults.garbage(), requests.ConnectionError, 0),
        (faults.slow(1.0), requests.ReadTimeout, 0),
        (faults.stall_body(), requests.ConnectionError, 1),
        (faults.truncate(), requests.exceptions.ChunkedEncodingError, 1),
        (faults.accept_then(faults.hang_after_read()), requests.ReadTimeout, 1),
        (faults.accept_then(faults.reset_after_read()), requests.ConnectionError, 1),
        (faults.accept_then(faults.close_after_read()), requests.ConnectionError, 1),
        (faults.accept_then("garbage"), requests.ConnectionError, 1),
        (faults.slow(0.01, faults.reset_after_read()), requests.ConnectionError, 0),
    ],
    ids=lambda value: str(value) if isinstance(value, Fault) else None,
)
def test_fault_is_what_a_client_sees(
    vendor: FaultServer,
    client: requests.Session,
    fault: Fault,
    error: type[Exception],
    accepted: int,
) -> None:
    """
    Each fault ends the call in its way; whether the mail was accepted is on record.
    """
    vendor.fail(fault, times=1)
    hangs = error is requests.ReadTimeout or "stall" in fault.name

    with pytest.raises(error):
        client.post(vendor.url, b"{}", timeout=TIMEOUT if hangs else 5)

    assert (accepted, (fault,)) == (len(vendor.accepted), vendor.struck)
    assert 200 == client.post(vendor.url, b"{}", timeout=5).status_code


@pytest.mark.parametrize("kind", ["reset_before_read", "reset_after_read"])
def test_reset_is_a_reset(vendor: FaultServer, kind: str) -> None:
    """
    The client's kernel sees a RST, not an orderly end.
    """
    vendor.fail(kind)

    with (
        socket.create_connection((vendor.host, vendor.port), 5) as sock,
        pytest.raises(ConnectionResetError),
    ):
        sock.sendall(b"POST / HTTP/1.1\r\n\r\n")
        sock.recv(1)


def test_close_after_read_is_orderly(vendor: FaultServer) -> None:
    """
    The client's kernel sees a FIN, not a RST.
    """
    vendor.fail("close_after_read")

    with socket.create_connection((vendor.host, vendor.port), 5) as sock:
        sock.sendall(b"POST / HTTP/1.1\r\n\r\n")

        assert b"" == sock.recv(1)


def test_write_stalls_while_nobody_reads(client: requests.Session) -> None:
    """
    With a small buffer a large mail cannot even be written.
    """
    with FaultServer(receive_buffer=4096) as vendor:
        vendor.fail("hang_before_read")

        with pytest.raises(requests.ConnectionError) as caught:
            client.post(vendor.url, bytes(10_000_000), timeout=TIMEOUT)

    assert isinstance(caught.value.args[0], urllib3.exceptions.ProtocolError)


def test_kept_alive_connection_breaks_too(vendor: FaultServer, client: requests.Session) -> None:
    """
    A fault before reading strikes on a connection that was in use.
    """
    client.post(vendor.url, b"{}")
    vendor.fail("reset_before_read", times=1)

    with pytest.raises(requests.ConnectionError):
        client.post(vendor.url, b"{}")

    assert (1, 1) == (len(vendor.requests), vendor.connections)


@pytest.mark.parametrize("kind", [faults.drip_headers, faults.drip_body])
def test_dripping_outlives_a_socket_timeout(
    vendor: FaultServer, client: requests.Session, kind: object
) -> None:
    """
    Each byte comes in time, the whole does not: a timeout per read never fires.
    """
    vendor.fail(
        faults.drip_headers(0.003) if kind is faults.drip_headers else faults.drip_body(0.01)
    )

    began = time.monotonic()
    response = client.post(vendor.url, b"{}", timeout=0.1)

    assert (200, 1) == (response.status_code, len(vendor.accepted))
    assert time.monotonic() - began > 0.1


def test_slow_answer_is_an_answer(vendor: FaultServer, client: requests.Session) -> None:
    """
    Who waits gets it.
    """
    vendor.fail(faults.slow(0.05))

    began = time.monotonic()

    assert 200 == client.post(vendor.url, b"{}", timeout=5).status_code
    assert time.monotonic() - began >= 0.05


def test_status_is_never_an_acceptance(vendor: FaultServer, client: requests.Session) -> None:
    """
    A status made up by the test accepts no mail, whatever it says.
    """
    vendor.fail(faults.status(200, '{"id": "lie"}', {"X-A": "b"}))

    response = client.post(vendor.url, b"{}")

    assert ({"id": "lie"}, "b", ()) == (response.json(), response.headers["X-A"], vendor.accepted)


def test_vendor_may_accept_and_report_an_error(
    vendor: FaultServer, client: requests.Session
) -> None:
    """
    A 500 whose mail went out is possible.
    """
    vendor.fail(faults.accept_then("internal"))

    assert 500 == client.post(vendor.url, b"{}").status_code
    assert 1 == len(vendor.accepted)


def test_mail_is_accepted_once(vendor: FaultServer, client: requests.Session) -> None:
    """
    Two faults that both accept do not make two mails.
    """
    vendor.fail(faults.accept_then("truncate"))

    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        client.post(vendor.url, b"{}")

    assert 1 == len(vendor.accepted)


def test_hang_may_end_although_the_client_goes_on(vendor: FaultServer) -> None:
    """
    What comes meanwhile is swallowed, and prolongs nothing.
    """
    vendor.fail(faults.hang_after_read(0.05))

    with socket.create_connection((vendor.host, vendor.port), 5) as sock:
        sock.sendall(b"POST / HTTP/1.1\r\n\r\n")
        vendor.wait_for(1)
        sock.sendall(b"more")

        assert b"" == sock.recv(100)


def test_html_is_a_gateways_page(vendor: FaultServer, client: requests.Session) -> None:
    """
    A 502 that is not the vendor's own.
    """
    vendor.fail("html")

    response = client.post(vendor.url, b"{}")

    assert (502, "text/html") == (response.status_code, response.headers["Content-Type"])


def test_redirect_hands_the_mail_on(vendor: FaultServer, client: requests.Session) -> None:
    """
    A client that follows gives the body to somebody else.
    """
    with FaultServer() as stranger:
        vendor.fail(faults.redirect(f"{stranger.url}/steal"))

        first = client.post(vendor.url, b"secret", allow_redirects=False)
        client.post(vendor.url, b"secret")

        assert 307 == first.status_code
        assert [b"secret"] == [request.body for request in stranger.requests]
        assert () == vendor.accepted


def test_close_after_answer_gives_no_notice(vendor: FaultServer) -> None:
    """
    The whole answer comes, and then the end that it did not announce.
    """
    vendor.fail("close_after_answer")

    with socket.create_connection((vendor.host, vendor.port), 5) as sock:
        sock.sendall(b"POST / HTTP/1.1\r\n\r\n")
        answer = b"".join(iter(lambda: sock.recv(1000), b""))

    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert b"close" not in answer.lower()
    assert 1 == len(vendor.accepted)


def test_gzip_bomb_unpacks(vendor: FaultServer, client: requests.Session) -> None:
    """
    A few bytes become many.
    """
    vendor.fail(faults.gzip_bomb(3_000_000))

    response = client.post(vendor.url, b"{}")

    assert 3_000_000 == len(response.content)
    assert int(response.headers["Content-Length"]) < 30_000


def test_huge_body_has_its_size(vendor: FaultServer, client: requests.Session) -> None:
    """
    As many bytes as asked for.
    """
    vendor.fail(faults.huge_body(3_000_001))

    assert 3_000_001 == len(client.post(vendor.url, b"{}").content)
    assert 1 == len(vendor.accepted)


def test_truncation_needs_a_body_to_damage(client: requests.Session) -> None:
    """
    A vendor that answers without a body gets one, so that it can end too early.
    """
    with FaultServer("sendgrid") as vendor:
        vendor.fail("truncate")

        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            client.post(f"{vendor.url}/v3/mail/send", b"{}")

        assert 1 == len(vendor.accepted)


@each("name", sorted(faults.BY_NAME))
def test_every_fault_has_a_name_and_a_truth(name: str) -> None:
    """
    The name is that of the function; what the client can know is one of three.
    """
    fault = faults.BY_NAME[name]()

    assert name == fault.name
    assert fault.truth in {"not sent", "unknown", "answered"}
    assert fault == faults.BY_NAME[name]()


TLS_FAULTS = {
    "tls_hang": requests.Timeout,
    "tls_reset": requests.ConnectionError,
    "tls_eof": requests.exceptions.SSLError,
    "tls_bad_certificate": requests.exceptions.SSLError,
    "plain_on_tls": requests.exceptions.SSLError,
}


@pytest.fixture(scope="module")
def secure_vendor() -> Iterator[FaultServer]:
    """
    A vendor with a certificate of its own CA.
    """
    with FaultServer(tls=True) as server:
        yield server


@pytest.fixture(scope="module")
def ca_file(secure_vendor: FaultServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """
    That CA's certificate, for requests.
    """
    assert secure_vendor.certificates is not None
    path = tmp_path_factory.mktemp("tls") / "ca.pem"
    path.write_bytes(secure_vendor.certificates.ca_pem)
    return path


@pytest.mark.parametrize("name", sorted(TLS_FAULTS))
def test_tls_fault_lets_nothing_through(
    secure_vendor: FaultServer, client: requests.Session, ca_file: Path, name: str
) -> None:
    """
    The handshake fails, no request comes, and the next connection is healthy.
    """
    secure_vendor.clear()
    client.verify = str(ca_file)
    secure_vendor.fail(name, times=1)

    with pytest.raises(TLS_FAULTS[name]):
        client.post(secure_vendor.url, b"{}", timeout=TIMEOUT if name == "tls_hang" else 5)

    assert () == secure_vendor.requests
    assert 200 == client.post(secure_vendor.url, b"{}", timeout=5).status_code


def test_client_that_does_not_verify_is_found_out(
    secure_vendor: FaultServer, client: requests.Session
) -> None:
    """
    Who takes any certificate gets his mail accepted, for the test to see.
    """
    secure_vendor.clear()
    secure_vendor.fail("tls_bad_certificate", times=1)

    with pytest.warns(urllib3.exceptions.InsecureRequestWarning):
        client.post(secure_vendor.url, b"{}", verify=False)  # the very mistake

    assert 1 == len(secure_vendor.accepted)


@pytest.mark.parametrize("inner", ["refuse", "tls_reset"])
def test_second_fault_cannot_come_too_late(secure_vendor: FaultServer, inner: str) -> None:
    """
    After a mail was read it is too late for the port or the handshake to fail.
    """
    with pytest.raises(ValueError, match="before any request"):
        secure_vendor.fail(faults.accept_then(inner))


@pytest.mark.parametrize("kind", ["reset_before_read", "reset_after_read", "close_after_read"])
def test_faults_strike_inside_tls(
    secure_vendor: FaultServer, client: requests.Session, ca_file: Path, kind: str
) -> None:
    """
    The other faults work on an encrypted connection too, also one that is kept alive.
    """
    secure_vendor.clear()
    client.verify = str(ca_file)
    client.post(secure_vendor.url, b"{}")
    secure_vendor.fail(kind, times=1)

    with pytest.raises(requests.ConnectionError):
        client.post(secure_vendor.url, b"{}", timeout=5)

    assert 1 == len(secure_vendor.accepted)


def test_own_context_is_used(client: requests.Session, secure_vendor: FaultServer) -> None:
    """
    Who brings a context needs no trustme.
    """
    assert secure_vendor.certificates is not None

    with FaultServer(tls=secure_vendor.certificates.server_context) as vendor:
        assert vendor.certificates is None
        with socket.create_connection((vendor.host, vendor.port), 5) as plain:
            context = secure_vendor.certificates.client_context
            with context.wrap_socket(plain, server_hostname="127.0.0.1") as sock:
                sock.sendall(b"GET / HTTP/1.1\r\n\r\n")

                assert sock.recv(100).startswith(b"HTTP/1.1 200 OK")
