"""
The bulletin: the events and log lines about cells that change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailfailover._chain.alarms import (
    DeliveriesDown,
    DeliveriesUp,
    ReceiverDown,
    ReceiverUp,
    WebhooksSilent,
)
from mailfailover._chain.log import logger
from mailfailover._chain.observe import tell
from mailfailover.deliveries._cell import ALL, Cell, Place

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from mailfailover._chain.observe import Observer


def changes(before: Mapping[Place, Cell], after: Mapping[Place, Cell]) -> Iterator[object]:
    """
    Yield what became ill and what became well; a whole link or receiver stands for its cells.
    """
    told, now = _to_tell(before), _to_tell(after)
    for link, receiver in sorted(now - told):
        cell = after[link, receiver]
        if link == ALL:
            yield ReceiverDown(receiver, cell.detail)
        else:
            yield DeliveriesDown(link, receiver, str(cell.state), cell.detail)
    for link, receiver in sorted(place for place in told - now if not _is_ill(after, place)):
        yield ReceiverUp(receiver) if link == ALL else DeliveriesUp(link, receiver)


def _to_tell(cells: Mapping[Place, Cell]) -> set[Place]:
    ill = {place for place, cell in cells.items() if cell.is_ill}
    wholes = {place for place in ill if ALL in place}
    return wholes | {
        (link, receiver)
        for link, receiver in ill - wholes
        if wholes.isdisjoint({(link, ALL), (ALL, receiver)})
    }


def _is_ill(cells: Mapping[Place, Cell], place: Place) -> bool:
    return place in cells and cells[place].is_ill


def silences(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[WebhooksSilent]:
    """
    Yield the links whose webhooks fell silent.
    """
    for key in sorted(after.keys() - before.keys()):
        yield WebhooksSilent(key, after[key])


def publish(observers: Iterable[Observer], news: Iterable[object]) -> None:
    """
    Tell the log and *observers* of each.
    """
    for one in news:
        is_up = isinstance(one, (DeliveriesUp, ReceiverUp))
        (logger.info if is_up else logger.warning)("%s", one)
        tell(observers, one)
