"""
Mails that wait in a database until a worker has sent them, so that none is lost.

::

    from mailfailover import Message
    from mailfailover.outbox import Outbox

    outbox = Outbox("sqlite:///mailfailover.db")
    outbox.init()
    outbox.add(Message(to="you@example.com", subject="Hello", text="Hi!"))

After :meth:`Outbox.add` returns, the mail survives the death of any process. Install it with
``pip install "mailfailover[outbox]"``.
"""

from __future__ import annotations

from mailfailover._setup.extras import extra

with extra("outbox"):
    from mailfailover.outbox._outbox import Outbox
    from mailfailover.outbox._tables import State
    from mailfailover.outbox._verdict import Ending
    from mailfailover.outbox._views import OutboxAttempt, OutboxMail, OutboxRecipient, OutboxStats
    from mailfailover.outbox._worker import OutboxWorker

__all__ = [
    "Ending",
    "Outbox",
    "OutboxAttempt",
    "OutboxMail",
    "OutboxRecipient",
    "OutboxStats",
    "OutboxWorker",
    "State",
]
