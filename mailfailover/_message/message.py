"""
What is sent: :class:`Message`, frozen and checked when it is made.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self

from mailfailover._message import fields as read
from mailfailover._message.address import Address, Recipients
from mailfailover._message.attachment import Attachment
from mailfailover._message.validation import check_body, check_text
from mailfailover._values.face import published_in
from mailfailover._values.features import DROPPABLE, Feature
from mailfailover._values.frozen import EMPTY
from mailfailover._values.ulid import new_id
from mailfailover.errors import InvalidMessage

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from email.message import EmailMessage
    from email.message import Message as ParsedMessage

__all__ = ["FIELDS", "Address", "Attachment", "Message", "unsubscribe_headers"]

_set = object.__setattr__


@published_in("mailfailover")
@dataclass(frozen=True, slots=True, init=False, repr=False)
class Message:
    """
    One mail, checked when it is made and the same for every attempt, provider and process.

    Attributes:
        to, cc, bcc, reply_to:
            Recipients: a str (a strict RFC 5322 list), an :class:`Address`, or an
            iterable of them. A tuple is a sequence of recipients, never a pair of name
            and email.

        from_email: The sender; the mailer's own where None.

        subject, text, html: What it says; ``{{name}}`` is filled in from *merge_data*.

        headers:
            Custom headers; a tuple of values repeats one. Those with a field of their
            own (To, Subject, Content-Type) are refused.

        attachments: Files and inline images.

        tags, metadata: For the vendor's statistics and for webhooks.

        track_opens, track_clicks: None leaves the account's setting.

        send_at: When the vendor shall send it (aware), at once where None.

        template_id, template_data:
            A template stored at the vendor; a mapping gives its id per chain key.

        merge_data, merge_metadata, merge_headers:
            ``{email: {...}}``: each recipient of *to* gets a mail of their own and sees
            nobody else in it.

        unsubscribe: An https URL, a ``mailto:``, or both: sets the headers of RFC 8058.

        stream: What kind of mail it is, for routing and suppression.

        envelope_from: Where bounces go, where the provider lets one choose.

        provider_options: ``{chain key or provider name: {...}}``, passed on as it is.

        via: Chain keys or labels: no other provider is tried.

        droppable: What may be left off when no usable provider can express all of it.

        id: The caller's own, else a ULID.

        created: When it was made, for the Date header.
    """

    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    bcc: tuple[Address, ...]
    reply_to: tuple[Address, ...]
    from_email: Address | None
    subject: str
    text: str
    html: str
    headers: Mapping[str, str | tuple[str, ...]]
    attachments: tuple[Attachment, ...]
    tags: tuple[str, ...]
    metadata: Mapping[str, str]
    track_opens: bool | None
    track_clicks: bool | None
    send_at: datetime | None
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

    def __init__(
        self,
        to: Recipients = (),
        *,
        cc: Recipients = (),
        bcc: Recipients = (),
        reply_to: Recipients = (),
        from_email: str | Address | None = None,
        subject: str = "",
        text: str = "",
        html: str = "",
        headers: Mapping[str, str | Iterable[str]] = EMPTY,
        attachments: Iterable[Attachment] = (),
        tags: str | Iterable[str] = (),
        metadata: Mapping[str, str | int | float] = EMPTY,
        track_opens: bool | None = None,
        track_clicks: bool | None = None,
        send_at: datetime | None = None,
        template_id: str | Mapping[str, str] = "",
        template_data: Mapping[str, Any] = EMPTY,
        merge_data: Mapping[str, Mapping[str, str | int | float]] = EMPTY,
        merge_metadata: Mapping[str, Mapping[str, str | int | float]] = EMPTY,
        merge_headers: Mapping[str, Mapping[str, str]] = EMPTY,
        unsubscribe: str | Iterable[str] = (),
        stream: str = "transactional",
        envelope_from: str = "",
        provider_options: Mapping[str, Mapping[str, Any]] = EMPTY,
        via: str | Iterable[str] = (),
        droppable: Feature = DROPPABLE,
        id: str = "",
        created: datetime | None = None,
    ) -> None:
        _set(self, "to", read.recipients(to, "to"))
        _set(self, "cc", read.recipients(cc, "cc") if cc else ())
        _set(self, "bcc", read.recipients(bcc, "bcc") if bcc else ())
        _set(self, "reply_to", read.recipients(reply_to, "reply_to") if reply_to else ())
        _set(self, "from_email", read.one(from_email))
        _set(self, "subject", check_text("subject", subject))
        _set(self, "text", check_body("text", text))
        _set(self, "html", check_body("html", html))
        _set(self, "headers", read.headers(headers) if headers else EMPTY)
        _set(self, "attachments", read.attachments(attachments) if attachments else ())
        _set(self, "tags", read.texts("tags", tags) if tags else ())
        _set(self, "metadata", read.data("metadata", metadata, line=True) if metadata else EMPTY)
        _set(self, "track_opens", read.switch("track_opens", track_opens))
        _set(self, "track_clicks", read.switch("track_clicks", track_clicks))
        _set(self, "send_at", read.aware("send_at", send_at))
        _set(self, "template_id", read.template(template_id) if template_id else "")
        _set(
            self,
            "template_data",
            read.json("template_data", template_data) if template_data else EMPTY,
        )
        _set(self, "merge_data", read.per_recipient("merge_data", merge_data, line=False))
        _set(
            self,
            "merge_metadata",
            read.per_recipient("merge_metadata", merge_metadata, line=True),
        )
        _set(self, "merge_headers", read.merge_headers(merge_headers) if merge_headers else EMPTY)
        _set(self, "unsubscribe", read.unsubscribe(unsubscribe) if unsubscribe else ())
        _set(self, "stream", read.stream(stream))
        _set(self, "envelope_from", read.envelope_from(envelope_from) if envelope_from else "")
        _set(
            self,
            "provider_options",
            read.options(provider_options) if provider_options else EMPTY,
        )
        _set(self, "via", read.texts("via", via) if via else ())
        _set(self, "droppable", droppable if droppable is DROPPABLE else read.droppable(droppable))
        _set(self, "id", read.own_id(id) if id else new_id())
        _set(self, "created", read.aware("created", created) or datetime.now(UTC))
        _set(self, "part", "")
        _set(self, "idempotency_key", "")
        read.check_together(self)

    @property
    def message_id(self) -> str:
        """
        The Message-ID, which is the caller's own header or made from our id.

        It is a hint for finding the mail again, never a required feature.
        """
        for name, value in self.headers.items():
            if name.lower() == "message-id" and isinstance(value, str):
                return value
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
        Yield every custom header with its value, those of *unsubscribe* included.
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

    def replace(self, **changes: Any) -> Self:
        """
        Return a copy with these fields changed and checked; the id stays unless given.
        """
        fields = {name: getattr(self, name) for name in FIELDS}
        if unknown := changes.keys() - fields.keys():
            message = f"Message has no field {min(unknown)!r}"
            raise TypeError(message)
        return type(self)(**(fields | changes))

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

    def to_dict(self) -> dict[str, Any]:
        """
        Return it as JSON-safe data, without the fields that have their default.

        The content of every attachment is in it, also of those that are paths.
        """
        from mailfailover._message.json_form import message_to_dict

        return message_to_dict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """
        Read what :meth:`to_dict` wrote, with every check of the constructor.

        Raises:
            InvalidMessage: If a field is unknown or has a wrong value.
        """
        from mailfailover._message.json_form import message_from_dict

        return message_from_dict(cls, data)

    @classmethod
    def from_email_message(cls, source: ParsedMessage | bytes, **fields: Any) -> Self:
        """
        Read a MIME message: the standard library's object, or its bytes.

        Args:
            source: Any MIME message.

            fields: More fields, for what a MIME message cannot say; they take precedence.

        Raises:
            InvalidMessage:
                If it is broken, or cannot be taken apart without harm (signed or encrypted).
        """
        from mailfailover._message.mime_message import parse_fields

        return cls(**(parse_fields(source) | fields))

    def as_email_message(self) -> EmailMessage:
        """
        Return it as the standard library's ``EmailMessage``, Bcc not in it.
        """
        from mailfailover._message.mime_message import build_email_message

        return build_email_message(self)

    def __repr__(self) -> str:
        return f"Message(id={self.id!r}, recipients={len(self.recipients)})"


def unsubscribe_headers(urls: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """
    Yield the headers of RFC 8058 for the field *unsubscribe*.
    """
    yield "List-Unsubscribe", ", ".join(f"<{url}>" for url in urls)
    if any(url.startswith("https:") for url in urls):
        yield "List-Unsubscribe-Post", "List-Unsubscribe=One-Click"


_SLOTS = tuple(field.name for field in dataclasses.fields(Message))
FIELDS = tuple(name for name in _SLOTS if name not in ("part", "idempotency_key"))
"""What the constructor takes."""
