"""
Fixtures for pytest: a mailbox, and one vendor or all of them on real sockets that fail on command.

They are there once the package is installed. This module loads in every run of pytest, so it
imports nothing beyond it; what a fixture needs is imported when it is first asked for.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mailfailover._mailer.mailer import Mailer
    from mailfailover._message.message import Message
    from mailfailover.chaos import Chaos
    from mailfailover.providers.memory import Memory
    from mailfailover.testing import FaultServer

__all__ = ["Mailbox", "chaos", "fault_server", "mailbox"]


class Mailbox:
    """
    The mails of a mailer.

    Attributes:
        mailer: A :class:`~mailfailover.Mailer` that keeps its mails here, sent by
            ``sender@example.com`` where they have no From.

    .. versionadded:: 0.1.0
    """

    def __init__(self, mailer: Mailer, memory: Memory) -> None:
        self.mailer = mailer
        self._memory = memory

    @property
    def messages(self) -> tuple[Message, ...]:
        """
        The mails until now, oldest first.
        """
        return self._memory.messages

    def clear(self) -> None:
        """
        Forget all mails.
        """
        self._memory.clear()


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    """
    A mailbox with its own mailer: ``mailbox.mailer`` sends, ``mailbox.messages`` has the mails.
    """
    from mailfailover import Mailer
    from mailfailover.providers.memory import Memory

    memory = Memory()
    with Mailer(memory, from_email="sender@example.com") as mailer:
        yield Mailbox(mailer, memory)


@pytest.fixture
def fault_server() -> Iterator[Callable[..., FaultServer]]:
    """
    Starts vendors: ``fault_server("mailgun")`` is a running `FaultServer`, closed by the end.
    """
    from mailfailover.testing import FaultServer

    with ExitStack() as stack:

        def start(dialect: Any = "generic", **options: Any) -> FaultServer:
            server = FaultServer(dialect, **options)
            stack.enter_context(server)
            return server

        yield start


@pytest.fixture
def chaos() -> Iterator[Chaos]:
    """
    Every vendor, healthy until ``chaos.fail("mailgun", "hang")``; closed by the end.

    ``chaos.dsn("mailgun")`` leads to a port of the vendor's own, ``chaos.mails()`` are the
    mails that were accepted.
    """
    from mailfailover.chaos import Chaos

    with Chaos(own_ports=True) as one:
        yield one
