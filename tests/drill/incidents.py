"""
Small incidents for tests: one fault, for half an hour.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mailfailover.drill import read_incident, run

if TYPE_CHECKING:
    from mailfailover.drill import Incident, Report

FIRST = "mailgun://KEY:mg.example.com@default"
SECOND = "sendgrid://KEY@default"
CHAIN = f"failover({FIRST} {SECOND})"
HEAD = """
title = "It is down & out"
begin = 2026-02-03T04:05:00Z
lasts = "30m"
summary = "It is down."
[[source]]
url = "https://example.com/down"
title = "Down"
"""


def incident(*phases: str, vendor: str = "mailgun", receiver: str = "") -> Incident:
    """
    Make an incident of phases in TOML.
    """
    who = f'receiver = "{receiver}"' if receiver else f'vendor = "{vendor}"'
    tables = "".join(f"[[phase]]\n{phase}\n" for phase in phases)
    return read_incident(f"{who}\n{HEAD}\n{tables}", "down")


def play(*phases: str, chain: Any = CHAIN, vendor: str = "mailgun", **options: Any) -> Report:
    """
    Play an incident quickly.
    """
    receiver = options.pop("receiver", "")
    known = {"most": 200, "rate": 1.0} | options
    return run(chain, incident(*phases, vendor=vendor, receiver=receiver), **known)
