"""
Claims about the simplest providers: objects with ``name`` and ``send``.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from mailfailover._values.receipt import Accepted

from ._claim import claim

if TYPE_CHECKING:
    from mailfailover._message.message import Message

__all__ = ["check_sends", "check_sends_from_threads"]

_THREADS = 8
_MAILS = 64


def check_sends(provider: Any, message: Message) -> None:
    """
    A mail is taken, unchanged, and the answer is one a chain understands.
    """
    before = message.replace()
    answer = provider.send(message)
    claim(
        answer is None or isinstance(answer, (str, Accepted)),
        f"send must return a str, None or Accepted, not {type(answer).__name__}",
    )
    claim(message == before, "sending has changed the message")


def check_sends_from_threads(provider: Any, message: Message) -> None:
    """
    Threads can share the provider.
    """
    mails = [message.replace(id=f"{message.id}-{number}") for number in range(_MAILS)]
    with ThreadPoolExecutor(_THREADS) as pool:
        answers = list(pool.map(provider.send, mails))
    ids = [answer for answer in answers if isinstance(answer, str) and answer]
    claim(len(ids) == len(set(ids)), "two mails have got one message id")
