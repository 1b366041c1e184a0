"""
Outages that really happened, played against a chain on a virtual clock.
"""

from __future__ import annotations

from mailfailover.drill.incident import Fault, Incident, Phase, Source
from mailfailover.drill.incident_reader import load_incident, load_incidents, read_incident

__all__ = [
    "Fault",
    "Incident",
    "Phase",
    "Source",
    "load_incident",
    "load_incidents",
    "read_incident",
]
