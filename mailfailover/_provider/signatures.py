"""
Signatures of webhooks, checked in constant time so that guessing reveals nothing.

Each raises :class:`InvalidSignature`, in words without a secret and without what was given.
"""

from __future__ import annotations

import binascii
import hmac
import math
import time
from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence
from itertools import product
from typing import TYPE_CHECKING, Any, Protocol

from mailfailover._provider.classify import check_secret
from mailfailover._values.face import published_in
from mailfailover.errors import ConfigurationError, InvalidSignature, InvalidWebhook

if TYPE_CHECKING:
    from mailfailover._values.wire import HTTPRequest, Response, WebhookRequest

Secrets = str | tuple[str, ...] | Callable[[], str | tuple[str, ...]]
"""One secret, or while it is being changed the new and the old; or who knows them."""

_MAX_SIGNATURES = 10


@published_in("mailfailover.plugin")
class Fetch(Protocol):
    """
    Calls a vendor in the middle of a verification, for a certificate.
    """

    def __call__(self, request: HTTPRequest, /) -> Response:
        """
        Do one call; an answer of any status is returned.

        Raises:
            SendError: There was none.
        """


WINDOW = 300.0
"""Seconds that the vendor's clock and ours may differ, the way included."""

REPEATED_WITHIN = 28 * 3600.0
"""
For how long a webhook by Svix or its kin is believed: Svix repeats for 27 h 35 min, and does not
document that it signs anew. The id is taken once (it is remembered for three days), so the wide
window lets nobody in. https://docs.svix.com/retries (2026-11)
"""


def reveal_all(secrets: Secrets) -> tuple[str, ...]:
    """
    Return all of *secrets* that are set, asking for them where they are given as a callable.
    """
    found = secrets() if callable(secrets) else secrets
    return tuple(one for one in ((found,) if isinstance(found, str) else found) if one)


def verify_hmac(
    given: str | Sequence[str],
    secrets: Secrets,
    signed: bytes,
    *,
    digest: str = "sha256",
    base64: bool = False,
    as_key: Callable[[str], bytes] = str.encode,
) -> None:
    """
    Check that *given* is the HMAC of *signed* under one of *secrets*.

    Args:
        given: The signature that came, or several of which one will do.

        secrets: An unset one matches nothing.

        signed: The bytes that the vendor signs.

        digest: The hash, by its name in :mod:`hashlib`.

        base64: Whether the signature is in base64, else in lower-case hexadecimal.

        as_key: Makes the key of a secret.

    Raises:
        InvalidSignature: If it is not.
    """
    digests = [hmac.digest(as_key(one), signed, digest) for one in reveal_all(secrets)]
    expected = [b64encode(one).decode() if base64 else one.hex() for one in digests]
    came = (given,) if isinstance(given, str) else given
    if not any(check_secret(one, expected) for one in came):
        raise InvalidSignature(refusal("signature", digests))


def verify_basic_auth(request: WebhookRequest, username: Secrets, password: Secrets) -> None:
    """
    Check the HTTP basic authentication of *request*.

    Raises:
        InvalidSignature: If it is not that of *username* and *password*, or one is unset.
    """
    scheme, _, encoded = request.header("authorization").partition(" ")
    try:
        given = b64decode(encoded.strip(), validate=True) if scheme.lower() == "basic" else b""
    except (binascii.Error, ValueError):
        given = b""
    pairs = product(reveal_all(username), reveal_all(password))
    expected = [f"{name}:{secret}" for name, secret in pairs]
    if not check_secret(given, expected):
        raise InvalidSignature(refusal("user name and password", expected))


def verify_time(timestamp: Any, request: WebhookRequest, *, window: float = WINDOW) -> None:
    """
    Check that *request* was signed just now: what was recorded is not sent again later.

    Args:
        timestamp: Unix time, as the vendor signed it.

        request: The webhook.

        window: Seconds before and after the time when it came.

    Raises:
        InvalidSignature: If it was not, or *timestamp* is none.
    """
    now = arrival(request)
    try:
        seconds = math.nan if isinstance(timestamp, bool) else float(timestamp)
    except (TypeError, ValueError, OverflowError):
        seconds = math.nan
    if not abs(now - seconds) <= window:  # nor is NaN
        raise InvalidSignature(
            "the webhook was not signed just now: it is an old one, or a clock is wrong"
        )


def verify_size(request: WebhookRequest, most: int) -> None:
    """
    Check that the body of *request* has at most *most* bytes, before anything in it is read.

    For a vendor that signs inside the body, which has to be read before it can be believed.

    Raises:
        InvalidWebhook: If it has more than the vendor ever sends.
    """
    if len(request.body) > most:
        message = f"the body of the webhook is larger than {most} bytes, this vendor's largest"
        raise InvalidWebhook(message)


def arrival(request: WebhookRequest) -> float:
    """
    Return the Unix time when *request* came: now, where it does not say.
    """
    return time.time() if request.received is None else request.received


def refusal(what: str, known: object) -> str:
    if not known:
        return f"the webhook is not taken: no {what} is configured for this provider"
    return f"the {what} of the webhook is not one that is configured for this provider"


def base64_key(secret: str) -> bytes:
    """
    Return the bytes of a secret in base64, with or without ``whsec_`` before it.

    Raises:
        ConfigurationError: If it is none.
    """
    try:
        return b64decode(secret.removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError):
        message = "the secret of a webhook is no base64: copy it anew from where it was made"
        raise ConfigurationError(message) from None


def verify_standard_webhook(
    request: WebhookRequest,
    secrets: Secrets,
    *,
    prefix: str = "webhook",
    version: str = "v1,",
    as_key: Callable[[str], bytes] = base64_key,
    window: float = REPEATED_WITHIN,
) -> str:
    """
    Check a request that is signed as https://www.standardwebhooks.com says.

    Args:
        request: The webhook, with the headers ``-id``, ``-timestamp`` and ``-signature``.

        secrets: In base64, with or without ``whsec_`` before it.

        prefix: The beginning of the headers' names.

        version: The prefix of each signature; "" for a vendor that leaves it off.

        as_key: Makes the key of a secret, for a vendor whose secrets are no base64.

        window: How many seconds the signed time may be off.

    Returns:
        The id, which is the same in each repetition.

    Raises:
        InvalidSignature: If it is not so signed, or not just now.
        ConfigurationError: If a secret is no base64.
    """
    number, timestamp, given = (
        request.header(f"{prefix}-{name}") for name in ("id", "timestamp", "signature")
    )
    signed = f"{number}.{timestamp}.".encode("utf-8", "surrogatepass") + request.body
    came = [one for one in given.split()[:_MAX_SIGNATURES] if one.startswith(version)]
    verify_hmac(
        [one.removeprefix(version) for one in came], secrets, signed, base64=True, as_key=as_key
    )
    verify_time(timestamp, request, window=window)
    return number
