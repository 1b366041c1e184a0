"""
A loopback vendor in a process of its own that takes anything, so lean that it is not measured.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import tempfile
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, cast

import uvloop

from mailfailover.testing._certificates import certificates

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator
    from multiprocessing.connection import Connection


def _answer(body: bytes) -> bytes:
    """
    As many headers as a real vendor's answer has, and *body*.
    """
    return b"\r\n".join(
        [
            b"HTTP/1.1 200 OK",
            b"Content-Type: application/json",
            b"Content-Length: %d" % len(body),
            b"X-Message-Id: 1",
            *(b"X-Header-%d: some value of a header" % number for number in range(8)),
            b"Connection: keep-alive",
            b"",
            body,
        ]
    )


# What Mailgun, Postmark and Resend look for; SendGrid tells the id in a header.
_ANSWER = _answer(
    b'{"id": "<1@example.com>", "message": "Queued.", "MessageID": "1", "ErrorCode": 0}'
)
_MANDRILLS = _answer(b'[{"email": "ann@example.org", "status": "sent", "_id": "1"}]')
_MANDRILL = b"/messages/send"
_HEAD_END = b"\r\n\r\n"


class _Vendor(asyncio.Protocol):
    """
    Counts the bytes of each request and answers *delay* seconds after it is complete.
    """

    def __init__(self, delay: float) -> None:
        self._delay = delay
        self._buffer = b""
        self._missing = 0
        self._answer = _ANSWER
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        if not self._missing:
            self._buffer += data
            head, end, rest = self._buffer.partition(_HEAD_END)
            if not end:
                return
            lower = head.lower()
            length = lower.partition(b"content-length: ")[2].partition(b"\r\n")[0]
            self._missing = int(length or 0) - len(rest)
            self._buffer = b""
            self._answer = _MANDRILLS if _MANDRILL in head.partition(b"\r\n")[0] else _ANSWER
        else:
            self._missing -= len(data)
        if self._missing <= 0:
            self._missing = 0
            if self._delay:
                loop = asyncio.get_running_loop()
                loop.call_later(self._delay, self._transport.write, self._answer)
            else:
                self._transport.write(self._answer)


async def _serve(pipe: Connection, context: ssl.SSLContext | None, delay: float) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        partial(_Vendor, delay), "127.0.0.1", 0, ssl=context, backlog=1024
    )
    pipe.send(server.sockets[0].getsockname()[1])
    await server.serve_forever()


def _run(pipe: Connection, context: ssl.SSLContext | None, delay: float) -> None:
    uvloop.run(_serve(pipe, context, delay))


@contextmanager
def vendor(context: ssl.SSLContext | None = None, delay: float = 0.0) -> Iterator[str]:
    """
    Start it; the value is its URL. It answers after *delay* seconds.
    """
    forked = multiprocessing.get_context("fork")
    ours, theirs = forked.Pipe()
    process = forked.Process(target=_run, args=(theirs, context, delay), daemon=True)
    process.start()
    try:
        yield f"{'https' if context else 'http'}://127.0.0.1:{ours.recv()}"
    finally:
        process.terminate()
        process.join()


@contextmanager
def tls_vendor(newest: ssl.TLSVersion) -> Iterator[tuple[str, str]]:
    """
    Start it over TLS, *newest* at most; the value is its URL and the file of who vouches for it.
    """
    made = certificates()
    made.server_context.maximum_version = newest
    with tempfile.NamedTemporaryFile(suffix=".pem") as ca_file:
        ca_file.write(made.ca_pem)
        ca_file.flush()
        with vendor(made.server_context) as url:
            yield url, ca_file.name
