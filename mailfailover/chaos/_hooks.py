"""
The hooks: which vendor posts its events where.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from mailfailover.chaos._event_templates import told_kinds
from mailfailover.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mailfailover.chaos._courier import Courier
    from mailfailover.chaos._mail import AcceptedMail

__all__ = ["Hooks"]


class Hooks:
    """
    The URL of each vendor's webhook, and the posting of single events.
    """

    def __init__(self, courier: Courier) -> None:
        self.urls: dict[str, str] = {}
        self._courier = courier

    def url_of(self, vendor: str) -> str:
        """
        Where a vendor posts; "" for nowhere.
        """
        return self.urls.get(vendor, "")

    def set(self, vendors: Iterable[str], url: str) -> None:
        """
        Have all of *vendors* that have webhooks post to *url*; "" for nowhere.

        Raises:
            ConfigurationError: If none of them has webhooks, or *url* is no URL.
        """
        if url and urlsplit(url).scheme not in ("http", "https"):
            raise ConfigurationError("url must begin with http:// or https://")
        asked = tuple(vendors)
        having = [name for name in asked if told_kinds(name)]
        if not having:
            raise ConfigurationError(f"{', '.join(asked)} has no webhooks")
        self.urls.update(dict.fromkeys(having, url))

    def tell(self, mail: AcceptedMail, kind: str, recipient: str = "") -> int:
        """
        Post an event of a mail now, for each recipient or for one; how many are posted.

        Raises:
            ConfigurationError: If the vendor tells no such events, or has no webhook here.
        """
        url = self.url_of(mail.vendor)
        if not url:
            raise ConfigurationError(f"{mail.vendor} has no webhook here: set its url first")
        if kind not in told_kinds(mail.vendor):
            known = ", ".join(told_kinds(mail.vendor))
            raise ConfigurationError(f"{mail.vendor} tells no {kind!r}; known: {known}")
        concerned = [recipient] if recipient else list(mail.recipients)
        return sum(self._courier.tell(mail, kind, one, url) for one in concerned)
