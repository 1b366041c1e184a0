"""
The parts of a mail that its MIME form lacks: the envelope, and requests to the vendor.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailfailover._message.message import Message

_FIELDS = {
    "Stream": "stream",
    "Metadata": "metadata",
    "Track-Opens": "track_opens",
    "Track-Clicks": "track_clicks",
    "Send-At": "send_at",
    "Template-Id": "template_id",
    "Template-Data": "template_data",
    "Merge-Data": "merge_data",
    "Merge-Metadata": "merge_metadata",
    "Merge-Headers": "merge_headers",
}


def details(message: Message) -> Iterator[tuple[str, str]]:
    """
    Yield a label and one line of text for all that :meth:`Message.as_email_message` leaves out.

    For providers that show a mail to a person instead of sending it. The labels are valid in
    the name of a header.
    """
    yield "Mail-Id", message.id
    yield "Envelope-From", message.envelope_from or message.sender.email
    yield "Envelope-To", ", ".join(address.email for address in message.recipients)
    if message.bcc:
        yield "Bcc", ", ".join(map(str, message.bcc))
    for tag in message.tags:
        yield "Tag", tag
    for label, field in _FIELDS.items():
        value = getattr(message, field)
        if value or value is False:
            yield label, _line(value)


def _line(value: object) -> str:
    if isinstance(value, Mapping):
        text = json.dumps(value, ensure_ascii=False)
        return "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in text)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value.isoformat() if isinstance(value, datetime) else str(value)
