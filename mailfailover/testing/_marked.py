"""
Mails with a mark in every field, to see what of them reaches the wire.

A mark is ``zq...qz``: no vendor's syntax, no encoding's output, the same in any case.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mailfailover._chain.reduction import over_limits, without
from mailfailover._chain.requirements import required_features
from mailfailover._message.address import Address
from mailfailover._message.alternative import Alternative
from mailfailover._message.attachment import Attachment
from mailfailover._message.merge import merge_features
from mailfailover._message.message import Message
from mailfailover._values.features import DROPPABLE, NO_FEATURES, PREFERENCES, Feature

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailfailover._provider.capabilities import Capabilities

__all__ = ["MARKED", "find_marks", "fit", "fitting"]

_MARK = re.compile(r"zq[^\W_]+qz")

_BASICS: dict[str, Any] = {
    "to": "Zqtonameqz <zqtoqz@example.org>",
    "cc": "Zqccnameqz <zqccqz@example.org>",
    "bcc": "zqbccqz@example.org",
    "from_email": "Zqfromnameqz <zqfromqz@example.com>",
    "subject": "zqsubjectqz",
    "text": "zqtextqz",
    "id": "marked",
}
_FILE = Attachment("zqfileqz.bin", b"zqcontentqz", "application/x-zqtypeqz")
# No reader sees the name of an inline image, so its file name is not marked.
_IMAGE = Attachment("image.png", b"zqimageqz", "image/x-zqtypeqz", content_id="zqcidqz")
_MERGE: dict[str, Any] = {
    "to": (Address("zqoneqz@example.org", "Zqonenameqz"), Address("zqtwoqz@example.org")),
    "cc": (),
    "bcc": (),
    "subject": "zqsubjectqz {{order}}",
    "text": "zqtextqz {{name}}",
    "merge_data": {
        "zqoneqz@example.org": {"name": "zqmergeoneqz", "order": "zqorderoneqz"},
        "zqtwoqz@example.org": {"name": "zqmergetwoqz", "order": "zqordertwoqz"},
    },
}
_TEMPLATE: dict[str, Any] = {
    "subject": "",
    "text": "",
    "template_id": "zqtemplateqz",
    "template_data": {"zqkeyqz": "zqvalueqz", "list": [{"zqinnerkeyqz": "zqinnerqz"}]},
}


def _marked(**fields: Any) -> Message:
    return Message(**_BASICS | fields)


def _form(content_type: str) -> Alternative:
    return Alternative(content_type, "zqformqz\n")


_MIME = (
    b"From: zqfromqz@example.com\r\nTo: zqtoqz@example.org\r\nSubject: zqsubjectqz\r\n"
    b"X-Zqheaderqz: zqheadervalueqz\r\nContent-Type: text/plain; format=flowed\r\n\r\n"
    b"zqtextqz\r\n"
)

MARKED: Mapping[str, Message] = {
    "BASIC": _marked(),
    "HTML": _marked(html="<p>zqhtmlqz</p>"),
    "REPLY_TO": _marked(reply_to="Zqreplynameqz <zqreplyqz@example.org>"),
    "MULTIPLE_REPLY_TO": _marked(reply_to=("zqreplyqz@example.org", "zqsecondqz@example.org")),
    "HEADERS": _marked(
        headers={"X-Zqheaderqz": "zqheadervalueqz"},
        unsubscribe=("https://example.com/zqurlqz", "mailto:zqmailtoqz@example.com"),
    ),
    "REPEATED_HEADERS": _marked(headers={"X-Zqheaderqz": ("zqfirstqz", "zqsecondqz")}),
    "ATTACHMENTS": _marked(attachments=(_FILE, Attachment("zqfileqz.bin", b"zqothercontentqz"))),
    "INLINE_IMAGES": _marked(html='zqhtmlqz <img src="cid:image">', attachments=_IMAGE),
    "CALENDAR": _marked(html="zqhtmlqz", alternatives=_form("text/calendar; method=REQUEST")),
    "AMP": _marked(html="zqhtmlqz", alternatives=_form("text/x-amp-html")),
    "ALTERNATIVES": _marked(html="zqhtmlqz", alternatives=_form("text/x-zqtypeqz")),
    "MIME": Message.from_mime(_MIME, to="zqtoqz@example.org", id="marked"),
    "TAGS": _marked(tags=("zqtagoneqz", "zqtagtwoqz")),
    "METADATA": _marked(metadata={"zqmetakeyqz": "zqmetaqz", "zqmetakeytwoqz": "zqmetatwoqz"}),
    "TEMPLATES": _marked(**_TEMPLATE),
    "MESSAGE_ID": _marked(headers={"Message-ID": "<zqmessageidqz@example.com>"}),
    "TEMPLATE_FROM": _marked(**_TEMPLATE),
    "TEMPLATE_SUBJECT": _marked(**_TEMPLATE | {"subject": "zqsubjectqz"}),
    "TEMPLATE_OVERRIDE": _marked(**_TEMPLATE | {"text": "zqtextqz", "html": "<p>zqhtmlqz</p>"}),
    "MERGE": _marked(**_MERGE),
    "MERGE_METADATA": _marked(
        **_MERGE,
        metadata={"zqmetakeyqz": "zqmetaqz"},
        merge_metadata={"zqoneqz@example.org": {"zqmmkeyqz": "zqmmvalueqz"}},
    ),
    "MERGE_HEADERS": _marked(
        **_MERGE,
        merge_headers={
            "zqoneqz@example.org": {"X-Zqmhkeyqz": "zqmhoneqz"},
            "zqtwoqz@example.org": {"X-Zqmhkeyqz": "zqmhtwoqz"},
        },
    ),
    "MERGE_UNEVEN_HEADERS": _marked(
        **_MERGE, merge_headers={"zqoneqz@example.org": {"X-Zqmhkeyqz": "zqmhvalueqz"}}
    ),
    "ENVELOPE_FROM": _marked(envelope_from="zqenvelopeqz@example.com"),
    "UNICODE_LOCAL_PART": _marked(to="zqlöcälqz@example.org"),
    "EMPTY_BODY": _marked(text=""),
    "WITHOUT_TO": _marked(to=()),
    "EMPTY_SUBJECT": _marked(subject=""),
    "NON_ASCII": _marked(
        to=Address("zqtoqz@example.org", "zqtönämeqz"),
        from_email=Address("zqfromqz@example.com", "zqお店qz"),
        subject="zqsübjéctqz zq日本qz",
        text="zqtéxtqz",
        tags="zqtägqz",
        metadata={"zqmetakeyqz": "zqmétaqz"},
    ),
    "NON_ASCII_HTML": _marked(html="<p>zqhtmlйqz</p>"),
    "NON_ASCII_HEADERS": _marked(headers={"X-Zqheaderqz": "zqhéaderqz"}),
    "NON_ASCII_ATTACHMENTS": _marked(attachments=Attachment("zqfïleqz.bin", b"zqcontentqz")),
}
"""
A mail for each feature, by the feature's name, and some for what every provider can.
"""


def find_marks(value: object) -> set[str]:
    """
    All marks anywhere inside *value*, in lower case.
    """
    return {mark for text in _texts(value) for mark in _MARK.findall(text.lower())}


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, bytes):
        yield value.decode("latin-1")
    elif isinstance(value, Mapping):
        yield from _texts((*value.keys(), *value.values()))
    elif isinstance(value, (list, tuple)):
        for one in value:
            yield from _texts(one)
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from _texts(getattr(value, field.name))


def fit(message: Message, capabilities: Capabilities) -> Message | None:
    """
    The message as a chain would give it to a provider with *capabilities*.

    Tags, metadata and tracking are left off or cut to its limits; None where it lacks
    anything else.
    """
    needed = required_features(message)
    if message.is_merge:
        needed |= merge_features(message)
    missing = needed & ~capabilities.features
    if missing & ~(DROPPABLE | PREFERENCES) or _too_many(message, capabilities):
        return None
    return without(message, missing | over_limits(message, capabilities), capabilities)


def _too_many(message: Message, capabilities: Capabilities) -> bool:
    limit = capabilities.max_merge if message.is_merge else capabilities.max_recipients
    copies = capabilities.max_copies
    return (limit is not None and len(message.recipients) > limit) or (
        copies is not None and len(message.cc) + len(message.bcc) > copies
    )


def fitting(messages: Mapping[str, Message], capabilities: Capabilities) -> dict[str, Message]:
    """
    The messages that a provider with *capabilities* can send.

    A message named after a feature is left out where the feature is not declared.
    """
    found = {}
    for name, message in messages.items():
        declared = getattr(Feature, name, NO_FEATURES) in capabilities.features
        fitted = fit(message, capabilities) if declared else None
        if fitted is not None:
            found[name] = fitted
    return found
