"""
What type checkers must refuse: an ignore that nothing needs is an error of the checker.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailfailover import Mailer, Message

if TYPE_CHECKING:
    from mailfailover.aio import AsyncMailer
    from mailfailover.outbox import Outbox


def send(mailer: Mailer, message: Message) -> None:
    """
    A misspelt field, a value of another type, a word that is none of the few.
    """
    mailer.send(too="x")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    mailer.send(to=5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    mailer.send(subject=None)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    mailer.send(message, on_unknown="resent")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    mailer.send_message(b"", tag="x")  # type: ignore[call-arg, arg-type]  # pyright: ignore[reportCallIssue]
    message.replace(sbject="x")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Message(body="x")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Mailer("null://", on_suppressed="skip")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def add(outbox: Outbox) -> None:
    """
    The same for a mail that is stored.
    """
    outbox.add(too="x")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


async def send_in_a_loop(mailer: AsyncMailer) -> None:
    """
    The same with an event loop.
    """
    await mailer.send(too="x")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await mailer.send(on_unknown="resent")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
