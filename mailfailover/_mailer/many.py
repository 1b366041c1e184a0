"""
Many mails at once, each with an outcome of its own.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from mailfailover._message.message import Message
from mailfailover._message.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from concurrent.futures import Future

    from mailfailover._values.receipt import Receipt


def send_each(
    send: Callable[[Message], Receipt], messages: Iterable[Message], workers: int
) -> list[Outcome]:
    """
    Send each of *messages*, at most *workers* at a time; the outcomes keep their order.

    An exception that interrupts the wait passes, and sends that have not begun are dropped.
    """
    messages = check_all(messages)
    with ThreadPoolExecutor(workers, thread_name_prefix="mailfailover") as pool:
        futures = [pool.submit(send, message) for message in messages]
        try:
            return list(map(_outcome, messages, futures))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def check_all(messages: Iterable[Message]) -> list[Message]:
    """
    Return *messages* as a list, checked before any is sent.

    Raises:
        TypeError: If one is no :class:`Message`.
    """
    found = list(messages)
    for number, message in enumerate(found, 1):
        if not isinstance(message, Message):
            text = f"send_many takes Messages, not {type(message).__name__} (number {number})"
            raise TypeError(text)
    return found


def _outcome(message: Message, sent: Future[Receipt]) -> Outcome:
    error = sent.exception()
    if error is None:
        return Outcome(message, receipt=sent.result())
    if not isinstance(error, Exception):
        raise error
    return Outcome(message, error=error)
