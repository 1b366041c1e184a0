"""
The service put together: one database, one mailer, and what listens to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from werkzeug.middleware.proxy_fix import ProxyFix

from mailfailover._database import open_engine
from mailfailover._mailer import Mailer
from mailfailover.outbox import Outbox
from mailfailover.providers.preview import Preview
from mailfailover.service.app import create_app
from mailfailover.service.keys import Keys
from mailfailover.service.metrics import Metrics
from mailfailover.service.parts import Service
from mailfailover.suppression import SuppressionList
from mailfailover.tracking import SilentOutageWatch, Tracking

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask
    from sqlalchemy import Engine

__all__ = ["application", "assemble"]


def assemble(
    make_mailer: Callable[..., Mailer] = Mailer.from_env, database: str | Engine | None = None
) -> Service:
    """
    Make the parts of a service, and the tables that are not there yet.

    Args:
        make_mailer: Makes the mailer, given its *suppressions*, *observers* and *on_event*.

        database: See :class:`~mailfailover.outbox.Outbox`.

    Raises:
        ConfigurationError: If no provider is configured, or the database cannot be used.
    """
    engine = open_engine(database)
    outbox, keys, tracking, metrics = Outbox(engine), Keys(engine), Tracking(engine), Metrics()
    suppressions = SuppressionList(engine, tracking=tracking)
    watch = SilentOutageWatch(tracking)
    mailer = make_mailer(
        suppressions=suppressions,
        observers=[metrics, tracking, suppressions, watch],
        on_event=[tracking, outbox.settle, suppressions, watch],
    )
    for part in (outbox, keys, tracking, suppressions):
        part.init()
    return Service(
        mailer=mailer,
        outbox=outbox,
        keys=keys,
        mailbox=_mailbox(mailer),
        tracking=tracking,
        metrics=metrics,
    )


def application(parts: Service, *, proxies: int = 0) -> Flask:
    """
    Make the application of *parts*.

    Args:
        parts: What it is made of.

        proxies: How many proxies stand in front of it, whose forwarding headers are believed.
    """
    app = create_app(parts)
    if proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=proxies, x_proto=proxies, x_host=proxies)  # type: ignore[method-assign]  # Flask's documented way
    return app


def _mailbox(mailer: Mailer) -> Preview | None:
    found = (link.provider for link in mailer.chain.links)
    return next((one for one in found if isinstance(one, Preview)), None)
