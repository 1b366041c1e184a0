"""
Faults of a provider's code: the error that an exception of such code becomes.

An exception of a provider's code is judged by when it came: before the transport was asked
nothing was sent, afterwards the mail may have left.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailfailover._chain.quotes import Quotes
from mailfailover._provider.classify import DAY
from mailfailover._provider.scrub import hide, innermost, scrubbed, where
from mailfailover._values.interruption import let_through, note_stage
from mailfailover._values.wire import Stage
from mailfailover.errors import (
    ConnectionFailed,
    InvalidMessage,
    OutcomeUnknown,
    RequestRefused,
    SendError,
)

if TYPE_CHECKING:
    from mailfailover._message.message import Message
    from mailfailover._provider.link import Link


class BrokenContract(Exception):
    """
    A provider's code returned something else than its protocol says.
    """


def interpret(exc: BaseException, link: Link, message: Message, stage: str) -> SendError:
    """
    Make a :class:`SendError` of what an attempt raised at *stage*.

    Raises:
        BaseException:
            What is not about the provider: a time limit of the caller's, which then has a
            *stage*, an attachment that cannot be read, the end of this process.
    """
    let_through(exc, getattr(exc, "stage", "") or stage)
    if isinstance(exc, SendError):
        return own(exc, link, Quotes(message), stage)
    if isinstance(exc, InvalidMessage) and stage != Stage.RESPONSE:
        raise exc
    if not isinstance(exc, Exception) and not _is_exit_of_plugin(exc, link):
        note_stage(exc, stage)
        raise exc
    kind = RequestRefused if stage == Stage.PREPARING else OutcomeUnknown
    detail = str(exc) if isinstance(exc, BrokenContract) else f"{type(exc).__name__}{where(exc)}"
    text = f"the code of provider {link.key!r} failed: {detail}"
    return kind(text, provider=link.key, stage=str(stage))


def own(error: SendError, link: Link, quotes: Quotes, stage: str) -> SendError:
    """
    Return *error* with the link's key and *stage*, without secrets, addresses and *quotes*.
    """
    if isinstance(error, ConnectionFailed) and stage == Stage.WRITING:
        stage = Stage.CONNECTING
    error.provider = link.key
    error.stage = str(error.stage or stage)
    error.retry_after = _seconds(error.retry_after)
    error.attempts = ()
    error.args = (quotes.hide(hide(str(error), link.provider)),)
    error.__dict__.pop("__notes__", None)
    error.__cause__ = scrubbed(error.__cause__)
    error.__context__ = None
    return error.with_traceback(None)


def sound_error(answer: object) -> SendError:
    """
    Return what ``classify_error`` made of an answer, if it is an error.
    """
    if not isinstance(answer, SendError):
        raise BrokenContract(f"classify_error returned {type(answer).__name__}")
    return answer


def _seconds(value: object) -> float | None:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and value == value:  # noqa: PLR0124 -- no NaN
        return min(max(float(value), 0.0), DAY)
    return None


def _is_exit_of_plugin(exc: BaseException, link: Link) -> bool:
    """
    Whether a plugin called ``sys.exit()``, which then fails like any other code.
    """
    frame = innermost(exc) if isinstance(exc, SystemExit) else None
    return (
        frame is not None
        and frame.tb_frame.f_globals.get("__name__") == type(link.provider).__module__
    )
