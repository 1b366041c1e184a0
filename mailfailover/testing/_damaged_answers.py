"""
Faults of a vendor that accepts the mail and gives an unreadable answer.
"""

from __future__ import annotations

import gzip
import io
from dataclasses import replace
from typing import TYPE_CHECKING

from mailfailover.testing._fault import Exchange, Fault, Phase
from mailfailover.testing._http_wire import render

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["drip_body", "drip_headers", "gzip_bomb", "huge_body", "stall_body", "truncate"]


def drip_headers(interval: float = 0.05) -> Fault:
    """
    Accept, and send the answer's head a byte at a time. Unknown to a client that does not wait.
    """
    return _damaged("drip_headers", lambda x, data, _: x.channel.drip(data, interval), interval)


def drip_body(interval: float = 0.05) -> Fault:
    """
    Accept, send the head at once, and the body a byte at a time. Accepted, id late.
    """

    def run(exchange: Exchange, data: bytes, body: int) -> None:
        exchange.channel.send(data[:body])
        exchange.channel.drip(data[body:], interval)

    return _damaged("drip_body", run, interval)


def truncate() -> Fault:
    """
    Accept, promise more body than is sent, and close. Accepted, id unknown.
    """

    def run(exchange: Exchange, data: bytes, body: int) -> None:
        exchange.channel.send(data[: (body + len(data)) // 2])
        exchange.channel.close()

    return _damaged("truncate", run)


def stall_body() -> Fault:
    """
    Accept, send half of the body, then nothing more. Accepted, id unknown.
    """

    def run(exchange: Exchange, data: bytes, body: int) -> None:
        exchange.channel.send(data[: (body + len(data)) // 2])
        exchange.channel.drain()

    return _damaged("stall_body", run)


def huge_body(size: int = 64 * 1024 * 1024) -> Fault:
    """
    Accept, and answer with *size* bytes. Accepted; a client that limits the size gets no id.
    """

    def run(exchange: Exchange) -> None:
        answer = exchange.accept()
        exchange.channel.send(render(replace(answer, body=b""), length=size))
        block = b" " * min(size, 65536)
        for start in range(0, size, 65536):
            exchange.channel.send(block[: size - start])

    return Fault("huge_body", "unknown", Phase.REQUEST, (size,), run=run)


def gzip_bomb(size: int = 64 * 1024 * 1024) -> Fault:
    """
    Accept, and answer with a few bytes that unpack to *size*. Accepted, id unknown.
    """

    def run(exchange: Exchange) -> None:
        answer = exchange.accept()
        packed = io.BytesIO()
        with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=1) as file:
            for start in range(0, size, 65536):
                file.write(b" " * min(65536, size - start))
        headers = (*answer.headers, ("Content-Encoding", "gzip"))
        exchange.channel.send(render(replace(answer, body=packed.getvalue(), headers=headers)))

    return Fault("gzip_bomb", "unknown", Phase.REQUEST, (size,), run=run)


def _damaged(name: str, run: Callable[[Exchange, bytes, int], None], *options: object) -> Fault:
    def accept_and_run(exchange: Exchange) -> None:
        answer = exchange.accept()
        if not answer.body:  # SendGrid answers without one: there would be nothing to damage.
            answer = replace(answer, body=b" " * 16)
        data = render(answer)
        run(exchange, data, len(data) - len(answer.body))

    return Fault(name, "unknown", Phase.REQUEST, options, run=accept_and_run)
