"""
A vendor over HTTP: its dialect, its troubles, and the function that takes accepted mails.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailfailover.chaos._http_faults import HTTP_FAULTS
from mailfailover.chaos._trouble import KINDS
from mailfailover.testing._dialects import find_dialect
from mailfailover.testing._http_exchange import HTTPExchange
from mailfailover.testing._http_wire import CannedResponse

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mailfailover.chaos._troubles import Troubles
    from mailfailover.testing import Fault, RecordedRequest
    from mailfailover.testing._channel import Channel

__all__ = ["Vendor", "http_kinds"]


def http_kinds(vendor: str) -> Mapping[str, str]:
    """
    The kinds of trouble that a vendor over HTTP can have, in words.
    """
    own = dict.fromkeys(sorted(find_dialect(vendor).errors), "The vendor's own error.")
    return {**KINDS, **own}


class Vendor:
    """
    A vendor that is called over HTTP.

    Args:
        accept: Called with each request whose mail was accepted, and the vendor's answer.
    """

    def __init__(
        self,
        name: str,
        troubles: Troubles,
        accept: Callable[[str, RecordedRequest, CannedResponse], None],
    ) -> None:
        self.name = name
        self.dialect = find_dialect(name)
        self.troubles = troubles
        self._accept = accept

    def answer(self, channel: Channel, request: RecordedRequest) -> None:
        """
        Answer one request, or fail at it.
        """
        own = self.dialect.errors
        trouble = self.troubles.strikes(HTTP_FAULTS.keys() | own.keys())
        exchange = HTTPExchange(channel, request, self._take, self._refusal, _no_names)
        if trouble is None:
            exchange.play(None)
        elif trouble.kind in own:
            wait = trouble.kind == "rate_limited"
            exchange.refuse(
                trouble.kind, {"Retry-After": f"{trouble.retry_after:.0f}"} if wait else {}
            )
        else:
            HTTP_FAULTS[trouble.kind](trouble).run(exchange)

    def _take(self, request: RecordedRequest) -> CannedResponse:
        line = f"{request.method} {request.path.partition('?')[0]}"
        if self.dialect.ping.search(line):
            return self.dialect.ping_answer
        if not self.dialect.mail.search(line):
            return self._refusal("not_found", request)
        if refusal := self.dialect.refusal(request):
            return self._refusal(refusal, request)
        answer = self.dialect.accept(request)
        self._accept(self.name, request, answer)
        return answer

    def _refusal(self, name: str, request: RecordedRequest) -> CannedResponse:
        answer = self.dialect.errors[name]
        return answer if isinstance(answer, CannedResponse) else answer(request)


def _no_names(name: str) -> Fault:
    raise KeyError(name)  # pragma: no cover  # our faults follow each other as values
