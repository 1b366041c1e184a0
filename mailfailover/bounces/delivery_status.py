"""
Delivery status notifications: what RFC 3464 has servers say of each recipient.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailfailover._values.events import EventType, RejectReason
from mailfailover._values.frozen import FrozenDict
from mailfailover.bounces.finding import Finding, address_in
from mailfailover.bounces.named_recipients import named_in
from mailfailover.bounces.paragraphs import words_about
from mailfailover.bounces.reasons import reason_of, status_in

if TYPE_CHECKING:
    from mailfailover.bounces.fields import Fields
    from mailfailover.bounces.parts import Report

__all__ = ["read_status"]

_ACTIONS = {
    "failed": EventType.BOUNCED,
    "delayed": EventType.DEFERRED,
    "delivered": EventType.DELIVERED,
    "expanded": EventType.DELIVERED,
    "relayed": EventType.SENT,
}
_CLASSES = {"2": EventType.DELIVERED, "4": EventType.DEFERRED, "5": EventType.BOUNCED}
_DETAILS = (
    "final-recipient",
    "original-recipient",
    "action",
    "status",
    "diagnostic-code",
    "remote-mta",
)
_FEW_WORDS = 12


def read_status(report: Report) -> list[Finding]:
    """
    Return a finding for each recipient of the delivery reports, none where there is no report.
    """
    everybody = {name for group in report.groups for name in _names(group)}
    found = (_read_group(group, report, everybody) for group in report.groups)
    return [one for one in found if one is not None]


def _names(group: Fields) -> list[str]:
    names = (
        address_in(group.get(name).rpartition(";")[2])
        for name in ("original-recipient", "final-recipient", "x-actual-recipient")
    )
    return [name for name in dict.fromkeys(names) if name]


def _read_group(group: Fields, report: Report, everybody: set[str]) -> Finding | None:
    names = _names(group)
    status = status_in(group.get("status"))
    kind = _ACTIONS.get(group.get("action").lower().partition(" ")[0]) or _CLASSES.get(status[:1])
    if kind is None or not (names or group.get("final-recipient")):
        return None
    names = names or named_in(report)[:1]  # a file or a program was asked, and its owner is named
    words = group.words("diagnostic-code")
    said = (words.partition(";")[2] if ";" in words[:40] else words).strip()
    if not _says_why(status, said):  # the reason may be told to the reader only
        told = words_about(names, report.text, others=everybody.difference(names))
        said = f"{said} {told}".strip()
    clearer = status_in(said)
    if not status or (status.endswith(".0.0") and clearer[:1] == status[:1]):
        status = clearer or status
    return Finding(
        type=kind,
        recipient=names[0] if names else "",
        aliases=tuple(names[1:]),
        status=status,
        words=said,
        when=group.get("last-attempt-date") or group.get("arrival-date"),
        details=FrozenDict({name: group.get(name) for name in _DETAILS if group.get(name)}),
    )


def _says_why(status: str, said: str) -> bool:
    """
    Whether a code or the words of a server give a reason.
    """
    if len(said) < _FEW_WORDS:  # "550 5.0.0"
        return False
    is_clear = status[1:] not in ("", ".0.0")
    return is_clear or reason_of(status_in(said), said) is not RejectReason.OTHER
