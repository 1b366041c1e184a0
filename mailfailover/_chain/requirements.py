"""
Whether a provider can express a mail, and what to leave off where the mail allows it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from mailfailover._values.features import NO_FEATURES, Feature
from mailfailover._values.frozen import FrozenDict

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mailfailover._message.message import Message
    from mailfailover._provider.capabilities import Capabilities


# The operators of Flag cost a microsecond each, these a hundredth of it.
_HTML = Feature.HTML.value
_REPLY_TO = Feature.REPLY_TO.value
_MULTIPLE_REPLY_TO = Feature.MULTIPLE_REPLY_TO.value
_HEADERS = Feature.HEADERS.value
_REPEATED_HEADERS = Feature.REPEATED_HEADERS.value
_ATTACHMENTS = Feature.ATTACHMENTS.value
_INLINE_IMAGES = Feature.INLINE_IMAGES.value
_TAGS = Feature.TAGS.value
_METADATA = Feature.METADATA.value
_TRACKING = Feature.TRACKING.value
_SEND_AT = Feature.SEND_AT.value
_TEMPLATES = Feature.TEMPLATES.value
_TEMPLATE_OVERRIDE = Feature.TEMPLATE_OVERRIDE.value
_ENVELOPE_FROM = Feature.ENVELOPE_FROM.value
_UNICODE_LOCAL_PART = Feature.UNICODE_LOCAL_PART.value
_EMPTY_BODY = Feature.EMPTY_BODY.value
_EMPTY_SUBJECT = Feature.EMPTY_SUBJECT.value
_WITHOUT_TO = Feature.WITHOUT_TO.value


def required_features(message: Message) -> Feature:
    """
    What a provider needs to express *message* (merges aside).
    """
    return Feature(required_bits(message))


def required_bits(message: Message) -> int:  # noqa: C901, PLR0912 -- one line a feature
    """
    The same as an int, whose bits are those of :class:`Feature`.
    """
    needed = 0
    if message.html:
        needed |= _HTML
    elif not message.text and not message.template_id:
        needed |= _EMPTY_BODY
    if not message.subject and not message.template_id:
        needed |= _EMPTY_SUBJECT
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
        needed |= _TEMPLATES
        if message.text or message.html:
            needed |= _TEMPLATE_OVERRIDE
    if message.envelope_from:
        needed |= _ENVELOPE_FROM
    if not _all_ascii(message):
        needed |= _UNICODE_LOCAL_PART
    return needed


def _header_bits(message: Message) -> int:
    needed = 0
    if message.unsubscribe or any(name.lower() != "message-id" for name in message.headers):
        needed |= _HEADERS
    if any(isinstance(value, tuple) for value in message.headers.values()):
        needed |= _REPEATED_HEADERS
    return needed


def _all_ascii(message: Message) -> bool:
    for addresses in (message.to, message.cc, message.bcc, message.reply_to):
        for address in addresses:
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
    if limits.max_metadata is None and limits.max_metadata_bytes is None:
        return over
    if not all(_metadata_fit(data, limits) for data in _metadata_of_each(message)):
        over |= Feature.METADATA
    return over


def _metadata_of_each(message: Message) -> Iterator[Mapping[str, str]]:
    if message.metadata:
        yield message.metadata
    for own in message.merge_metadata.values():
        yield {**message.metadata, **own}


def _metadata_fit(data: Mapping[str, str], limits: Capabilities) -> bool:
    if limits.max_metadata is not None and len(data) > limits.max_metadata:
        return False
    most = limits.max_metadata_bytes
    return most is None or len(json.dumps(data, separators=(",", ":"))) <= most


def _fitting_metadata(data: Mapping[str, str], limits: Capabilities) -> FrozenDict[str, str]:
    """
    The first of *data*, as many as *limits* take.
    """
    found: dict[str, str] = {}
    if Feature.METADATA in limits.features:
        for key, value in data.items():
            if not _metadata_fit({**found, key: value}, limits):
                break
            found[key] = value
    return FrozenDict(found)


def estimate_size(message: Message) -> int:
    """
    How large the encoded mail is, in bytes: attachments in base64, text as UTF-8.
    """
    size = 1024
    for part in (message.text, message.html):
        size += len(part) if part.isascii() else len(part.encode())
    for attachment in message.attachments:
        size += attachment.base64().size * 78 // 76 + 512
    return size


def without(message: Message, dropped: Feature, limits: Capabilities) -> Message:
    """
    The mail without what *limits* cannot express; tags and metadata are cut to what it can.
    """
    changes: dict[str, Any] = {}
    if Feature.TAGS in dropped:
        keep = limits.max_tags if Feature.TAGS in limits.features else 0
        changes["tags"] = message.tags[:keep]
    if Feature.METADATA in dropped:
        changes["metadata"] = _fitting_metadata(message.metadata, limits)
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
