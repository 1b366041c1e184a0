"""
One attempt at a provider: its request is built and sent, and the answer read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from mailfailover._chain.driver import Call
from mailfailover._chain.faults import BrokenContract, interpret, own, sound_error
from mailfailover._chain.quotes import Quotes
from mailfailover._values.receipt import Accepted
from mailfailover._values.wire import HTTPRequest, SMTPRequest, Stage
from mailfailover.errors import Penalty, SendError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from mailfailover._chain.driver import Steps
    from mailfailover._message.message import Message
    from mailfailover._provider.link import Link


_ANSWERED = str(Stage.RESPONSE)
"""The stage as attempts and errors hold it: text, which prints and pickles as such."""


class Result(NamedTuple):
    """
    How an attempt ended: with *error*, or with *accepted*, or with *batch* for a merge.
    """

    stage: str
    status_code: int | None = None
    accepted: Accepted = Accepted()
    error: SendError | None = None
    batch: tuple[Accepted | SendError, ...] = ()

    @property
    def failure(self) -> SendError | None:
        """
        Why no recipient at all got the mail, None if somebody did.
        """
        if not self.batch:
            return self.error
        if any(isinstance(answer, Accepted) for answer in self.batch):
            return None
        return self.error or next(self._refusals())

    @property
    def blame(self) -> SendError | None:
        """
        The error that is about the provider, not about a recipient: what its health hears of.
        """
        if not self.batch or self.error is not None:
            return self.error
        if isinstance(self.batch[0], Accepted) and is_uniform(self.batch):
            return None
        return next((one for one in self._refusals() if one.penalty is not Penalty.NONE), None)

    def _refusals(self) -> Iterator[SendError]:
        return (answer for answer in self.batch if isinstance(answer, SendError))


def make_attempt(
    link: Link,
    message: Message,
    transport: Any,
    timeout: float,
    *,
    batch: bool = False,
    ahead: Callable[[], None] | None = None,
) -> Steps[Result]:
    """
    Send *message* through the provider of *link* once, within *timeout* seconds.

    What *ahead* raises, before anything is sent, is raised as if building the request had.

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
            return Result(_ANSWERED, accepted=accepted)
        request = _request(link, message, batch=batch)
        if ahead is not None:
            ahead()
        transport = link.transport or transport
        # A transport's own errors say how far it got. After any other exception the mail may
        # have left.
        stage = Stage.WRITING
        response = yield Call(transport.send, (request, timeout))
        stage = Stage.RESPONSE
        status = response.status_code
        mixed = batch and getattr(provider, "mixed_batches", False)
        if not response.ok and not mixed:
            raise sound_error(provider.classify_error(response, message))
        if batch:
            return Result(_ANSWERED, status, batch=_sound_batch(link, response, message))
        return Result(_ANSWERED, status, _sound(provider.parse_response(response, message)))
    except BaseException as exc:  # noqa: BLE001 -- what is not about the provider is raised again
        error = interpret(exc, link, message, stage)
        return Result(error.stage, error.status_code or status, error=error)


def is_uniform(answers: Sequence[object]) -> bool:
    """
    Whether all recipients got the same answer, as where a vendor answers for all at once.
    """
    return answers.count(answers[0]) == len(answers)


def _request(link: Link, message: Message, *, batch: bool) -> Any:
    provider: Any = link.provider
    request = provider.build_batch(message) if batch else provider.build_request(message)
    if link.transport is None and not isinstance(request, (HTTPRequest, SMTPRequest)):
        raise BrokenContract(f"build_request returned {type(request).__name__}")
    return request


def _simple(answer: object) -> Accepted:
    if answer is None or isinstance(answer, str):
        return Accepted(answer or "")
    return _sound(answer)


def _sound(answer: object) -> Accepted:
    if not isinstance(answer, Accepted):
        raise BrokenContract(f"it returned {type(answer).__name__} where Accepted was due")
    return answer


def _sound_batch(link: Link, response: Any, message: Message) -> tuple[Accepted | SendError, ...]:
    provider: Any = link.provider
    answers = provider.parse_batch(response, message)
    if len(answers) != len(message.to):
        raise BrokenContract(f"parse_batch spoke of {len(answers)} recipients of {len(message.to)}")
    if isinstance(answers[0], Accepted) and is_uniform(answers):
        return tuple(answers)
    quotes = Quotes(message)
    return tuple(
        own(one, link, quotes, Stage.RESPONSE) if isinstance(one, SendError) else _sound(one)
        for one in answers
    )
