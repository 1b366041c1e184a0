"""
One request at a `FaultServer`, as its faults see it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mailfailover.testing._http_wire import CannedResponse, RecordedRequest, render

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mailfailover.testing._channel import Channel
    from mailfailover.testing._fault import Fault

__all__ = ["HTTPExchange"]


@dataclass(slots=True)
class HTTPExchange:
    """
    A connection and the request on it; an empty one before any is read.
    """

    channel: Channel
    request: RecordedRequest
    take: Callable[[RecordedRequest], CannedResponse]
    refusal: Callable[[str, RecordedRequest], CannedResponse]
    find_fault: Callable[[str], Fault]
    answer: CannedResponse | None = None

    def accept(self) -> CannedResponse:
        """
        Take the mail as a healthy vendor does, once; the answer that vendor gives.
        """
        if self.answer is None:
            self.answer = self.take(self.request)
        return self.answer

    def play(self, fault: Fault | str | None) -> None:
        """
        Let another fault follow; None answers as a healthy vendor.
        """
        if fault is None:
            self.channel.send(render(self.accept()))
        elif isinstance(fault, str):
            self.find_fault(fault).run(self)
        else:
            fault.run(self)

    def refuse(self, name: str, headers: Mapping[str, str]) -> None:
        """
        Answer with the error that the vendor calls *name* here.
        """
        answer = self.refusal(name, self.request)
        self.channel.send(render(replace(answer, headers=(*answer.headers, *headers.items()))))
