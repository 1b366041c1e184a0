"""
The fields of a mail that somebody waits for: *deliver_within* and *after*.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from mailfailover import InvalidMessage, Message
from tests.samples import each


def mail(**fields: Any) -> Message:
    """
    A mail with a known id.
    """
    return Message(to="ann@example.org", id="m2", **fields)


@each(("value", "seconds"), [(None, None), (120, 120.0), (timedelta(minutes=2), 120.0)])
def test_deliver_within_is_kept_in_seconds(value: Any, seconds: float | None) -> None:
    """
    Whatever it was given as.
    """
    assert seconds == mail(deliver_within=value).deliver_within


@each("value", [0, -1, True, float("nan"), float("inf"), "120", 1e9])
def test_another_deliver_within_is_refused(value: Any) -> None:
    """
    With the name of the field.
    """
    with pytest.raises(InvalidMessage, match="deliver_within must be seconds above 0"):
        mail(deliver_within=value)


def test_a_merge_has_no_deliver_within() -> None:
    """
    Each of its recipients would need a time of their own.
    """
    with pytest.raises(InvalidMessage, match="send one mail to each"):
        mail(deliver_within=60, merge_data={"ann@example.org": {"name": "Ann"}})


@each("value", ["a b", "x" * 65, "m1\n", 7])
def test_after_is_the_id_of_a_mail(value: Any) -> None:
    """
    Anything else is refused.
    """
    with pytest.raises(InvalidMessage, match="after must be the id of an earlier mail"):
        mail(after=value)


def test_a_mail_does_not_come_after_itself() -> None:
    """
    A repetition is a mail with an id of its own.
    """
    with pytest.raises(InvalidMessage, match="after is the mail's own id"):
        mail(after="m2")


def test_both_survive_as_data() -> None:
    """
    As a number and a text.
    """
    message = mail(deliver_within=60, after="m1")

    assert message == Message.from_dict(message.to_dict())
    assert (60.0, "m1") == (message.to_dict()["deliver_within"], message.to_dict()["after"])
