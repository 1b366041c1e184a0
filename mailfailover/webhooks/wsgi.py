"""
A WSGI application that takes the webhooks of a mailer's providers, and unsubscriptions.

Any WSGI server runs it, and no framework is needed::

    gunicorn 'mailfailover.webhooks.wsgi:create_app()'

A provider's webhooks come to the path that ends in its chain key: ``/webhooks/mailgun``.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from wsgiref.util import request_uri

from mailfailover._mailer.mailer import Mailer
from mailfailover._mailer.webhook import MAX_BODY
from mailfailover._values.wire import WebhookRequest
from mailfailover.webhooks._answers import (
    BROKEN,
    NOBODY,
    Answer,
    answer_unsubscribe,
    answer_webhook,
    for_vendor,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mailfailover.unsubscribe import UnsubscribeLinks

__all__ = ["create_app"]

UNSUBSCRIBE = "unsubscribe"
TOO_LARGE = Answer(413, "The body is too large.\n")


def create_app(
    mailer: Mailer | None = None, *, unsubscribe: UnsubscribeLinks | None = None
) -> WebhookApp:
    """
    Make the application.

    Args:
        mailer: Whose providers and whose handlers; that of the environment where None.

        unsubscribe: The links that end a subscription, under ``/unsubscribe/<token>``.

    .. versionadded:: 0.1.0
    """
    return WebhookApp(Mailer.from_env() if mailer is None else mailer, unsubscribe)


class WebhookApp:
    """
    The application: the last part of a path is a provider's chain key, or a link's token.
    """

    def __init__(self, mailer: Mailer, unsubscribe: UnsubscribeLinks | None) -> None:
        self._mailer = mailer
        self._links = unsubscribe

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        answer = self._answer(environ)
        body = answer.text.encode()
        headers = [
            ("Content-Type", answer.content_type),
            ("Content-Length", str(len(body))),
            *answer.headers,
        ]
        start_response(f"{answer.status} {HTTPStatus(answer.status).phrase}", headers)
        return [b"" if environ["REQUEST_METHOD"] == "HEAD" else body]

    def _answer(self, environ: dict[str, Any]) -> Answer:
        path = environ.get("PATH_INFO", "").rstrip("/").split("/")
        try:
            body = read_body(environ)
        except OSError:
            return for_vendor(self._mailer, path[-1], BROKEN)
        if body is None:
            return TOO_LARGE
        request = WebhookRequest(
            environ["REQUEST_METHOD"], request_uri(environ), headers_of(environ), body
        )
        if path[-2:-1] == [UNSUBSCRIBE]:
            if self._links is None:
                return NOBODY
            return answer_unsubscribe(self._mailer, self._links, path[-1], request)
        return answer_webhook(self._mailer, path[-1], request)


def headers_of(environ: dict[str, Any]) -> list[tuple[str, str]]:
    """
    Return the headers of a request.
    """
    found = [
        (name.removeprefix("HTTP_").replace("_", "-"), value)
        for name, value in environ.items()
        if name.startswith("HTTP_")
    ]
    return [*found, ("Content-Type", environ.get("CONTENT_TYPE", ""))]


def read_body(environ: dict[str, Any]) -> bytes | None:
    """
    Return the body of a request, None where it is larger than any webhook.

    Without a length there is none, unless the server says where it ends.
    """
    text = environ.get("CONTENT_LENGTH") or ""
    if not text and not environ.get("wsgi.input_terminated"):
        return b""
    length = int(text) if text.isascii() and text.isdigit() else MAX_BODY + 1
    if text and length > MAX_BODY:
        return None
    body: bytes = environ["wsgi.input"].read(min(length, MAX_BODY + 1))
    return None if len(body) > MAX_BODY else body
