"""
Accepts every mail and forgets it, for load tests and for switching mail off.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mailfailover import plugin


@dataclass(frozen=True, slots=True)
class Null:
    """
    Accepts every mail and forgets it: nobody gets it.

    .. versionadded:: 0.1.0
    """

    name: ClassVar[str] = "null"
    maturity: ClassVar[str] = "stable"
    capabilities: ClassVar[plugin.Capabilities] = plugin.EVERYTHING

    def send(self, message: plugin.Message) -> None:
        """
        Forget *message*.
        """

    def ping(self) -> None:
        """
        Nothing is always there.
        """
