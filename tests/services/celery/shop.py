"""
The application of the tests' workers: ``celery -A tests.services.celery.shop worker``.

All of it comes from the environment: BROKER, DATABASE, the vendors FIRST and SECOND, and LEASE.
"""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

from celery import Celery

from mailfailover import Mailer
from mailfailover.celery import OutboxTasks
from mailfailover.outbox import Outbox
from mailfailover.providers.mailgun import Mailgun
from mailfailover.providers.mandrill import Mandrill

if TYPE_CHECKING:
    from mailfailover import Message
    from mailfailover.plugin import HTTPRequest

POISON = "poison"


class Fragile(Mailgun):
    """
    A provider whose code kills its process when it sees a certain mail.
    """

    __slots__ = ()

    def build_request(self, message: Message) -> HTTPRequest:
        if message.subject == POISON:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().build_request(message)


app = Celery("shop", broker=os.environ["BROKER"])
outbox = Outbox(os.environ["DATABASE"])
mailer = Mailer(
    {
        "first": Fragile(api_key="key", domain="example.com", base_url=os.environ["FIRST"]),
        "second": Mandrill(api_key="key", base_url=os.environ["SECOND"]),
    },
    timeout=6,
    attempt_timeout=2,
)
tasks = OutboxTasks(
    app,
    outbox,
    mailer,
    sweep=0.5,
    lease=float(os.environ["LEASE"]),
    unknown_after=0.5,
    max_lost=2,
    max_tries=60,
)
