"""
Who must not get mail: told by every provider, and held at all of them.

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
of sends and a handler of events. `_evidence` makes rows of what it is told, by `_rules` that say
which event suppresses whom; `_origins` asks tracking what kind of mail the event is of. `_rows`
writes and reads entries (`_entry`) of the table in `_tables`; `_csv` imports and exports them.
"""

from __future__ import annotations

from mailfailover._setup.extras import extra

with extra("tracking", "mailfailover.suppression"):
    from mailfailover.suppression._entry import Reason, Suppression
    from mailfailover.suppression._list import SuppressionList
    from mailfailover.suppression._origins import Origins

__all__ = ["Origins", "Reason", "Suppression", "SuppressionList"]
