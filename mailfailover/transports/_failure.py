"""
The error of a failed call, made from the recorded stage and never from an exception's name.

Only where nothing was recorded, because something in front of our connections failed the
call, the kind of the exception has to do.
"""

from __future__ import annotations

import http.client
import socket
import ssl
from typing import TYPE_CHECKING

from requests import exceptions as from_requests
from urllib3 import exceptions as from_urllib3

from mailfailover._provider.classify import mask
from mailfailover._provider.scrub import Cause
from mailfailover._values.wire import Stage
from mailfailover.errors import ConnectionFailed, OutcomeUnknown, RequestRefused
from mailfailover.transports._answer_head import UnreadableAnswerError
from mailfailover.transports._names import SlowNameError
from mailfailover.transports._tunnel import TunnelError

if TYPE_CHECKING:
    from mailfailover.errors import SendError
    from mailfailover.transports._progress import Progress
    from mailfailover.transports._target import Target

NOT_SENT = frozenset({Stage.CONNECTING, Stage.CONNECTED})

# Without a recorded stage: what requests raises where surely nothing was sent. Seen with
# requests 2.34 and urllib3 2.8 (2026-11); all else may have been sent.
_SURELY_NOT_SENT = (
    from_requests.ConnectTimeout,
    from_requests.SSLError,
    from_requests.ProxyError,
    from_urllib3.ConnectTimeoutError,
    from_urllib3.NewConnectionError,
    from_urllib3.ClosedPoolError,
    ConnectionRefusedError,
    socket.gaierror,
)

# The first that fits the innermost exception; {} is host and port.
_REASONS: tuple[tuple[type[BaseException], str], ...] = (
    (socket.gaierror, "the name of {} cannot be resolved"),
    (ConnectionRefusedError, "connection refused by {}"),
    (http.client.RemoteDisconnected, "{} closed the connection without an answer"),
    (ConnectionError, "{} broke the connection"),  # reset, aborted, broken pipe
    (SlowNameError, "looking up the name of {} takes too long"),
    (TimeoutError, "no answer from {} in time"),
    (from_urllib3.TimeoutError, "no answer from {} in time"),
    (ssl.SSLCertVerificationError, "the certificate of {} is not trusted"),
    (ssl.SSLError, "TLS with {} failed"),
    (http.client.IncompleteRead, "the answer of {} broke off"),
    (http.client.HTTPException, "{} does not speak HTTP"),
)

# What the libraries below raise, by design or by a bug of theirs. Not `Exception`: what a
# signal handler raises, such as Celery's soft time limit, is not ours to judge.
FAILURES = (
    OSError,  # also all of requests' own
    from_urllib3.HTTPError,
    http.client.HTTPException,
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
    RuntimeError,
    AssertionError,
    UnreadableAnswerError,
)

_IO_FAILURES = (OSError, from_urllib3.HTTPError, http.client.HTTPException)


class TransportCause(Cause):
    """
    The exception of a library below, as text: the exception itself holds headers and keys.
    """


def explain(exc: BaseException, progress: Progress, target: Target) -> SendError:
    """
    Make the error for a call that ended in *exc* without a whole answer.

    It has *exc* as its cause, as a :class:`TransportCause`.
    """
    chain = _unwrap(exc)
    error = _judge(chain, progress, _reason(chain, target))
    error.__cause__ = _scrub(chain)
    return error


def _scrub(chain: list[BaseException]) -> TransportCause:
    # Only the system's and OpenSSL's own words; others may quote what was sent.
    words = getattr(chain[-1], "strerror", None)
    names = " < ".join(type(exc).__name__ for exc in chain)
    return TransportCause(f"{names}: {mask(words)}" if isinstance(words, str) else names)


def _judge(chain: list[BaseException], progress: Progress, reason: str) -> SendError:
    stage = progress.stage
    if stage == Stage.PREPARING:
        not_sent = any(isinstance(exc, _SURELY_NOT_SENT) for exc in chain)
    else:
        not_sent = stage in NOT_SENT
    if not_sent and _is_malformed(chain[0]):
        return RequestRefused(f"nothing was sent: the request is malformed: {reason}", stage=stage)
    if not_sent:
        return ConnectionFailed(f"nothing was sent: {reason}", stage=stage)
    return OutcomeUnknown(
        f"it may have been sent: {reason}", stage=stage, status_code=progress.status_code
    )


def _is_malformed(exc: BaseException) -> bool:
    """
    Whether *exc* is about the request itself, or a bug below us: neither network nor peer.
    """
    if isinstance(exc, ssl.SSLError):  # one about a certificate is a ValueError too
        return False
    return isinstance(exc, ValueError) or not isinstance(exc, _IO_FAILURES)


def _reason(chain: list[BaseException], target: Target) -> str:
    root = chain[-1]
    if any(isinstance(exc, (TunnelError, from_urllib3.ProxyError)) for exc in chain):
        return f"the proxy made no tunnel to {target}"
    if isinstance(chain[0], UnreadableAnswerError) and len(chain) == 1:
        return f"the answer of {target} is unreadable: {root}"
    for kind, text in _REASONS:
        if isinstance(root, kind):
            return text.format(target)
    return f"{type(root).__name__} at {target}"


def _unwrap(exc: BaseException) -> list[BaseException]:
    """
    List *exc* and what is wrapped in it, outermost first.
    """
    chain = [exc]
    while (inner := _inner(chain[-1])) is not None and inner not in chain:
        chain.append(inner)
    return chain


def _inner(exc: BaseException) -> BaseException | None:
    candidates = (getattr(exc, "reason", None), *exc.args, exc.__cause__)
    return next((item for item in candidates if isinstance(item, BaseException)), None)
