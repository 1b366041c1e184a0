"""
A fault: its name, the outcome for the mail, when it strikes, and its effect.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

from mailfailover._values.face import published_in

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mailfailover.testing._channel import Channel
    from mailfailover.testing._http_wire import CannedResponse

__all__ = ["Exchange", "Fault", "Phase", "Truth"]

Truth = Literal["not sent", "unknown", "answered"]


class Phase(enum.Enum):
    """
    When a fault strikes.
    """

    LISTEN = "the port"
    CONNECT = "a new connection, before TLS"
    ARRIVAL = "a request has arrived and is not read"
    REQUEST = "a request is read"


class Exchange(Protocol):
    """
    The connection that a fault acts on, with at most one request.
    """

    channel: Channel

    def accept(self) -> CannedResponse:
        """
        Take the mail as a healthy vendor does, once; the answer that vendor gives.
        """

    def play(self, fault: Fault | str | None) -> None:
        """
        Let another fault follow; None answers as a healthy vendor.
        """

    def refuse(self, name: str, headers: Mapping[str, str]) -> None:
        """
        Answer with the error that the vendor calls *name* here.
        """


@published_in("mailfailover.testing")
@dataclass(frozen=True, slots=True)
class Fault:
    """
    One way to fail; made by the functions of this module.

    .. versionadded:: 0.1.0
    """

    name: str
    truth: Truth
    phase: Phase
    options: tuple[object, ...] = ()
    then: Fault | str | None = None
    http_only: bool = field(default=True, repr=False)
    run: Callable[[Exchange], None] = field(default=lambda _: None, repr=False, compare=False)

    def __str__(self) -> str:
        given = [repr(option) for option in self.options if option is not None]
        if self.then is not None:
            given.append(str(self.then))
        return f"{self.name}({', '.join(given)})" if given else self.name
