"""
A finding of the doctor.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

OK = "ok"
NOTE = "note"
WARNING = "warning"
PROBLEM = "problem"
COLORS: Mapping[str, str | None] = {OK: "green", NOTE: None, WARNING: "yellow", PROBLEM: "red"}


@dataclass(frozen=True, slots=True)
class Finding:
    """
    A finding of the doctor.

    Attributes:
        severity: ``"ok"``, ``"note"``, ``"warning"`` or ``"problem"``.

        subject: The thing that was examined.

        text: How it is.

        remedy: The remedy, "" if none is needed.

        link: The chain key of the link that it is about, "" for none.
    """

    severity: str
    subject: str
    text: str
    remedy: str = ""
    link: str = ""

    def to_dict(self) -> dict[str, Any]:
        """
        Return it as JSON-safe data.
        """
        return asdict(self)

    def lines(self) -> Iterator[str]:
        """
        Yield it in words.
        """
        yield f"{self.severity:<8} {self.subject}: {self.text}"
        if self.remedy:
            yield f"         -> {self.remedy}"
