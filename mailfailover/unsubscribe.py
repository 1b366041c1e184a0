"""
Links with which a recipient ends a subscription by one click, without any login (RFC 8058).

::

    from mailfailover.unsubscribe import UnsubscribeLinks

    links = UnsubscribeLinks("https://example.com/unsubscribe", secret="...")
    mailer.send(links.add_to(Message("ann@example.org", stream="news", subject="News", text="...")))

The server at that address, such as :mod:`mailfailover.webhooks.wsgi`, hands an event
``UNSUBSCRIBED`` to the handlers of the mailer, and so to the list of suppressions.
"""

from __future__ import annotations

import binascii
import hmac
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING

from mailfailover._message.mail import unsubscribe_headers
from mailfailover._provider.classify import check_secret
from mailfailover._provider.signatures import reveal_all
from mailfailover._values.events import DeliveryEvent, EventType
from mailfailover._values.frozen import FrozenDict
from mailfailover.errors import ConfigurationError, InvalidMessage, InvalidSignature

if TYPE_CHECKING:
    from mailfailover._message.message import Message
    from mailfailover._provider.signatures import Secrets

__all__ = ["UnsubscribeLinks"]

PROVIDER = "unsubscribe-link"
STREAM = "mailfailover-stream"
"""The entry of an event's metadata with the stream that is left."""

# Signed with the rest, so that a secret that is used elsewhere too signs no links there.
_PURPOSE = b"mailfailover unsubscribe\0"
_PARTS = 3
_MIN_SECRET = 16
_MAX_TOKEN = 2000


class UnsubscribeLinks:
    """
    Makes and reads links that end a subscription; each names a recipient and a stream.

    A link is valid as long as its secret. It is signed, not encrypted: anyone who sees it can
    read the address.

    Args:
        url: Where the links lead; a token is added at its end.

        secret: Signs them, 16 characters or more. Of several the first signs, and all hold.

    Raises:
        ConfigurationError: If the URL is not https, or the secret is short.

    .. versionadded:: 0.1.0
    """

    def __init__(self, url: str, secret: Secrets) -> None:
        if not url.startswith("https://") or not url.isascii() or set(url) & set("<> ,?#"):
            message = "the URL of unsubscribe links must be https, and without a query"
            raise ConfigurationError(message)
        self.url: str = url.rstrip("/")
        self._secret = secret
        self._secrets()

    def url_for(self, recipient: str, stream: str = "transactional", mail_id: str = "") -> str:
        """
        Return the link with which *recipient* leaves *stream*, for ``Message.unsubscribe``.
        """
        data = f"{recipient}\0{stream}\0{mail_id}".encode()
        return f"{self.url}/{_encode(data)}.{_sign(self._secrets()[0], data)}"

    def add_to(self, message: Message) -> Message:
        """
        Return *message* with a link for its recipient; in a merge each recipient has one.

        Raises:
            InvalidMessage: If several recipients share the mail: nobody knew who clicks.
        """
        if message.is_merge:
            return self._add_to_each(message)
        if len(message.recipients) != 1:
            text = "an unsubscribe link is one recipient's: send a merge, or a mail to each"
            raise InvalidMessage(text, field="unsubscribe")
        (recipient,) = message.recipients
        return message.replace(unsubscribe=self._urls(message, recipient.email))

    def read(self, token: str, now: float | None = None) -> DeliveryEvent:
        """
        Return the event that a click on the link with *token* is, at the Unix time *now*.

        Raises:
            InvalidSignature: If it is no link of ours.
        """
        encoded, _, given = token[:_MAX_TOKEN].partition(".")
        data = _decode(encoded)
        parts = data.decode("utf-8", "replace").split("\0")
        expected = [_sign(secret, data) for secret in self._secrets()]
        if not check_secret(given, expected) or len(parts) != _PARTS:
            message = "the unsubscribe link is none of ours"
            raise InvalidSignature(message)
        recipient, stream, mail_id = parts
        clicked = time.time() if now is None else now
        return DeliveryEvent(
            event_id=sha256(f"{token} {clicked}".encode("utf-8", "replace")).hexdigest()[:32],
            type=EventType.UNSUBSCRIBED,
            provider=PROVIDER,
            mail_id=mail_id,
            recipient=recipient,
            timestamp=datetime.fromtimestamp(clicked, UTC),
            metadata=FrozenDict({STREAM: stream}),
        )

    def _secrets(self) -> tuple[str, ...]:
        found = reveal_all(self._secret)
        if min(map(len, found), default=0) < _MIN_SECRET:
            message = f"the secret of unsubscribe links must have {_MIN_SECRET} characters or more"
            raise ConfigurationError(message)
        return found

    def _urls(self, message: Message, recipient: str) -> tuple[str, ...]:
        own = self.url_for(recipient, message.stream, message.id)
        return own, *(url for url in message.unsubscribe if url.startswith("mailto:"))

    def _add_to_each(self, message: Message) -> Message:
        headers = {
            one.email: {
                **message.merge_headers.get(one.email, {}),
                **dict(unsubscribe_headers(self._urls(message, one.email))),
            }
            for one in message.to
        }
        return message.replace(merge_headers=headers, unsubscribe=())


def _sign(secret: str, data: bytes) -> str:
    return _encode(hmac.digest(secret.encode(), _PURPOSE + data, "sha256"))


def _encode(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _decode(text: str) -> bytes:
    try:
        return urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        return b""
