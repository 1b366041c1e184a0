"""
Mail of a Starlette application: a mailer for its life, and the webhooks of its providers.

::

    from mailfailover.starlette import get_mailer, lifespan, webhooks

    app = Starlette(
        lifespan=lifespan("failover(mailgun://KEY:DOMAIN@default smtp://relay)"),
        routes=[Route("/orders", order, methods=["POST"]), Mount("/email", webhooks())],
    )

    async def order(request):
        await get_mailer(request).send(to=..., subject=..., text=...)

It needs the extra ``starlette``; :mod:`mailfailover.fastapi` has the same for FastAPI.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from mailfailover._mailer.webhook import MAX_BODY
from mailfailover._setup.extras import extra
from mailfailover._values.wire import WebhookRequest
from mailfailover.aio import AsyncMailer
from mailfailover.errors import ConfigurationError
from mailfailover.webhooks._answers import NOBODY, Answer, answer_unsubscribe, answer_webhook
from mailfailover.webhooks.wsgi import TOO_LARGE, UNSUBSCRIBE

with extra("starlette"):
    from starlette.concurrency import run_in_threadpool
    from starlette.requests import HTTPConnection, Request
    from starlette.responses import Response

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager

    from starlette.types import ASGIApp, Receive, Scope, Send

    from mailfailover.unsubscribe import UnsubscribeLinks

__all__ = ["get_mailer", "lifespan", "webhooks"]

_STATE = "mailfailover"


def lifespan(
    chain: Any = None, **options: Any
) -> Callable[[Any], AbstractAsyncContextManager[None]]:
    """
    Return the lifespan of an application that sends mail: its mailer lives as long as it.

    An application with a lifespan of its own enters this one in it:
    ``async with lifespan("...")(app): yield``.

    Args:
        chain: The providers, as :class:`mailfailover.Mailer` takes them; from the environment
            where None.

        options: Of :class:`mailfailover.aio.AsyncMailer`.

    Raises:
        ConfigurationError: When the application starts, if nothing names a provider, or it
            cannot work.

    .. versionadded:: 0.1.0
    """

    @asynccontextmanager
    async def live(app: Any) -> AsyncIterator[None]:
        async with AsyncMailer(chain, **options) as mailer:
            setattr(app.state, _STATE, mailer)
            yield

    return live


def get_mailer(connection: HTTPConnection) -> AsyncMailer:
    """
    Return the mailer of the application that serves *connection*: a request or a websocket.

    Raises:
        ConfigurationError: If the application was started without :func:`lifespan`.

    .. versionadded:: 0.1.0
    """
    return _mailer_of(connection.app)


def _mailer_of(app: Any) -> AsyncMailer:
    mailer = getattr(app.state, _STATE, None)
    if not isinstance(mailer, AsyncMailer):
        message = "the application has no mailer: give it lifespan=lifespan(...)"
        raise ConfigurationError(message)
    return mailer


def webhooks(
    mailer: AsyncMailer | None = None, *, unsubscribe: UnsubscribeLinks | None = None
) -> ASGIApp:
    """
    Make an ASGI application with ``webhooks/<key>``, and ``unsubscribe/<token>`` for such links.

    Args:
        mailer: Whose providers and whose handlers; that of the application it is mounted in
            where None.

        unsubscribe: The links that end a subscription; without it there is no such URL.

    .. versionadded:: 0.1.0
    """

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        found = _mailer_of(scope["app"]) if mailer is None else mailer
        answer = await _answer(found, request, unsubscribe)
        response = Response(
            answer.text,
            answer.status,
            headers=dict(answer.headers),
            media_type=answer.content_type,
        )
        await response(scope, receive, send)

    return application


async def _answer(mailer: AsyncMailer, request: Request, links: UnsubscribeLinks | None) -> Answer:
    body = await _read(request)
    if body is None:
        return TOO_LARGE
    kind, _, last = request.url.path.strip("/").rpartition("/")
    kind = kind.rpartition("/")[2]
    call = WebhookRequest(request.method, str(request.url), request.headers.items(), body)
    if kind == "webhooks":
        return await run_in_threadpool(answer_webhook, mailer.mailer, last, call)
    if kind == UNSUBSCRIBE and links is not None:
        return await run_in_threadpool(answer_unsubscribe, mailer.mailer, links, last, call)
    return NOBODY


async def _read(request: Request) -> bytes | None:
    """
    Read the body, None where it is larger than any webhook.
    """
    parts, length = [], 0
    async for part in request.stream():
        parts.append(part)
        length += len(part)
        if length > MAX_BODY:
            return None
    return b"".join(parts)
