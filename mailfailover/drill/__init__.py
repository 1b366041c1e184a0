"""
Outages that really happened, played against a chain on a virtual clock.
"""

from __future__ import annotations

from mailfailover.drill.fleet_watch import FleetWatch, Look
from mailfailover.drill.incident import Fault, Incident, Phase, Source
from mailfailover.drill.incident_reader import load_incident, load_incidents, read_incident
from mailfailover.drill.live import End, GameDay, hold_game_day

__all__ = [
    "End",
    "Fault",
    "FleetWatch",
    "GameDay",
    "Incident",
    "Look",
    "Phase",
    "Source",
    "hold_game_day",
    "load_incident",
    "load_incidents",
    "read_incident",
]
