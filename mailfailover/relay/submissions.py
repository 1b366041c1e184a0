"""
Submissions: the mails whose senders may have to hear of a failure, in the database.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, or_, select

from mailfailover._sql.database import reading, writing
from mailfailover._sql.schema import init
from mailfailover.outbox._tables import FINISHED, mails
from mailfailover.relay.envelope import Wishes
from mailfailover.relay.tables import PART, submissions

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from sqlalchemy import Connection, Engine, Row

__all__ = ["Submission", "Submissions"]

MAX_HEADER = 64 * 1024
"""The characters of a header that a bounce shows."""

_INSERT = insert(submissions)


@dataclass(frozen=True, slots=True)
class Submission:
    """
    A mail that came to the port.

    Attributes:
        mail: Its id in the outbox.

        sender: The sender of its envelope, to whom a bounce goes.

        wishes: What is to be reported.

        header: That of the mail, which outlives the mail itself in the outbox.

        created: When it came.
    """

    mail: str
    sender: str
    wishes: Wishes
    header: str
    created: datetime


class Submissions:
    """
    The submissions of mails whose fate is open. Safe in threads.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def init(self) -> None:
        """
        Make the table; where it is there already, do nothing.
        """
        init(self.engine, PART)

    def add(self, found: Iterable[Submission], connection: Connection) -> None:
        """
        Remember in the transaction of *connection* to whom bounces go.
        """
        rows = [
            {
                "mail": one.mail,
                "sender": one.sender,
                "wishes": json.dumps(asdict(one.wishes)),
                "header": one.header.replace("\0", ""),
                "created": one.created,
            }
            for one in found
        ]
        if rows:
            connection.execute(_INSERT, rows)

    def settled(self, limit: int = 500) -> list[Submission]:
        """
        Return those whose mail waits for nothing any more, or is forgotten; the oldest first.
        """
        query = (
            select(submissions)
            .outerjoin(mails, mails.c.id == submissions.c.mail)
            .where(or_(mails.c.state.in_(FINISHED), mails.c.state.is_(None)))
            .order_by(submissions.c.number)
            .limit(limit)
        )
        with reading(self.engine) as connection:
            rows = connection.execute(query).all()
        return [_submission(row) for row in rows]

    def open(self) -> list[Submission]:
        """
        Return all that there are, the oldest first.
        """
        with reading(self.engine) as connection:
            rows = connection.execute(select(submissions).order_by(submissions.c.number)).all()
        return [_submission(row) for row in rows]

    def finish(self, mail: str, connection: Connection | None = None) -> bool:
        """
        Forget a mail that needs no report any more; return whether it was there.
        """
        statement = delete(submissions).where(submissions.c.mail == mail)
        if connection is not None:
            return bool(connection.execute(statement).rowcount)
        with writing(self.engine) as own:
            return bool(own.execute(statement).rowcount)


def _submission(row: Row[Any]) -> Submission:
    return Submission(
        row.mail, row.sender, Wishes(**json.loads(row.wishes)), row.header, row.created
    )
