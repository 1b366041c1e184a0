"""
The warm-up of a link: a plan of how much a new account sends, day by day.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

from mailfailover.errors import ConfigurationError

_PLAN = re.compile(r"([1-9][0-9]{0,8})/d(?:\*([1-9][0-9]?(?:\.[0-9]{1,3})?))?")


@dataclass(frozen=True, slots=True)
class Warmup:
    """
    So many recipients on the first day, and each day so many times as many as the day before.
    """

    first_day: int
    factor: float = 1.0

    @classmethod
    def parse(cls, text: str, field: str) -> Self:
        """
        Read ``"200/d*1.5"``: 200 on the first day, each day half as many again.

        Raises:
            ConfigurationError: If it has another form.
        """
        found = _PLAN.fullmatch(text)
        factor = float(found[2] or 1) if found else 0.0
        if found is None or factor < 1:
            message = (
                f"{field} {text!r} is not of the form 200/d*1.5: a count, /d, and by how much it "
                "grows from day to day, at least 1"
            )
            raise ConfigurationError(message)
        return cls(int(found[1]), factor)

    def on_day(self, day: int) -> float:
        """
        Return the number of recipients of a day, the first of which is 0.
        """
        try:
            return self.first_day * self.factor**day
        except OverflowError:
            return float("inf")
