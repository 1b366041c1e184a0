"""
Claims about the time at which a mail is to be sent.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from mailfailover.testing._claim import claim
from mailfailover.testing._contract_wire import build, refusable
from mailfailover.testing._wire_text import wire_leaves

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailfailover._message.message import Message

__all__ = ["check_send_at"]

_ISO = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d)?)(?:\.\d+)?\s*(Z|UTC|[+-]\d\d:?\d\d)?", re.IGNORECASE
)


_EPOCH = re.compile(r"(?<!\d)\d{10}(?:\d{3})?(?!\d)")


_MAIL_DATE = re.compile(r"\d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d(?: (?:GMT|UTC|[+-]\d{4}))?")


@refusable()
def check_send_at(provider: Any, message: Message) -> None:
    """
    The instant of *send_at* is in the request, in a form that names it without doubt.

    A time without a zone is taken for UTC, as vendors do.
    """
    if message.send_at is None:
        return
    expected = message.send_at.astimezone(UTC)
    found = {
        when
        for leaf in wire_leaves(build(provider, message))
        for when in _instants(leaf.text)
        if abs(when - expected) < timedelta(days=2)
    }
    claim(found, "send_at is not in the request")
    near = any(when in (expected, expected.replace(second=0)) for when in found)
    claim(near, f"send_at is in the request as {min(found)}, not as {expected}: mind its zone")


def _instants(text: str) -> Iterator[datetime]:
    for day, clock, zone in _ISO.findall(text):
        written = zone.upper().replace("UTC", "Z") or "Z"
        yield datetime.fromisoformat(f"{day}T{clock}{written}")
    for number in _EPOCH.findall(text):
        yield datetime.fromtimestamp(int(number[:10]), UTC)
    for one in _MAIL_DATE.findall(text):
        when = parsedate_to_datetime(one)
        yield when if when.tzinfo else when.replace(tzinfo=UTC)
