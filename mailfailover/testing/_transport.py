"""
A transport without a network: it answers from a script.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, TypeAlias

from mailfailover._values.face import published_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from mailfailover.plugin import HTTPRequest, Response, SMTPRequest, SMTPResponse

    AnyRequest: TypeAlias = HTTPRequest | SMTPRequest
    AnyResponse: TypeAlias = Response | SMTPResponse
    Answer: TypeAlias = AnyResponse | BaseException | Callable[[AnyRequest], AnyResponse]

__all__ = ["FakeTransport"]


@published_in("mailfailover.testing")
class FakeTransport:
    """
    Answers each call with the next answer of its script, and records what was asked.

    An answer is a response to return, an exception to raise, or a function of the request
    that does either. Safe in threads, each answer is given once.

    Attributes:
        requests: Every request, oldest first.

        timeouts: The seconds each of them was given.

        closed: Whether :meth:`close` was called.

    .. versionadded:: 0.1.0
    """

    def __init__(self, *answers: Answer) -> None:
        self.requests: list[AnyRequest] = []
        self.timeouts: list[float] = []
        self.closed: bool = False
        self._answers = deque(answers)

    def answers(self, *more: Answer) -> None:
        """
        Add to the end of the script.
        """
        self._answers.extend(more)

    def send(self, request: AnyRequest, timeout: float) -> AnyResponse:
        """
        Record *request* and give the next answer.

        Raises:
            AssertionError:
                If the script has come to its end: the code under test asks once too often.
        """
        self.requests.append(request)
        self.timeouts.append(timeout)
        try:
            answer = self._answers.popleft()
        except IndexError:
            raise AssertionError(
                f"FakeTransport has no answer for request {len(self.requests)}, {request!r}"
            ) from None
        if isinstance(answer, BaseException):
            raise answer
        return answer(request) if callable(answer) else answer

    def close(self) -> None:
        """
        Note that no more calls are to come.
        """
        self.closed = True
