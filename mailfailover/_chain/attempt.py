"""
One call to one provider: build, carry, read, and make sense of whatever goes wrong.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from mailfailover._provider.classify import DAY
from mailfailover._provider.scrub import hide, innermost, is_time_limit, scrubbed, where
from mailfailover._values.receipt import Accepted
from mailfailover._values.wire import HTTPRequest, SMTPRequest, Stage
from mailfailover.errors import (
    ConnectionFailed,
    InvalidMessage,
    OutcomeUnknown,
    Penalty,
    RequestRefused,
    SendError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence

    from mailfailover._message.message import Message
    from mailfailover._provider.link import Link


class Call(NamedTuple):
    """
    What a loop yields to do IO: whoever drives it sends back what *run* returns.
    """

    send: Callable[..., Any]
    arguments: tuple[Any, ...]

    def run(self) -> Any:
        """
        Do it, in this thread.
        """
        return self.send(*self.arguments)


class Result(NamedTuple):
    """
    How a call ended: with *error*, or else with *accepted*, or with *batch* for a merge.
    """

    stage: str
    status_code: int | None = None
    accepted: Accepted = Accepted()
    error: SendError | None = None
    batch: tuple[Accepted | SendError, ...] = ()

    @property
    def failure(self) -> SendError | None:
        """
        Why nobody at all got the mail, None where somebody did.
        """
        if not self.batch:
            return self.error
        if any(isinstance(answer, Accepted) for answer in self.batch):
            return None
        return self.error or next(self._refusals())

    @property
    def blame(self) -> SendError | None:
        """
        What tells of the provider, not of a recipient: what its health hears of.
        """
        if not self.batch or self.error is not None:
            return self.error
        if isinstance(self.batch[0], Accepted) and is_uniform(self.batch):
            return None
        return next((one for one in self._refusals() if one.penalty is not Penalty.NONE), None)

    def _refusals(self) -> Iterator[SendError]:
        return (answer for answer in self.batch if isinstance(answer, SendError))


def call(
    link: Link, message: Message, transport: Any, timeout: float, *, batch: bool = False
) -> Generator[Call, Any, Result]:
    """
    Call the provider of *link* once, within *timeout* seconds.

    Raises:
        InvalidMessage: If an attachment cannot be read; nothing was sent.
    """
    provider: Any = link.provider
    stage = Stage.PREPARING
    status = None
    try:
        if not hasattr(provider, "build_request"):
            stage = Stage.WRITING
            accepted = _simple((yield Call(provider.send, (message,))))
            return Result(Stage.RESPONSE, accepted=accepted)
        request = _request(link, message, batch=batch)
        transport = link.transport or transport
        stage = Stage.WRITING  # who carries it tells how far it got; else it may have left
        response = yield Call(transport.send, (request, timeout))
        stage = Stage.RESPONSE
        status = response.status_code
        mixed = batch and getattr(provider, "mixed_batches", False)
        if not response.ok and not mixed:
            raise sound_error(provider.classify_error(response, message))
        if batch:
            return Result(stage, status, batch=_sound_batch(link, response, message))
        return Result(stage, status, _sound(provider.parse_response(response, message)))
    except BaseException as exc:  # noqa: BLE001 -- what is not ours to judge is raised again
        error = interpret(exc, link, stage)
        return Result(error.stage, error.status_code or status, error=error)


def _request(link: Link, message: Message, *, batch: bool) -> Any:
    provider: Any = link.provider
    request = provider.build_batch(message) if batch else provider.build_request(message)
    if link.transport is None and not isinstance(request, (HTTPRequest, SMTPRequest)):
        raise _Nonsense(f"build_request returned {type(request).__name__}")
    return request


def _simple(answer: object) -> Accepted:
    if answer is None or isinstance(answer, str):
        return Accepted(answer or "")
    return _sound(answer)


def _sound(answer: object) -> Accepted:
    if not isinstance(answer, Accepted):
        raise _Nonsense(f"it returned {type(answer).__name__} where Accepted was due")
    return answer


def sound_error(answer: object) -> SendError:
    """
    Return what ``classify_error`` made of an answer, if it is an error.
    """
    if not isinstance(answer, SendError):
        raise _Nonsense(f"classify_error returned {type(answer).__name__}")
    return answer


def _sound_batch(link: Link, response: Any, message: Message) -> tuple[Accepted | SendError, ...]:
    provider: Any = link.provider
    answers = provider.parse_batch(response, message)
    if len(answers) != len(message.to):
        raise _Nonsense(f"parse_batch spoke of {len(answers)} recipients of {len(message.to)}")
    if isinstance(answers[0], Accepted) and is_uniform(answers):
        return tuple(answers)
    return tuple(
        _own(answer, link, Stage.RESPONSE) if isinstance(answer, SendError) else _sound(answer)
        for answer in answers
    )


def is_uniform(answers: Sequence[object]) -> bool:
    """
    Whether one and the same answer stands for all recipients, as where a vendor says one yes.
    """
    return answers.count(answers[0]) == len(answers)


class _Nonsense(Exception):
    """
    A provider's code broke its contract.
    """


def interpret(exc: BaseException, link: Link, stage: str) -> SendError:
    """
    Make a :class:`SendError` of what a call raised, or raise it again.

    What a provider's code raises on its own is judged by when: before the transport was
    asked nothing was sent; later it may have been.
    """
    if isinstance(exc, SendError):
        return _own(exc, link, stage)
    unreadable = isinstance(exc, InvalidMessage) and stage != Stage.RESPONSE
    if unreadable or not _is_plain(exc, link):
        raise exc
    kind = RequestRefused if stage == Stage.PREPARING else OutcomeUnknown
    detail = str(exc) if isinstance(exc, _Nonsense) else f"{type(exc).__name__}{where(exc)}"
    text = f"the code of provider {link.key!r} failed: {detail}"
    return kind(text, provider=link.key, stage=str(stage))


def _own(error: SendError, link: Link, stage: str) -> SendError:
    """
    Make an error of a provider's code one of its link, with nothing in it that must not be told.
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


def _seconds(value: object) -> float | None:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and value == value:  # noqa: PLR0124 -- no NaN
        return min(max(float(value), 0.0), DAY)
    return None


def _is_plain(exc: BaseException, link: Link) -> bool:
    if isinstance(exc, SystemExit):
        # A plugin that calls sys.exit() fails like any other; a signal handler that
        # wants this process to end does not run in the plugin's own module.
        frame = innermost(exc)
        return (
            frame is not None
            and frame.tb_frame.f_globals.get("__name__") == type(link.provider).__module__
        )
    return isinstance(exc, Exception) and not is_time_limit(exc)
