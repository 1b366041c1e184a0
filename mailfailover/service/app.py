"""
The service as a Flask application.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from flask import Flask, g

from mailfailover.flask import webhooks
from mailfailover.service.access_log import log_requests
from mailfailover.service.admin import admin
from mailfailover.service.api import api
from mailfailover.service.batch import batch
from mailfailover.service.delivery_view import deliveries
from mailfailover.service.events import events
from mailfailover.service.gate import csrf, guard
from mailfailover.service.headers import add_headers
from mailfailover.service.health import health
from mailfailover.service.mailbox import show_mailbox
from mailfailover.service.metrics_view import count_requests, metrics
from mailfailover.service.openapi import openapi
from mailfailover.service.page import page
from mailfailover.service.parts import Service, service, set_up
from mailfailover.service.problems import handle_problems
from mailfailover.service.rules import BEHIND_PROXY
from mailfailover.service.secret import session_secret
from mailfailover.service.sizes import count_fields
from mailfailover.service.suppression_page import suppression_page
from mailfailover.service.suppression_view import suppressions
from mailfailover.service.templating import set_up_templates
from mailfailover.service.visit import API

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["create_app"]

_SESSION = timedelta(hours=12)
_PARTS = (
    admin,
    api,
    batch,
    deliveries,
    events,
    health,
    openapi,
    page,
    suppression_page,
    suppressions,
)


def create_app(parts: Service) -> Flask:
    """
    Make the application of *parts*, whose tables are there.

    Any WSGI server can run it. It starts no thread and no worker.

    .. versionadded:: 0.1.0
    """
    app = Flask("mailfailover.service")
    app.config.update(
        MAX_CONTENT_LENGTH=parts.max_bytes,
        MAX_FORM_MEMORY_SIZE=parts.max_bytes,
        PERMANENT_SESSION_LIFETIME=_SESSION,
        SECRET_KEY=session_secret(parts.outbox.engine),
        SESSION_COOKIE_NAME="mailfailover",
        SESSION_COOKIE_SAMESITE="Lax",
    )
    app.json.sort_keys = False  # type: ignore[attr-defined]  # of the default provider
    set_up(app, parts)
    log_requests(app)
    if parts.metrics is not None:
        count_requests(app, parts.metrics)
        app.register_blueprint(metrics)
    count_fields(app)
    guard(app)
    handle_problems(app)
    add_headers(app)
    set_up_templates(app, _context)
    for part in _PARTS:
        app.register_blueprint(part)
    told = webhooks(parts.mailer, unsubscribe=parts.links, name="webhooks")
    app.register_blueprint(told, url_prefix=API)
    if parts.mailbox is not None:
        show_mailbox(app, parts.mailbox, "/mailbox")
    return app


def _context() -> Mapping[str, Any]:
    """
    Return the context of every page.
    """
    asking = g.get("caller")
    sections = {"page.index": "Send", "page.mails": "Mails"} if asking else {}
    if asking and asking.sees_all:
        if service().suppressions is not None and asking is not BEHIND_PROXY:
            sections["suppression_page.index"] = "Suppressions"
        if service().mailbox is not None:
            sections["mailbox.index"] = "Mailbox"
    return {
        "csrf": csrf,
        "admission": _admission() if asking and not asking.key else "",
        "sections": sections,
        "signed_in": asking.name if asking and asking.key else "",
    }


def _admission() -> str:
    """
    Say who may send while there is no API key.
    """
    if service().trust_proxy:
        return "There is no API key: every client that the proxy lets through may send and read."
    return "Until you create an API key, only this machine may send."
