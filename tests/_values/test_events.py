from __future__ import annotations

import dataclasses
import pickle
from datetime import UTC, datetime

import pytest

from mailfailover import DeliveryEvent, EventType, RejectReason

EVENT = DeliveryEvent(
    event_id="e1",
    type=EventType.BOUNCED,
    provider="mg",
    provider_message_id="<1@example.com>",
    mail_id="m1",
    recipient="ann@example.org",
    timestamp=datetime(2026, 11, 24, tzinfo=UTC),
    reject_reason=RejectReason.INVALID,
    mta_response="550 5.1.1 no such user",
    description="permanent failure",
    tags=("order",),
    metadata={"order": "1"},
    raw={"secret": "of the vendor"},
)


def test_the_vocabulary_is_that_of_the_documentation() -> None:
    """
    Values are plain text, for queues and tables.
    """
    assert " ".join(EventType) == (
        "queued sent rejected failed bounced deferred delivered autoresponded opened clicked "
        "complained unsubscribed subscribed unknown"
    )
    assert " ".join(RejectReason) == "invalid bounced timed_out blocked spam unsubscribed other"


def test_an_event_has_a_default_for_all_that_a_vendor_does_not_say() -> None:
    """
    Nothing is made up.
    """
    found = dataclasses.asdict(DeliveryEvent())

    assert found == {
        "event_id": "",
        "type": EventType.UNKNOWN,
        "provider": "",
        "provider_message_id": "",
        "mail_id": "",
        "recipient": "",
        "timestamp": None,
        "reject_reason": None,
        "mta_response": "",
        "description": "",
        "tags": (),
        "metadata": {},
        "click_url": "",
        "user_agent": "",
        "raw": {},
    }


def test_an_event_is_a_value() -> None:
    """
    It compares, pickles, and does not change; what the vendor sent is not in its repr.
    """
    assert pickle.loads(pickle.dumps(EVENT)) == EVENT  # noqa: S301 -- our own bytes
    assert "of the vendor" not in repr(EVENT)
    with pytest.raises(dataclasses.FrozenInstanceError):
        EVENT.type = EventType.SENT  # type: ignore[misc]  # the claim
