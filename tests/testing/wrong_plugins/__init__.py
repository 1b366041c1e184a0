"""
Providers that each break one promise, beside the claim that tells its author so.

``good`` has the providers that keep them all. The other modules have tables of ``Wrong``: a
plugin, the test of the contract that it fails, and words of the failure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Wrong:
    """
    A plugin that breaks a promise.

    Attributes:
        plugin: The provider, or its class where all it needs are the fields of the good one.

        claim: The test of the contract that it fails.

        words: A pattern in the failure's text, which names the fault.
    """

    plugin: Any
    claim: str
    words: str
