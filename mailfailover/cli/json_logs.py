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
"""The fields that our loggers add to a message."""


class JSONFormatter(logging.Formatter):
    """
    Writes a record as one line, its traceback within it.
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
        if record.exc_info and not record.exc_text:
            record.exc_text = self.formatException(record.exc_info)  # kept, as the base class does
        if record.exc_text:
            more["traceback"] = record.exc_text
        if record.stack_info:
            more["stack"] = self.formatStack(record.stack_info)
        return json.dumps(data | more, default=str)
