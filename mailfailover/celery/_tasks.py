"""
The tasks that send an outbox's mails.
"""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Any

from celery import signals

from mailfailover._values.face import published_in
from mailfailover.celery._broker import DEFAULTS, QUEUE, SEND, broker_errors, depth, publish
from mailfailover.celery._health import Health
from mailfailover.celery._sweeper import Sweeper, Sweeping
from mailfailover.celery._waker import Waker
from mailfailover.outbox import OutboxWorker

if TYPE_CHECKING:
    from celery import Celery

    from mailfailover._mailer.mailer import Mailer
    from mailfailover.outbox import Outbox

logger = logging.getLogger("mailfailover.celery")

SWEEP = "mailfailover.sweep"

# What became of a mail is in the outbox, so a task that ended is done with, however it ended. One
# whose process died is given to another.
_TASK = {
    "acks_late": True,
    "reject_on_worker_lost": True,
    "ignore_result": True,
    "max_retries": 0,
    "shared": False,  # with other applications of the process, which have other outboxes
}


@published_in("mailfailover.celery")
class OutboxTasks:
    """
    Sends the mails of an outbox by the workers of a Celery application.

    Each mail that is added wakes a task, ``mailfailover.send``, that sends the mail whose turn
    it is. The broker holds no mail, so it can lose none: every worker that takes from the queue
    also looks at the outbox now and then, and wakes up for what waits there.

    Args:
        app: The application. What it does not set itself is set as this needs it: prefetch 1,
            publisher confirms, and a broker that is away is waited for.

        outbox: Where the mails are. What is added through it wakes a task.

        mailer: The mailer that sends the mails.

        queue: A queue of its own: start workers with ``-Q`` and its name.

        sweep: Seconds between two looks at the outbox.

        health:
            ``HOST:PORT`` where a worker answers ``/healthz`` and ``/readyz``; nowhere without it.
            A program that only adds mails does not listen.

        options: Of ``OutboxWorker``.

    Attributes:
        send: The task that sends one mail.

        sweep: The task that looks at the outbox, for who wants beat to do it as well.

        wake: Tells the broker of a mail in the outbox.

    .. versionadded:: 0.1.0
    """

    def __init__(
        self,
        app: Celery,
        outbox: Outbox,
        mailer: Mailer,
        *,
        queue: str = QUEUE,
        sweep: float = 10.0,
        health: str = "",
        **options: Any,
    ) -> None:
        self.app = app
        self.outbox = outbox
        self.mailer = mailer
        self.queue = queue
        self._options = options
        self._workers: dict[int, OutboxWorker] = {}
        app.add_defaults(DEFAULTS)
        self.wake: Waker = waker(app, queue=queue)
        outbox.on_add.append(self.wake)
        sweeper = Sweeper(
            self.worker, lambda: depth(app, queue), lambda mails: publish(app, queue, mails)
        )
        self._sweeping = Sweeping(sweeper.sweep, broker_errors(app), sweep)
        broker = app.conf.broker_write_url or app.conf.broker_url or ""
        self._health = Health(health, self._sweeping, outbox, broker)

        def send(mail_id: str) -> None:
            logger.debug("woken by mail %s", mail_id)
            self._send_next()

        def sweep_once() -> None:
            sweeper.sweep()

        self.send: Any = app.task(name=SEND, **_TASK)(send)
        self.sweep: Any = app.task(name=SWEEP, **_TASK)(sweep_once)
        signals.after_setup_logger.connect(_log_mails, weak=False)
        signals.worker_ready.connect(self._on_ready, weak=False)
        signals.worker_shutting_down.connect(self._on_shutting_down, weak=False)

    def worker(self) -> OutboxWorker:
        """
        Return this process's own worker of the outbox.
        """
        pid = os.getpid()
        if pid not in self._workers:
            self._workers = {pid: OutboxWorker(self.outbox, self.mailer, **self._options)}
        return self._workers[pid]

    def _send_next(self) -> None:
        worker = self.worker()
        for lease in worker.claim(1):
            worker.deliver(lease)

    def _on_ready(self, sender: Any, **_: Any) -> None:
        queues = {queue.name for queue in sender.task_consumer.queues}
        if sender.app is self.app and self.queue in queues:
            self._sweeping.start()
            self._health.start()

    def _on_shutting_down(self, **_: Any) -> None:
        self._sweeping.stop()
        self._health.stop()


def _log_mails(**_: Any) -> None:
    """
    Let a worker log each mail, also at the level WARNING that Celery's command begins with.
    """
    mails = logging.getLogger("mailfailover")
    if mails.level == logging.NOTSET:  # nobody has said what they want
        mails.setLevel(logging.INFO)


def waker(app: Celery | str, *, queue: str = QUEUE) -> Waker:
    """
    Return what wakes the workers of an outbox, for its *on_add*, in a program that has no tasks.

    ::

        outbox = Outbox(on_add=[waker("amqp://localhost")])

    Args:
        app: A Celery application, or the URL of the broker.

        queue: That of the workers.

    .. versionadded:: 0.1.0
    """
    if isinstance(app, str):
        from celery import Celery

        app = Celery("mailfailover", broker=app, set_as_current=False)
        app.add_defaults(DEFAULTS)
    return Waker(lambda mail_id: publish(app, queue, [mail_id]), broker_errors(app))
