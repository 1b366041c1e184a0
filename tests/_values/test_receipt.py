from __future__ import annotations

import json
import pickle
from datetime import UTC, datetime

from mailfailover._message.message import Message
from mailfailover._message.outcome import Outcome
from mailfailover._values.features import Feature
from mailfailover._values.receipt import Accepted, Receipt, RecipientStatus
from mailfailover._values.wire import Stage
from mailfailover.errors import Attempt, ConnectionFailed

NOW = datetime(2026, 11, 24, 8, 30, tzinfo=UTC)
FAILED = Attempt(
    "first", NOW, 0.25, Stage.CONNECTING, "ConnectionFailed", ConnectionFailed("refused")
)
SENT = Attempt(
    "second",
    NOW,
    0.5,
    Stage.RESPONSE,
    "accepted",
    status_code=200,
    provider_message_id="v-1",
    dropped=Feature.TAGS,
)
RECEIPT = Receipt(
    mail_id="01ABC",
    provider="second",
    provider_message_id="v-1",
    recipients={
        "a@b.example": RecipientStatus.ACCEPTED,
        "c@b.example": RecipientStatus.SUPPRESSED,
        "d@b.example": RecipientStatus.INVALID,
        "e@b.example": RecipientStatus.REFUSED,
        "f@b.example": RecipientStatus.QUEUED,
        "g@b.example": RecipientStatus.UNKNOWN,
    },
    attempts=(FAILED, SENT),
    possible_duplicate=True,
    message_ids={"a@b.example": "v-1"},
    unsent=("e@b.example",),
)


def test_rejected_are_those_who_surely_get_no_mail() -> None:
    """
    Queued and unknown may still arrive.
    """
    assert {
        "c@b.example": RecipientStatus.SUPPRESSED,
        "d@b.example": RecipientStatus.INVALID,
        "e@b.example": RecipientStatus.REFUSED,
    } == RECEIPT.rejected


def test_attempt_as_data() -> None:
    """
    An attempt tells everything but addresses, in JSON.
    """
    assert {
        "provider": "first",
        "started": "2026-11-24T08:30:00+00:00",
        "duration": 0.25,
        "stage": "connecting",
        "outcome": "ConnectionFailed",
        "error": "refused",
        "status_code": None,
        "provider_message_id": "",
        "dropped": [],
    } == FAILED.to_dict()


def test_receipt_as_data() -> None:
    """
    A receipt survives JSON.
    """
    assert {
        "mail_id": "01ABC",
        "provider": "second",
        "provider_message_id": "v-1",
        "recipients": {
            "a@b.example": "accepted",
            "c@b.example": "suppressed",
            "d@b.example": "invalid",
            "e@b.example": "refused",
            "f@b.example": "queued",
            "g@b.example": "unknown",
        },
        "attempts": [FAILED.to_dict(), {**SENT.to_dict(), "error": None, "dropped": ["TAGS"]}],
        "possible_duplicate": True,
        "message_ids": {"a@b.example": "v-1"},
        "unsent": ["e@b.example"],
    } == json.loads(json.dumps(RECEIPT.to_dict()))


def test_receipt_pickles() -> None:
    """
    A receipt crosses processes.
    """
    receipt = Receipt("01ABC", "second", "v-1", {}, (SENT,))

    assert receipt == pickle.loads(pickle.dumps(receipt))  # noqa: S301 -- our own bytes


def test_accepted_needs_nothing() -> None:
    """
    A vendor that says no more than yes is enough.
    """
    assert ("", {}, {}) == (
        Accepted().provider_message_id,
        Accepted().recipients,
        Accepted().message_ids,
    )


def test_outcome_is_ok_with_a_receipt_only() -> None:
    """
    An error is no success.
    """
    message = Message()

    assert Outcome(message, receipt=RECEIPT).ok
    assert not Outcome(message, error=ConnectionFailed()).ok
