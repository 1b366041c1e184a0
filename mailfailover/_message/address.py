"""
One mailbox, checked strictly when it is made.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from mailfailover._message.mailboxes import split_mailbox
from mailfailover._message.validation import check_text, normalize_email
from mailfailover._values.face import published_in
from mailfailover._values.quick import filler
from mailfailover.errors import InvalidMessage


@published_in("mailfailover")
@dataclass(frozen=True, slots=True, init=False)
class Address:
    """
    One mailbox.

    Attributes:
        email:
            ``local@domain``, checked strictly. The domain is in lower case and, where
            it is international, in its ASCII form, because that is what goes out.

        name: The display name, plain Unicode, "" for none.
    """

    email: str
    name: str = ""

    def __init__(self, email: str, name: str = "") -> None:
        _fill(self, normalize_email(email), check_text("name", name) if name else "")

    @classmethod
    def parse(cls, text: str) -> Self:
        """
        Read ``local@domain`` or ``Name <local@domain>``, strictly.

        Raises:
            InvalidMessage: If *text* is anything else; nothing is guessed or repaired.
        """
        if not isinstance(text, str):
            message = f"address must be a str, not {type(text).__name__}"
            raise InvalidMessage(message, field="address")
        return cls._parse(text, "address")

    @classmethod
    def _parse(cls, text: str, field: str) -> Self:
        name, email = split_mailbox(text, field) if ">" in text else ("", text.strip(" \t"))
        return cls._of(email, name, field)

    @classmethod
    def _of(cls, email: str, name: str, field: str) -> Self:
        """
        Make an address whose errors name *field*.
        """
        self = object.__new__(cls)
        _fill(self, normalize_email(email, field), check_text(field, name) if name else "")
        return self

    @property
    def domain(self) -> str:
        """
        The part after the ``@``.
        """
        return self.email.rpartition("@")[2]

    def __str__(self) -> str:
        """
        The form for a header: ``"Doe, Jane" <jane@example.com>``, in Unicode.
        """
        if not self.name:
            return self.email
        if self.name.replace(" ", "").isalnum() and self.name == self.name.strip(" "):
            return f"{self.name} <{self.email}>"
        quoted = self.name.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{quoted}" <{self.email}>'


_fill = filler(Address)

Recipients = str | Address | Iterable[str | Address]
