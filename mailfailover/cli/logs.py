"""
The log of a server: lines for a person at a terminal, JSON for a program.
"""

from __future__ import annotations

import logging
import sys

from mailfailover.cli.json_logs import JSONFormatter


def log_to_stderr() -> None:
    """
    Log from INFO on to standard error, as JSON unless that is a terminal.
    """
    handler = logging.StreamHandler()
    if sys.stderr.isatty():
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    else:
        handler.setFormatter(JSONFormatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
