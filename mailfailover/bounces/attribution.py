"""
The attribution of findings: which recipient of the mail each of them is about.

A recipient of a mail can write a report on it that names any address, so a report counts only for
addresses that the mail went to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailfailover.bounces.finding import addresses_in
from mailfailover.bounces.reading import findings_in

if TYPE_CHECKING:
    from mailfailover._provider.bounce_addresses import SignedMail
    from mailfailover.bounces.finding import Finding
    from mailfailover.bounces.parts import Report

__all__ = ["attributed"]


def attributed(
    report: Report, mail: SignedMail, known: dict[str, str]
) -> list[tuple[str, Finding]]:
    """
    Return what a report says of each recipient of the mail, once.

    If a text names a recipient of the mail, other people whom it names are ignored.
    """
    found: dict[tuple[str, str], Finding] = {}
    for finding in findings_in(report):
        recipient = _recipient(finding, report, mail, known)
        same = found.setdefault((recipient, finding.type), finding)
        if recipient.lower() == finding.recipient.lower() != same.recipient.lower():
            found[recipient, finding.type] = finding
    is_sure = any(recipient for recipient, _ in found)
    return [(one, finding) for (one, _), finding in found.items() if one or not is_sure]


def _recipient(finding: Finding, report: Report, mail: SignedMail, known: dict[str, str]) -> str:
    """
    Return the recipient of the mail whom a finding is about, "" where that is not sure.
    """
    if len(known) == 1:  # the report is about the only recipient, under any address
        return next(iter(known.values()))
    names = [one for one in (finding.recipient, *finding.aliases) if one]
    listed = [*addresses_in(report.text), *addresses_in(report.returned.get("to"))]
    if not known:
        return next((one for one in (*names, *listed) if mail.went_to(one)), "")
    if named := [known[one.lower()] for one in names if one.lower() in known]:
        return named[0]
    others = {known[one.lower()] for one in listed if one.lower() in known}
    return others.pop() if len(others) == 1 else ""
