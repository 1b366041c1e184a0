"""
The news for one stream: the mails that changed since the stream last told of them.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

__all__ = ["LIFETIME", "PAUSE", "News"]

PAUSE = 0.5
"""Seconds between two looks at the mails."""

LIFETIME = 60.0
"""Seconds after which a stream ends; a browser comes again by itself."""

BEAT = 5.0
"""After so many seconds without news a comment is sent, so that a lost connection is noticed."""


class News:
    """
    What one stream has told, and until when it goes on.
    """

    def __init__(self, now: float) -> None:
        self._known: dict[str, Mapping[str, Any]] = {}
        self._spoken = now
        self.end: float = now + LIFETIME

    def read(self, found: Sequence[Mapping[str, Any]], now: float) -> list[str]:
        """
        Return an event for each mail that is new or has changed, or a comment when it is time.
        """
        told = [
            f"event: mail\ndata: {json.dumps(mail)}\n\n"
            for mail in found
            if self._known.get(mail["id"]) != mail
        ]
        self._known = {mail["id"]: mail for mail in found}
        if not told and now - self._spoken >= BEAT:
            told = [": still here\n\n"]
        if told:
            self._spoken = now
        return told
