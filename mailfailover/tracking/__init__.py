"""
Tracking: the provider of each mail, and its delivery.

::

    from mailfailover import Mailer
    from mailfailover.tracking import Tracking

    tracking = Tracking("sqlite:///mailfailover.db")
    tracking.init()
    mailer = Mailer(observers=[tracking], on_event=[tracking])
    receipt = mailer.send(to="you@example.com", subject="Hello", text="Hi!")
    tracking.status(receipt.mail_id)

Install it with ``pip install "mailfailover[tracking]"``.

How its rooms hang together. `_tracking` is an observer of sends and a handler of events: it
writes `_send_rows` and `_event_rows` into `_tables`. `_status` reads a mail back, where
`_standing` says how each recipient stands, whatever the order in which the events came. `_counts`
counts by quarter hours what was accepted and delivered; `_silent_outages` judges those counts,
and `_watch` tells what it found. `_purge` forgets in time.
"""

from __future__ import annotations

from mailfailover._setup.extras import extra

with extra("tracking"):
    from mailfailover.tracking._purge import Purged, Retention
    from mailfailover.tracking._standing import RecipientState
    from mailfailover.tracking._status import MailStatus, RecipientTrack
    from mailfailover.tracking._tracking import Origin, Tracking
    from mailfailover.tracking._watch import SilentOutageWatch

__all__ = [
    "MailStatus",
    "Origin",
    "Purged",
    "RecipientState",
    "RecipientTrack",
    "Retention",
    "SilentOutageWatch",
    "Tracking",
]
