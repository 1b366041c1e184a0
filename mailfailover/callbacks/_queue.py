"""
The queue of calls in the database: who claims one makes it, and nobody else meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import and_, delete, func, select, true, update

from mailfailover._sql.database import reading, writing
from mailfailover.webhooks._tables import callbacks

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection, Engine

LEASE = timedelta(seconds=60)
"""The seconds that a claim of a call holds; then another process makes the call."""


@dataclass(frozen=True, slots=True)
class Job:
    """
    A claimed call. *attempts* counts this one, and is what nobody else has: a fence.
    """

    id: str
    url: str
    body: str
    attempts: int


def claim(engine: Engine, now: datetime) -> Job | None:
    """
    Claim the call that is due longest, None where none is due.
    """
    due = and_(callbacks.c.dead.is_not(true()), callbacks.c.due <= now)
    oldest = select(callbacks).where(due).order_by(callbacks.c.due).limit(1)
    while True:
        with reading(engine) as connection:
            row = connection.execute(oldest).first()
        if row is None:
            return None
        job = Job(row.id, row.url, row.body, row.attempts + 1)
        with writing(engine) as connection:
            taken = (
                update(callbacks)
                .where(callbacks.c.id == row.id, callbacks.c.attempts == row.attempts, due)
                .values(attempts=job.attempts, due=now + LEASE)
            )
            if connection.execute(taken).rowcount == 1:
                return job


def done(engine: Engine, job: Job) -> None:
    """
    Forget a call that succeeded, with the addresses in it.
    """
    with writing(engine) as connection:
        connection.execute(delete(callbacks).where(_is(job)))


def later(engine: Engine, job: Job, due: datetime, detail: str) -> None:
    """
    Let a call that failed be made again at *due*.
    """
    _note(engine, job, due=due, detail=detail)


def give_up(engine: Engine, job: Job, detail: str) -> None:
    """
    Give a call up. Its row stays, so that an operator can find it.
    """
    _note(engine, job, dead=True, detail=detail)


def next_due(engine: Engine) -> datetime | None:
    """
    Return when the next call is due, None where none waits.
    """
    query = select(func.min(callbacks.c.due)).where(callbacks.c.dead.is_not(true()))
    with reading(engine) as connection:
        found: datetime | None = connection.scalar(query)
    return found


def counts(connection: Connection) -> tuple[int, int]:
    """
    Return how many calls wait, and how many were given up.
    """
    query = select(callbacks.c.dead, func.count()).group_by(callbacks.c.dead)
    found = {bool(dead): count for dead, count in connection.execute(query)}
    return found.get(False, 0), found.get(True, 0)


def _note(engine: Engine, job: Job, **values: object) -> None:
    with writing(engine) as connection:
        connection.execute(update(callbacks).where(_is(job)).values(**values))


def _is(job: Job) -> ColumnElement[bool]:
    # A worker whose lease has ended changes nothing any more.
    return and_(callbacks.c.id == job.id, callbacks.c.attempts == job.attempts)
