"""
Mail of a Flask application: an extension that sends it, and the webhooks of its providers.

::

    from flask import Flask
    from mailfailover.flask import MailFailover

    app = Flask(__name__)
    app.config["MAILFAILOVER_DSN"] = "failover(mailgun://KEY:DOMAIN@default smtp://relay)"
    app.config["MAILFAILOVER_FROM"] = "Shop <shop@example.com>"
    mail = MailFailover(app)

Then ``mail.send(to=..., subject=..., text=...)`` sends, and Mailgun's webhooks come to
``/webhooks/mailgun``, by its chain key. It needs the extra ``flask``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mailfailover._mailer.mailer import Mailer
from mailfailover._mailer.webhook import MAX_BODY
from mailfailover._setup.extras import extra
from mailfailover._values.face import published_in
from mailfailover._values.wire import WebhookRequest
from mailfailover.errors import ConfigurationError
from mailfailover.webhooks._answers import Answer, answer_unsubscribe, answer_webhook

with extra("flask"):
    from flask import Blueprint, Flask, Response, current_app, has_app_context, request

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Unpack

    from mailfailover._mailer.webhook import Handler
    from mailfailover._message.keywords import MessageFields, OnUnknown
    from mailfailover._message.message import Message
    from mailfailover._message.outcome import Outcome
    from mailfailover._values.receipt import Receipt
    from mailfailover.unsubscribe import UnsubscribeLinks

__all__ = ["MailFailover", "webhooks"]

_METHODS = ["GET", "HEAD", "POST"]
_EXTENSION = "mailfailover"
_CONFIG = {
    "from_email": "MAILFAILOVER_FROM",
    "timeout": "MAILFAILOVER_TIMEOUT",
    "attempt_timeout": "MAILFAILOVER_ATTEMPT_TIMEOUT",
    "on_unknown": "MAILFAILOVER_ON_UNKNOWN",
    "on_suppressed": "MAILFAILOVER_ON_SUPPRESSED",
    "health": "MAILFAILOVER_HEALTH",
    "redirect_to": "MAILFAILOVER_REDIRECT_TO",
    "allow_recipients": "MAILFAILOVER_ALLOW_RECIPIENTS",
}
"""The options of a mailer that the configuration of an application may hold."""


@published_in("mailfailover.flask")
class MailFailover:
    """
    The extension: one object, for any number of applications.

    An application's configuration says which providers send its mail: ``MAILFAILOVER_DSN``, and
    ``MAILFAILOVER_FROM``, ``MAILFAILOVER_TIMEOUT`` and so on. What it does not say comes from
    the variables of the same names in the environment.

    Args:
        app: An application to begin with; others by :meth:`init_app`.

        chain: The providers, instead of ``MAILFAILOVER_DSN``.

        unsubscribe: The links that end a subscription, taken under ``/unsubscribe/<token>``.

        url_prefix: Where ``/webhooks/<key>`` begins; None takes no webhooks.

        options: Of :class:`mailfailover.Mailer`, instead of the configuration's.

    Raises:
        ConfigurationError: If nothing names a provider, or it cannot work.

    .. versionadded:: 0.1.0
    """

    def __init__(
        self,
        app: Flask | None = None,
        *,
        chain: Any = None,
        unsubscribe: UnsubscribeLinks | None = None,
        url_prefix: str | None = "",
        **options: Any,
    ) -> None:
        self._chain = chain
        self._options = options
        self._unsubscribe = unsubscribe
        self._url_prefix = url_prefix
        self._handlers: tuple[Handler, ...] = ()
        self._apps: tuple[Flask, ...] = ()
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """
        Give *app* a mailer, and the addresses for webhooks.
        """
        config = app.config
        options = {name: config[key] for name, key in _CONFIG.items() if key in config}
        mailer = Mailer(self._chain or config.get("MAILFAILOVER_DSN"), **(options | self._options))
        for handler in self._handlers:
            mailer.on_event(handler)
        app.extensions[_EXTENSION] = mailer
        self._apps = (*self._apps, app)
        if self._url_prefix is not None:
            blueprint = webhooks(mailer, unsubscribe=self._unsubscribe)
            app.register_blueprint(blueprint, url_prefix=self._url_prefix or None)

    @property
    def mailer(self) -> Mailer:
        """
        The mailer of the current application; outside of one, that of the only application.

        Raises:
            ConfigurationError: If it cannot be told which application is meant.
        """
        app: Any = current_app if has_app_context() else None
        if app is None and len(self._apps) == 1:
            app = self._apps[0]
        if app is None:
            message = "no application is at work here: send within `with app.app_context():`"
            raise ConfigurationError(message)
        if _EXTENSION not in app.extensions:
            message = f"the application {app.name!r} has no mailer: call init_app(app)"
            raise ConfigurationError(message)
        mailer: Mailer = app.extensions[_EXTENSION]
        return mailer

    def send(
        self,
        message: Message | None = None,
        /,
        *,
        timeout: float | None = None,
        on_unknown: OnUnknown | None = None,
        **fields: Unpack[MessageFields],
    ) -> Receipt:
        """
        Send one mail; see :meth:`mailfailover.Mailer.send`.
        """
        return self.mailer.send(message, timeout=timeout, on_unknown=on_unknown, **fields)

    def send_many(self, messages: Iterable[Message]) -> list[Outcome]:
        """
        Send many mails at once; see :meth:`mailfailover.Mailer.send_many`.
        """
        return self.mailer.send_many(messages)

    def on_event(self, handler: Handler) -> Handler:
        """
        Call *handler* with each event of a webhook, of every application; usable as a decorator.
        """
        self._handlers = (*self._handlers, handler)
        for app in self._apps:
            app.extensions[_EXTENSION].on_event(handler)
        return handler


def webhooks(
    mailer: Mailer, *, unsubscribe: UnsubscribeLinks | None = None, name: str = "mailfailover"
) -> Blueprint:
    """
    Make a blueprint with ``/webhooks/<key>``, and ``/unsubscribe/<token>`` for such links.

    Args:
        mailer: Whose providers, and whose handlers.

        unsubscribe: The links that end a subscription; without it there is no such URL.

        name: The blueprint's, where there are several.

    .. versionadded:: 0.1.0
    """
    blueprint = Blueprint(name, __name__)

    @blueprint.route("/webhooks/<key>", methods=_METHODS)
    def webhook(key: str) -> Response:
        return _respond(answer_webhook(mailer, key, _read()))

    if unsubscribe is not None:
        links = unsubscribe

        @blueprint.route("/unsubscribe/<token>", methods=_METHODS)
        def end(token: str) -> Response:
            return _respond(answer_unsubscribe(mailer, links, token, _read()))

    return blueprint


def _read() -> WebhookRequest:
    request.max_content_length = MAX_BODY  # Flask answers 413 beyond it
    body = request.get_data(cache=False)
    return WebhookRequest(request.method, request.url, dict(request.headers), body)


def _respond(answer: Answer) -> Response:
    return Response(
        answer.text,
        answer.status,
        headers=list(answer.headers),
        content_type=answer.content_type,
    )
