"""
The keywords of a message, typed once for every call that takes them.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping  # noqa: TC003 -- the hints are read at run time
from datetime import datetime, timedelta  # noqa: TC003
from typing import Any, Literal, TypedDict

from mailfailover._message.address import Address, Recipients  # noqa: TC001
from mailfailover._message.alternative import Alternative  # noqa: TC001
from mailfailover._message.attachment import Attachment  # noqa: TC001
from mailfailover._values.features import Feature  # noqa: TC001

OnUnknown = Literal["resend", "raise"]
OnSuppressed = Literal["raise", "switch"]


class MessageFields(TypedDict, total=False):
    """
    The fields of a message, as keywords of :meth:`~mailfailover.Mailer.send` and its siblings.

    .. versionadded:: 0.1.0
    """

    to: Recipients
    cc: Recipients
    bcc: Recipients
    reply_to: Recipients
    from_email: str | Address | None
    subject: str
    text: str
    html: str
    alternatives: Alternative | Iterable[Alternative]
    mime: bytes
    headers: Mapping[str, str | Iterable[str]]
    attachments: Attachment | Iterable[Attachment]
    tags: str | Iterable[str]
    metadata: Mapping[str, str | int | float]
    track_opens: bool | None
    track_clicks: bool | None
    send_at: datetime | None
    expires: datetime | timedelta | float | None
    deliver_within: timedelta | float | None
    after: str
    template_id: str | Mapping[str, str]
    template_data: Mapping[str, Any]
    merge_data: Mapping[str, Mapping[str, str | int | float]]
    merge_metadata: Mapping[str, Mapping[str, str | int | float]]
    merge_headers: Mapping[str, Mapping[str, str]]
    unsubscribe: str | Iterable[str]
    stream: str
    envelope_from: str
    provider_options: Mapping[str, Mapping[str, Any]]
    via: str | Iterable[str]
    droppable: Feature
    id: str
    created: datetime | None


_ELSEWHERE = {
    "body": "text= or html=",
    "content": "text= or html=",
    "message": "text= or html=",
    "plain": "text=",
    "sender": "from_email=",
    "from_": "from_email=",
    "from_address": "from_email=",
    "recipient": "to=",
    "recipients": "to=",
    "to_emails": "to=",
    "html_body": "html=",
    "html_message": "html=",
    "files": "attachments=",
    "attachment": "attachments=",
    "replyto": "reply_to=",
    "variables": "merge_data= or template_data=",
    "category": "tags=",
    "categories": "tags=",
    "schedule": "send_at=",
}
"""What other libraries call our fields."""


def check_keywords(names: Iterable[str], known: Iterable[str] = ()) -> None:
    """
    Refuse a keyword that is no field of a message, and say which one was meant.

    Args:
        names: The names that were given.

        known: The names that are allowed beside the fields.

    Raises:
        TypeError: As Python does for a keyword that a function does not take.
    """
    fields = {*MessageFields.__annotations__, *known}
    for name in names:
        if name not in fields:
            raise TypeError(f"a message has no field {name!r}: {_hint(name, fields)}")


def _hint(name: str, fields: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, sorted(fields), n=1)
    meant = _ELSEWHERE.get(name.lower()) or (f"{near[0]}=" if near else "")
    return f"did you mean {meant}?" if meant else f"its fields are {', '.join(sorted(fields))}"
