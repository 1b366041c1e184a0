"""
Deliveries feed health: a provider that says yes and delivers nothing is down for its users.

::

    from mailfailover import Mailer
    from mailfailover.deliveries import DeliveryHealth
    from mailfailover.tracking import Tracking

    tracking = Tracking("sqlite:///mailfailover.db")
    tracking.init()
    deliveries = DeliveryHealth(tracking)
    deliveries.init()
    mailer = Mailer(observers=[tracking], on_event=[tracking], deliveries=deliveries)

Install it with ``pip install "mailfailover[tracking]"``.

How its rooms hang together. `_delivery_health` is an observer of sends and a handler of events: it
adds to the `_counts` in memory, and now and then writes them through the `_store` into `_tables`.
One process at a time judges: `_judge` reads each cell's `_series` (its recent mails beside its
past), compares cells with each other, and gives each `_cell` its state; `_words` knows which
refusals mean the sender. All processes read the cells back, and `_routing` orders a mail's
candidates by them, without any IO. Observers are told alarms, which stand in the chain's room.
"""

from __future__ import annotations

from mailfailover._setup.extras import extra

with extra("tracking", "mailfailover.deliveries"):
    from mailfailover._chain.alarms import (
        DeliveriesDown,
        DeliveriesUp,
        ReceiverDown,
        ReceiverUp,
        WebhooksSilent,
    )
    from mailfailover.deliveries._cell import Cell, CellState
    from mailfailover.deliveries._delivery_health import DeliveryHealth

__all__ = [
    "Cell",
    "CellState",
    "DeliveriesDown",
    "DeliveriesUp",
    "DeliveryHealth",
    "ReceiverDown",
    "ReceiverUp",
    "WebhooksSilent",
]
