"""
The reader of incident files: TOML with a schema.
"""

from __future__ import annotations

import re
import tomllib
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from mailfailover.drill.incident import Fault, Incident, Phase, Source
from mailfailover.drill.incident_table import Table, rate_of, seconds_of
from mailfailover.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

ANSWERS = (
    "unavailable",
    "internal",
    "auth",
    "suspended",
    "rate_limited",
    "quota",
    "sender",
    "bad_recipient",
)
"""The answers of a vendor that a phase may name."""

_FIELDS = ("title", "vendor", "receiver", "begin", "dated", "lasts", "summary", "source", "phase")
_PHASE_FIELDS = (
    "fault",
    "from",
    "until",
    "on",
    "door",
    "share",
    "by",
    "answer",
    "status",
    "edge",
    "reply",
    "seconds",
    "rate",
    "delay",
    "accepted",
    "receiver",
    "sni",
    "resumes",
    "sure",
    "note",
)
_ENDS = 2  # of a phase: a delay may change between them
_DATED = ("minute", "day", "month", "assumed")
_PLACES = ("vendor", "standby", "all")
_REPLY = re.compile(r"[245]\d\d .+")
_NEEDS: Mapping[Fault, tuple[str, ...]] = {
    Fault.SLOW: ("seconds",),
    Fault.ANSWER: ("answer",),
    Fault.EDGE: ("status",),
    Fault.LIMIT: ("rate",),
    Fault.QUEUE: ("delay",),
    Fault.RECEIVER: ("receiver", "reply"),
}
"""What a phase must say beside its fault and its time."""


@cache
def load_incidents() -> Mapping[str, Incident]:
    """
    Return the incidents of this package by their names, the oldest first.

    .. versionadded:: 0.1.0
    """
    folder = resources.files("mailfailover.drill") / "incidents"
    found = [
        read_incident(file.read_text("utf-8"), file.name.removesuffix(".toml"))
        for file in folder.iterdir()
        if file.name.endswith(".toml")
    ]
    found.sort(key=lambda incident: (incident.begin, incident.name))
    return MappingProxyType({incident.name: incident for incident in found})


def load_incident(name: str) -> Incident:
    """
    Return the incident of this name, or the one in the TOML file of this path.

    Raises:
        ConfigurationError: If there is none, or its file is wrong.

    .. versionadded:: 0.1.0
    """
    if not name.endswith(".toml"):
        known = load_incidents()
        if name not in known:
            message = (
                f"incident {name!r} is unknown: `mailfailover drill --list` names all of them, "
                "and a file of your own must end in .toml"
            )
            raise ConfigurationError(message)
        return known[name]
    try:
        text = Path(name).read_text("utf-8")
    except (OSError, ValueError) as exc:
        problem = type(exc).__name__
    else:
        return read_incident(text, Path(name).stem)
    message = f"incident {name}: the file cannot be read ({problem})"
    raise ConfigurationError(message)


def read_incident(text: str, name: str) -> Incident:
    """
    Read an incident from TOML.

    Raises:
        ConfigurationError: Naming the field at fault, the problem and the remedy.

    .. versionadded:: 0.1.0
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as exc:
        message = f"incident {name}: it is not valid TOML: {exc}"
        raise ConfigurationError(message) from None
    return _incident(Table(data, f"incident {name}"), name)


def _incident(table: Table, name: str) -> Incident:
    table.check_names(_FIELDS)
    vendor, receiver = table.text("vendor"), table.text("receiver")
    if bool(vendor) == bool(receiver):
        table.fail("name either its vendor, a scheme such as mailgun, or its receiver")
    begin: datetime = table.get("begin", datetime)
    if begin.tzinfo is None:
        table.fail("begin has no time zone: end it with Z or an offset")
    lasts = table.duration("lasts")
    if not lasts:
        table.fail("lasts must be longer than 0s")
    return Incident(
        name=name,
        title=table.get("title", str),
        vendor=vendor,
        receiver=receiver,
        begin=begin.astimezone(UTC),
        dated=table.among("dated", _DATED, "minute"),
        lasts=lasts,
        summary=table.text("summary"),
        sources=tuple(map(_source, table.tables("source"))),
        phases=tuple(_phase(one, lasts) for one in table.tables("phase")),
    )


def _source(table: Table) -> Source:
    table.check_names(("url", "title"))
    url: str = table.get("url", str)
    if not url.startswith(("https://", "http://")):
        table.fail(f"url must begin with https://, not {url!r}")
    return Source(url, table.text("title"))


def _phase(table: Table, lasts: float) -> Phase:
    table.check_names(_PHASE_FIELDS)
    fault = Fault(table.among("fault", Fault))
    for name in _NEEDS.get(fault, ()):
        if name not in table.data:
            table.fail(f"{name} is missing: the fault {fault} needs it")
    begin, end = table.duration("from", 0.0), table.duration("until", lasts)
    if not begin < end <= lasts:
        table.fail("until must be after from, and not after the incident's end (lasts)")
    sure, note = table.get("sure", bool, default=True), table.text("note")
    if not sure and not note:
        table.fail("note is missing: sure is false, so say what is assumed")
    return Phase(
        fault=fault,
        begin=begin,
        end=end,
        on=_place(table),
        door=table.among("door", ("api", "smtp"), "any"),
        share=table.share("share", 1.0),
        by=table.among("by", ("call", "sender"), "call"),
        answer=table.among("answer", ANSWERS, ""),
        status=_status(table),
        edge=table.among("edge", ("cloudflare", "nginx"), ""),
        reply=_reply(table),
        seconds=table.get("seconds", float, 0.0),
        rate=table.written("rate", rate_of, '"100/h"') if "rate" in table.data else 0.0,
        delay=_delay(table),
        accepted=table.share("accepted", 0.0),
        receiver=table.text("receiver"),
        sni=table.among("sni", ("with", "without"), "any"),
        resumes=table.get("resumes", bool, default=True),
        sure=sure,
        note=note,
    )


def _place(table: Table) -> str:
    place: str = table.get("on", str, "vendor")
    if place not in _PLACES and ":" not in place:
        table.fail(
            f"on must be {', '.join(_PLACES)} or what vendors stand on, such as aws:us-east-1, "
            f"not {place!r}"
        )
    return place


def _status(table: Table) -> int:
    status: int = table.get("status", int, 0)
    if "status" in table.data and not 400 <= status <= 599:  # noqa: PLR2004 -- errors of HTTP
        table.fail(f"status must be between 400 and 599, not {status}")
    return status


def _reply(table: Table) -> str:
    reply = table.text("reply")
    if reply and not _REPLY.fullmatch(reply):
        table.fail(f'reply must be like "421 4.7.0 try again", not {reply!r}')
    return reply


def _delay(table: Table) -> tuple[float, float]:
    given = table.data.get("delay", "0s")
    pair = given if isinstance(given, list) else [given, given]
    seconds = [seconds_of(one) if isinstance(one, str) else None for one in pair]
    first, last = seconds if len(seconds) == _ENDS else (None, None)
    if first is None or last is None:
        table.fail(f'delay must be like "2h", or ["0s", "3h"] where it changes, not {given!r}')
    return first, last
