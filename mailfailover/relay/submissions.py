"""
Submissions: the mails whose senders may have to hear of a failure, in the database.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import insert, select, update

from mailfailover._sql.database import reading
from mailfailover._sql.schema import init
from mailfailover.relay.envelope import Wishes
from mailfailover.relay.tables import PART, submissions

if TYPE_CHECKING:
    from sqlalchemy import Engine

__all__ = ["Submission", "Submissions"]

MAX_HEADER = 64 * 1024
"""So much of a header a bounce shows."""


@dataclass(frozen=True, slots=True)
class Submission:
    """
    One mail that came to the port.

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
    The submissions that are not finished. Safe in threads.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def init(self) -> None:
        """
        Make the table; where it is there already, do nothing.
        """
        init(self.engine, PART)

    def add(self, mail: str, sender: str, wishes: Wishes, header: bytes = b"") -> None:
        """
        Remember to whom a bounce of *mail* goes, and its *header*.
        """
        row = {
            "mail": mail,
            "sender": sender,
            "wishes": json.dumps(asdict(wishes)),
            "header": header[:MAX_HEADER].decode("utf-8", "replace"),
            "created": datetime.now(UTC),
            "done": False,
        }
        with self.engine.begin() as connection:
            connection.execute(insert(submissions).values(row))

    def open(self, limit: int = 500, after: int = 0) -> list[tuple[int, Submission]]:
        """
        Return the unfinished ones with their numbers, oldest first.
        """
        query = (
            select(submissions)
            .where(submissions.c.done.is_(False), submissions.c.number > after)
            .order_by(submissions.c.number)
            .limit(limit)
        )
        with reading(self.engine) as connection:
            rows = connection.execute(query).all()
        return [
            (
                row.number,
                Submission(
                    row.mail, row.sender, Wishes(**json.loads(row.wishes)), row.header, row.created
                ),
            )
            for row in rows
        ]

    def finish(self, mail: str, connection: object = None) -> bool:
        """
        Note that *mail* needs no report any more; return whether it was open.
        """
        statement = (
            update(submissions)
            .where(submissions.c.mail == mail, submissions.c.done.is_(False))
            .values(done=True)
        )
        if connection is not None:
            return bool(connection.execute(statement).rowcount)  # type: ignore[attr-defined]  # a connection
        with self.engine.begin() as own:
            return bool(own.execute(statement).rowcount)
