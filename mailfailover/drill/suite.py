"""
A suite: many incidents against one chain, and what its configuration alone shows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mailfailover._mailer.mailer import Mailer
from mailfailover._values.face import published_in
from mailfailover.drill.drill import run
from mailfailover.drill.findings import find
from mailfailover.drill.incident_reader import load_incidents
from mailfailover.drill.page import page
from mailfailover.drill.view import finding_lines, report_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from mailfailover._message.message import Message
    from mailfailover.drill.findings import Finding
    from mailfailover.drill.incident import Incident
    from mailfailover.drill.report import Report


@published_in("mailfailover.drill")
@dataclass(frozen=True, slots=True)
class Suite:
    """
    The effects that many incidents would have had on a chain.

    Attributes:
        findings: Single points of failure.

        reports: One for each incident.

        max_lost: The part of the mails that may be lost in an incident that is survived.

        max_late: The seconds after which a mail is too late to survive, None for no limit.

    .. versionadded:: 0.1.0
    """

    findings: tuple[Finding, ...]
    reports: tuple[Report, ...]
    max_lost: float = 0.0
    max_late: float | None = None

    def survived(self, report: Report) -> bool:
        """
        Whether the chain survived one of the incidents.
        """
        return report.survived(max_lost=self.max_lost, max_late=self.max_late)

    @property
    def losses(self) -> tuple[Report, ...]:
        """
        The incidents that it did not survive.
        """
        return tuple(one for one in self.reports if not self.survived(one))

    def to_dict(self) -> dict[str, Any]:
        """
        Return it as JSON-safe data.
        """
        return {
            "findings": [one.to_dict() for one in self.findings],
            "reports": [one.to_dict() | {"survived": self.survived(one)} for one in self.reports],
            "survived": len(self.reports) - len(self.losses),
            "played": len(self.reports),
        }

    def to_html(self) -> str:
        """
        Return it as one HTML page, with a picture of each incident and nothing from elsewhere.
        """
        return page(self.findings, self.reports, self.losses)

    def lines(self) -> Iterator[str]:
        """
        Yield it in words.
        """
        yield from finding_lines(self.findings)
        for report in self.reports:
            yield from report_lines(report, survived=self.survived(report))
        yield f"{len(self.reports) - len(self.losses)} of {len(self.reports)} incidents survived."


def run_all(
    chain: Any,
    incidents: Iterable[Incident] | None = None,
    *,
    messages: Iterable[Message] = (),
    max_lost: float = 0.0,
    max_late: float | None = None,
    on_report: Callable[[Report], object] | None = None,
    **options: Any,
) -> Suite:
    """
    Play many incidents against a chain.

    Args:
        chain: As for :func:`run`.

        incidents: The incidents to play; None means all of this package.

        messages: Mails like those that the program sends.

        max_lost, max_late: What may be lost, as a part of all, and how late a mail may be.

        on_report: Called with each report when it is there.

        options: As for :func:`run`.

    .. versionadded:: 0.1.0
    """
    mailer = chain if isinstance(chain, Mailer) else Mailer(chain)
    samples = tuple(messages)
    reports = []
    for incident in load_incidents().values() if incidents is None else incidents:
        report = run(mailer, incident, messages=samples, **options)
        reports.append(report)
        if on_report is not None:
            on_report(report)
    return Suite(find(mailer, samples), tuple(reports), max_lost, max_late)
