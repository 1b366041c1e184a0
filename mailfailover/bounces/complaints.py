"""
Complaints: a recipient said that a mail is spam, and a feedback loop passes it on (RFC 5965).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mailfailover._values.events import EventType
from mailfailover._values.frozen import FrozenDict
from mailfailover.bounces.finding import Finding, address_in

if TYPE_CHECKING:
    from mailfailover.bounces.parts import Report

__all__ = ["read_complaint"]

# RFC 5965, 7.3; RFC 6430 (not-spam); RFC 6591 (auth-failure), which is about no recipient.
_TYPES = {
    "abuse": EventType.COMPLAINED,
    "fraud": EventType.COMPLAINED,
    "virus": EventType.COMPLAINED,
    "complaint": EventType.COMPLAINED,
    "other": EventType.COMPLAINED,
    "opt-out": EventType.UNSUBSCRIBED,
    "opt-out-list": EventType.UNSUBSCRIBED,
}
_DETAILS = (
    "feedback-type",
    "user-agent",
    "original-mail-from",
    "original-rcpt-to",
    "reported-domain",
    "source-ip",
    "arrival-date",
    "reporting-mta",
)
_FOR = re.compile(r"\bfor\s+<?([^\s<>;]{1,320})>?\s*;", re.IGNORECASE)


def read_complaint(report: Report) -> list[Finding]:
    """
    Return a finding for each recipient of a complaint; none if the mail is no complaint.

    Microsoft passes the mail itself on, with a header that names the recipient.
    """
    fields, returned = report.complaint, report.returned
    outlook = returned.get("x-hmxmroriginalrecipient")
    if fields is None:
        if not outlook:
            return []
        return [Finding(type=EventType.COMPLAINED, recipient=address_in(outlook))]
    kind = _TYPES.get(fields.get("feedback-type").lower())
    if kind is None:
        return []
    named = [
        address_in(one)
        for name in ("original-rcpt-to", "removal-recipient")
        for one in fields.all(name)
    ]
    if not any(named):
        named = [address_in(outlook), address_in(returned.get("to")), _envelope_of(report)]
        named = [one for one in named if one][:1]
    names = list(dict.fromkeys(one for one in named if one)) or [""]
    details = FrozenDict({name: fields.get(name) for name in _DETAILS if fields.get(name)})
    when = fields.get("arrival-date") or fields.get("received-date")
    return [Finding(type=kind, recipient=one, when=when, details=details) for one in names]


def _envelope_of(report: Report) -> str:
    found = (_FOR.search(line) for line in report.returned.all("received"))
    return next((address_in(one[1]) for one in found if one), "")
