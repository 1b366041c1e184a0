"""
The recipients who must not get mail, learned from every provider and respected at all of them.

::

    from mailfailover import Mailer
    from mailfailover.suppression import SuppressionList
    from mailfailover.tracking import Tracking

    tracking = Tracking()
    suppressions = SuppressionList(tracking=tracking)
    mailer = Mailer(
        suppressions=suppressions,
        observers=[tracking, suppressions],
        on_event=[tracking, suppressions],
    )

Install it with ``pip install "mailfailover[tracking]"``.

How its rooms hang together. `_list` is what the mailer asks before a send (`_find`), an observer
of sends and a handler of events. `_evidence` says what was told against whom, by `_rules` that say
which event suppresses; `_origins` asks tracking what kind of mail the event is of. Complaints and
unsubscriptions become entries at once. A bounce comes to a `_trial`: it is logged in
`_bounce_rows`, beside the last `_delivery_rows` of its address, and the `_sentence` on all of these
becomes entries. `_quarantine` finds receivers that refuse many, whose bounces then count for
nothing, and `_undo` takes back bounces by hand; both let the address be judged again. `_rows`
writes and reads entries (`_entry`) of `_tables`; `_csv` imports and exports them.
"""

from __future__ import annotations

from mailfailover._setup.extras import extra

with extra("tracking", "mailfailover.suppression"):
    from mailfailover._chain.alarms import BouncesQuarantined
    from mailfailover.suppression._entry import Reason, Suppression, SuppressionState
    from mailfailover.suppression._list import SuppressionList
    from mailfailover.suppression._origins import Origins
    from mailfailover.suppression._quarantine import Quarantine

__all__ = [
    "BouncesQuarantined",
    "Origins",
    "Quarantine",
    "Reason",
    "Suppression",
    "SuppressionList",
    "SuppressionState",
]
