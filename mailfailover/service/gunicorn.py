"""
Settings for gunicorn: ``gunicorn --config python:mailfailover.service.gunicorn ...``.

Threads, because a request mostly waits for the database.
"""

from __future__ import annotations

import os

bind: str = f"0.0.0.0:{os.environ.get('PORT') or 8000}"  # closed by API keys, not by the address
workers: int = int(os.environ.get("WEB_CONCURRENCY") or 2)
worker_class = "gthread"
threads = 16
timeout = 60
graceful_timeout = 30
# A proxy in front is believed by the application, if it is told to, and not here.
forwarded_allow_ips = ""
