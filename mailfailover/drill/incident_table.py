"""
A table of an incident file, whose values are read by kind; errors name field, problem and remedy.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any, NoReturn

from mailfailover.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_KINDS = {
    str: "text in quotes",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    datetime: "a time like 2025-11-18T11:30:00Z",
}
_DURATION = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?")
_RATE = re.compile(r"(\d+(?:\.\d+)?)/([smhd])")
_AN_HOUR = {"s": 3600.0, "m": 60.0, "h": 1.0, "d": 1 / 24}


def seconds_of(text: str) -> float | None:
    """
    Return the seconds of a duration such as ``"1h30m"``, None where it is none.
    """
    match = _DURATION.fullmatch(text)
    if not text or match is None:
        return None
    days, hours, minutes, seconds = (float(one or 0) for one in match.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds


def rate_of(text: str) -> float | None:
    """
    Return how many an hour a rate such as ``"10/s"`` means, None where it is none.
    """
    match = _RATE.fullmatch(text)
    return float(match[1]) * _AN_HOUR[match[2]] if match and float(match[1]) > 0 else None


class Table:
    """
    A table, and how errors call it.

    Args:
        data: What the file has there.

        where: For errors.
    """

    def __init__(self, data: Any, where: str) -> None:
        self.where = where
        if not isinstance(data, dict):
            self.fail("it is not a table: write its name in [[double brackets]]")
        self.data: dict[str, Any] = data

    def fail(self, problem: str) -> NoReturn:
        """
        Raise the error of this table.
        """
        message = f"{self.where}: {problem}"
        raise ConfigurationError(message)

    def check_names(self, known: Iterable[str]) -> None:
        """
        Refuse fields that are not *known*.
        """
        known = tuple(known)
        for name in self.data:
            if name not in known:
                self.fail(f"{name} is unknown; known: {', '.join(known)}")

    def get(self, name: str, kind: type, default: Any = None) -> Any:
        """
        Return the value of a field, which is required where there is no *default*.
        """
        value = self.data.get(name, default)
        if value is None:
            self.fail(f"{name} is missing: add it")
        if kind is float and type(value) is int:
            return float(value)
        if type(value) is not kind:
            self.fail(f"{name} must be {_KINDS[kind]}, not {value!r}")
        return value

    def among(self, name: str, known: Iterable[str], default: str | None = None) -> str:
        """
        Return one of the *known* words.
        """
        known = tuple(known)
        value: str = self.get(name, str, default)
        if value not in (*known, default):
            self.fail(f"{name} must be one of {', '.join(known)}, not {value!r}")
        return value

    def written(self, name: str, read: Callable[[str], float | None], like: str) -> float:
        """
        Return a number that is written as text, such as a duration.
        """
        text: str = self.get(name, str)
        number = read(text)
        if number is None:
            self.fail(f"{name} must be like {like}, not {text!r}")
        return number

    def duration(self, name: str, default: float | None = None) -> float:
        """
        Return the seconds of a duration.
        """
        if name not in self.data and default is not None:
            return default
        return self.written(name, seconds_of, '"1h30m"')

    def share(self, name: str, default: float) -> float:
        """
        Return a part of a whole.
        """
        value: float = self.get(name, float, default)
        if not 0 <= value <= 1:
            self.fail(f"{name} must be between 0 and 1, not {value:g}")
        return value

    def text(self, name: str) -> str:
        """
        Return a text of several lines as one, "" where there is none.
        """
        return " ".join(self.get(name, str, "").split())

    def tables(self, name: str) -> list[Table]:
        """
        Return the tables that a field lists; there must be one.
        """
        found = self.data.get(name, [])
        if not isinstance(found, list) or not found:
            self.fail(f"{name} is missing: add at least one [[{name}]]")
        return [Table(one, f"{self.where}, {name} {number}") for number, one in enumerate(found, 1)]
