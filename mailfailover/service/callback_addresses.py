"""
The addresses that are told of an event: that of its mail, else that for all mails, and the hooks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from mailfailover._sql.database import reading
from mailfailover._sql.schema import exists
from mailfailover.callbacks import Callbacks
from mailfailover.service.hooks import Hooks
from mailfailover.service.tables import PART, posts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Engine

    from mailfailover._values.events import DeliveryEvent

__all__ = ["open_callbacks"]


def open_callbacks(engine: Engine, environ: Mapping[str, str]) -> Callbacks | None:
    """
    Return what tells others of events, None where *environ* has no secret that would sign calls.

    Every process that hears of events uses it: the service, and the command that takes bounces.
    """
    secret = environ.get("MAILFAILOVER_CALLBACK_SECRET", "").strip()
    if not secret:
        return None
    for_all = environ.get("MAILFAILOVER_CALLBACK_URL", "").strip()
    hooks = Hooks(engine)

    def find(event: DeliveryEvent) -> tuple[str, ...]:
        if not exists(engine, PART):  # No service has ever used this database.
            return (for_all,)
        query = select(posts.c.callback_url).where(posts.c.mail == event.mail_id)
        with reading(engine) as connection:
            own: str | None = connection.scalar(query)
        return (own or for_all, *hooks.urls_for(event))

    return Callbacks(find, secret, database=engine)
