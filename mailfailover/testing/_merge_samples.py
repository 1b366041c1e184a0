"""
Merges that show what a provider loses of one recipient, of many, or of what a mail has beside.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from mailfailover._message.address import Address
from mailfailover._message.attachment import Attachment
from mailfailover._message.message import Message

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["CROWD", "ODD", "TOGETHER"]

# In the order of the alphabet, so that a document sorted by address has the same.
_EMAILS = ("zqannqz@example.org", "zqbobqz@example.org", "zqcatqz@example.org")


def _merge(**fields: Any) -> Message:
    basics: dict[str, Any] = {
        "to": _EMAILS,
        "from_email": "zqshopqz@example.com",
        "subject": "zqsubjectqz {{order}}",
        "text": "zqtextqz {{name}}",
        "merge_data": _data(_EMAILS),
        "id": "merge",
        "created": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    }
    return Message(**basics | fields)


def _data(emails: Sequence[str]) -> dict[str, dict[str, Any]]:
    return {
        email: {"name": f"zqname{number:03}qz", "order": f"zqorder{number:03}qz"}
        for number, email in enumerate(emails)
    }


def _own(email: str, **own: str) -> dict[str, Any]:
    data = _data(_EMAILS)
    return {"merge_data": {**data, email: data[email] | own}}


def _named(email: str, name: str) -> dict[str, Any]:
    return {"to": [Address(one, name if one == email else "") for one in _EMAILS]}


_LONG = "x" * 1200 + " zqendqz"

ODD: Mapping[str, tuple[Message, ...]] = {
    kind: tuple(_merge(**fields) for fields in each)
    for kind, each in {
        "a name": [_named(one, 'Zqöddqz, "the pen" <zqpenqz>; Co') for one in _EMAILS],
        "a long name": [_named(one, f"Zqoddqz {'word ' * 60}zqendqz") for one in _EMAILS],
        "a value": [_own(one, name="zqoddqz {{x}} %y% *|z|* é 日 <b>") for one in _EMAILS],
        "a long value": [_own(one, name=f"zqoddqz{_LONG}") for one in _EMAILS],
        "a long subject": [_own(one, order=f"zqoddqz{_LONG}") for one in _EMAILS],
        "metadata": [
            {"merge_metadata": {one: {"zqkeyqz": f"zqoddqz é {_LONG}"}}} for one in _EMAILS
        ],
        "a key of metadata": [
            {"merge_metadata": {one: {"zq Ödd=key": "zqoddqz"}}} for one in _EMAILS
        ],
        "a header": [{"merge_headers": {one: {"X-Zqheadqz": "zqöddqz"}}} for one in _EMAILS],
        "a long header": [
            {"merge_headers": {one: {"X-Zqheadqz": f"zqoddqz {_LONG}"}}} for one in _EMAILS
        ],
        "a header of lists": [{"merge_headers": {one: {"List-Id": "zqoddqz"}}} for one in _EMAILS],
    }.items()
}
"""
Merges by what is odd about one of their three recipients: the first, the second or the third.
"""

TOGETHER: Mapping[str, Message] = {
    "HTML": _merge(html="<p>zqhtmlqz {{name}}</p>"),
    "REPLY_TO": _merge(reply_to="Zqreplynameqz <zqreplyqz@example.com>"),
    "MULTIPLE_REPLY_TO": _merge(reply_to=("zqreplyqz@example.com", "zqsecondqz@example.com")),
    "HEADERS": _merge(headers={"X-Zqheaderqz": "zqheadervalueqz"}),
    "ATTACHMENTS": _merge(attachments=Attachment("zqfileqz.bin", b"zqcontentqz")),
    "INLINE_IMAGES": _merge(
        html='zqhtmlqz <img src="cid:zqcidqz">',
        attachments=Attachment("image.png", b"zqimageqz", content_id="zqcidqz"),
    ),
    "TAGS": _merge(tags=("zqtagqz",)),
    "METADATA": _merge(metadata={"zqkeyqz": "zqmetaqz"}),
    "TEMPLATES": _merge(
        subject="", text="", template_id="zqtemplateqz", template_data={"zqkeyqz": "zqvalueqz"}
    ),
    "ENVELOPE_FROM": _merge(envelope_from="zqenvelopeqz@example.com"),
}
"""
Merges by what they have beside their texts, each by the name of its feature.
"""

_CROWD = [f"zqreader{number:03}qz@example.org" for number in range(50)]

CROWD: Mapping[str, Message] = {
    str(size): _merge(to=_CROWD[:size], merge_data=_data(_CROWD[:size])) for size in (2, 10, 50)
}
"""
Merges to many.
"""
