"""
The parts of the service, and how a view finds them.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from functools import partial
from threading import BoundedSemaphore
from typing import TYPE_CHECKING

from flask import current_app, g

from mailfailover._sql.database_file import DatabaseFile
from mailfailover.service.activity import ActivityMemory
from mailfailover.service.event_streams import EventStreams
from mailfailover.service.peer_memory import PeerMemory
from mailfailover.service.report_memory import ReportMemory

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask

    from mailfailover._mailer.mailer import Mailer
    from mailfailover.callbacks import Callbacks
    from mailfailover.deliveries import DeliveryHealth
    from mailfailover.outbox import Outbox
    from mailfailover.providers.preview import Preview
    from mailfailover.service.keys import Keys
    from mailfailover.service.metrics import Metrics
    from mailfailover.service.rules import Caller
    from mailfailover.suppression import SuppressionList
    from mailfailover.tracking import Tracking
    from mailfailover.unsubscribe import UnsubscribeLinks

__all__ = ["MAX_BYTES", "Service", "caller", "service", "set_up"]

MAX_BYTES = 40 * 1024 * 1024
"""The size limit of a request, which covers most vendors' limits with attachments in base64."""

_NAME = "mailfailover"


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """
    The parts of a service; one object for all threads of a process.

    Attributes:
        mailer: Whose providers send, and whose webhooks come in.

        outbox: Where mails wait until a worker has sent them.

        keys: The API keys.

        mailbox: The mailbox of ``preview://``, None without that provider.

        tracking: The mails' attempts and delivery events.

        deliveries: How mails reach their receivers, where that is learnt.

        suppressions: The addresses that must not get mail.

        metrics: The counters; an observer of the mailer, too.

        callbacks: The queue of calls that report events to other systems.

        links: The unsubscribe links of this service.

        broker: The URL of the broker that wakes workers, "" for none.

        keep_headings: Whether each mail's subject and From are kept as long as its row.

        trust_proxy: Whether, without API keys, whatever a proxy passes on is served.

        max_bytes: The largest request.

        max_wait: How many seconds ``Prefer: wait`` may wait.

        waiting, streams: How many may wait, and follow events, at once, where each holds a thread.

        event_streams: The streams that hold none.

        wall: Seconds since 1970.

        clock, sleep: For waiting.

        activity: The calls of the last day, for the page.

        reports: The last report of deliveries, for the page.

        peers: The processes that sent the requests of this machine.

        database_file: The file of its database, where it has one.

    .. versionadded:: 0.1.0
    """

    mailer: Mailer
    outbox: Outbox
    keys: Keys
    mailbox: Preview | None = None
    tracking: Tracking | None = None
    deliveries: DeliveryHealth | None = None
    suppressions: SuppressionList | None = None
    metrics: Metrics | None = None
    callbacks: Callbacks | None = None
    links: UnsubscribeLinks | None = None
    broker: str = field(default="", repr=False)
    keep_headings: bool = True
    trust_proxy: bool = False
    max_bytes: int = MAX_BYTES
    max_wait: float = 30.0
    waiting: BoundedSemaphore = field(default_factory=partial(BoundedSemaphore, 4))
    streams: BoundedSemaphore = field(default_factory=partial(BoundedSemaphore, 8))
    wall: Callable[[], float] = time.time
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], object] = time.sleep
    activity: ActivityMemory = field(default_factory=ActivityMemory)
    reports: ReportMemory = field(default_factory=ReportMemory)
    event_streams: EventStreams = field(default_factory=EventStreams)
    peers: PeerMemory = field(default_factory=PeerMemory)
    database_file: DatabaseFile = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "database_file", DatabaseFile.of(self.outbox.engine))


def set_up(app: Flask, parts: Service) -> None:
    """
    Let the views of *app* find *parts*.
    """
    app.extensions[_NAME] = parts


def service() -> Service:
    """
    Return the parts, for a view.
    """
    found: Service = current_app.extensions[_NAME]
    return found


def caller() -> Caller:
    """
    Return the caller. A view that needs one runs only after the gate has let the caller in.
    """
    found: Caller = g.caller
    return found
