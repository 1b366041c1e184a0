"""
Damaged and enlarged webhooks, and the checks that every event must pass.
"""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING

from mailfailover._values.events import EventType
from mailfailover.testing._claim import claim

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailfailover._values.events import DeliveryEvent

__all__ = ["check_events", "damaged", "enlarged", "parts", "while_changing"]

_FILLING = b'{"a":1},' * (1 << 17)  # a million bytes, and many times that as objects


def while_changing(own: str, other: str) -> tuple[object, ...]:
    """
    The values of a field while its secret is rotated.
    """
    return (own, other), (other, own), lambda: own, lambda: (other, own)


def parts(value: str) -> Iterator[str]:
    """
    Yield a header's *value* cut in its middle, and with one character changed there.
    """
    middle = len(value) // 2
    yield value[:middle]
    yield value[:middle] + ("A" if value[middle] != "A" else "B") + value[middle + 1 :]


def damaged(body: bytes) -> Iterator[bytes]:
    """
    Yield *body* with one bit changed, here and there, with a byte less and with one more.
    """
    for place in range(0, len(body), max(1, len(body) // 50)):
        yield body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :]
    yield body[:-1]
    yield body + b" "


def enlarged(body: bytes) -> bytes:
    """
    Return *body* with a million bytes of JSON in it.
    """
    begins = {b"{": b'{"zq":[' + _FILLING + b"0],", b"[": b"[" + _FILLING}
    begin = begins.get(body[:1])
    return body + _FILLING if begin is None else begin + body[1:]


def check_events(events: tuple[DeliveryEvent, ...]) -> None:
    """
    Claim that every database can hold each of *events*.
    """
    for event in events:
        texts = [
            value
            for one in dataclasses.fields(event)
            if isinstance(value := getattr(event, one.name), str)
        ]
        claim(all(_can_be_stored(one) for one in texts), "a text cannot be stored as UTF-8")
        claim(isinstance(event.type, EventType), "type must be an EventType")
        json.dumps(event.to_dict(), allow_nan=False)


def _can_be_stored(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in text
