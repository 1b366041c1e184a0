"""
What observers are told when cells change.
"""

from __future__ import annotations

from mailfailover.deliveries import (
    Cell,
    CellState,
    DeliveriesDown,
    DeliveriesUp,
    ReceiverDown,
    ReceiverUp,
    WebhooksSilent,
)
from mailfailover.deliveries._bulletin import changes, silences
from tests.samples import each

ILL = Cell(CellState.LATE, detail="x")
CELL, LINK, RECEIVER = ("one", "gmail"), ("one", "*"), ("*", "gmail")


@each(
    ("before", "after", "told"),
    [
        ([], [CELL], [DeliveriesDown("one", "gmail", "late", "x")]),
        ([CELL], [CELL], []),
        ([CELL], [], [DeliveriesUp("one", "gmail")]),
        ([], [CELL, LINK], [DeliveriesDown("one", "*", "late", "x")]),
        ([CELL], [CELL, LINK], [DeliveriesDown("one", "*", "late", "x")]),
        ([CELL, LINK], [LINK], []),
        ([LINK], [CELL], [DeliveriesDown("one", "gmail", "late", "x"), DeliveriesUp("one", "*")]),
        ([CELL], [RECEIVER], [ReceiverDown("gmail", "x"), DeliveriesUp("one", "gmail")]),
        ([RECEIVER], [], [ReceiverUp("gmail")]),
    ],
    ids=[
        "a cell",
        "no change",
        "its end",
        "a link stands for its cells",
        "a cell becomes a link",
        "a cell ends in a link that is down",
        "a link ends, a cell does not",
        "a receiver stands for its cells",
        "a receiver is up",
    ],
)
def test_changes(
    before: list[tuple[str, str]], after: list[tuple[str, str]], told: list[object]
) -> None:
    """
    Each is told once, and a whole link or receiver in the place of its cells.
    """
    assert told == list(changes(dict.fromkeys(before, ILL), dict.fromkeys(after, ILL)))


def test_webhooks_that_fall_silent_are_told_once() -> None:
    """
    Until they are heard again.
    """
    assert [WebhooksSilent("two", "y")] == list(silences({"one": "x"}, {"one": "x", "two": "y"}))
