"""
The seeds: what the judge was tuned on stays apart from what proves it.
"""

from __future__ import annotations

TUNING = range(1, 1000)
"""For those who change the judge: look at these runs as often as you like."""

PROVING = range(3_000_001, 3_100_000)
"""For tests and the report. Nothing was ever chosen because one of these runs asked for it."""
