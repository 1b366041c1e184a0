"""
The meanings of HTTP and SMTP answers where the vendor's own code says nothing.

They are opposite: 4xx is final in HTTP and "try again" in SMTP.
"""

from __future__ import annotations

import hmac
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from mailfailover import errors
from mailfailover._provider.smtp_codes import enhanced_code, smtp_kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from mailfailover._values.wire import Response, SMTPReply
    from mailfailover.errors import SendError

DAY = 86400.0
_UNREADABLE = 60.0

# https://www.rfc-editor.org/rfc/rfc9110#section-15 (2026-11). What is not here is a
# refusal for a reason we do not know (4xx) or an unknown outcome (all else).
HTTP_STATUS: Mapping[int, type[SendError]] = {
    401: errors.AuthenticationFailed,
    402: errors.AccountSuspended,
    403: errors.AuthenticationFailed,
    404: errors.RequestRefused,
    408: errors.OutcomeUnknown,
    413: errors.UnsupportedFeature,
    429: errors.RateLimited,
}


# https://developers.cloudflare.com/support/troubleshooting/http-status-codes/cloudflare-5xx-errors/
# (2026-11): the origin refuses the connection, cannot be reached, fails in the TLS handshake, has
# a certificate that is not trusted, or its name cannot be resolved. With 520, 522 and 524 the
# request may have arrived.
NEVER_REACHED = frozenset({521, 523, 525, 526, 530})

BLOCKED = 403
"""The status of an edge's block page, and of many vendors for a wrong key."""


def edge_kind(response: Response, *, own_envelope: bool) -> type[SendError] | None:
    """
    Return what an answer means that an edge in front of the vendor gave, None if the vendor did.

    Args:
        response: The answer.

        own_envelope: Whether the body has the form of the vendor's own errors.
    """
    status, headers = response.status_code, response.headers
    if status in NEVER_REACHED and headers.get("server", "").lower() == "cloudflare":
        return errors.ConnectionFailed
    # https://developers.cloudflare.com/cloudflare-challenges/challenge-types/challenge-pages/
    # (2026-11): the header is on each page that a client is to solve.
    if status == BLOCKED and ("cf-mitigated" in headers or not own_envelope):
        return errors.ProviderUnavailable
    return None


def classify_http(
    response: Response,
    *,
    own_envelope: bool = False,
    code: str = "",
    kind: type[SendError] | None = None,
    detail: str = "",
) -> SendError:
    """
    Make the error for an answer over HTTP that is no success.

    Args:
        response: The answer.

        own_envelope:
            Whether the body has the form of the vendor's own errors, as it has with a *code*
            or a *kind*. Only then does a 500 or 503 mean that nothing was sent, and a 403 that
            the key is wrong: else somebody in front of the vendor gave it.

        code: The vendor's code for it.

        kind: The class that the vendor's code means, where it is known.

        detail: The vendor's text; addresses in it are masked.
    """
    status = response.status_code
    is_own = own_envelope or bool(code) or kind is not None
    kind = edge_kind(response, own_envelope=is_own) or kind or HTTP_STATUS.get(status)
    if kind is None and 300 <= status < 500:  # noqa: PLR2004 -- redirects and refusals
        kind = errors.RequestRefused
    if kind is None and own_envelope and status in (500, 503):
        kind = errors.ProviderUnavailable
    kind = kind or errors.OutcomeUnknown
    return kind(
        _text(f"HTTP {status}", mask(code), detail),
        status_code=status,
        code=code,
        retry_after=parse_retry_after(response.headers.get("retry-after")),
    )


def classify_smtp(reply: SMTPReply, *, kind: Callable[..., SendError] | None = None) -> SendError:
    """
    Make the error for an SMTP reply that is no success, by its step, its codes and its words.

    A refusal means that nothing was sent, also after the final dot.

    Args:
        reply: The reply.

        kind: The class that the server's own code means, where it is known.
    """
    make = kind or smtp_kind(reply)
    text = _text(f"SMTP {reply.code}", reply.command, reply.text)
    return make(text, status_code=reply.code, code=enhanced_code(reply))


# More rather than less: a word with an @ in it, bare, quoted before the @, or in a URL.
_ADDRESS = re.compile(r"""(?:"[^"@]*"|[^\s<>"(),;:@\[\]{}]+)(?:@|%40)[^\s<>"'(),;:@\[\]{}]+""")
_CUT_WORD = re.compile(r"""[^\s<>"(),;:\[\]{}]*$""")
_MAX_DETAIL = 200


def _text(what: str, code: str, detail: str) -> str:
    detail = mask(detail)
    return ": ".join(filter(None, (f"{what} {code}".strip(), detail)))


def mask(detail: str) -> str:
    """
    Shorten a vendor's words to one printable line without addresses in it.
    """
    start = "".join(c if c.isprintable() else " " for c in detail[: 4 * _MAX_DETAIL])
    if len(detail) > len(start):
        start = _CUT_WORD.sub("", start)  # what was cut in two could be an address
    line = _ADDRESS.sub("<address>", " ".join(start.split()))
    return line if len(line) <= _MAX_DETAIL else line[: _MAX_DETAIL - 1] + "…"


def parse_retry_after(value: str | None, now: Callable[[], datetime] | None = None) -> float | None:
    """
    Read a Retry-After header: seconds or an HTTP date.

    Returns:
        Seconds from now: negative ones are 0, unreadable ones 60, all at most a day;
        None where there is no header.
    """
    if value is None:
        return None
    value = value.strip()
    try:
        seconds = float(value)
    except ValueError:
        seconds = _seconds_until(value, now or (lambda: datetime.now(UTC)))
    if seconds != seconds:  # noqa: PLR0124 -- NaN
        seconds = _UNREADABLE
    return min(max(seconds, 0.0), DAY)


def _seconds_until(value: str, now: Callable[[], datetime]) -> float:
    from email.utils import parsedate_to_datetime

    try:
        when = parsedate_to_datetime(value)
    except (TypeError, ValueError, OverflowError):
        return _UNREADABLE
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return (when - now()).total_seconds()


def check_secret(given: str | bytes, secrets: str | Iterable[str]) -> bool:
    """
    Whether *given* is one of *secrets*, compared in constant time. Unset ones match nothing.
    """
    given = given.encode("utf-8", "surrogatepass") if isinstance(given, str) else given
    known = (secrets,) if isinstance(secrets, str) else tuple(secrets)
    matches = [hmac.compare_digest(given, secret.encode()) for secret in known if secret]
    return any(matches)


def reveal(secret: str | Callable[[], str]) -> str:
    """
    Return *secret*, asking for it where it is given as a callable.
    """
    return secret if isinstance(secret, str) else secret()
