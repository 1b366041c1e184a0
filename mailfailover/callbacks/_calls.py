"""
The calls: what they say, and where and how they go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from mailfailover._provider.signatures import base64_key
from mailfailover.errors import ConfigurationError

if TYPE_CHECKING:
    from datetime import datetime

    from mailfailover._provider.protocols import Transport
    from mailfailover._values.events import DeliveryEvent

_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_INSTALL = 'callbacks need the package standardwebhooks: pip install "mailfailover[webhooks]"'


def payload(event: DeliveryEvent, now: datetime) -> dict[str, Any]:
    """
    Return what is told of *event*: all but the vendor's own data, which differ by vendor.
    """
    data = event.to_dict()
    data.pop("raw", None)
    return {
        "type": f"email.{event.type}",
        "timestamp": (event.timestamp or now).isoformat(),
        "data": data,
    }


def check_url(url: str) -> str:
    """
    Return *url* if events may go there.

    Raises:
        ConfigurationError: If it is neither https, nor http of this machine.
    """
    try:
        parts = urlsplit(url)
        local = parts.scheme == "http" and parts.hostname in _LOOPBACK
        sound = bool(parts.hostname) and "@" not in parts.netloc and (parts.port or 1) > 0
    except ValueError:
        sound = local = False
    if not sound or not (local or parts.scheme == "https") or not url.isprintable():
        message = "the URL of callbacks must be https, without a password in it"
        raise ConfigurationError(message)
    return url


def signer(secret: str) -> Any:
    """
    Return what signs calls as the standard says.

    Raises:
        ConfigurationError: If the secret is none, or the package is not installed.
    """
    if not base64_key(secret):
        message = "the secret of callbacks is empty: give whsec_ and the base64 of 32 random bytes"
        raise ConfigurationError(message)
    try:
        from standardwebhooks import Webhook
    except ImportError:
        raise ConfigurationError(_INSTALL) from None
    return Webhook(secret)


def default_transport() -> Transport:
    """
    Return what calls over the network.
    """
    from mailfailover.transports import DefaultTransport

    return DefaultTransport()
