"""
One step of an SMTP conversation, as its faults see it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mailfailover.testing._fault import Fault, Phase
from mailfailover.testing._faults import BY_NAME
from mailfailover.testing._http_wire import CannedResponse
from mailfailover.testing._smtp_wire import render_reply

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mailfailover.testing._fault import Exchange
    from mailfailover.testing._smtp_session import Session
    from mailfailover.testing._smtp_wire import Reply

__all__ = ["SMTPExchange", "find_smtp_fault"]

_CLOSING = 421


class SMTPExchange:
    """
    A session at a step; `spared` when the step is to be done after all.
    """

    def __init__(self, session: Session) -> None:
        self.channel = session.channel
        self.spared = False
        self._session = session

    def accept(self) -> CannedResponse:
        """
        Take the mail, if its data has come; the answer means nothing here.
        """
        self._session.take()
        return CannedResponse()

    def play(self, fault: Fault | str | None) -> None:
        """
        Let another fault follow; None goes on in good health.
        """
        if fault is None:
            self.spared = True
        else:
            find_smtp_fault(fault).run(self)

    def refuse(self, name: str, headers: Mapping[str, str]) -> None:
        """
        Nothing: in this protocol a reply is given as code and text, and no name comes here.
        """


def find_smtp_fault(fault: Fault | str | Reply) -> Fault:
    """
    The fault for a reply, a name or a fault; it strikes at the step it is set for.

    Raises:
        ValueError:
            If it is unknown, or HTTP's own.
    """
    if isinstance(fault, tuple):
        return _reply(*fault)
    if isinstance(fault, str):
        if fault not in BY_NAME:
            raise ValueError(f"fault {fault!r} is unknown; known: {', '.join(sorted(BY_NAME))}")
        fault = BY_NAME[fault]()
    if fault.then is not None:
        find_smtp_fault(fault.then)
    elif fault.http_only:
        raise ValueError(f"{fault.name} is a fault of HTTP, not of SMTP")
    if fault.phase is Phase.LISTEN:
        raise ValueError(f"{fault.name} closes the port, at no step: use stop()")
    return replace(fault, phase=Phase.REQUEST)


def _reply(code: int, text: str) -> Fault:
    def run(exchange: Exchange) -> None:
        exchange.channel.send(render_reply(code, text))
        if code == _CLOSING:
            exchange.channel.close()

    return Fault("reply", "answered", Phase.REQUEST, (code, text), http_only=False, run=run)
