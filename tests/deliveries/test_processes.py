"""
Several processes with one database: they count together, one judges, and all know the same.
"""

from __future__ import annotations

from multiprocessing import get_context
from typing import TYPE_CHECKING

from mailfailover import DeliveryEvent, EventType, Mailer
from mailfailover.deliveries import DeliveriesDown, DeliveryHealth
from mailfailover.tracking import Tracking

if TYPE_CHECKING:
    from pathlib import Path

NOW = 20_000 * 86400.0
PROCESSES = 3


def work(path: str, now: float, mails: int) -> tuple[set[tuple[str, str]], list[object], set[str]]:
    """
    Send some mails that a receiver refuses; return what is ill, what was told, and who sends then.
    """
    told: list[object] = []
    tracking = Tracking(f"sqlite:///{path}", clock=lambda: now)
    deliveries = DeliveryHealth(tracking, observers=[told.append], every=None)
    mailer = Mailer(
        {"one": "null://", "two": "null://"},
        from_email="me@example.com",
        observers=[tracking],
        on_event=[tracking],
        deliveries=deliveries,
    )
    for _ in range(mails):
        receipt = mailer.send(to="ann@gmail.com", subject="Hi", text="Hi")
        refused = DeliveryEvent(
            type=EventType.DEFERRED,
            provider=receipt.provider,
            mail_id=receipt.mail_id,
            recipient="ann@gmail.com",
            mta_response="421-4.7.28 unusual rate of mail",
        )
        mailer.webhooks.tell(refused)
    deliveries.check()
    cells = deliveries.check()
    used = {mailer.send(to="ann@gmail.com", subject="Hi", text="Hi").provider for _ in range(5)}
    return {place for place, cell in cells.items() if cell.is_ill}, told, used


def test_processes_agree(tmp_path: Path) -> None:
    """
    No process alone has seen enough; one of them judges by what all saw, and tells it.
    """
    path = str(tmp_path / "mails.db")
    tracking = Tracking(f"sqlite:///{path}", clock=lambda: NOW)
    tracking.init()
    DeliveryHealth(tracking, every=None).init()

    with get_context("spawn").Pool(PROCESSES, maxtasksperchild=1) as pool:
        first = pool.starmap(work, [(path, NOW, 2)] * PROCESSES, chunksize=1)
        second = pool.starmap(work, [(path, NOW + 240, 0)] * PROCESSES, chunksize=1)
        third = pool.starmap(work, [(path, NOW + 270, 0)] * PROCESSES, chunksize=1)

    told = [event for _, events, _ in (*first, *second, *third) for event in events]
    text = "6 of 6 recipients were refused or deferred as a sender within 5 min"
    assert [DeliveriesDown("one", "gmail", "blocked", text)] == told
    assert [({("one", "gmail")}, [], {"two"})] * PROCESSES == third
    tracking.close()
