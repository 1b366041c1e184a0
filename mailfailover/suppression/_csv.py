"""
The CSV form of suppressions, read and written line by line, however many there are.

The first line names the columns: ``email``, and any of ``reason, stream, from_domain, source,
detail, created, expires``. An empty cell is an empty value: it holds for every stream, and for
ever.
"""

from __future__ import annotations

import csv
from dataclasses import replace
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from mailfailover.errors import ImportRefused, InvalidMessage
from mailfailover.suppression._entry import (
    Reason,
    Suppression,
    SuppressionState,
    plain_address,
    plain_domain,
)
from mailfailover.suppression._rows import BATCH, entry_of, row_of, store
from mailfailover.suppression._tables import suppressions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from typing import TextIO

    from sqlalchemy import Connection

COLUMNS = (
    "email",
    "reason",
    "stream",
    "from_domain",
    "source",
    "detail",
    "created",
    "expires",
)
_KNOWN = ", ".join(COLUMNS)
_NAMED = 20
"""How many bad lines are named; the others are only counted."""


def export_rows(connection: Connection, file: TextIO) -> int:
    """
    Write every entry that keeps mail back to *file*, and return how many there are.
    """
    writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
    writer.writeheader()
    query = select(suppressions).where(suppressions.c.state != str(SuppressionState.QUARANTINED))
    query = query.order_by(suppressions.c.email, suppressions.c.key)
    count = 0
    for row in connection.execution_options(yield_per=BATCH).execute(query):
        entry = entry_of(row).to_dict()
        writer.writerow({name: entry[name] for name in COLUMNS})
        count += 1
    return count


def import_rows(connection: Connection, lines: Iterable[str], default: Suppression) -> int:
    """
    Write what *lines* say, for columns that they lack that of *default*; return how many.

    Raises:
        ImportRefused: If a line is bad. All have been read then, and the transaction of
            *connection* is to be rolled back.
    """
    entries = Entries(lines, default)
    good = iter(entries)
    count = 0
    while batch := list(islice(good, BATCH)):
        count += len(batch)
        if not entries.bad:
            store(connection, *map(row_of, batch))
    if entries.bad:
        raise _refusal(entries.bad)
    return count


def _refusal(bad: list[tuple[int, str]]) -> ImportRefused:
    rows = [f"  line {number}: {problem}" for number, problem in bad[:_NAMED]]
    if len(bad) > _NAMED:
        rows.append(f"  and {len(bad) - _NAMED} more")
    text = "\n".join(("nothing was imported, because of bad lines:", *rows))
    return ImportRefused(text, lines=bad)


class Entries:
    """
    Reads entries, and collects the lines that are none.
    """

    def __init__(self, lines: Iterable[str], default: Suppression) -> None:
        self.reader = csv.reader(lines, strict=True)
        self.default = default
        self.bad: list[tuple[int, str]] = []

    def __iter__(self) -> Iterator[Suppression]:
        records = self._records()
        header = [name.strip().lower() for name in next(records, [])]
        problem = _header_problem(header)
        if problem and not self.bad:
            self.bad.append((1, problem))
        if problem:
            return
        for record in records:
            try:
                yield _entry(header, record, self.default)
            except ValueError as exc:  # InvalidMessage is one too
                self.bad.append((self.reader.line_num, str(exc)))

    def _records(self) -> Iterator[list[str]]:
        while True:
            try:
                record = next(self.reader)
            except StopIteration:
                return
            except csv.Error as exc:
                self.bad.append((self.reader.line_num, f"it is no CSV: {exc}"))
            except UnicodeDecodeError:
                self.bad.append((self.reader.line_num + 1, "it is not UTF-8; nothing was read on"))
                return
            else:
                if record:
                    yield record


def _header_problem(header: list[str]) -> str:
    if "email" not in header:
        return f"it must name the columns, and email is not among them; known: {_KNOWN}"
    if unknown := sorted(set(header) - set(COLUMNS)):
        return f"its column {unknown[0]!r} is unknown; known: {_KNOWN}"
    return "" if len(header) == len(set(header)) else "it names a column twice"


def _entry(header: list[str], record: list[str], default: Suppression) -> Suppression:
    if len(record) != len(header):
        message = f"it has {len(record)} fields, the first line has {len(header)}"
        raise ValueError(message)
    cells = {name: text.strip() for name, text in zip(header, record, strict=True)}
    if not all(map(_is_sound, cells.values())):
        message = "it is not UTF-8"
        raise ValueError(message)
    given = {
        name: _READERS[name](text) for name, text in cells.items() if text or name not in _DEFAULTED
    }
    return replace(default, **given)


def _is_sound(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:  # bytes that the file was opened to let through
        return False
    return True


def _reason(text: str) -> Reason:
    try:
        return Reason(text)
    except ValueError:
        message = f"its reason is not one of {', '.join(Reason)}"
        raise ValueError(message) from None


def _domain(text: str) -> str:
    try:
        return plain_domain(text)
    except InvalidMessage:
        message = "its from_domain is no domain"
        raise ValueError(message) from None


def _time(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        message = "one of its times is not of the form 2027-01-31T09:00:00+00:00"
        raise ValueError(message) from None
    return found


_READERS: Mapping[str, Callable[[str], Any]] = {
    "email": plain_address,
    "reason": _reason,
    "stream": str,
    "from_domain": _domain,
    "source": str,
    "detail": str,
    "created": _time,
    "expires": lambda text: _time(text) if text else None,
}
_DEFAULTED = ("reason", "created")
"""What cannot be empty; a column that is there says all else, with an empty cell too."""
