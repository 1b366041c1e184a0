from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, select, update

from mailfailover._sql.schema import versions
from mailfailover.errors import ProviderUnavailable
from mailfailover.outbox import Outbox, State
from mailfailover.outbox._tables import METADATA, mails, watches
from tests.chains import MAIL, NOW, Scripted, World
from tests.outbox.working import work

if TYPE_CHECKING:
    from mailfailover.outbox import OutboxMail

KEEP = timedelta(days=30)


def put(outbox: Outbox, state: State, **values: Any) -> None:
    """
    A mail that came into this state.
    """
    outbox.add(MAIL)
    with outbox.engine.begin() as connection:
        connection.execute(update(mails).values({"state": state, "turn": None} | values))


def found(outbox: Outbox, mail_id: str = "m1") -> OutboxMail:
    """
    The mail, which is there.
    """
    mail = outbox.get(mail_id)
    assert mail is not None
    return mail


@pytest.mark.parametrize("state", [State.PENDING, State.LEASED, State.UNKNOWN], ids=str)
def test_what_is_not_on_its_way_can_be_cancelled(outbox: Outbox, state: State) -> None:
    """
    It is dead, and says why; its message is kept in case that was a mistake.
    """
    put(outbox, state, turn=1)

    assert outbox.cancel("m1")

    mail = found(outbox)
    assert (State.DEAD, "cancelled", NOW, NOW + KEEP, MAIL) == (
        mail.state,
        mail.reason,
        mail.finished,
        mail.due,
        mail.message,
    )
    assert 0 == outbox.stats().ready


@pytest.mark.parametrize("state", [State.SENDING, State.SENT, State.DEAD], ids=str)
def test_what_may_be_gone_cannot_be_cancelled(outbox: Outbox, state: State) -> None:
    """
    It stays as it is.
    """
    put(outbox, state)

    assert not outbox.cancel("m1")

    assert state == found(outbox).state


@pytest.mark.parametrize("state", [State.PENDING, State.UNKNOWN, State.DEAD], ids=str)
def test_the_operator_lets_it_be_sent_again(outbox: Outbox, state: State) -> None:
    """
    At once, as if it had never been tried.
    """
    put(outbox, state, tries=7, lost=2, due=NOW + KEEP, finished=NOW)
    woken: list[str] = []
    outbox.on_add.append(woken.append)

    assert outbox.retry("m1")

    mail = found(outbox)
    assert (State.PENDING, 0, None, None) == (mail.state, mail.tries, mail.due, mail.finished)
    assert 1 == outbox.stats().ready
    assert ["m1"] == woken


@pytest.mark.parametrize("state", [State.LEASED, State.SENDING, State.SENT], ids=str)
def test_what_a_worker_has_is_not_sent_again(outbox: Outbox, state: State) -> None:
    """
    Nor what was sent.
    """
    put(outbox, state)

    assert not outbox.retry("m1")

    assert state == found(outbox).state


def test_a_mail_that_is_not_there_is_no_error(outbox: Outbox) -> None:
    """
    The operator is told so.
    """
    assert (None, False, False) == (outbox.get("m1"), outbox.cancel("m1"), outbox.retry("m1"))


def test_purge_forgets_what_was_finished_long_ago(any_outbox: Outbox, world: World) -> None:
    """
    All of it, and nothing that waits or was finished since.
    """
    for number in range(3):
        any_outbox.add(MAIL.replace(id=f"m{number}"))
    any_outbox.cancel("m0")
    world.clock.advance(100)
    any_outbox.cancel("m1")

    assert 1 == any_outbox.purge(timedelta(seconds=50))

    assert ["m2", "m1"] == [one.id for one in any_outbox.list()]
    with any_outbox.engine.connect() as connection:
        counts = [
            connection.scalar(select(func.count()).select_from(table))
            for table in METADATA.sorted_tables
        ]
    assert [0, 0, 2, 2, 2] == sorted(count or 0 for count in counts)


def test_purge_keeps_what_the_outbox_keeps(outbox: Outbox, world: World) -> None:
    """
    Without an argument.
    """
    outbox.add(MAIL)
    outbox.cancel("m1")

    world.clock.advance(KEEP.total_seconds())
    assert 0 == outbox.purge()
    world.clock.advance(1)
    assert 1 == outbox.purge()


def test_upgrade_finds_nothing_to_do(outbox: Outbox) -> None:
    """
    The tables are those of this version.
    """
    assert 2 == outbox.upgrade()


def test_all_that_wait_can_be_sent_at_once(any_outbox: Outbox, world: World) -> None:
    """
    Those that were tried before; others are planned so.
    """
    for number in range(3):
        any_outbox.add(MAIL.replace(id=f"m{number}"))
    work(any_outbox, world, Scripted("a", ProviderUnavailable("HTTP 503"))).run_once()
    any_outbox.add(MAIL.replace(id="planned", send_at=NOW + timedelta(days=1)))

    assert 3 == any_outbox.retry_all("pending")

    assert ("m0", "m1", "m2") == any_outbox.waiting()
    with pytest.raises(ValueError, match="name pending, unknown or dead"):
        any_outbox.retry_all("sent")


def test_upgrade_adds_what_version_2_has(outbox: Outbox) -> None:
    """
    The mails of version 1 stay as they are.
    """
    outbox.add(MAIL)
    with outbox.engine.begin() as connection:
        watches.drop(connection)
        connection.execute(update(versions).values(version=1))

    had = outbox.upgrade()

    outbox.check()
    assert (1, MAIL.id) == (had, found(outbox).id)
    with outbox.engine.begin() as connection:
        assert [] == connection.execute(watches.select()).all()


def test_dead_mails_can_all_be_sent_again(outbox: Outbox, world: World) -> None:
    """
    And those that merely wait are left alone.
    """
    outbox.add(MAIL)
    outbox.add(MAIL.replace(id="m2"))
    outbox.cancel("m1")

    count = outbox.retry_all("dead")

    assert (1, ("m1", "m2")) == (count, tuple(sorted(outbox.waiting())))


def test_a_query_says_which_mails_are_listed(outbox: Outbox) -> None:
    """
    Of the same database: a program's own tables can choose.
    """
    outbox.add(MAIL)
    outbox.add(MAIL.replace(id="m2"))

    listed = outbox.list(among=select(mails.c.id).where(mails.c.id == "m2"))

    assert ["m2"] == [one.id for one in listed]
