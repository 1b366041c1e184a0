from __future__ import annotations

from tests.drill.incidents import CHAIN, FIRST, play


def test_an_outbox_keeps_what_nobody_takes() -> None:
    """
    With all providers down the mails come late, and none is lost.
    """
    phase = 'fault = "refused"\non = "all"'

    direct = play(phase, chain=CHAIN, most=30).yours
    stored = play(phase, chain=CHAIN, most=30, outbox=True).yours

    assert direct.lost == direct.refused > 0
    assert (0, 0) == (stored.lost, stored.refused)
    assert stored.worst > 60


def test_an_outbox_of_one_provider_waits_for_it() -> None:
    """
    It need not be a chain of several.
    """
    yours = play('fault = "refused"', chain=FIRST, most=30, outbox=True).yours

    assert 0 == yours.lost
    assert yours.late > 0


def test_a_hanging_provider_leaves_room_for_the_other() -> None:
    """
    Its calls do not take all workers.
    """
    yours = play('fault = "silent"', most=100, rate=5.0, outbox=True).yours

    assert 0 == yours.lost


def test_a_mail_that_nobody_can_take_is_dead() -> None:
    """
    The play ends all the same.
    """
    yours = play('fault = "answer"\nanswer = "bad_recipient"', most=40, outbox=True).yours

    assert yours.lost == yours.mails


def test_an_outbox_and_deliveries_work_together() -> None:
    """
    Both are real.
    """
    yours = play('fault = "refused"', most=30, outbox=True, deliveries=True).yours

    assert 0 == yours.lost
