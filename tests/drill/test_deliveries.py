from __future__ import annotations

from mailfailover.drill import load_incident, run
from tests.drill.incidents import FIRST, SECOND, play

WARM = f"failover({FIRST} {SECOND}?share=0.2)"


def test_a_queue_is_seen_by_deliveries_and_left() -> None:
    """
    A warm standby takes over what the ramp allows.
    """
    phase = 'fault = "queue"\ndelay = "3h"'

    blind = play(phase, chain=WARM, most=600, rate=2.0).yours
    seeing = play(phase, chain=WARM, most=600, rate=2.0, deliveries=True).yours

    assert blind.told is None
    assert seeing.told is not None
    assert "deliveries" == seeing.told.by
    assert seeing.late <= blind.late


def test_a_receiver_that_blocks_one_link_is_left_by_the_others() -> None:
    """
    Its words mean the sender.
    """
    report = play(
        'fault = "receiver"\nreceiver = "microsoft"\nreply = "550 5.7.1 block list (S3150)"',
        chain=WARM,
        receiver="microsoft",
        most=600,
        rate=2.0,
        deliveries=True,
    )

    assert report.yours.told is not None
    assert ("deliveries", True) == (
        report.yours.told.by,
        report.yours.told.text.startswith("mailgun at microsoft"),
    )
    assert report.yours.lost < report.outcomes[0].lost


def test_dead_webhooks_are_told_and_nobody_is_left() -> None:
    """
    Mails arrive: silence of all events is our own.
    """
    yours = run(
        WARM, load_incident("sendgrid-2025-webhooks"), strike="mailgun", deliveries=True, most=500
    ).yours

    assert (0, 0) == (yours.lost, yours.late)


def test_events_that_never_come_are_gone() -> None:
    """
    A phase whose webhooks do not resume loses them.
    """
    yours = play(
        'fault = "webhooks"\nresumes = false', chain=WARM, deliveries=True, most=300, rate=2.0
    ).yours

    assert 0 == yours.lost
