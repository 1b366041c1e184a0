from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mailfailover import InvalidMessage, Message
from tests.samples import each

MADE = datetime(2026, 11, 24, 12, tzinfo=UTC)
LATER = MADE + timedelta(days=1)


def mail(**fields: Any) -> Message:
    """
    A mail that was made at noon.
    """
    return Message(to="a@example.org", created=MADE, id="m1", **fields)


@each(
    ("fields", "expires"),
    [
        ({}, None),
        ({"expires": LATER}, LATER),
        ({"expires": 60}, MADE + timedelta(seconds=60)),
        ({"expires": timedelta(hours=1)}, MADE + timedelta(hours=1)),
        ({"expires": 60, "send_at": LATER}, LATER + timedelta(seconds=60)),
    ],
)
def test_it_is_a_time_or_seconds_from_when_it_may_be_sent(
    fields: dict[str, Any], expires: datetime | None
) -> None:
    """
    That is *send_at*, or when it was made.
    """
    assert expires == mail(**fields).expires


@each("value", [0, -1, True, float("nan"), float("inf"), "60", 1e300, MADE.replace(tzinfo=None)])
def test_what_is_neither_is_refused(value: Any) -> None:
    """
    With the name of the field.
    """
    with pytest.raises(InvalidMessage, match="expires"):
        mail(expires=value)


def test_it_survives_as_data() -> None:
    """
    As a time; data may say seconds too.
    """
    message = mail(expires=60)

    assert message == Message.from_dict(message.to_dict())
    assert message == Message.from_dict(message.to_dict() | {"expires": 60})
