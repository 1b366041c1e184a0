"""
The transport for event loops, used like the one for threads.
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from mailfailover.transports.aio import AsyncHTTPTransport

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailfailover.plugin import HTTPRequest, Response


class Looped:
    """
    Sends in a loop that stands still between the calls.
    """

    def __init__(self, runner: asyncio.Runner, **options: Any) -> None:
        self.runner = runner
        self.transport = AsyncHTTPTransport(**options)

    def send(self, request: HTTPRequest, timeout: float) -> Response:
        """
        Do one call.
        """
        return self.runner.run(self.transport.send(request, timeout))

    def close(self) -> None:
        """
        Close all connections.
        """
        self.runner.run(self.transport.close())


def loops() -> list[Any]:
    """
    What makes a loop: asyncio, and uvloop where it is installed.
    """
    found: list[Any] = [asyncio.new_event_loop]
    if find_spec("uvloop"):
        found.append(import_module("uvloop").new_event_loop)
    return found


@contextmanager
def looped(make_loop: Any = None, **options: Any) -> Iterator[Looped]:
    """
    A transport that is closed at the end.
    """
    with asyncio.Runner(loop_factory=make_loop) as runner:
        made = Looped(runner, **options)
        try:
            yield made
        finally:
            made.close()
