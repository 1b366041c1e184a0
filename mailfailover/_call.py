"""
One call to one provider: build, carry, read, and make sense of whatever goes wrong.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from mailfailover._receipt import Accepted
from mailfailover._wire import HTTPRequest, SMTPRequest, Stage
from mailfailover.errors import InvalidMessage, OutcomeUnknown, RequestRefused, SendError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from types import TracebackType

    from mailfailover._message import Message
    from mailfailover._provider import Link


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
            return Result(Stage.RESPONSE, None, accepted)
        request = _request(provider, message, batch=batch)
        transport = getattr(provider, "transport", None) or transport
        response = yield Call(transport.send, (request, timeout))
        stage = Stage.RESPONSE
        status = response.status_code
        if not response.ok:
            raise _sound_error(provider.classify_error(response, message))
        if batch:
            return Result(stage, status, batch=_sound_batch(provider, response, message))
        return Result(stage, status, _sound(provider.parse_response(response, message)))
    except BaseException as exc:  # noqa: BLE001 -- what is not ours to judge is raised again
        error = interpret(exc, link, stage)
        return Result(error.stage, error.status_code or status, error=error)


def _request(provider: Any, message: Message, *, batch: bool) -> Any:
    request = provider.build_batch(message) if batch else provider.build_request(message)
    if not isinstance(request, (HTTPRequest, SMTPRequest)) and not hasattr(provider, "transport"):
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


def _sound_error(answer: object) -> SendError:
    if not isinstance(answer, SendError):
        raise _Nonsense(f"classify_error returned {type(answer).__name__}")
    return answer


def _sound_batch(
    provider: Any, response: Any, message: Message
) -> tuple[Accepted | SendError, ...]:
    answers = provider.parse_batch(response, message)
    if len(answers) != len(message.to):
        raise _Nonsense(f"parse_batch spoke of {len(answers)} recipients of {len(message.to)}")
    for answer in answers:
        if not isinstance(answer, (Accepted, SendError)):
            raise _Nonsense(f"parse_batch returned {type(answer).__name__}")
    return tuple(answers)


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
        exc.provider = link.key
        exc.stage = exc.stage or str(stage)
        exc.attempts = ()
        exc.__context__ = None
        return exc.with_traceback(None)
    if isinstance(exc, InvalidMessage) or not _is_plain(exc, link):
        raise exc
    kind = RequestRefused if stage == Stage.PREPARING else OutcomeUnknown
    detail = str(exc) if isinstance(exc, _Nonsense) else f"{type(exc).__name__}{_where(exc)}"
    text = f"the code of provider {link.key!r} failed: {detail}"
    return kind(text, provider=link.key, stage=str(stage))


def _is_plain(exc: BaseException, link: Link) -> bool:
    if isinstance(exc, SystemExit):
        # A plugin that calls sys.exit() fails like any other; a signal handler that
        # wants this process to end does not run in the plugin's own module.
        frame = _innermost(exc)
        return (
            frame is not None
            and frame.tb_frame.f_globals.get("__name__") == type(link.provider).__module__
        )
    is_time_limit = type(exc).__name__ == "SoftTimeLimitExceeded"  # Celery's, an Exception
    return isinstance(exc, Exception) and not is_time_limit


def _innermost(exc: BaseException) -> TracebackType | None:
    traceback = exc.__traceback__
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    return traceback


def _where(exc: BaseException) -> str:
    # The exception's own text may hold a key or an address, its place does not.
    frame = _innermost(exc)
    if frame is None:
        return ""
    code = frame.tb_frame.f_code
    return f" in {code.co_name}, {code.co_filename.rpartition('/')[2]} line {frame.tb_lineno}"
