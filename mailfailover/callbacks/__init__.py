"""
Telling a system of one's own what became of each mail: signed calls, repeated until they succeed.

::

    from mailfailover import Mailer
    from mailfailover.callbacks import Callbacks

    callbacks = Callbacks("https://app.example.com/mail-events", secret="whsec_...")
    callbacks.init()
    mailer = Mailer(on_event=[callbacks])
    callbacks.run()  # in a thread or a process of its own

The calls follow https://www.standardwebhooks.com. Install it with
``pip install "mailfailover[webhooks]"``.

How its rooms hang together. `_callbacks` is the handler that writes down each event to be told,
and the loop that tells them; `_queue` has the calls in the database, claimed, repeated and given
up there; `_calls` says what a call looks like. The table is one of the webhooks'.
"""

from __future__ import annotations

from mailfailover._setup.extras import extra

with extra("webhooks", "mailfailover.callbacks"):
    from mailfailover.callbacks._callbacks import Callbacks, CallbackStats

__all__ = ["CallbackStats", "Callbacks"]
