"""
Whether a provider can express a mail, and what to leave off where the mail allows it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mailfailover._features import NO_FEATURES, Feature
from mailfailover._frozen import FrozenDict

if TYPE_CHECKING:
    from mailfailover._message import Message
    from mailfailover._provider import Capabilities


def required_features(message: Message) -> Feature:  # noqa: C901, PLR0912 -- one line a feature
    """
    What a provider needs to express *message* (merges aside).
    """
    needed = NO_FEATURES
    if message.html:
        needed |= Feature.HTML
    elif not message.text and not message.template_id:
        needed |= Feature.EMPTY_BODY
    if not message.subject and not message.template_id:
        needed |= Feature.EMPTY_SUBJECT
    if not message.to:
        needed |= Feature.WITHOUT_TO
    if message.reply_to:
        needed |= Feature.REPLY_TO if len(message.reply_to) == 1 else Feature.MULTIPLE_REPLY_TO
    if message.headers or message.unsubscribe:
        needed |= _header_features(message)
    for attachment in message.attachments:
        needed |= Feature.INLINE_IMAGES if attachment.content_id else Feature.ATTACHMENTS
    if message.tags:
        needed |= Feature.TAGS
    if message.metadata:
        needed |= Feature.METADATA
    if message.track_opens is not None or message.track_clicks is not None:
        needed |= Feature.TRACKING
    if message.send_at is not None:
        needed |= Feature.SEND_AT
    if message.template_id or message.template_data:
        needed |= Feature.TEMPLATES
        if message.text or message.html:
            needed |= Feature.TEMPLATE_OVERRIDE
    if message.envelope_from:
        needed |= Feature.ENVELOPE_FROM
    if not _all_ascii(message):
        needed |= Feature.UNICODE_LOCAL_PART
    return needed


def _header_features(message: Message) -> Feature:
    needed = NO_FEATURES
    if message.unsubscribe or any(name.lower() != "message-id" for name in message.headers):
        needed |= Feature.HEADERS
    if any(isinstance(value, tuple) for value in message.headers.values()):
        needed |= Feature.REPEATED_HEADERS
    return needed


def _all_ascii(message: Message) -> bool:
    for address in (*message.to, *message.cc, *message.bcc, *message.reply_to):
        if not address.email.isascii():
            return False
    sender = message.from_email
    return (sender is None or sender.email.isascii()) and message.envelope_from.isascii()


def over_limits(message: Message, limits: Capabilities) -> Feature:
    """
    The features of *message* that are within the provider's power but over its limits.
    """
    over = NO_FEATURES
    if limits.max_tags is not None and len(message.tags) > limits.max_tags:
        over |= Feature.TAGS
    if limits.max_metadata is not None and len(message.metadata) > limits.max_metadata:
        over |= Feature.METADATA
    return over


def estimate_size(message: Message) -> int:
    """
    How large the encoded mail is, in bytes: attachments in base64, text as UTF-8.
    """
    text = sum(
        len(part) if part.isascii() else len(part.encode()) for part in (message.text, message.html)
    )
    files = sum(attachment.base64().size * 78 // 76 + 512 for attachment in message.attachments)
    return 1024 + text + files


def without(message: Message, dropped: Feature, limits: Capabilities) -> Message:
    """
    The mail without what *limits* cannot express; tags and metadata are cut to what it can.
    """
    changes: dict[str, Any] = {}
    if Feature.TAGS in dropped:
        keep = limits.max_tags if Feature.TAGS in limits.features else 0
        changes["tags"] = message.tags[:keep]
    if Feature.METADATA in dropped:
        keep = limits.max_metadata if Feature.METADATA in limits.features else 0
        changes["metadata"] = FrozenDict(list(message.metadata.items())[:keep])
    if Feature.TRACKING in dropped:
        changes["track_opens"] = changes["track_clicks"] = None
    if Feature.INLINE_IMAGES in dropped or Feature.ATTACHMENTS in dropped:
        changes["attachments"] = tuple(
            one
            for one in message.attachments
            if (Feature.INLINE_IMAGES if one.content_id else Feature.ATTACHMENTS) not in dropped
        )
    if Feature.REPLY_TO in dropped or Feature.MULTIPLE_REPLY_TO in dropped:
        keep = 1 if Feature.REPLY_TO in limits.features else 0
        changes["reply_to"] = message.reply_to[:keep]
    if Feature.HEADERS in dropped:
        changes["headers"] = FrozenDict()
        changes["unsubscribe"] = ()
    for feature, name in _EMPTIED.items():
        if feature in dropped:
            changes[name] = type(getattr(message, name))()
    if Feature.SEND_AT in dropped:
        changes["send_at"] = None
    return message.bound(**changes) if changes else message


_EMPTIED = {
    Feature.HTML: "html",
    Feature.ENVELOPE_FROM: "envelope_from",
}
