"""
Celery over real brokers, with everything killed that can be.

MAILFAILOVER_MAILS is how many mails are sent, MAILFAILOVER_ROUNDS how often all goes wrong.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from mailfailover.outbox import State
from tests.services.celery.workers import CONCURRENCY, QUEUE

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.services.celery.workers import Shop

pytestmark = [pytest.mark.services, pytest.mark.slow]

MAILS = int(os.environ.get("MAILFAILOVER_MAILS", "60"))
ROUNDS = max(1, min(int(os.environ.get("MAILFAILOVER_ROUNDS", "1")), MAILS // 100))


def kill_node(shop: Shop) -> None:
    """
    A machine dies, and is started again.
    """
    shop.kill("one")
    shop.start("one")


def kill_process(shop: Shop) -> None:
    """
    One process dies in the middle of its work.
    """
    shop.kill_child("two")


def stop_broker(shop: Shop) -> None:
    """
    The broker dies, and is started again a little later.
    """
    shop.broker.kill()
    time.sleep(0.5)
    shop.broker.start()


def lose_queue(shop: Shop) -> None:
    """
    The broker forgets all wake-ups.
    """
    shop.broker.lose(QUEUE)


DISASTERS: tuple[Callable[[Shop], None], ...] = (kill_node, stop_broker, kill_process, lose_queue)


def test_nothing_is_lost(shop: Shop) -> None:
    """
    Every mail that was added is sent, and none twice without being said so.

    Counted at the vendors, after nodes, processes and the broker were killed and the queue lost.
    """
    shop.start("one")
    shop.start("two")
    disasters = DISASTERS * ROUNDS
    for disaster in disasters:
        shop.add(MAILS // (len(disasters) + 1))
        shop.wait_until(lambda: shop.count(State.SENT) >= len(shop.ids) // 2)
        disaster(shop)
    shop.add(MAILS - len(shop.ids))
    shop.wait()

    accepted = shop.first.accepted_ids() + shop.second.accepted_ids()
    twice = {mail_id for mail_id, times in accepted.items() if times > 1}
    flagged = {one.id for one in shop.outbox.list(limit=MAILS) if one.possible_duplicate}
    assert shop.count(State.SENT) == MAILS
    assert set(shop.ids) == accepted.keys()
    assert twice <= flagged


def test_a_mail_that_kills_its_workers_ends_dead(shop: Shop) -> None:
    """
    After so many of them, and the others go on meanwhile.
    """
    shop.lease = 1.5
    shop.start("one")
    shop.add(1, subject="poison")
    (poison,) = shop.ids
    shop.wait_until(lambda: shop.count(State.PENDING) == 0)
    shop.add(5 * CONCURRENCY)
    shop.wait_until(lambda: shop.count(State.SENT) == 5 * CONCURRENCY)
    assert shop.count(State.DEAD) == 0
    shop.wait()

    found = shop.outbox.get(poison)
    assert found is not None
    assert State.DEAD == found.state
    assert "its worker went away 2 times" in found.reason
