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

How its rooms hang together. `_delivery_health` is an observer of sends and a handler of events:
its `_listener` adds to the `_counts` in memory (`_words` knows which refusals mean the sender,
`_apart` which receivers are counted by themselves), and now and then they become `_count_rows` in
the `_tables`. One process at a time holds a `_sitting`: it keeps a `_ledger` of all counts, where
each cell is a `_series` of `_slot`s, and `_judge` gives each `_cell` its state. A `_reading` sets
the recent mails beside what is `_usual`, `_chance` says how likely that is, `_hearing` whether
our webhooks work; `_suspicion` looks at one cell, `_evidence` compares, `_recovery` ends an
illness. All processes read the `_cell_rows` back, `_routing` orders a mail's candidates by them
without any IO, and the `_bulletin` tells observers alarms, which stand in the chain's room.
`_report` is what people read.
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
    from mailfailover.deliveries._report import DeliveryReport

__all__ = [
    "Cell",
    "CellState",
    "DeliveriesDown",
    "DeliveriesUp",
    "DeliveryHealth",
    "DeliveryReport",
    "ReceiverDown",
    "ReceiverUp",
    "WebhooksSilent",
]
