"""
The workers of the service, run by Celery: ``celery -A mailfailover.service.celery worker``.
"""

from __future__ import annotations

from functools import cache

from mailfailover.celery import application


def __getattr__(name: str) -> object:
    if name in ("app", "celery"):  # the names that Celery's command looks for
        return _app()
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)


@cache
def _app() -> object:
    from mailfailover.service.wiring import assemble

    parts = assemble()
    return application(parts.outbox, parts.mailer)
