"""
What a long-running command logs: lines for a person at a terminal, JSON for a program.
"""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime

_KNOWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JSONFormatter(logging.Formatter):
    """
    One line of JSON for each record, with its extra fields.
    """

    def format(self, record: logging.LogRecord) -> str:
        """
        Return the line.
        """
        data = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        data |= {name: value for name, value in vars(record).items() if name not in _KNOWN}
        if record.exc_info and record.exc_info[0]:
            # The text of an error may hold an address or a body, so its class alone is told.
            data["error"] = record.exc_info[0].__name__
        return json.dumps(data, default=str)


def log_to_stderr(*, as_json: bool | None = None) -> None:
    """
    Log from INFO on to standard error, as JSON unless that is a terminal.
    """
    handler = logging.StreamHandler()
    if not sys.stderr.isatty() if as_json is None else as_json:
        handler.setFormatter(JSONFormatter())
    else:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
