"""
The broker: where it is, what it raises when it is away, and what waits in it.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from kombu.connection import Connection
from kombu.exceptions import OperationalError

from mailfailover.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from celery import Celery

QUEUE = "mailfailover"
SEND = "mailfailover.send"
"""The name of the task that sends one mail."""

# Hosts that sell brokers use the second and the third.
_VARIABLES = ("MAILFAILOVER_BROKER", "CLOUDAMQP_URL", "REDISTOGO_URL")

DEFAULTS: Mapping[str, Any] = {
    "broker_connection_max_retries": None,  # a broker that is away is waited for
    "broker_connection_retry_on_startup": True,
    "broker_transport_options": {"confirm_publish": True},
    "worker_cancel_long_running_tasks_on_connection_loss": False,  # a mail under way is finished
    "worker_prefetch_multiplier": 1,
}

# One immediate retry: an idle connection that was closed is no outage.
_PUBLISHING = {
    "ignore_result": True,
    "retry": True,
    "retry_policy": {"max_retries": 1, "interval_start": 0, "interval_max": 0},
}


def broker_url(environ: Mapping[str, str] | None = None) -> str:
    """
    Return the URL of the broker that the environment names, "" if it names none.

    The variables are MAILFAILOVER_BROKER, CLOUDAMQP_URL and REDISTOGO_URL, in this order.

    .. versionadded:: 0.1.0
    """
    environ = os.environ if environ is None else environ
    found = (environ.get(name, "").strip() for name in _VARIABLES)
    return next(filter(None, found), "")


def need_broker_url() -> str:
    """
    The same; one must be there.

    Raises:
        ConfigurationError: If not.
    """
    if url := broker_url():
        return url
    message = (
        "no broker is configured: set MAILFAILOVER_BROKER, for example to "
        "amqp://guest:guest@localhost:5672// or redis://localhost:6379/0"
    )
    raise ConfigurationError(message)


def is_reachable(url: str, seconds: float = 2.0) -> bool:
    """
    Tell whether the broker at *url* answers, after at most about so many seconds.

    .. versionadded:: 0.1.0
    """
    with Connection(url, connect_timeout=seconds) as connection:  # type: ignore[no-untyped-call]  # kombu has no types
        try:
            connection.connect()
        except (OperationalError, OSError, *connection.connection_errors):
            return False
        return True


def publish(app: Celery, queue: str, mail_ids: Iterable[str]) -> None:
    """
    Put a wake-up for each of these mails into *queue*, each confirmed by the broker.
    """
    with app.producer_or_acquire() as producer:
        for mail_id in mail_ids:
            app.send_task(SEND, (mail_id,), queue=queue, producer=producer, **_PUBLISHING)


def depth(app: Celery, queue: str) -> int:
    """
    Return the number of messages in *queue*; 0 if the queue does not exist.
    """
    with app.connection_for_write() as connection, connection.channel() as channel:
        try:
            found: int = channel.queue_declare(queue, passive=True).message_count
        except connection.channel_errors:
            return 0
        return found


def broker_errors(app: Celery) -> tuple[type[Exception], ...]:
    """
    The exceptions that :func:`publish` and :func:`depth` raise when the broker is away.
    """
    connection = app.connection_for_write()
    return (OperationalError, OSError, *connection.connection_errors, *connection.channel_errors)
