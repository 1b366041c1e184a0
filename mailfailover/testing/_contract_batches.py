"""
Claims about answers to merges: each recipient has an outcome of his own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mailfailover.errors import OutcomeUnknown, SendError
from mailfailover.testing._claim import calling, claim
from mailfailover.testing._contract_answers import check_sound, shown_answer, unreadable
from mailfailover.testing._contract_purity import unchanged
from mailfailover.testing._garbage import altered_bodies

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailfailover._message.message import Message
    from mailfailover._values.receipt import Accepted
    from mailfailover._values.wire import Response

__all__ = ["check_batch", "check_batch_garbage"]


def check_batch(
    provider: Any,
    response: Any,
    message: Message,
    expected: Sequence[Accepted | type[SendError]],
) -> None:
    """
    A recorded answer to a merge is read recipient by recipient.
    """
    with unchanged(message, "parse_batch"), calling(f"parse_batch of {shown_answer(response)}"):
        found = provider.parse_batch(response, message)
    claim(
        len(found) == len(message.to),
        f"parse_batch speaks of {len(found)} recipients of {len(message.to)}",
    )
    shown = tuple(type(one) if isinstance(one, SendError) else one for one in found)
    claim(shown == tuple(expected), f"the recorded answer is read as {found!r}")


def check_batch_garbage(
    provider: Any, answers: Sequence[Response], message: Message, *, empty_success: bool
) -> None:
    """
    An unreadable answer to a merge is unknown for each recipient, or as a whole.
    """
    for name, answer in unreadable(answers):
        if empty_success and not answer.body.strip():
            continue
        for result in _read_batch(provider, answer, message):
            claim(
                isinstance(result, OutcomeUnknown),
                f"an unreadable answer to a merge ({name}) is read as {result!r}",
            )
    for recorded in answers:
        for answer in altered_bodies(recorded):
            _read_batch(provider, answer, message)


def _read_batch(
    provider: Any, response: Response, message: Message
) -> tuple[Accepted | SendError, ...]:
    with calling(f"parse_batch of {shown_answer(response)}"):
        try:
            found: tuple[Accepted | SendError, ...] = provider.parse_batch(response, message)
        except SendError as exc:
            return (exc,)
    claim(
        len(found) == len(message.to),
        f"parse_batch speaks of {len(found)} recipients of {len(message.to)}",
    )
    for one in found:
        if not isinstance(one, SendError):
            check_sound(one)
    return found
