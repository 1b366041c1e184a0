"""
The service's workers as :mod:`mailfailover.service.celery` has them, but in more of a hurry.
"""

from __future__ import annotations

from mailfailover.celery import application
from mailfailover.service.wiring import assemble

parts = assemble()
app = application(parts.outbox, parts.mailer, sweep=1.0, lease=5.0, unknown_after=5.0)
