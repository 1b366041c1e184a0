"""
What vendors go through while a fleet sends.
"""

from __future__ import annotations

from tests.simulation.vendors import Spell

BEGIN = 60.0
"""When the first vendor's trouble begins."""

END = 180.0
DURATION = 300.0

Histories = dict[str, tuple[Spell, ...]]


def _first(*spells: Spell) -> Histories:
    return {"first": spells}


def scenarios(rate: float) -> dict[str, Histories]:
    """
    Return the histories of each scenario, for a fleet that sends *rate* mails a second.
    """
    recovering = [
        Spell(END + 20 * step, END + 20 * (step + 1), capacity=rate * (step + 1) / 6)
        for step in range(6)
    ]
    return {
        "refuses": _first(Spell(BEGIN, END, refused=True)),
        "hangs": _first(Spell(BEGIN, END, silent=1.0)),
        "own 503": _first(Spell(BEGIN, END, errors=1.0)),
        "1 % errors": _first(Spell(BEGIN, END, errors=0.01)),
        "10 % errors": _first(Spell(BEGIN, END, errors=0.1)),
        "30 % errors": _first(Spell(BEGIN, END, errors=0.3)),
        "slow, 4 s": _first(Spell(BEGIN, END, latency=4.0)),
        "rate limit": _first(Spell(BEGIN, END, limit=rate / 4)),
        "one region cut off": _first(Spell(BEGIN, END, refused=True, region=0)),
        "recovers under load": _first(Spell(BEGIN, END, silent=1.0), *recovering),
        "both, one after the other": {
            "first": (Spell(BEGIN, END, silent=1.0),),
            "second": (Spell(END - 30, END + 30, errors=1.0),),
        },
    }
