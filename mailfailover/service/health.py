"""
Whether the service is alive, and whether it can do its work.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, Response, jsonify
from sqlalchemy.exc import SQLAlchemyError

from mailfailover.errors import ConfigurationError
from mailfailover.service.parts import service

if TYPE_CHECKING:
    from mailfailover.service.parts import Service

__all__ = ["check_readiness", "health"]

health: Blueprint = Blueprint("health", __name__)
OK = "ok"


@health.get("/healthz")
def alive() -> Response:
    """
    Answer 200: the process is alive.
    """
    return jsonify(status=OK)


@health.get("/readyz")
def ready() -> Response:
    """
    Look at the database, the broker and the providers.
    """
    found = check_readiness(service())
    well = set(found.values()) == {OK}
    answer = jsonify(status=OK if well else "unavailable", **found)
    answer.status_code = 200 if well else 503
    return answer


def check_readiness(parts: Service) -> dict[str, str]:
    """
    Report the database, the providers and the broker, each as ``ok`` or by its error.
    """
    found = {"database": _database(parts), "providers": _providers(parts)}
    if parts.broker:
        found["broker"] = _broker(parts.broker)
    return found


def _database(parts: Service) -> str:
    if fault := parts.database_file.find_fault():
        return fault
    try:
        parts.outbox.check()
    except ConfigurationError as exc:
        return str(exc)
    except SQLAlchemyError as exc:
        return f"cannot be used: {type(exc).__name__}"
    return OK


def _broker(url: str) -> str:
    from mailfailover.celery import is_reachable

    return OK if is_reachable(url) else "cannot be reached"


def _providers(parts: Service) -> str:
    """
    Report whether at least one provider is in use; a provider that was never called counts.
    """
    known = parts.mailer.health.snapshot()
    held = [key for key in parts.mailer.chain.keys if key in known and known[key].state != "closed"]
    return OK if len(held) < len(parts.mailer.chain.keys) else "all of them are passed by"
