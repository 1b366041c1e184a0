"""
Outages that really happened, played against a chain on a virtual clock.

::

    from mailfailover.drill import load_incident, run

    report = run("failover(mailgun://KEY:DOMAIN@default ...)", load_incident("mailgun-2016-dns"))
    print(report.yours.lost, "of", report.yours.mails)

Nothing here needs a network, and nothing is sent. The extras ``tracking`` and ``outbox`` are for
``deliveries=True`` and ``outbox=True``.

How its rooms hang together. `incident` is an outage as a value, `incident_reader` reads it from
TOML by way of an `incident_table`; the files are in ``incidents/``. `drill` plays one against a
chain, `suite` many. A `play` puts `actors` in the places of the chain's links: the user's own
providers, whose calls go to the `stage` instead of the network. The `stage` knows by the `cast`
what each link meets, and answers in the vendor's dialect (`answers`); what was accepted goes to the
`post`, which delivers it, late or never, and calls webhooks. All of it happens on the `loop`, by
`chance` that has a seed, with the `traffic` of the user's rate. `hearing` and `outbox_play` add the
real judge of deliveries and the real outbox; `contenders` are how others send. `outcome` counts,
`report` holds it, and `view`, `page` and `picture` show it. `findings` needs no play: by
`foundations` and `warmth` it tells what the configuration alone shows.
"""

from __future__ import annotations

from mailfailover.drill.drill import run
from mailfailover.drill.findings import Finding, find
from mailfailover.drill.fleet_watch import FleetWatch, Look
from mailfailover.drill.incident import Fault, Incident, Phase, Source
from mailfailover.drill.incident_reader import load_incident, load_incidents, read_incident
from mailfailover.drill.live import End, GameDay, hold_game_day
from mailfailover.drill.outcome import Notice, Outcome
from mailfailover.drill.report import Report
from mailfailover.drill.suite import Suite, run_all

__all__ = [
    "End",
    "Fault",
    "Finding",
    "FleetWatch",
    "GameDay",
    "Incident",
    "Look",
    "Notice",
    "Outcome",
    "Phase",
    "Report",
    "Source",
    "Suite",
    "find",
    "hold_game_day",
    "load_incident",
    "load_incidents",
    "read_incident",
    "run",
    "run_all",
]
