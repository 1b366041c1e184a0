"""
The cast of a play: which links of a chain an incident strikes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailfailover.drill.foundations import door_of, foundations_of, vendor_of
from mailfailover.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailfailover._provider.link import Link
    from mailfailover.drill.incident import Incident, Phase


@dataclass(frozen=True, slots=True)
class Cast:
    """
    The cast of an incident: the links that play its parts.

    Attributes:
        vendor: The keys of the links that play its vendor.

        phases: What each link meets.

        text: The same in words.
    """

    vendor: tuple[str, ...]
    phases: dict[str, tuple[Phase, ...]]
    text: str


def cast(links: Sequence[Link], incident: Incident, strike: str = "") -> Cast:
    """
    Find the links that play the vendor: its own, else the first link.

    Args:
        links: The links of the chain.

        incident: What is played.

        strike: The key of the link that plays the vendor, whoever's it is.

    Raises:
        ConfigurationError: If there is no such link.
    """
    if strike and strike not in [link.key for link in links]:
        known = ", ".join(link.key for link in links)
        message = f"strike names no link of this chain: {strike!r}; known: {known}"
        raise ConfigurationError(message)
    own = () if strike else tuple(link.key for link in links if incident.vendor == vendor_of(link))
    vendor = own or (strike or links[0].key,)
    phases = {
        link.key: tuple(
            one for one in incident.phases if _meets(link, one, vendor, is_own=bool(own))
        )
        for link in links
    }
    return Cast(vendor, phases, _text(vendor[0], incident, own, phases))


def _meets(link: Link, phase: Phase, vendor: tuple[str, ...], *, is_own: bool) -> bool:
    is_vendor = link.key in vendor
    if is_vendor and is_own and phase.door not in ("any", door_of(link)):
        return False
    if phase.sni == "without":  # every client of ours sends the server's name
        return False
    if ":" in phase.on:
        return is_vendor or phase.on in [one.name for one in foundations_of(link)]
    return {"vendor": is_vendor, "standby": not is_vendor, "all": True}[phase.on]


def _text(
    first: str,
    incident: Incident,
    own: tuple[str, ...],
    phases: dict[str, tuple[Phase, ...]],
) -> str:
    if incident.receiver:
        everybody = all(phases.values())
        return f"{incident.receiver} does it to {'all links' if everybody else first}"
    if not own:
        return f"no link is {incident.vendor}'s: {first} plays its part"
    others = [key for key, met in phases.items() if met and key not in own]
    if not any(phases[key] for key in own):
        return f"{' and '.join(own)} is {incident.vendor}'s, by the door that stayed well"
    also = f", and strikes {' and '.join(others)} too" if others else ""
    return f"{' and '.join(own)} is {incident.vendor}'s{also}"
