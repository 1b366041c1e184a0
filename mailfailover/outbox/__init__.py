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

How its rooms hang together. `_outbox` is what programs use and `_worker` what sends; `_tables`
has the states, and each arrow between them belongs to one file::

    (new) -> pending             _intake: once, and with its turn (_turns)
    pending -> leased            _lease: claimed, with a token that fences off earlier holders
    leased -> sending            _record: each attempt, before its bytes leave
    sending -> sent, dead, unknown, pending        _verdict decides, _record writes it down
    leased, sending -> pending, unknown, dead      _sweep: its worker went away
    unknown -> pending           _sweep: no event came in time
    unknown -> sent, dead        _settlement: a vendor's event tells
    any -> pending, dead         _operator: by hand
    pending -> pending           _holds: its receiver is down, or up again
    sent -> sent                 _second_send: it was not delivered in time
    sent, dead -> (gone)         _sweep, when it was kept long enough

`_crew` has the threads of a worker that runs; `_delivery` is one mail's way in one of them, from
`_job` (what is known of it) by way of the mailer to `_verdict`. All that the threads write goes
through `_group_commit`. `_watches` are the mails whose delivery is waited for, and the `_watchman`
looks after them beside the crew. `_body` is a message as stored, `_views` what is told of mails,
`_health_server` what is told of a worker, and `_commit_hooks` wakes one once the caller's own
transaction is committed.
"""

from __future__ import annotations

from mailfailover._setup.extras import extra

with extra("outbox"):
    from mailfailover.outbox._outbox import Outbox
    from mailfailover.outbox._tables import State, metadata
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
    "metadata",
]
