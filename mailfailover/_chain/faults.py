"""
Faults of a provider's code: the error of ours that an exception of such code becomes.

An exception of a provider's code is judged by when it came: before the transport was asked
nothing was sent, afterwards the mail may have left.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailfailover._provider.classify import DAY
from mailfailover._provider.scrub import hide, innermost, is_time_limit, scrubbed, where
from mailfailover._values.wire import Stage
from mailfailover.errors import (
    ConnectionFailed,
    InvalidMessage,
    OutcomeUnknown,
    RequestRefused,
    SendError,
)

if TYPE_CHECKING:
    from mailfailover._provider.link import Link


class BrokenContract(Exception):
    """
    A provider's code returned something else than its protocol says.
    """


def interpret(exc: BaseException, link: Link, stage: str) -> SendError:
    """
    Make a :class:`SendError` of what an attempt raised at *stage*, or raise it again.
    """
    if isinstance(exc, SendError):
        return own(exc, link, stage)
    unreadable = isinstance(exc, InvalidMessage) and stage != Stage.RESPONSE
    if unreadable or not _is_of_the_code(exc, link):
        raise exc
    kind = RequestRefused if stage == Stage.PREPARING else OutcomeUnknown
    detail = str(exc) if isinstance(exc, BrokenContract) else f"{type(exc).__name__}{where(exc)}"
    text = f"the code of provider {link.key!r} failed: {detail}"
    return kind(text, provider=link.key, stage=str(stage))


def own(error: SendError, link: Link, stage: str) -> SendError:
    """
    Return *error* with the link's key and *stage*, and without secrets and addresses.
    """
    if isinstance(error, ConnectionFailed) and stage == Stage.WRITING:
        stage = Stage.CONNECTING
    error.provider = link.key
    error.stage = str(error.stage or stage)
    error.retry_after = _seconds(error.retry_after)
    error.attempts = ()
    error.args = (hide(str(error), link.provider),)
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


def _is_of_the_code(exc: BaseException, link: Link) -> bool:
    if isinstance(exc, SystemExit):
        # A plugin that calls sys.exit() fails like any other. A signal handler that wants this
        # process to end does not run in the plugin's own module.
        frame = innermost(exc)
        return (
            frame is not None
            and frame.tb_frame.f_globals.get("__name__") == type(link.provider).__module__
        )
    return isinstance(exc, Exception) and not is_time_limit(exc)
