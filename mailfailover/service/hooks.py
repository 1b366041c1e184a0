"""
Hooks: URLs that are told of delivery events, made and removed through the API.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, select

from mailfailover._sql.database import reading, writing
from mailfailover._values.events import EventType
from mailfailover.callbacks._calls import check_url
from mailfailover.errors import ConfigurationError
from mailfailover.service.tables import hooks

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Engine

    from mailfailover._values.events import DeliveryEvent

__all__ = ["Hook", "Hooks"]

MOST = 50


@dataclass(frozen=True, slots=True)
class Hook:
    """
    A URL that is told of events.

    Attributes:
        id: Its name.

        url: Where events are told.

        types: Of which kinds; all where empty.

        created: When it was made.
    """

    id: str
    url: str
    types: tuple[str, ...]
    created: datetime

    def to_dict(self) -> dict[str, Any]:
        """
        Return it as JSON-safe data.
        """
        return {
            "id": self.id,
            "url": self.url,
            "types": list(self.types),
            "created": self.created.isoformat(),
        }


class Hooks:
    """
    The hooks in a database. Safe in threads.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def add(self, url: str, types: Iterable[str] = ()) -> Hook:
        """
        Make a hook and return it.

        Raises:
            ConfigurationError: If its URL or a type means nothing, or there are too many.
        """
        types = tuple(dict.fromkeys(types))
        if unknown := [one for one in types if one not in tuple(EventType)]:
            message = f"there is no type {unknown[0]!r}; known: {', '.join(EventType)}"
            raise ConfigurationError(message)
        if len(self.list()) >= MOST:
            raise ConfigurationError(f"there are {MOST} webhooks already: remove one first")
        found = Hook(secrets.token_hex(6), check_url(url), types, datetime.now(UTC))
        row = {"id": found.id, "url": found.url, "created": found.created}
        with writing(self.engine) as connection:
            connection.execute(insert(hooks).values(**row, types=json.dumps(types)))
        return found

    def list(self) -> list[Hook]:
        """
        Return every hook, the oldest first.
        """
        with reading(self.engine) as connection:
            rows = connection.execute(select(hooks).order_by(hooks.c.created, hooks.c.id)).all()
        return [Hook(row.id, row.url, tuple(json.loads(row.types)), row.created) for row in rows]

    def remove(self, hook_id: str) -> bool:
        """
        Remove a hook; return whether there was one.
        """
        with writing(self.engine) as connection:
            return bool(connection.execute(delete(hooks).where(hooks.c.id == hook_id)).rowcount)

    def urls_for(self, event: DeliveryEvent) -> tuple[str, ...]:
        """
        Return the URLs that are told of *event*.
        """
        found = (one.url for one in self.list() if not one.types or str(event.type) in one.types)
        return tuple(dict.fromkeys(found))
