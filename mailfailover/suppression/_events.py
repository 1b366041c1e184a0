"""
The event of suppressions that observers are told of.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailfailover._values.face import published_in

if TYPE_CHECKING:
    from mailfailover.suppression._quarantine import Quarantine


@published_in("mailfailover.suppression")
@dataclass(frozen=True, slots=True)
class BouncesQuarantined:
    """
    A receiver refuses many addresses that it took mail for before: its bounces suppress nobody.

    .. versionadded:: 0.1.0
    """

    quarantine: Quarantine

    def __str__(self) -> str:
        found = self.quarantine
        return (
            f"{found.receiver} refuses addresses that it took mail for before, the last "
            f"{found.addresses} of them since {found.since:%Y-%m-%d %H:%M} UTC: its bounces "
            "suppress nobody"
        )
