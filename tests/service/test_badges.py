from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from mailfailover.outbox import OutboxMail, OutboxRecipient, State
from mailfailover.service.badges import badge_of, recipient_badges
from mailfailover.tracking import MailStatus, RecipientState, RecipientTrack

NOW = datetime(2027, 1, 31, 9, tzinfo=UTC)
S = RecipientState


def mail_to(*statuses: str, **fields: Any) -> OutboxMail:
    """
    A sent mail, with the provider's answers for r0, r1 and so on.
    """
    plain: dict[str, Any] = {
        "id": "m1",
        "state": State.SENT,
        "created": NOW,
        "due": None,
        "tries": 1,
        "provider": "a",
        "provider_message_id": "",
        "reason": "",
        "possible_duplicate": False,
        "finished": None,
        "idempotency_key": "",
        "attempts": (),
    }
    recipients = tuple(OutboxRecipient(f"R{n}@example.com", one) for n, one in enumerate(statuses))
    return OutboxMail(**(plain | fields), recipients=recipients)


def told(*states: RecipientState | None) -> MailStatus:
    """
    What vendors told of r0, r1 and so on, None for nothing.
    """
    tracks = (
        RecipientTrack(
            email=f"r{n}@example.com", state=state or S.ACCEPTED, since=NOW if state else None
        )
        for n, state in enumerate(states)
    )
    return MailStatus(mail_id="m1", outcome="accepted", recipients=tuple(tracks))


@pytest.mark.parametrize(
    ("states", "badge"),
    [
        ((None, None), ("sent", "good")),
        ((S.ACCEPTED, None), ("sent", "good")),
        ((S.DELIVERED, None), ("1 of 2 delivered", "good")),
        ((S.OPENED, S.CLICKED), ("delivered", "good")),
        ((S.DEFERRED, S.DELIVERED), ("1 of 2 not taken yet", "warn")),
        ((S.REJECTED, S.REJECTED), ("dropped by the provider", "bad")),
        ((S.BOUNCED, S.DELIVERED), ("1 of 2 bounced", "bad")),
        ((S.BOUNCED, S.COMPLAINED), ("1 of 2 marked as spam", "bad")),
    ],
)
def test_a_badge_is_the_worst_that_is_known(
    states: tuple[RecipientState | None, ...], badge: tuple[str, str]
) -> None:
    """
    A mail that bounced after it was sent is not called sent.
    """
    assert badge == badge_of(mail_to("accepted", "accepted"), told(*states))


def test_recipients_that_were_left_out_show() -> None:
    """
    Even where the others got the mail.
    """
    mail = mail_to("accepted", "suppressed")

    assert ("1 of 2 left out", "warn") == badge_of(mail, told(S.DELIVERED))


def test_what_was_not_sent_has_the_badge_of_its_state() -> None:
    """
    A held mail has one of its own.
    """
    held = mail_to("pending", state=State.PENDING, held_back=("gmail",))
    waiting = mail_to("pending", state=State.PENDING)

    assert ("held back", "warn") == badge_of(held)
    assert ("waiting", "") == badge_of(waiting)
    assert ("given up", "bad") == badge_of(mail_to("invalid", state=State.DEAD))
    assert ("may have been sent", "warn") == badge_of(mail_to("unknown", state=State.UNKNOWN))


def test_the_worst_recipients_come_first() -> None:
    """
    Each with what was told of it, else with the answer of the provider.
    """
    mail = mail_to("pending", "accepted", "accepted", "suppressed")

    found = recipient_badges(mail, told(None, S.DELIVERED, S.BOUNCED))

    assert [
        ("R2@example.com", ("bounced", "bad")),
        ("R3@example.com", ("left out: suppressed", "warn")),
        ("R1@example.com", ("delivered", "good")),
        ("R0@example.com", ("", "")),
    ] == [(one.email, badge) for one, badge in found]
