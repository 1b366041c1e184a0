"""
The service put together: one database, one mailer, and what listens to it.
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

from werkzeug.middleware.proxy_fix import ProxyFix

from mailfailover._mailer.mailer import Mailer
from mailfailover._sql.database import open_engine
from mailfailover.deliveries.switch import find_deliveries
from mailfailover.errors import ConfigurationError
from mailfailover.outbox import Outbox
from mailfailover.providers.preview import Preview
from mailfailover.service.app import create_app
from mailfailover.service.callback_addresses import open_callbacks
from mailfailover.service.keys import Keys
from mailfailover.service.metrics import Metrics
from mailfailover.service.parts import Service
from mailfailover.suppression import SuppressionList
from mailfailover.tracking import SilentOutageWatch, Tracking
from mailfailover.unsubscribe import UnsubscribeLinks
from mailfailover.webhooks.sql import SQLReplays

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from flask import Flask
    from sqlalchemy import Engine

_NO = frozenset({"0", "false", "no", "off"})

__all__ = ["application", "assemble", "broker_of"]


def assemble(
    make_mailer: Callable[..., Mailer] = Mailer.from_env,
    database: str | Engine | None = None,
    *,
    environ: Mapping[str, str] = os.environ,
) -> Service:
    """
    Make the parts of a service, and the tables that are not there yet.

    Args:
        make_mailer: Makes the mailer, given more of its arguments.

        database: See :class:`~mailfailover.outbox.Outbox`.

        environ: The variables that name a broker, callbacks and unsubscribe links.

    Raises:
        ConfigurationError: If no provider is configured, or the database cannot be used.
    """
    engine = open_engine(database)
    outbox, keys, tracking, metrics = Outbox(engine), Keys(engine), Tracking(engine), Metrics()
    deliveries = find_deliveries(tracking, environ, observers=[metrics])
    suppressions = SuppressionList(
        engine, tracking=tracking, deliveries=deliveries, observers=[metrics]
    )
    watch, replays = SilentOutageWatch(deliveries or tracking), SQLReplays(engine)
    callbacks = open_callbacks(engine, environ)
    mailer = make_mailer(
        suppressions=suppressions,
        observers=[metrics, tracking, suppressions, watch],
        on_event=[
            tracking,
            outbox.settle,
            suppressions,
            watch,
            *([callbacks] if callbacks else ()),
        ],
        replays=replays,
        deliveries=deliveries,
    )
    for part in (outbox, keys, tracking, suppressions, replays):
        part.init()
    return Service(
        mailer=mailer,
        outbox=outbox,
        keys=keys,
        mailbox=_mailbox(mailer),
        tracking=tracking,
        deliveries=deliveries,
        suppressions=suppressions,
        metrics=metrics,
        callbacks=callbacks,
        links=_links(environ),
        broker=broker_of(environ),
        keep_headings=environ.get("MAILFAILOVER_KEEP_HEADINGS", "1").strip().lower() not in _NO,
    )


def application(parts: Service, *, proxies: int = 0, trust_proxy: bool = False) -> Flask:
    """
    Make the application of *parts*; where there is a broker, it wakes workers for each mail.

    Args:
        parts: What it is made of.

        proxies: How many proxies stand in front of it, whose forwarding headers are believed.

        trust_proxy: Whether the proxy in front decides who may send, as long as there is no API
            key. The headers of at least one proxy are believed then.
    """
    if trust_proxy:
        parts, proxies = replace(parts, trust_proxy=True), max(proxies, 1)
    if parts.broker:
        from mailfailover.celery import waker

        parts.outbox.on_add.append(waker(parts.broker))
    app = create_app(parts)
    if proxies:
        believed = dict.fromkeys(("x_for", "x_proto", "x_host", "x_prefix"), proxies)
        app.wsgi_app = ProxyFix(app.wsgi_app, **believed)  # type: ignore[method-assign]  # Flask's documented way
    return app


def broker_of(environ: Mapping[str, str]) -> str:
    """
    Return the URL of the broker that *environ* names, "" for none.

    Raises:
        ConfigurationError: If MAILFAILOVER_BROKER names one, and Celery is not installed.
    """
    try:
        from mailfailover.celery import broker_url
    except ModuleNotFoundError as exc:
        # The other variables may be there for something else.
        if not environ.get("MAILFAILOVER_BROKER"):
            return ""
        message = f'MAILFAILOVER_BROKER needs {exc.name}: pip install "mailfailover[celery]"'
    else:
        return broker_url(environ)
    raise ConfigurationError(message)


def _mailbox(mailer: Mailer) -> Preview | None:
    found = (link.provider for link in mailer.chain.links)
    return next((one for one in found if isinstance(one, Preview)), None)


def _links(environ: Mapping[str, str]) -> UnsubscribeLinks | None:
    url = environ.get("MAILFAILOVER_UNSUBSCRIBE_URL", "").strip()
    if not url:
        return None
    return UnsubscribeLinks(url, environ.get("MAILFAILOVER_UNSUBSCRIBE_SECRET", ""))
