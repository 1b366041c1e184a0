"""
The mails of an outbox sent by Celery's workers. It needs the extra ``celery``.

::

    app = Celery("shop", broker="amqp://localhost")
    outbox = Outbox("postgresql://localhost/shop")
    tasks = OutboxTasks(app, outbox, Mailer("failover(...)"))

    outbox.add(Message(to="you@example.com", subject="Hello", text="Hi!"))

Workers run by ``celery -A shop worker -Q mailfailover``. Without a module of your own, all from
variables of the environment, by ``celery -A mailfailover.celery worker``.
"""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING, Any

from mailfailover._setup.extras import extra

with extra("celery"):
    from mailfailover.celery._broker import QUEUE, broker_url, is_reachable, need_broker_url
    from mailfailover.celery._tasks import OutboxTasks, waker
    from mailfailover.celery._waker import Waker

if TYPE_CHECKING:
    from celery import Celery

    from mailfailover._mailer.mailer import Mailer
    from mailfailover.outbox import Outbox

__all__ = ["OutboxTasks", "Waker", "application", "broker_url", "is_reachable", "waker"]


def __getattr__(name: str) -> object:
    if name in ("app", "celery"):  # what Celery's command looks for
        return _app()
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)


def application(outbox: Outbox, mailer: Mailer, **options: Any) -> Celery:
    """
    Make the application of a worker that sends the mails of *outbox* through *mailer*.

    *options* are those of :class:`OutboxTasks`; its *health* is that of the variable
    MAILFAILOVER_WORKER_HEALTH if it is not given.

    Raises:
        ConfigurationError: If the environment names no broker.

    .. versionadded:: 0.1.0
    """
    from celery import Celery

    options.setdefault("health", os.environ.get("MAILFAILOVER_WORKER_HEALTH", "").strip())
    app = Celery("mailfailover", broker=need_broker_url(), set_as_current=False)
    app.conf.task_default_queue = QUEUE
    OutboxTasks(app, outbox, mailer, **options)
    return app


@cache
def _app() -> Celery:
    """
    The application that the environment describes.
    """
    from mailfailover import Mailer
    from mailfailover.outbox import Outbox

    need_broker_url()  # what is missing first is told first
    return application(Outbox(), Mailer())
