"""
A loopback vendor in a process of its own that takes anything, so lean that it is not measured.
"""

from __future__ import annotations

import asyncio
import multiprocessing
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection

_BODY = b'{"id": "<1@example.com>", "message": "Queued. Thank you."}'
# As many headers as a real vendor's answer has.
_ANSWER = b"\r\n".join(
    [
        b"HTTP/1.1 200 OK",
        b"Content-Type: application/json",
        b"Content-Length: %d" % len(_BODY),
        *(b"X-Header-%d: some value of a header" % number for number in range(9)),
        b"Connection: keep-alive",
        b"",
        _BODY,
    ]
)
_HEAD_END = b"\r\n\r\n"


class _Vendor(asyncio.Protocol):
    """
    Counts the bytes of each request and answers when it is complete.
    """

    def __init__(self) -> None:
        self._buffer = b""
        self._missing = 0
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

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
        else:
            self._missing -= len(data)
        if self._missing <= 0:
            self._missing = 0
            self._transport.write(_ANSWER)


async def _serve(pipe: Connection) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(_Vendor, "127.0.0.1", 0)
    pipe.send(server.sockets[0].getsockname()[1])
    await server.serve_forever()


def _run(pipe: Connection) -> None:
    asyncio.run(_serve(pipe))


@contextmanager
def vendor() -> Iterator[str]:
    """
    Start it; the value is its URL.
    """
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.Process(target=_run, args=(theirs,), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}"
    finally:
        process.terminate()
        process.join()
