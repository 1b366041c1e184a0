"""
API keys: made, shown once, kept as digests, and revoked.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, insert, select, update

from mailfailover._sql.database import reading, writing
from mailfailover._sql.schema import init, upgrade
from mailfailover.errors import ConfigurationError
from mailfailover.service.limits import begin_counting
from mailfailover.service.rules import Caller, Rules
from mailfailover.service.tables import PART, keys

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine, Row

__all__ = ["KeyInfo", "Keys"]

PREFIX = "mfk"
_FORM = re.compile(rf"{PREFIX}_([a-z0-9]{{12}})_([A-Za-z0-9_-]{{43}})")
_NAME = re.compile(r"[^\x00-\x1f\x7f]{1,64}")
_NOBODY = "0" * 64
MEMORY_SECONDS = 1.0
"""Seconds that a key still works after another process revoked it."""


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """
    A key as its owner sees it: everything but the secret.
    """

    id: str
    name: str
    rules: Rules
    created: datetime
    revoked: datetime | None

    @property
    def caller(self) -> Caller:
        """
        The caller that this key stands for.
        """
        return Caller(self.id, self.name, self.rules)

    def to_dict(self) -> dict[str, Any]:
        """
        Return it as JSON-safe data.
        """
        rules = {name: getattr(self.rules, name) for name in Rules.__slots__}
        times = {"created": self.created, "revoked": self.revoked}
        return {
            "id": self.id,
            "name": self.name,
            **{name: list(one) if isinstance(one, tuple) else one for name, one in rules.items()},
            **{name: one and one.isoformat() for name, one in times.items()},
        }


class Keys:
    """
    The API keys in a database. Safe in threads.

    Args:
        engine: The database.

        clock: Seconds on a clock that never goes back.

    .. versionadded:: 0.1.0
    """

    def __init__(self, engine: Engine, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.engine = engine
        self._clock = clock
        # The last look-ups with their times: a key is read once a second, not at each request.
        self._read: dict[str, tuple[float, tuple[KeyInfo, str] | None]] = {}
        self._counted = (float("-inf"), False)

    def init(self) -> None:
        """
        Make the tables; where they are there already, do nothing.
        """
        init(self.engine, PART)

    def upgrade(self) -> int:
        """
        Bring the tables to this version of the library; return the version they had.
        """
        return upgrade(self.engine, PART)

    def add(self, name: str, rules: Rules | None = None) -> str:
        """
        Make a key and return it. Only its digest is stored, so the key is never shown again.

        Raises:
            ConfigurationError: If the name cannot be shown.
        """
        if not _NAME.fullmatch(name):
            raise ConfigurationError("the name of a key must be one line of 1 to 64 characters")
        rules = rules or Rules()
        key_id, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
        with writing(self.engine) as connection:
            connection.execute(
                insert(keys).values(
                    id=key_id,
                    name=name,
                    digest=_digest(secret),
                    created=datetime.now(UTC),
                    rules=rules.to_json(),
                )
            )
            begin_counting(connection, key_id, rules)
        self._forget()
        return f"{PREFIX}_{key_id}_{secret}"

    def list(self) -> list[KeyInfo]:
        """
        Return every key, also the revoked ones, oldest first.
        """
        with reading(self.engine) as connection:
            rows = connection.execute(select(keys).order_by(keys.c.created, keys.c.id)).all()
        return [_info(row) for row in rows]

    def revoke(self, key_id: str) -> bool:
        """
        Revoke a key; return whether there was one to revoke.
        """
        statement = (
            update(keys)
            .where(keys.c.id == key_id, keys.c.revoked.is_(None))
            .values(revoked=datetime.now(UTC))
        )
        with writing(self.engine) as connection:
            found = bool(connection.execute(statement).rowcount)
        self._forget()
        return found

    def exist(self) -> bool:
        """
        Tell whether a key was ever made. A service whose keys are all revoked stays closed.
        """
        found = self.exist_by_memory()
        if found is None:
            with reading(self.engine) as connection:
                found = bool(connection.scalar(select(func.count()).select_from(keys)))
            self._counted = self._clock(), found
        return found

    def exist_by_memory(self) -> bool | None:
        """
        Tell what :meth:`exist` would, or None if that has to ask the database.
        """
        when, found = self._counted
        return found if found or self._clock() - when <= MEMORY_SECONDS else None

    def check(self, text: str) -> Caller | None:
        """
        Return the caller with the key *text*, or None, in the same time for every secret.
        """
        form = _FORM.fullmatch(text)
        key_id, secret = form.groups() if form else ("", "")
        info, digest = self._look_up(key_id) or (None, _NOBODY)
        same = hmac.compare_digest(_digest(secret), digest)
        return info.caller if info is not None and same else None

    def caller(self, key_id: str) -> Caller | None:
        """
        Return the caller with the key *key_id* for a session, None if it is revoked.
        """
        found = self._look_up(key_id)
        return found[0].caller if found else None

    def _look_up(self, key_id: str) -> tuple[KeyInfo, str] | None:
        now = self._clock()
        when, found = self._read.get(key_id, (float("-inf"), None))
        if now - when > MEMORY_SECONDS:
            with reading(self.engine) as connection:
                row = connection.execute(
                    select(keys).where(keys.c.id == key_id, keys.c.revoked.is_(None))
                ).one_or_none()
            found = (_info(row), row.digest) if row else None
            if found:  # or guesses would fill the memory
                self._read[key_id] = now, found
            else:
                self._read.pop(key_id, None)
        return found

    def _forget(self) -> None:
        self._read.clear()
        self._counted = (float("-inf"), False)


def _digest(secret: str) -> str:
    # A key has 256 random bits and cannot be guessed, so no slow hash is needed.
    return hashlib.sha256(secret.encode()).hexdigest()


def _info(row: Row[Any]) -> KeyInfo:
    return KeyInfo(row.id, row.name, Rules.from_json(row.rules), row.created, row.revoked)
