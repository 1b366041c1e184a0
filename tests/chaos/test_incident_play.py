"""
Incidents of the drill: what they mean for which vendor at which moment.
"""

from __future__ import annotations

from mailfailover.chaos import Chaos, Trouble
from mailfailover.chaos._incident_play import _TROUBLES, IncidentPlay
from mailfailover.chaos._trouble import KINDS
from mailfailover.drill import Fault, load_incidents, read_incident
from tests.samples import each

INCIDENT = """
title = "All goes wrong"
vendor = "mailgun"
begin = 2026-01-02T03:04:05Z
lasts = "1h"

[[source]]
url = "https://example.com/"

[[phase]]
fault = "answer"
answer = "auth"
share = 0.5
until = "10m"

[[phase]]
fault = "refused"
on = "standby"
until = "10m"

[[phase]]
fault = "queue"
delay = ["0s", "1h"]
from = "10m"
until = "30m"

[[phase]]
fault = "receiver"
receiver = "gmail"
reply = "550 5.1.1 no such user"
on = "all"
from = "30m"
"""
VENDORS = ("mailgun", "brevo")


def play(speed: float = 1.0) -> IncidentPlay:
    """
    The incident, begun at 100 on the clock.
    """
    return IncidentPlay(read_incident(INCIDENT, "wrong"), 100.0, speed)


@each(
    ("now", "mailgun", "brevo"),
    [
        (100.0, (Trouble(kind="auth", probability=0.5),), (Trouble(kind="refuse"),)),
        (700.0, (Trouble(kind="late", seconds=0.0),), ()),
        (1300.0, (Trouble(kind="late", seconds=1800.0),), ()),
        (2000.0, (), ()),
    ],
)
def test_phases_are_troubles(
    now: float, mailgun: tuple[Trouble, ...], brevo: tuple[Trouble, ...]
) -> None:
    """
    Of the vendor, of its standbys, or of all; a queue grows.
    """
    assert play().troubles(now, VENDORS) == {"mailgun": mailgun, "brevo": brevo}


def test_it_can_be_played_faster() -> None:
    """
    An hour in a minute.
    """
    assert play(60.0).troubles(111.0, VENDORS)["mailgun"][0].kind == "late"
    assert [play(60.0).is_over(now) for now in (159.0, 160.0)] == [False, True]


def test_what_cannot_be_played_is_told() -> None:
    """
    What a receiver does, nobody here can.
    """
    assert play().left_out == ("receiver",)


def test_each_fault_is_a_kind_or_left_out() -> None:
    """
    A fault that the drill learns is decided here too.
    """
    assert set(Fault) - set(_TROUBLES) == {Fault.TWICE, Fault.RECEIVER}


@each("name", load_incidents())
def test_every_incident_means_troubles_that_there_are(name: str) -> None:
    """
    Each kind is one that its own vendor can have.
    """
    chaos, incident = Chaos(), load_incidents()[name]
    played = IncidentPlay(incident, 0.0)

    for phase in incident.phases:
        troubles = played.troubles(phase.begin, chaos.vendors).get(incident.vendor, ())
        assert {one.kind for one in troubles} <= {*KINDS, *chaos.kinds(incident.vendor or "smtp")}


def test_an_incident_begins_and_ends() -> None:
    """
    The vendors fail as it goes on, and are well when it is over.
    """
    now = [0.0]
    with Chaos(clock=lambda: now[0]) as chaos:
        chaos.play("sendgrid-2019-wrong-401")
        begun = chaos.describe("sendgrid")["troubles"]
        now[0] = 10 * 86_400.0
        chaos._conditions.tick()

        assert begun
        assert chaos.incident is None
        assert chaos.describe("sendgrid")["troubles"] == []
