"""
The transport for any request.
"""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from mailfailover.errors import RequestRefused
from mailfailover.plugin import HTTPRequest, Response, SMTPReply, SMTPRequest, SMTPResponse
from mailfailover.testing import SMTPFaultServer
from mailfailover.transports import DefaultTransport

if TYPE_CHECKING:
    from mailfailover.testing import FaultServer


class Fake:
    """
    A transport that knows its answer.
    """

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.closed = False

    def send(self, request: Any, timeout: float) -> Any:
        return self.answer, request, timeout

    def close(self) -> None:
        self.closed = True


def test_each_request_has_its_transport() -> None:
    """
    The kind of the request chooses, and closing closes all.
    """
    http = Fake(Response(200))
    smtp = Fake(SMTPResponse(SMTPReply(250)))
    transport = DefaultTransport(http=http, smtp=smtp)
    call = HTTPRequest(url="https://acme.example/")
    transaction = SMTPRequest("acme.example", 587)

    assert (http.answer, call, 3.0) == transport.send(call, 3.0)
    assert (smtp.answer, transaction, 4.0) == transport.send(transaction, 4.0)

    transport.close()
    assert (True, True) == (http.closed, smtp.closed)


def test_plain_transports_by_default(vendor: FaultServer) -> None:
    """
    Without any set-up both kinds are carried.
    """
    transport = DefaultTransport()
    with SMTPFaultServer() as smtp:
        request = SMTPRequest("127.0.0.1", smtp.port, tls="none")
        replies = transport.send(request, 5), transport.send(request, 5)
        answers = [transport.send(HTTPRequest(url=vendor.url, body=b"x"), 5) for _ in range(2)]
        transport.close()

    assert [True, True] == [reply.ok for reply in replies]
    assert [200, 200] == [answer.status_code for answer in answers]


def test_what_is_no_request() -> None:
    """
    An adapter that builds something else is at fault; nothing was sent.
    """
    with pytest.raises(RequestRefused) as caught:
        DefaultTransport().send("POST /", 5)

    text = (
        "nothing was sent: str is no request: build_request must return an HTTPRequest "
        "or an SMTPRequest"
    )
    assert (text, "preparing") == (str(caught.value), caught.value.stage)


def test_nothing_is_loaded_before_it_is_needed() -> None:
    """
    Making one loads no HTTP library.
    """
    program = (
        "import sys; from mailfailover.transports import DefaultTransport; DefaultTransport(); "
        "assert not {'requests', 'urllib3', 'smtplib'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=30)
