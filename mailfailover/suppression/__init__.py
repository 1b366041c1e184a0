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
"""

from __future__ import annotations

from mailfailover._setup.extras import extra

with extra("tracking", "mailfailover.suppression"):
    from mailfailover.suppression._entry import Reason, Suppression
    from mailfailover.suppression._list import SuppressionList
    from mailfailover.suppression._origins import Origins

__all__ = ["Origins", "Reason", "Suppression", "SuppressionList"]
