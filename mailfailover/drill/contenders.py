"""
The contenders of a chain: the first provider only, and three retries before the next provider.

They get the same calls answered by the same stage, so that only the policy differs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mailfailover._chain.attempt import make_attempt
from mailfailover._chain.candidate import Candidate
from mailfailover._chain.driver import Pause

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence

    from mailfailover._message.message import Message
    from mailfailover._provider.link import Link
    from mailfailover.errors import SendError

    Way = Callable[[Sequence[Link], Message, float], Generator[Any, Any, None]]

_PAUSES = (1.0, 2.0, 4.0)


def first_only(links: Sequence[Link], message: Message, timeout: float) -> _Steps:
    """
    Call the first provider once.

    Raises:
        SendError: If it does not take the mail.
    """
    yield from _call(links[0], message, timeout)


def retries_then_next(links: Sequence[Link], message: Message, timeout: float) -> _Steps:
    """
    Call each provider up to four times, 1, 2 and 4 s apart, whatever it said.

    Raises:
        SendError: If none took the mail.
    """
    error: SendError | None = None
    for link in links:
        for pause in (*_PAUSES, 0.0):
            error = yield from _try(link, message, timeout)
            if error is None:
                return
            if pause:
                yield Pause(pause)
    if error is not None:
        raise error


WAYS: Mapping[str, Way] = {
    "first provider only": first_only,
    "three retries, then next": retries_then_next,
}


def _try(link: Link, message: Message, timeout: float) -> Generator[Any, Any, SendError | None]:
    bound = Candidate(link, "").bind(message)
    result = yield from make_attempt(link, bound, None, timeout)
    return result.error


def _call(link: Link, message: Message, timeout: float) -> _Steps:
    error = yield from _try(link, message, timeout)
    if error is not None:
        raise error


if TYPE_CHECKING:
    _Steps = Generator[Any, Any, None]
