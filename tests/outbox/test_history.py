from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import update

from mailfailover.outbox._tables import mails, recipients
from tests.chains import MAIL, World
from tests.outbox.history import complaints
from tests.outbox.working import work

if TYPE_CHECKING:
    from mailfailover.outbox import Outbox

ANN = "ann@example.org"


def tell(outbox: Outbox, state: str, status: str, *, duplicate: bool = False) -> None:
    """
    Let the outbox say so of the mail to Ann.
    """
    with outbox.engine.begin() as connection:
        values = {"state": state, "possible_duplicate": duplicate}
        connection.execute(update(mails).values(values))
        connection.execute(update(recipients).values(status=status))


def test_a_good_history_is_no_complaint(outbox: Outbox, world: World) -> None:
    """
    One mail, sent once.
    """
    outbox.add(MAIL)
    work(outbox, world).run_once()

    assert [] == complaints(outbox, ["m1"], Counter({ANN: 1}))


@pytest.mark.parametrize(
    ("state", "status", "times", "complaint"),
    [
        ("sending", "unknown", 0, "m1: still sending"),
        ("sent", "accepted", 0, f"{ANN}: said to be accepted, and never accepted"),
        ("dead", "refused", 1, f"{ANN}: said to be refused, and accepted 1 times"),
        ("sent", "accepted", 2, f"{ANN}: accepted 2 times, and not flagged"),
        ("unknown", "unknown", 2, f"{ANN}: accepted 2 times, and not flagged"),
        ("sent", "unknown", 1, "m1: sent, and nobody has it"),
        ("sent", "pending", 0, "m1: sent, and not settled: {'pending'}"),
        ("unknown", "refused", 0, "m1: unknown, and nobody is in doubt"),
    ],
)
def test_a_bad_history_is(
    outbox: Outbox, state: str, status: str, times: int, complaint: str
) -> None:
    """
    Whatever the outbox says that the vendors do not.
    """
    outbox.add(MAIL)
    tell(outbox, state, status)

    assert complaint in complaints(outbox, ["m1"], Counter({ANN: times}))


def test_a_flagged_duplicate_is_allowed(outbox: Outbox) -> None:
    """
    It says so.
    """
    outbox.add(MAIL)
    tell(outbox, "sent", "accepted", duplicate=True)

    assert [] == complaints(outbox, ["m1"], Counter({ANN: 2}))


def test_what_is_lost_is_missed(outbox: Outbox) -> None:
    """
    An acknowledged mail that is not there, and one that was accepted and is not there.
    """
    assert ["m1: acknowledged, and lost", f"{ANN}: accepted, and not in the outbox"] == complaints(
        outbox, ["m1"], Counter({ANN: 1})
    )
