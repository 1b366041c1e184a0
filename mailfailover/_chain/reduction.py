"""
The reduction of a mail to what a provider can express, where the mail allows it.
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


def without(message: Message, dropped: Feature, limits: Capabilities) -> Message:
    """
    The mail without what *limits* cannot express; tags and metadata are cut to what it can.
    """
    changes: dict[str, Any] = _without_forms(message, dropped) if dropped & _FORMS else {}
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
    if dropped & _OF_HEADERS:
        changes |= _without_headers(message, dropped)
    for feature, name in _EMPTIED.items():
        if feature in dropped:
            changes[name] = type(getattr(message, name))()
    if Feature.SEND_AT in dropped:
        changes["send_at"] = None
    return message.bound(**changes) if changes else message


def _without_forms(message: Message, dropped: Feature) -> dict[str, Any]:
    kept = tuple(one for one in message.alternatives if one.feature not in dropped)
    return {"alternatives": kept}


def _without_headers(message: Message, dropped: Feature) -> dict[str, Any]:
    if Feature.HEADERS in dropped:
        return {"headers": FrozenDict(), "unsubscribe": ()}
    own = {name: one for name, one in message.headers.items() if name.lower() != "message-id"}
    return {"headers": FrozenDict(own)}


_OF_HEADERS = Feature.HEADERS | Feature.MESSAGE_ID
_FORMS = Feature.CALENDAR | Feature.AMP | Feature.ALTERNATIVES
_EMPTIED = {
    Feature.HTML: "html",
    Feature.ENVELOPE_FROM: "envelope_from",
    Feature.TEMPLATE_SUBJECT: "subject",
}
