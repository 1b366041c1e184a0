"""
The requirements of a mail: what its provider must be able to do, and how large it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailfailover._values.features import Feature

if TYPE_CHECKING:
    from mailfailover._message.message import Message


# Operators of Flag cost a microsecond each, operators of int a hundredth of that.
_HTML = Feature.HTML.value
_REPLY_TO = Feature.REPLY_TO.value
_MULTIPLE_REPLY_TO = Feature.MULTIPLE_REPLY_TO.value
_HEADERS = Feature.HEADERS.value
_REPEATED_HEADERS = Feature.REPEATED_HEADERS.value
_MESSAGE_ID = Feature.MESSAGE_ID.value
_ATTACHMENTS = Feature.ATTACHMENTS.value
_INLINE_IMAGES = Feature.INLINE_IMAGES.value
_MIME = Feature.MIME.value
_TAGS = Feature.TAGS.value
_METADATA = Feature.METADATA.value
_TRACKING = Feature.TRACKING.value
_SEND_AT = Feature.SEND_AT.value
_TEMPLATES = Feature.TEMPLATES.value
_TEMPLATE_FROM = Feature.TEMPLATE_FROM.value
_TEMPLATE_SUBJECT = Feature.TEMPLATE_SUBJECT.value
_TEMPLATE_OVERRIDE = Feature.TEMPLATE_OVERRIDE.value
_ENVELOPE_FROM = Feature.ENVELOPE_FROM.value
_UNICODE_LOCAL_PART = Feature.UNICODE_LOCAL_PART.value
_EMPTY_BODY = Feature.EMPTY_BODY.value
_EMPTY_SUBJECT = Feature.EMPTY_SUBJECT.value
_WITHOUT_TO = Feature.WITHOUT_TO.value


# Of these, how much a mail has or what it says decides, not only whether it has any.
_COUNTED = (
    Feature.ATTACHMENTS
    | Feature.INLINE_IMAGES
    | Feature.TAGS
    | Feature.METADATA
    | Feature.SEND_AT
    | Feature.TEMPLATES
    | Feature.TEMPLATE_OVERRIDE
    | Feature.MIME
    | Feature.CALENDAR
    | Feature.AMP
    | Feature.ALTERNATIVES
).value
PLAIN_CHARACTERS = 50_000
PLAIN_BYTES = 4 * PLAIN_CHARACTERS + 1024
"""The most bytes of a mail with a shape."""

Shape = tuple[int, int]
"""What a plain mail requires, as bits, and the number of its recipients."""


def shape_of(message: Message, bits: int) -> Shape | None:
    """
    The shape of a plain mail that requires *bits*: a link that carries one carries all of them.

    None for any other mail.
    """
    if bits & _COUNTED or message.cc or message.bcc or message.is_merge:
        return None
    if len(message.text) + len(message.html) > PLAIN_CHARACTERS or message.reply_to:
        return None
    return bits, len(message.to)


def required_features(message: Message) -> Feature:
    """
    The features that a provider needs to express *message* (merges aside).
    """
    return Feature(required_bits(message))


def required_bits(message: Message) -> int:  # noqa: C901, PLR0912 -- one line a feature
    """
    The same as an int, whose bits are those of :class:`Feature`.
    """
    needed = 0
    if message.mime:
        needed |= _MIME
    else:
        if message.html:
            needed |= _HTML
        elif not message.text and not message.template_id:
            needed |= _EMPTY_BODY
        if not message.subject and not message.template_id:
            needed |= _EMPTY_SUBJECT
    for alternative in message.alternatives:
        needed |= alternative.feature.value
    if not message.to:
        needed |= _WITHOUT_TO
    if message.reply_to:
        needed |= _REPLY_TO if len(message.reply_to) == 1 else _MULTIPLE_REPLY_TO
    if message.headers or message.unsubscribe:
        needed |= _header_bits(message)
    for attachment in message.attachments:
        needed |= _INLINE_IMAGES if attachment.content_id else _ATTACHMENTS
    if message.tags:
        needed |= _TAGS
    if message.metadata:
        needed |= _METADATA
    if message.track_opens is not None or message.track_clicks is not None:
        needed |= _TRACKING
    if message.send_at is not None:
        needed |= _SEND_AT
    if message.template_id or message.template_data:
        needed |= _template_bits(message)
    if message.envelope_from:
        needed |= _ENVELOPE_FROM
    if not _all_ascii(message):
        needed |= _UNICODE_LOCAL_PART
    return needed


def _header_bits(message: Message) -> int:
    needed = _HEADERS if message.unsubscribe else 0
    for name in message.headers:
        if name.lower() != "message-id":
            needed |= _HEADERS
        elif not message.is_merge:  # the mails of a merge cannot share one
            needed |= _MESSAGE_ID
    if any(isinstance(value, tuple) for value in message.headers.values()):
        needed |= _REPEATED_HEADERS
    return needed


def _template_bits(message: Message) -> int:
    needed = _TEMPLATES
    if message.text or message.html:
        needed |= _TEMPLATE_OVERRIDE
    if message.template_id:
        needed |= _TEMPLATE_FROM
        if message.subject:
            needed |= _TEMPLATE_SUBJECT
    return needed


def _all_ascii(message: Message) -> bool:
    for addresses in (message.to, message.cc, message.bcc, message.reply_to):
        for address in addresses:
            if not address.email.isascii():
                return False
    sender = message.from_email
    return (sender is None or sender.email.isascii()) and message.envelope_from.isascii()


def each_bits(message: Message) -> int:
    """
    The features that a merge requires of a provider that sends each recipient a separate mail.
    """
    needed = 0
    if message.merge_metadata:
        needed |= _METADATA
    for headers in message.merge_headers.values():
        needed |= _HEADERS
        if any(isinstance(value, tuple) for value in headers.values()):
            needed |= _REPEATED_HEADERS
    return needed


def estimate_size(message: Message) -> int:
    """
    How large the encoded mail is, in bytes: attachments in base64, text as UTF-8.
    """
    if message.mime:
        return len(message.mime)
    size = 1024
    for part in (message.text, message.html, *(one.content for one in message.alternatives)):
        size += len(part) if part.isascii() else len(part.encode())
    for attachment in message.attachments:
        size += attachment.base64().size * 78 // 76 + 512
    return size
