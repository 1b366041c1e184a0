"""
The webhooks of a mailer's providers in a Flask application.

::

    from flask import Flask
    from mailfailover import Mailer
    from mailfailover.flask import webhooks

    app = Flask(__name__)
    app.register_blueprint(webhooks(Mailer.from_env()), url_prefix="/email")

Then Mailgun's webhooks come to ``/email/webhooks/mailgun``, by its chain key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailfailover._setup.extras import extra

with extra("flask"):
    from flask import Blueprint, Response, request

from mailfailover._mailer.webhook import MAX_BODY
from mailfailover._values.wire import WebhookRequest
from mailfailover.webhooks._answers import Answer, answer_unsubscribe, answer_webhook

if TYPE_CHECKING:
    from mailfailover._mailer.mailer import Mailer
    from mailfailover.unsubscribe import UnsubscribeLinks

__all__ = ["webhooks"]

_METHODS = ["GET", "HEAD", "POST"]


def webhooks(
    mailer: Mailer, *, unsubscribe: UnsubscribeLinks | None = None, name: str = "mailfailover"
) -> Blueprint:
    """
    Make a blueprint with ``/webhooks/<key>``, and ``/unsubscribe/<token>`` for such links.

    Args:
        mailer: Whose providers, and whose handlers.

        unsubscribe: The links that end a subscription; without, there is no such address.

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
