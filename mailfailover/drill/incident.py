"""
An incident: what a vendor or a receiver did in one outage, phase by phase.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from mailfailover._values.face import published_in

if TYPE_CHECKING:
    from datetime import datetime


@published_in("mailfailover.drill")
class Fault(StrEnum):
    """
    What a phase of an incident does to calls, to accepted mails or to webhooks.

    .. versionadded:: 0.1.0
    """

    DNS = "dns"
    """The vendor's host name is not found."""

    REFUSED = "refused"
    """No connection is made."""

    TIMEOUT = "timeout"
    """A connection is asked for, and nobody answers."""

    TLS = "tls"
    """The certificate has expired."""

    RESET = "reset"
    """The connection is closed once the mail was written."""

    SILENT = "silent"
    """The mail is written, and no answer comes."""

    SLOW = "slow"
    """The answer takes *seconds*."""

    ANSWER = "answer"
    """The vendor answers with an error of its own."""

    EDGE = "edge"
    """What stands in front of the vendor answers with *status*."""

    LIMIT = "limit"
    """More than *rate* calls are answered with the vendor's rate limit."""

    QUEUE = "queue"
    """Accepted mails wait in the vendor's queue for *delay*."""

    LOST = "lost"
    """Accepted mails are never delivered."""

    TWICE = "twice"
    """Accepted mails are delivered twice."""

    WEBHOOKS = "webhooks"
    """No events come, or they come when the phase is over."""

    RECEIVER = "receiver"
    """A receiver answers with *reply* to what the vendor delivers."""


CALL_FAULTS = frozenset(
    {
        Fault.DNS,
        Fault.REFUSED,
        Fault.TIMEOUT,
        Fault.TLS,
        Fault.RESET,
        Fault.SILENT,
        Fault.SLOW,
        Fault.ANSWER,
        Fault.EDGE,
        Fault.LIMIT,
    }
)
"""The faults that a call meets; the others come after a mail was accepted."""


@published_in("mailfailover.drill")
@dataclass(frozen=True, slots=True)
class Source:
    """
    Where an incident was reported.

    .. versionadded:: 0.1.0
    """

    url: str
    title: str = ""


@published_in("mailfailover.drill")
@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """
    One part of an incident.

    Attributes:
        fault: What happened.

        begin, end: Seconds after the incident's begin.

        on: Whom it hit: ``"vendor"``, ``"standby"`` (all links but the vendor's), ``"all"``, or
            what a vendor stands on, such as ``"aws:us-east-1"``.

        door: ``"api"``, ``"smtp"`` or ``"any"``.

        share: The part of the calls, or of the mails, that it hit.

        by:
            ``"call"``, or ``"sender"`` where it hit the calls of a part of the From domains: then a
            play has mails from several.

        answer: The name of the vendor's own answer: ``"unavailable"``, ``"auth"``, ...

        status: The status of an edge's page.

        edge: The server in front of the vendor: ``"cloudflare"`` or ``"nginx"``.

        reply: What an SMTP server says, such as ``"421 4.3.2 try again"``.

        seconds: How long an answer takes.

        rate: How many calls an hour are taken, for a limit.

        delay: Seconds that mails wait in the queue, at the begin and at the end of the phase.

        accepted: The part of the silent or reset calls whose mail was accepted all the same.

        receiver: The receiver, such as ``"gmail"``.

        sni: ``"without"`` where only clients that send no server name get the expired certificate.

        resumes: Whether the webhooks of the phase come once it is over.

        sure: Whether the source says so; otherwise it is assumed, and *note* says what.

        note: What is known or assumed, in words.

    .. versionadded:: 0.1.0
    """

    fault: Fault
    begin: float
    end: float
    on: str = "vendor"
    door: str = "any"
    share: float = 1.0
    by: str = "call"
    answer: str = ""
    status: int = 0
    edge: str = ""
    reply: str = ""
    seconds: float = 0.0
    rate: float = 0.0
    delay: tuple[float, float] = (0.0, 0.0)
    accepted: float = 0.0
    receiver: str = ""
    sni: str = "any"
    resumes: bool = True
    sure: bool = True
    note: str = ""


@published_in("mailfailover.drill")
@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """
    An outage, as a timeline of what API, SMTP, TLS, DNS and webhooks did.

    Attributes:
        name: The name of its file.

        title: One line.

        vendor: The scheme of the vendor, ``"gmail"`` and its like excepted: where a receiver
            failed, it is "".

        receiver: The receiver that failed, "" where the vendor did.

        begin: When it began (aware).

        dated: How sure the begin is: ``"minute"``, ``"day"``, ``"month"`` or ``"assumed"``.

        lasts: Seconds.

        summary: What happened, in a few sentences.

        sources: Where it was reported.

        phases: What happened when.

    .. versionadded:: 0.1.0
    """

    name: str
    title: str
    vendor: str
    receiver: str
    begin: datetime
    dated: str
    lasts: float
    summary: str
    sources: tuple[Source, ...]
    phases: tuple[Phase, ...]

    @property
    def faults(self) -> tuple[Fault, ...]:
        """
        The kinds of its faults, each once.
        """
        return tuple(dict.fromkeys(phase.fault for phase in self.phases))

    @property
    def assumed(self) -> tuple[str, ...]:
        """
        What no source confirms, in words.
        """
        found = [phase.note for phase in self.phases if not phase.sure]
        if self.dated != "minute":
            found.append(f"its begin is known to the {self.dated} only")
        return tuple(found)
