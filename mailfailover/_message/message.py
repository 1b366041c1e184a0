"""
The message: one mail, checked when it is made.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Never, Self, Unpack

from mailfailover._message import fields as read
from mailfailover._message.consistency import check_together
from mailfailover._message.keywords import check_keywords
from mailfailover._message.mail import FIELDS, Mail
from mailfailover._message.raw_mime import check_raw
from mailfailover._message.validation import check_body, check_text
from mailfailover._values.face import published_in
from mailfailover._values.features import DROPPABLE, Feature
from mailfailover._values.frozen import EMPTY
from mailfailover._values.quick import filler
from mailfailover._values.ulid import new_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import timedelta
    from email.message import EmailMessage
    from email.message import Message as ParsedMessage

    from mailfailover._message.address import Address, Recipients
    from mailfailover._message.alternative import Alternative
    from mailfailover._message.attachment import Attachment
    from mailfailover._message.keywords import MessageFields


@published_in("mailfailover")
@dataclass(frozen=True, slots=True, init=False, repr=False)
class Message(Mail):
    """
    One mail, checked when it is made and the same for every attempt, provider and process.

    Attributes:
        to, cc, bcc, reply_to:
            Recipients: a str (a strict RFC 5322 list), an :class:`Address`, or an
            iterable of them. A tuple is a sequence of recipients, never a pair of name
            and email.

        from_email: The sender; the mailer's own where None.

        subject, text, html: The content; ``{{name}}`` is filled in from *merge_data*.

        alternatives:
            More forms of the same text beside *text* and *html*: an invitation, AMP.

        mime:
            The whole mail as MIME, byte for byte, in place of all fields that would make
            one; see :meth:`from_mime`.

        headers:
            Custom headers; a tuple of values repeats one. Those with a field of their
            own (To, Subject, Content-Type) are refused.

        attachments: Files and inline images.

        tags, metadata: For the vendor's statistics and for webhooks.

        track_opens, track_clicks: None leaves the account's setting.

        send_at: When the vendor shall send it (aware), at once where None.

        expires:
            After this the outbox does not send it any more: a time (aware), or seconds since
            *send_at*, or else since *created*. Five days where None, as mail servers do.

        deliver_within:
            Seconds within which it should be delivered. Where it is not, and the provider that
            has it reaches its receiver badly, an outbox's worker sends it once more through
            another provider. Not for a merge.

        after:
            The id of an earlier mail that this one repeats, because it did not arrive ("send me
            the code again"): the provider that still owes that one is tried last.

        template_id, template_data:
            A template stored at the vendor; a mapping gives its id per chain key.

        merge_data, merge_metadata, merge_headers:
            ``{email: {...}}``: each recipient of *to* gets a mail of their own and sees
            nobody else in it.

        unsubscribe: An https URL, a ``mailto:``, or both: sets the headers of RFC 8058.

        stream: The kind of mail, for routing and suppression.

        envelope_from: Where bounces go, where the provider lets one choose.

        provider_options: ``{chain key or provider name: {...}}``, passed on as it is.

        via: Chain keys or labels: no other provider is tried.

        droppable: The features that may be left off if no usable provider has them all.

        id: The caller's own, else a ULID.

        created: When it was made, for the Date header.
    """

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
        alternatives: Alternative | Iterable[Alternative] = (),
        mime: bytes = b"",
        headers: Mapping[str, str | Iterable[str]] = EMPTY,
        attachments: Attachment | Iterable[Attachment] = (),
        tags: str | Iterable[str] = (),
        metadata: Mapping[str, str | int | float] = EMPTY,
        track_opens: bool | None = None,
        track_clicks: bool | None = None,
        send_at: datetime | None = None,
        expires: datetime | timedelta | float | None = None,
        deliver_within: timedelta | float | None = None,
        after: str = "",
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
        **unknown: Never,
    ) -> None:
        if unknown:
            check_keywords(unknown)
        if mime != b"":
            mime = check_raw(mime)
            from_email, created = _said_in_header(mime, from_email, created)
        send_at = read.aware("send_at", send_at)
        created = read.aware("created", created) or datetime.now(UTC)
        _fill(
            self,
            to=read.recipients(to, "to"),
            cc=read.recipients(cc, "cc") if cc else (),
            bcc=read.recipients(bcc, "bcc") if bcc else (),
            reply_to=read.recipients(reply_to, "reply_to") if reply_to else (),
            from_email=read.one(from_email),
            subject=check_text("subject", subject),
            text=check_body("text", text),
            html=check_body("html", html),
            alternatives=read.alternatives(alternatives) if alternatives else (),
            mime=mime,
            headers=read.headers(headers) if headers else EMPTY,
            attachments=read.attachments(attachments) if attachments else (),
            tags=read.texts("tags", tags) if tags else (),
            metadata=read.data("metadata", metadata, line=True) if metadata else EMPTY,
            track_opens=read.switch("track_opens", track_opens),
            track_clicks=read.switch("track_clicks", track_clicks),
            send_at=send_at,
            expires=read.expires(expires, send_at or created),
            deliver_within=read.seconds("deliver_within", deliver_within)
            if deliver_within is not None
            else None,
            after=read.earlier_id(after) if after else "",
            template_id=read.template(template_id) if template_id else "",
            template_data=read.json("template_data", template_data) if template_data else EMPTY,
            merge_data=read.per_recipient("merge_data", merge_data, line=False),
            merge_metadata=read.per_recipient("merge_metadata", merge_metadata, line=True),
            merge_headers=read.merge_headers(merge_headers) if merge_headers else EMPTY,
            unsubscribe=read.unsubscribe(unsubscribe) if unsubscribe else (),
            stream=read.stream(stream),
            envelope_from=read.envelope_from(envelope_from) if envelope_from else "",
            provider_options=read.options(provider_options) if provider_options else EMPTY,
            via=read.texts("via", via) if via else (),
            droppable=droppable if droppable is DROPPABLE else read.droppable(droppable),
            id=read.own_id(id) if id else new_id(),
            created=created,
            part="",
            idempotency_key="",
        )
        check_together(self)

    def replace(self, **changes: Unpack[MessageFields]) -> Self:
        """
        Return a copy with these fields changed and checked; the id stays unless given.
        """
        fields: dict[str, Any] = {name: getattr(self, name) for name in FIELDS}
        fields.update(changes)
        return type(self)(**fields)

    def to_dict(self) -> dict[str, Any]:
        """
        Return it as JSON-safe data, without the fields that have their default.

        The result holds the content of every attachment, including attachments from paths.
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
    def from_email_message(
        cls, source: ParsedMessage | bytes, **fields: Unpack[MessageFields]
    ) -> Self:
        """
        Read a MIME message: the standard library's object, or its bytes.

        It becomes fields where they hold all of it, so that every provider can carry it. A
        mail that says more (it is signed, a report, has ``format=flowed`` or a Sender)
        becomes *mime*, which goes out as it is, through the providers that can.

        Args:
            source: Any MIME message.

            fields: More fields, for what a MIME message cannot say; they take precedence.

        Raises:
            InvalidMessage: If it is broken, or *fields* would change a mail that goes as it is.
        """
        from mailfailover._message.mime_reader import read_fields

        found = read_fields(source)
        found.update(fields)
        return cls(**found)

    @classmethod
    def from_mime(
        cls,
        raw: bytes,
        *,
        to: Recipients,
        from_email: str | Address | None = None,
        envelope_from: str | None = None,
        **more: Any,
    ) -> Self:
        """
        Take a MIME message as it is: signed (S/MIME, PGP, DKIM), a report, whatever it is.

        Only providers with the feature ``MIME`` carry it. No byte of it changes but for the
        trace headers of its way; a Bcc header is taken out, because it must never leave.

        Args:
            raw: The message, its lines ended by LF or CRLF.

            to: Everybody who gets it, whatever its header says.

            from_email: Its sender for the vendor; the From of its header where None.

            envelope_from: Where bounces go, where the provider lets one choose.

            more: The fields beside the bytes: tags, metadata, tracking, stream, send_at.

        Raises:
            InvalidMessage:
                If *raw* is no message, or *more* has a field that would change its bytes
                (subject, text, html, attachments, headers, cc, templates, a merge).
        """
        raw = check_raw(raw)
        return cls(to, mime=raw, from_email=from_email, envelope_from=envelope_from or "", **more)

    def as_email_message(self) -> EmailMessage:
        """
        Return it as the standard library's ``EmailMessage``, Bcc not in it.
        """
        from mailfailover._message.mime_writer import build_email_message

        return build_email_message(self)

    def as_bytes(self) -> bytes:
        """
        Return it as MIME as it goes over the wire: lines end in CRLF, Bcc is not in it.

        A message that was made of MIME gives the same bytes again.
        """
        from mailfailover._message.mime_writer import write_bytes

        return write_bytes(self)


_fill = filler(Message)


def _said_in_header(
    raw: bytes, from_email: str | Address | None, created: datetime | None
) -> tuple[str | Address | None, datetime | None]:
    """
    Return the sender and the time of a finished mail, unless the caller gives them.
    """
    from mailfailover._message.mime_reader import raw_fields

    said = raw_fields(raw)
    return from_email or said.get("from_email"), created or said.get("created")
