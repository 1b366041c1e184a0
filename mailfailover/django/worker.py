"""
The worker that sends the mails of the outbox in Django's database.

The worker opens connections of its own: its transactions are not those of Django.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from django.db import connections
from sqlalchemy import create_engine

from mailfailover._sql.database import open_engine, renewed_after_fork
from mailfailover.django.registry import get_mailer, get_outbox
from mailfailover.errors import ConfigurationError
from mailfailover.outbox import Outbox, OutboxWorker

if TYPE_CHECKING:
    from sqlalchemy import Engine

__all__ = ["get_worker", "open_own_engine"]

# Parameters that only Django's own connections of psycopg understand.
_DJANGOS_OWN = ("context", "cursor_factory")


def get_worker(mailer: str | None = None, **options: Any) -> OutboxWorker:
    """
    Return a worker with the mailer and the database of the project's settings.

    ::

        @task
        def send_next():
            get_worker().run_once(limit=1)

    Args:
        mailer: An alias of ``MAILERS``, as for :func:`mailfailover.django.get_mailer`.

        options: Of :class:`~mailfailover.outbox.OutboxWorker`.

    Raises:
        ConfigurationError: If there is no outbox, or its tables are missing.

    .. versionadded:: 0.1.0
    """
    joined: Any = get_outbox(mailer).engine.dialect
    outbox = Outbox(open_own_engine(joined.alias))
    outbox.check()
    return OutboxWorker(outbox, get_mailer(mailer), **options)


@cache
def open_own_engine(alias: str) -> Engine:
    """
    Open the database *alias* of Django's ``DATABASES`` by connections of our own, once.

    Raises:
        ConfigurationError: If it is in the memory of this process.
    """
    django = connections[alias]
    if django.vendor == "sqlite":
        name = str(django.settings_dict["NAME"])
        if django.is_in_memory_db():
            message = f"the database {alias!r} is in memory, where no worker sees it: name a file"
            raise ConfigurationError(message)
        return open_engine(f"sqlite:///{name}")
    parameters = {
        name: value
        for name, value in django.get_connection_params().items()
        if name not in _DJANGOS_OWN
    }
    engine = create_engine(
        f"{django.vendor}+{django.Database.__name__.lower()}://",
        creator=lambda: django.Database.connect(**parameters),
        isolation_level="READ COMMITTED",
        max_overflow=-1,
        pool_pre_ping=True,
        hide_parameters=True,
    )
    return renewed_after_fork(engine)
