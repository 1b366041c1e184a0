"""
Headings of mails: the subject and the From with which each was posted.

The outbox forgets what a mail says once it is sent. Its heading stays as long as its row, so that
mails can be told apart and found, unless the operator says no.
"""

from __future__ import annotations

from email.parser import BytesHeaderParser
from email.policy import default
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import delete, select

from mailfailover._sql.database import reading, writing
from mailfailover._sql.rows import fit
from mailfailover.outbox._tables import mails
from mailfailover.service.tables import posts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sqlalchemy import Engine

    from mailfailover._message.message import Message

__all__ = ["Heading", "forget_posts", "heading_of", "read_headings"]

MAX_SUBJECT = 998  # of a line (RFC 5322)


class Heading(NamedTuple):
    """
    The heading of a mail, by which a person recognises it; "" where it is not known.
    """

    subject: str = ""
    from_email: str = ""


def heading_of(message: Message) -> Heading:
    """
    Return the heading of *message*, as every database can keep it.
    """
    sender = "" if message.from_email is None else str(message.from_email)
    subject = message.subject
    if message.mime:  # a finished mail says both in its header
        header = BytesHeaderParser(policy=default).parsebytes(message.mime)
        subject, sender = str(header.get("Subject", "")), sender or str(header.get("From", ""))
    return Heading(fit(subject, MAX_SUBJECT), fit(sender, MAX_SUBJECT))


def read_headings(engine: Engine, mail_ids: Iterable[str]) -> Mapping[str, Heading]:
    """
    Read the heading of each of these mails; a mail that a program added has its sender only.
    """
    columns = (mails.c.id, mails.c.sender, posts.c.subject, posts.c.from_email)
    query = (
        select(*columns)
        .outerjoin(posts, posts.c.mail == mails.c.id)
        .where(mails.c.id.in_(list(mail_ids)))
    )
    with reading(engine) as connection:
        rows = connection.execute(query).all()
    return {row.id: Heading(row.subject or "", row.from_email or row.sender) for row in rows}


def forget_posts(engine: Engine) -> None:
    """
    Forget who posted what of mails that the outbox has forgotten.
    """
    known = select(mails.c.id).where(mails.c.id == posts.c.mail)
    with writing(engine) as connection:
        connection.execute(delete(posts).where(~known.exists()))
