"""
A search among mails: its terms, and the query that finds them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import exists, or_, select

from mailfailover.outbox import State
from mailfailover.outbox._tables import attempts, mails, recipients
from mailfailover.service.problems import FieldError, Problem
from mailfailover.service.tables import posts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sqlalchemy import Select

    from mailfailover.service.rules import Caller

__all__ = ["EVERYTHING", "Search", "read_search", "read_time"]

_TEXTS = ("recipient", "subject", "sender", "provider")
_TIMES = ("since", "until")


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """
    The terms of a search; an empty term matches every mail.

    Attributes:
        state: How they stand.

        recipient, subject, sender: Parts of an address, a subject and a From, in any case.

        provider: The chain key of a provider that was called for them.

        since, until: When they were added: not before, and before. A day as the end is included.
    """

    state: str = ""
    recipient: str = ""
    subject: str = ""
    sender: str = ""
    provider: str = ""
    since: datetime | None = None
    until: datetime | None = None

    def to_arguments(self) -> dict[str, str]:
        """
        Return it as the arguments of a URL that :func:`read_search` reads.
        """
        given = {name: getattr(self, name) for name in self.__slots__}
        return {
            name: value.isoformat() if isinstance(value, datetime) else value
            for name, value in given.items()
            if value
        }

    def query(self, caller: Caller) -> Select[Any] | None:
        """
        Return the query of the ids of these mails, None for every mail.
        """
        wanted = [*self._conditions()]
        if not caller.sees_all:
            wanted.append(posts.c.key == caller.key)
        if not wanted:
            return None
        return select(mails.c.id).outerjoin(posts, posts.c.mail == mails.c.id).where(*wanted)

    def _conditions(self) -> Iterator[Any]:
        if self.recipient:
            theirs = recipients.c.mail == mails.c.number
            has_it = recipients.c.email.icontains(self.recipient, autoescape=True)
            yield exists().where(theirs, has_it)
        if self.subject:
            yield posts.c.subject.icontains(self.subject, autoescape=True)
        if self.sender:
            columns = (posts.c.from_email, mails.c.sender)
            yield or_(*(one.icontains(self.sender, autoescape=True) for one in columns))
        if self.provider:
            called = exists().where(
                attempts.c.mail == mails.c.number, attempts.c.provider == self.provider
            )
            yield or_(mails.c.provider == self.provider, called)
        if self.since:
            yield mails.c.created >= self.since
        if self.until:
            yield mails.c.created < self.until


EVERYTHING = Search()


def read_search(given: Mapping[str, str]) -> Search:
    """
    Read a search from the arguments of a URL; a time without a zone is UTC.

    Raises:
        Problem: If an argument is invalid; it names the argument and its allowed values.
    """
    found: dict[str, Any] = {name: given.get(name, "").strip() for name in _TEXTS}
    errors = [
        FieldError(name, "must have printable characters only")
        for name in _TEXTS
        if not found[name].isprintable()
    ]
    state = given.get("state", "").strip()
    if state and state not in tuple(State):
        errors.append(FieldError("state", f"must be one of {', '.join(State)}"))
    for name in _TIMES:
        try:
            found[name] = read_time(given.get(name, "").strip(), is_end=name == "until")
        except (ValueError, OverflowError):  # the latter: at the end of all times
            errors.append(FieldError(name, "must be a time, such as 2027-01-31T09:00:00+00:00"))
    if errors:
        detail = " ".join(f"{error.field} {error.detail}." for error in errors)
        raise Problem("unreadable-request", detail, errors=errors)
    return Search(state=state, **found)


def read_time(text: str, *, is_end: bool) -> datetime | None:
    """
    Read a time or a day, in UTC where it names no zone; None for "".

    Args:
        text: The time.

        is_end: Whether something lasts until then: a day is included.

    Raises:
        ValueError, OverflowError: If it is neither.
    """
    if not text:
        return None
    if "T" not in text:  # a day, which belongs to what is looked for
        day = datetime.fromisoformat(text) + timedelta(days=is_end)
        return day.replace(tzinfo=day.tzinfo or UTC)
    found = datetime.fromisoformat(text.replace(" ", "+"))  # a plus sign that was not encoded
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
