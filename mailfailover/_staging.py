"""
Keeping a staging system's mail at home.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from mailfailover._message import Address
from mailfailover.errors import InvalidMessage

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mailfailover._message import Message


@dataclass(frozen=True, slots=True)
class Staging:
    """
    Who may really get mail, and who gets the others'.
    """

    redirect_to: Address | None
    allowed: frozenset[str]

    @classmethod
    def make(
        cls, redirect_to: str | Address | None, allow_recipients: str | Iterable[str]
    ) -> Self | None:
        """
        Return None where everybody may get mail.
        """
        if isinstance(redirect_to, str):
            redirect_to = Address.parse(redirect_to)
        names = [allow_recipients] if isinstance(allow_recipients, str) else [*allow_recipients]
        if redirect_to is None and not any(names):
            return None
        return cls(redirect_to, frozenset(name.lower().lstrip("@") for name in names if name))

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
        return message.bound(
            **{field: self._redirected(getattr(message, field)) for field in ("to", "cc", "bcc")}
        )

    def _may_get(self, address: Address) -> bool:
        return address.email.lower() in self.allowed or address.domain in self.allowed

    def _redirected(self, addresses: tuple[Address, ...]) -> tuple[Address, ...]:
        """
        Each address once: allowed ones as they are, the others as *redirect_to*.
        """
        home = [one if self._may_get(one) else self.redirect_to for one in addresses]
        return tuple(dict.fromkeys(one for one in home if one is not None))
