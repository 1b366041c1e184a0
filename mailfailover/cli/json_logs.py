"""
Logs as lines of JSON, for whatever collects them.
"""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime

_FIELDS = (
    "mail_id",
    "provider",
    "outcome",
    "state",
    "request_id",
    "method",
    "route",
    "status",
    "seconds",
    "key",
)
"""What our loggers give beside the message."""


class JSONFormatter(logging.Formatter):
    """
    Writes a record as one line.
    """

    def format(self, record: logging.LogRecord) -> str:
        """
        Return *record* as JSON.
        """
        data = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        more = {name: getattr(record, name) for name in _FIELDS if hasattr(record, name)}
        return json.dumps(data | more)
