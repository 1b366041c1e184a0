"""
The staging of mail: which recipients of a test system really get any, and who gets the rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from mailfailover._message.address import Address
from mailfailover._provider.link import read_address
from mailfailover.errors import ConfigurationError, InvalidMessage

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mailfailover._message.message import Message


@dataclass(frozen=True, slots=True)
class Staging:
    """
    The addresses that may get mail, and the address that gets all other mail.
    """

    redirect_to: Address | None
    allowed: frozenset[str]

    @classmethod
    def make(
        cls, redirect_to: str | Address | None, allow_recipients: str | Iterable[str]
    ) -> Self | None:
        """
        Return the staging, None if every recipient may get mail.

        Raises:
            ConfigurationError: If an argument is no address (in *allow_recipients*: or domain).
        """
        home = read_address(redirect_to, "redirect_to")
        names = [allow_recipients] if isinstance(allow_recipients, str) else [*allow_recipients]
        allowed = frozenset(_allowed(name) for name in names if name != "")
        return cls(home, allowed) if home or allowed else None

    def keep_home(self, message: Message) -> Message:
        """
        Return *message* with each recipient who may not get it replaced by *redirect_to*.

        Raises:
            InvalidMessage: If there is such a recipient and no *redirect_to*.
        """
        if all(map(self._may_get, message.recipients)):
            return message
        if self.redirect_to is None:
            text = (
                "a recipient is not in allow_recipients: this mailer keeps its mail at home; "
                "add the address or its domain, or set redirect_to"
            )
            raise InvalidMessage(text, field="to")
        if message.is_merge:
            text = "a merge cannot be redirected: name its recipients in allow_recipients"
            raise InvalidMessage(text, field="merge_data")
        return message.bound(**self._redirected(message, self.redirect_to))

    def _may_get(self, address: Address) -> bool:
        return address.email.lower() in self.allowed or address.domain in self.allowed

    def _redirected(self, message: Message, home: Address) -> dict[str, tuple[Address, ...]]:
        """
        Each address once: allowed ones as they are, the others as *home*.
        """
        seen: set[Address] = set()
        found: dict[str, tuple[Address, ...]] = {}
        for field in ("to", "cc", "bcc"):
            sent = (one if self._may_get(one) else home for one in getattr(message, field))
            found[field] = tuple(one for one in dict.fromkeys(sent) if one not in seen)
            seen.update(found[field])
        return found


def _allowed(name: str) -> str:
    try:
        if "@" in name.removeprefix("@"):
            return Address(name).email.lower()
        return Address(f"x@{name.removeprefix('@')}").domain
    except (AttributeError, InvalidMessage):
        message = "allow_recipients must hold addresses and domains, such as example.com"
        raise ConfigurationError(message) from None
