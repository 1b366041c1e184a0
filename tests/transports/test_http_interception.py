"""
``responses`` and whatever else stands in for ``HTTPAdapter.send`` gets our requests too.

Nothing was recorded then, so the kind of the exception says what is known.
"""

from __future__ import annotations

import functools
import socket
from typing import TYPE_CHECKING, Any

import pytest
import requests
import responses
import urllib3

from mailfailover.errors import ConnectionFailed, OutcomeUnknown, SendError
from mailfailover.plugin import HTTPRequest, Response

if TYPE_CHECKING:
    from mailfailover.testing import FaultServer
    from mailfailover.transports.http import HTTPTransport

URL = "https://acme.example/mail"
MAIL = HTTPRequest(url=URL, headers={"X-Key": "k"}, body=b'{"to": 1}')


@responses.activate
def test_responses_answers(transport: HTTPTransport) -> None:
    """
    A registered answer comes back as a vendor's would, and its matchers see the request.
    """
    matchers = [
        responses.matchers.header_matcher({"X-Key": "k"}),
        responses.matchers.json_params_matcher({"to": 1}),
    ]
    responses.post(URL, json={"id": 7}, status=202, match=matchers)

    response = transport.send(MAIL, 5)

    assert Response(202, {"content-type": "application/json"}, b'{"id": 7}') == response


def test_responses_lets_pass(transport: HTTPTransport, vendor: FaultServer) -> None:
    """
    What is passed through reaches the vendor.
    """
    with responses.RequestsMock() as mock:
        mock.add_passthru(vendor.url)
        transport.send(HTTPRequest(url=f"{vendor.url}/mail", body=b"x"), 5)

    assert [b"x"] == [request.body for request in vendor.requests]


@responses.activate
def test_responses_refuses(transport: HTTPTransport) -> None:
    """
    A request that nobody registered is an error of the call.
    """
    with pytest.raises(OutcomeUnknown) as caught:
        transport.send(MAIL, 5)

    text = "it may have been sent: ConnectionError at acme.example:443"
    assert (text, "preparing", None) == (
        str(caught.value),
        caught.value.stage,
        caught.value.status_code,
    )


POOL = urllib3.HTTPConnectionPool("acme.example")
CONNECTION = urllib3.connection.HTTPConnection("acme.example")
RETRIED = urllib3.exceptions.MaxRetryError(
    POOL, "/", urllib3.exceptions.NewConnectionError(CONNECTION, "refused")
)


@pytest.mark.parametrize(
    ("raised", "kind"),
    [
        (requests.ConnectTimeout("x"), ConnectionFailed),
        (requests.exceptions.SSLError("x"), ConnectionFailed),
        (requests.exceptions.ProxyError("x"), ConnectionFailed),
        (requests.ConnectionError(RETRIED), ConnectionFailed),
        (requests.ConnectionError(ConnectionRefusedError()), ConnectionFailed),
        (requests.ConnectionError(socket.gaierror(-2, "unknown")), ConnectionFailed),
        (requests.ConnectionError("x"), OutcomeUnknown),
        (requests.ConnectionError(ConnectionResetError()), OutcomeUnknown),
        (requests.ReadTimeout("x"), OutcomeUnknown),
        (requests.exceptions.ChunkedEncodingError("x"), OutcomeUnknown),
        (OSError("x"), OutcomeUnknown),
    ],
    ids=lambda value: getattr(value, "__name__", repr(value)[:60]),
)
@responses.activate
def test_what_an_exception_means(
    transport: HTTPTransport, raised: Exception, kind: type[SendError]
) -> None:
    """
    Only what is raised before anything is written says that nothing was sent.
    """
    responses.post(URL, body=raised)

    with pytest.raises(SendError) as caught:
        transport.send(MAIL, 5)

    assert kind is type(caught.value)


def test_a_wrapper_of_send_sees_the_calls(
    transport: HTTPTransport, vendor: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A program that wraps ``HTTPAdapter.send``, as tracers do, is told of each call.
    """
    seen = []
    send = requests.adapters.HTTPAdapter.send

    @functools.wraps(send)
    def watched(self: Any, request: Any, **options: Any) -> Any:
        seen.append((request.method, request.url, options["timeout"]))
        return send(self, request, **options)

    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", watched)
    response = transport.send(HTTPRequest(url=f"{vendor.url}/mail", body=b"x"), 5)

    assert ([("POST", f"{vendor.url}/mail", 5)], True) == (seen, response.ok)
