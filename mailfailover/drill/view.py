"""
A report and findings in words, for a terminal.
"""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING

from mailfailover.drill.outcome import in_words, rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from mailfailover.drill.findings import Finding
    from mailfailover.drill.incident import Incident
    from mailfailover.drill.report import Report

_WIDTH = 96


def finding_lines(findings: Sequence[Finding]) -> Iterator[str]:
    """
    Yield the findings.
    """
    if not findings:
        return
    yield "Single points of failure:"
    for finding in findings:
        source = f" [{finding.source}]" if finding.source else ""
        text = f"{finding.text}. To do: {finding.remedy}.{source}"
        yield from wrap(text, _WIDTH, initial_indent="  - ", subsequent_indent="    ")
    yield ""


def report_lines(report: Report, *, survived: bool) -> Iterator[str]:
    """
    Yield one report: what happened, a table of outcomes, and what the links carried.
    """
    incident = report.incident
    verdict = "survived" if survived else "NOT SURVIVED"
    yield f"{incident.begin:%Y-%m-%d}  {incident.name}  {verdict}"
    yield f"  {incident.title} ({in_words(incident.lasts)})"
    yield f"  Played: {report.cast.text}; {thinning(report)}."
    yield from ("  " + line for line in table(rows(report.outcomes)))
    for key, load in report.yours.load.items():
        yield f"  {key} carried in an hour at most: {loads(load)}"
    for one in report.yours.notices[:3]:
        yield f"  told after {in_words(one.seconds)}: {one.by}: {one.text}"
    yield ""


def thinning(report: Report) -> str:
    """
    Say how a play was thinned out.
    """
    text = f"{report.rate:g} mails a second"
    if report.stands_for > 1:
        text += f", of which one in {report.stands_for:.0f} was played"
    if report.played < report.incident.lasts:
        text += f", in the first {in_words(report.played)}"
    return text


def loads(load: Mapping[str, int]) -> str:
    """
    Say how many recipients a link carried for each receiver.
    """
    most = sorted(load.items(), key=lambda one: (-one[1], one[0]))
    return ", ".join(f"{number} {receiver}" for receiver, number in most)


def table(lines: Sequence[Sequence[str]]) -> Iterator[str]:
    """
    Yield rows of text in columns.
    """
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        first, *others = (
            text.ljust(width) if number == 0 or number == len(widths) - 1 else text.rjust(width)
            for number, (text, width) in enumerate(zip(line, widths, strict=True))
        )
        yield "  ".join([first, *others]).rstrip()


def list_lines(incidents: Iterable[Incident]) -> Iterator[str]:
    """
    Yield one line for each incident.
    """
    for one in incidents:
        who = one.vendor or one.receiver
        yield f"{one.begin:%Y-%m-%d}  {one.name:<30}  {who:<13}  {one.title}"
