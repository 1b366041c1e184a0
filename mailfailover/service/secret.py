"""
The secret that signs sessions, the same for every instance of a service.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from mailfailover._sql.database import reading
from mailfailover.service.tables import secrets as table

if TYPE_CHECKING:
    from sqlalchemy import Engine

_SESSION = "session"


def session_secret(engine: Engine) -> str:
    """
    Return the secret, creating it on first use by any instance.
    """
    found = _read(engine)
    if found is None:
        value = secrets.token_urlsafe(32)
        try:
            with engine.begin() as connection:
                connection.execute(insert(table).values(name=_SESSION, value=value))
        except IntegrityError:
            pass  # another instance was faster
        found = _read(engine)
    return str(found)


def _read(engine: Engine) -> str | None:
    with reading(engine) as connection:
        found: str | None = connection.scalar(select(table.c.value).where(table.c.name == _SESSION))
    return found
