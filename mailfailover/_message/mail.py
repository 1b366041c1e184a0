"""
A mail's frozen fields, and what follows from them.

All that reads a mail, writes it or merges it works on :class:`Mail`. The checks stand in
:class:`mailfailover.Message`, which is made of these fields.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from mailfailover._message.raw_mime import raw_header
from mailfailover._values.frozen import EMPTY
from mailfailover.errors import InvalidMessage

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from mailfailover._message.address import Address
    from mailfailover._message.alternative import Alternative
    from mailfailover._message.attachment import Attachment
    from mailfailover._values.features import Feature

_set = object.__setattr__


@dataclass(frozen=True, slots=True, init=False, repr=False)
class Mail:
    """
    The fields of a message, each in the one form it is kept in.
    """

    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    bcc: tuple[Address, ...]
    reply_to: tuple[Address, ...]
    from_email: Address | None
    subject: str
    text: str
    html: str
    alternatives: tuple[Alternative, ...]
    mime: bytes
    headers: Mapping[str, str | tuple[str, ...]]
    attachments: tuple[Attachment, ...]
    tags: tuple[str, ...]
    metadata: Mapping[str, str]
    track_opens: bool | None
    track_clicks: bool | None
    send_at: datetime | None
    expires: datetime | None
    deliver_within: float | None
    after: str
    template_id: str | Mapping[str, str]
    template_data: Mapping[str, Any]
    merge_data: Mapping[str, Mapping[str, str]]
    merge_metadata: Mapping[str, Mapping[str, str]]
    merge_headers: Mapping[str, Mapping[str, str]]
    unsubscribe: tuple[str, ...]
    stream: str
    envelope_from: str
    provider_options: Mapping[str, Mapping[str, Any]]
    via: tuple[str, ...]
    droppable: Feature
    id: str
    created: datetime = dataclasses.field(compare=False)
    part: str = ""
    """Which mail of a merge this is, "" for the whole."""

    idempotency_key: str = dataclasses.field(default="", compare=False)
    """Set by the chain for providers that know such keys."""

    @property
    def message_id(self) -> str:
        """
        The Message-ID, which is the caller's own header or made from our id.

        It is a hint for finding the mail again, never a required feature.
        """
        for name, value in self.headers.items():
            if name.lower() == "message-id" and isinstance(value, str):
                return value
        if self.mime and (found := raw_header(self.mime, "message-id")):
            return found
        domain = self.from_email.domain if self.from_email else "localhost"
        return f"<{self.id}{self.part and '.' + self.part}@{domain}>"

    @property
    def recipients(self) -> tuple[Address, ...]:
        """
        All of *to*, *cc* and *bcc*, in this order.
        """
        return self.to + self.cc + self.bcc

    @property
    def sender(self) -> Address:
        """
        *from_email*, which is set once the mail is on its way.
        """
        if self.from_email is None:
            message = "from_email is missing: give it to the message, the mailer or the link"
            raise InvalidMessage(message, field="from_email")
        return self.from_email

    @property
    def is_merge(self) -> bool:
        """
        Whether each recipient gets a mail of their own.
        """
        return bool(self.merge_data or self.merge_metadata or self.merge_headers)

    def header_items(self) -> Iterator[tuple[str, str]]:
        """
        Yield every custom header with its value, including the headers of *unsubscribe*.
        """
        for name, value in self.headers.items():
            if isinstance(value, str):
                yield name, value
            else:
                for one in value:
                    yield name, one
        if self.unsubscribe:
            yield from unsubscribe_headers(self.unsubscribe)

    def options(self, *names: str) -> dict[str, Any]:
        """
        Return *provider_options* for the first names given, later ones taking precedence.
        """
        found: dict[str, Any] = {}
        for name in names:
            found.update(self.provider_options.get(name, EMPTY))
        return found

    def bound(self, **changes: Any) -> Self:
        """
        Return a copy with these fields set unchecked: for values that were checked before.
        """
        copy = object.__new__(type(self))
        for name in _SLOTS:
            _set(copy, name, getattr(self, name))
        for name, value in changes.items():
            _set(copy, name, value)
        return copy

    def __repr__(self) -> str:
        return f"{type(self).__name__}(id={self.id!r}, recipients={len(self.recipients)})"


def unsubscribe_headers(urls: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """
    Yield the headers of RFC 8058 for the field *unsubscribe*.
    """
    yield "List-Unsubscribe", ", ".join(f"<{url}>" for url in urls)
    if any(url.startswith("https:") for url in urls):
        yield "List-Unsubscribe-Post", "List-Unsubscribe=One-Click"


_SLOTS = tuple(field.name for field in dataclasses.fields(Mail))
FIELDS = tuple(name for name in _SLOTS if name not in ("part", "idempotency_key"))
"""What the constructor takes."""
