"""
The fault that each kind of trouble causes in a call over HTTP.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailfailover.testing._fault import Fault, Phase
from mailfailover.testing._faults import accept_then, hang_after_read, reset_after_read, slow
from mailfailover.testing._http_wire import CannedResponse, render

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mailfailover.chaos._trouble import Trouble
    from mailfailover.testing._fault import Exchange

__all__ = ["HTTP_FAULTS"]

_PAGE = (
    "<!DOCTYPE html><html><head><title>{0} | {1}</title></head>"
    "<body><h1>Error {0}</h1><p>{1}</p></body></html>"
)

# https://developers.cloudflare.com/support/troubleshooting/http-status-codes/ (2026-11)
_CLOUDFLARE = range(520, 531)


def _edge(trouble: Trouble) -> Fault:
    is_cloudflare = trouble.status in _CLOUDFLARE
    page = _PAGE.format(trouble.status, "The web server is not answering")
    server = "cloudflare" if is_cloudflare else "nginx"
    ray = (("CF-RAY", "8f2c1d0b9a7e6543-FRA"),) if is_cloudflare else ()
    headers = (("Content-Type", "text/html; charset=UTF-8"), ("Server", server), *ray)
    answer = CannedResponse(trouble.status, page.encode(), headers)
    return Fault("edge", "unknown", Phase.REQUEST, run=lambda x: x.channel.send(render(answer)))


def _unreadable(_: Trouble) -> Fault:
    page = _PAGE.format(200, "Welcome").encode()
    answer = CannedResponse(200, page, (("Content-Type", "text/html"),))

    def run(exchange: Exchange) -> None:
        exchange.accept()
        exchange.channel.send(render(answer))

    return Fault("unreadable", "unknown", Phase.REQUEST, run=run)


HTTP_FAULTS: Mapping[str, Callable[[Trouble], Fault]] = {
    "refuse": lambda _: reset_after_read(),
    "hang": lambda _: hang_after_read(),
    "slow": lambda trouble: slow(trouble.seconds),
    "cut": lambda _: accept_then(reset_after_read()),
    "edge": _edge,
    "unreadable": _unreadable,
}
"""The kinds that a call meets; those beside them concern certificates, deliveries or webhooks."""
