"""
The faults of a vendor, as values for `FaultServer.fail` and `.script`.

``fault.truth`` says what the client can know about the mail: ``"not sent"``,
``"unknown"`` (not excluded that it was taken) or ``"answered"``.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mailfailover.testing._damaged_answers import (
    drip_body,
    drip_headers,
    gzip_bomb,
    huge_body,
    stall_body,
    truncate,
)
from mailfailover.testing._fault import Fault, Phase
from mailfailover.testing._http_wire import CannedResponse, render
from mailfailover.testing._tls_faults import (
    plain_on_tls,
    tls_bad_certificate,
    tls_eof,
    tls_hang,
    tls_reset,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mailfailover.testing._fault import Exchange

__all__ = [
    "BY_NAME",
    "Fault",
    "accept_then",
    "close_after_answer",
    "close_after_read",
    "close_before_read",
    "drip_body",
    "drip_headers",
    "garbage",
    "gzip_bomb",
    "hang_after_read",
    "hang_before_read",
    "html",
    "huge_body",
    "ok",
    "plain_on_tls",
    "redirect",
    "refuse",
    "reset_after_read",
    "reset_before_read",
    "slow",
    "stall_body",
    "status",
    "tls_bad_certificate",
    "tls_eof",
    "tls_hang",
    "tls_reset",
    "truncate",
]


def ok() -> Fault:
    """
    No fault: a healthy answer, for a place in a script. Answered.
    """
    return Fault(
        "ok", "answered", Phase.REQUEST, http_only=False, run=lambda exchange: exchange.play(None)
    )


def status(code: int, body: bytes | str = b"", headers: Mapping[str, str] | None = None) -> Fault:
    """
    Answer with this status. Answered; the mail is not accepted, whatever *code* says.
    """
    raw = body.encode() if isinstance(body, str) else body
    response = CannedResponse(code, raw, tuple((headers or {}).items()))
    return Fault(
        "status",
        "answered",
        Phase.REQUEST,
        (response,),
        run=lambda x: x.channel.send(render(response)),
    )


def html(code: int = 502) -> Fault:
    """
    A gateway's HTML error page instead of the vendor's own envelope. A 5xx of this kind: unknown.
    """
    page = f"<html><head><title>{code}</title></head><body><h1>{code}</h1><hr>proxy</body></html>"
    return replace(status(code, page, {"Content-Type": "text/html"}), name="html", truth="unknown")


def redirect(location: str, code: int = 307) -> Fault:
    """
    Redirect. Answered; a client that follows sends its key and the mail to *location*.
    """
    return replace(status(code, b"", {"Location": location}), name="redirect")


def refuse() -> Fault:
    """
    Refuse connections until `heal`. Not sent.
    """
    return Fault("refuse", "not sent", Phase.LISTEN, http_only=False)


def hang_before_read() -> Fault:
    """
    Never read the request, hold the connection until stopped. Unknown: the client has written it.
    """
    return Fault(
        "hang_before_read",
        "unknown",
        Phase.ARRIVAL,
        http_only=False,
        run=lambda x: x.channel.hold(),
    )


def reset_before_read() -> Fault:
    """
    RST without reading the request. Unknown, or an error while the client still writes.
    """
    return Fault(
        "reset_before_read",
        "unknown",
        Phase.ARRIVAL,
        http_only=False,
        run=lambda x: x.channel.reset(),
    )


def close_before_read() -> Fault:
    """
    Close as soon as a request arrives, as a stale keep-alive connection does. Unknown.
    """
    return Fault(
        "close_before_read",
        "unknown",
        Phase.ARRIVAL,
        http_only=False,
        run=lambda x: x.channel.close(),
    )


def hang_after_read(seconds: float | None = None) -> Fault:
    """
    Read all, never answer; hold the connection, for ever or for *seconds*. Unknown.
    """
    return Fault(
        "hang_after_read",
        "unknown",
        Phase.REQUEST,
        (seconds,),
        http_only=False,
        run=lambda x: x.channel.drain(seconds),
    )


def reset_after_read() -> Fault:
    """
    Read all, then RST. Unknown.
    """
    return Fault(
        "reset_after_read",
        "unknown",
        Phase.REQUEST,
        http_only=False,
        run=lambda x: x.channel.reset(),
    )


def close_after_read() -> Fault:
    """
    Read all, then close without an answer. Unknown.
    """
    return Fault(
        "close_after_read",
        "unknown",
        Phase.REQUEST,
        http_only=False,
        run=lambda x: x.channel.close(),
    )


def garbage(data: bytes = b"\x00\xff\xfe this is no HTTP\r\n\r\n") -> Fault:
    """
    Answer with something that is not the protocol, and close. Unknown.
    """

    def run(exchange: Exchange) -> None:
        exchange.channel.send(data)
        exchange.channel.close()

    return Fault("garbage", "unknown", Phase.REQUEST, (data,), http_only=False, run=run)


def accept_then(fault: Fault | str) -> Fault:
    """
    Accept the mail, then fail: what no client can see. As *fault* says, but sent.
    """

    def run(exchange: Exchange) -> None:
        exchange.accept()
        exchange.play(fault)

    truth = fault.truth if isinstance(fault, Fault) else "unknown"
    http_only = fault.http_only if isinstance(fault, Fault) else True
    return Fault("accept_then", truth, Phase.REQUEST, then=fault, http_only=http_only, run=run)


def slow(seconds: float, then: Fault | str | None = None) -> Fault:
    """
    Answer late: healthily, or with another fault. Unknown to a client that does not wait.
    """

    def run(exchange: Exchange) -> None:
        exchange.channel.pause(seconds)
        exchange.play(then)

    http_only = then.http_only if isinstance(then, Fault) else then is not None
    return Fault(
        "slow", "unknown", Phase.REQUEST, (seconds,), then=then, http_only=http_only, run=run
    )


def close_after_answer() -> Fault:
    """
    Accept and answer, then close the kept-alive connection without notice. Answered.
    """

    def run(exchange: Exchange) -> None:
        exchange.play(None)
        exchange.channel.close()

    return Fault("close_after_answer", "answered", Phase.REQUEST, http_only=False, run=run)


BY_NAME: Mapping[str, Callable[[], Fault]] = {
    made.__name__: made
    for made in (
        ok,
        html,
        refuse,
        hang_before_read,
        reset_before_read,
        close_before_read,
        hang_after_read,
        reset_after_read,
        close_after_read,
        garbage,
        close_after_answer,
        drip_headers,
        drip_body,
        truncate,
        stall_body,
        huge_body,
        gzip_bomb,
        tls_hang,
        tls_reset,
        tls_eof,
        tls_bad_certificate,
        plain_on_tls,
    )
}
