"""
Chance that is the same in each run: what strikes a mail does not depend on what came before.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mailfailover.drill.incident import Phase


def chance(*what: object) -> float:
    """
    Return a number from 0 up to 1 that is always the same for *what*.
    """
    # CRC-32 alone keeps texts that differ in one digit close together.
    number = zlib.crc32("/".join(map(str, what)).encode()) * 0x9E3779B1
    return ((number ^ (number >> 15)) & 0xFFFFFFFF) / 2**32


def struck(phases: Iterable[Phase], luck: float) -> Phase | None:
    """
    Return the phase that strikes by *luck*: each takes its share of all.
    """
    for phase in phases:
        if luck < phase.share:
            return phase
        luck -= phase.share
    return None
