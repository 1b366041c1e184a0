"""
Mails of the outbox to addresses that are held after a first bounce.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from mailfailover.outbox import Outbox, State
from mailfailover.outbox._verdict import ADDRESS_SECONDS
from mailfailover.suppression import SuppressionList
from tests.chains import MAIL, Scripted, World
from tests.outbox.working import found, statuses, work
from tests.suppression.telling import Vendors

ADDRESS = MAIL.to[0].email
A_LOOK = timedelta(seconds=1.25 * ADDRESS_SECONDS)


@pytest.fixture
def vendors(outbox: Outbox, world: World) -> Vendors:
    """
    The address took a mail before, and bounced.
    """
    suppressions = SuppressionList(outbox.engine, clock=world.wall)
    suppressions.init()
    vendors = Vendors(world, suppressions)
    vendors.delivered(ADDRESS)
    vendors.wait(timedelta(hours=1))
    vendors.bounced(ADDRESS)
    return vendors


def test_a_mail_waits_while_its_address_is_held(
    outbox: Outbox, world: World, vendors: Vendors
) -> None:
    """
    No provider is called and no try is counted; when the hold ends, it goes.
    """
    outbox.add(MAIL.replace(expires=outbox.now() + timedelta(days=9)))
    provider = Scripted("a")
    worker = work(outbox, world, provider, suppressions=vendors.suppressions)

    worker.run_once()
    waiting = found(outbox)
    for _ in range(8):
        vendors.wait(timedelta(days=1))
        worker.run_once()

    assert (State.PENDING, 0) == (waiting.state, waiting.tries)
    assert "held after a bounce gets mail again in 7.0 days" in waiting.reason
    assert (State.SENT, 1) == (found(outbox).state, len(provider.mails))


def test_a_delivery_lets_it_go_sooner(outbox: Outbox, world: World, vendors: Vendors) -> None:
    """
    At the next look, a few hours later.
    """
    outbox.add(MAIL)
    worker = work(outbox, world, suppressions=vendors.suppressions)
    worker.run_once()

    vendors.wait(timedelta(minutes=1))
    vendors.delivered(ADDRESS)
    vendors.wait(A_LOOK)
    worker.run_once()

    assert State.SENT is found(outbox).state


def test_it_does_not_go_after_it_expires(outbox: Outbox, world: World, vendors: Vendors) -> None:
    """
    A code of a quarter of an hour is never sent a week later.
    """
    outbox.add(MAIL.replace(expires=outbox.now() + timedelta(minutes=15)))
    worker = work(outbox, world, suppressions=vendors.suppressions)
    worker.run_once()

    vendors.wait(timedelta(minutes=15))
    worker.run_once()

    mail = found(outbox)
    assert (State.DEAD, "expired" in mail.reason) == (mail.state, True)


def test_a_suppressed_address_does_not_wait(outbox: Outbox, world: World, vendors: Vendors) -> None:
    """
    Its mail ends, as before.
    """
    vendors.suppressions.add(ADDRESS)
    outbox.add(MAIL)

    work(outbox, world, suppressions=vendors.suppressions).run_once()

    mail = found(outbox)
    assert (State.DEAD, {"suppressed"}) == (mail.state, set(statuses(mail).values()))
