"""
Golden webhooks: a vendor's payload beside the events that it means.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from mailfailover._values.events import DeliveryEvent

__all__ = ["Golden", "plain"]


@dataclass(frozen=True, slots=True)
class Golden:
    """
    One file: ``{"payload": ..., "events": [...]}``.

    Attributes:
        payload: What the vendor sends, as JSON.

        events: What it means: the fields of a :class:`DeliveryEvent` that are set, without
            ``provider`` and ``raw``.
    """

    payload: Any
    events: list[dict[str, Any]]

    @classmethod
    def load(cls, folder: Path) -> dict[str, Golden]:
        """
        Read all files of *folder*, by name.
        """
        found = {path.stem: json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))}
        return {name: cls(data["payload"], data["events"]) for name, data in found.items()}

    @property
    def body(self) -> bytes:
        """
        The payload as text.
        """
        return json.dumps(self.payload, ensure_ascii=False).encode()


def plain(event: DeliveryEvent) -> dict[str, Any]:
    """
    Write *event* as it stands in a golden file.
    """
    found = event.to_dict()
    return {name: value for name, value in found.items() if name not in ("provider", "raw")}
