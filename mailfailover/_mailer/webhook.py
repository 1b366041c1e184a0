"""
A webhook, a vendor's call to us: verified, read, handed to the handlers, and taken once.
"""

from __future__ import annotations

import dataclasses
import time
from functools import cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from mailfailover._mailer.replays import LEASE, RETENTION, MemoryReplays
from mailfailover.errors import (
    ConfigurationError,
    InvalidWebhook,
    WebhookInProgress,
    WebhookReplayed,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mailfailover._mailer.replays import Replays
    from mailfailover._provider.protocols import Transport
    from mailfailover._provider.signatures import Fetch
    from mailfailover._values.events import DeliveryEvent
    from mailfailover._values.wire import HTTPRequest, Response, WebhookRequest

    Handler = Callable[[DeliveryEvent], object]

MAX_BODY = 16 * 1024 * 1024
"""Bytes of the largest body that is read; the largest batches of vendors have a few million."""

_FETCH_TIMEOUT = 10.0
_REMEMBERED = 32


def receive(
    provider: Any,
    request: WebhookRequest,
    *,
    key: str = "",
    on_event: Iterable[Handler] = (),
    replays: Replays | None = None,
    fetch: Fetch | None = None,
    wall: Callable[[], float] = time.time,
) -> tuple[DeliveryEvent, ...]:
    """
    Take a webhook: verify it, read its events, and hand each of them to the handlers.

    Every handler gets every event, also when another one fails. Then the webhook counts as
    never taken: the vendor repeats it, so that a handler may get an event twice, with the same
    ``event_id``.

    Args:
        provider: Whose webhook it is.

        request: The webhook.

        key: The provider's chain key, for the events; its name by default.

        on_event: The handlers, called one after the other in this thread.

        replays: Remembers what came before; in the memory of this process by default.

        fetch: Calls a vendor for its certificate; over the network by default.

        wall: The time, as Unix time.

    Raises:
        InvalidSignature: The webhook is not the vendor's, or too old.
        WebhookReplayed: The webhook was accepted before.
        WebhookInProgress: Its first call is not over; nobody knows how it ends.
        InvalidWebhook: The webhook is too large or not readable.
        ConfigurationError: The provider has no webhooks.
        SendError: The vendor's certificate could not be had; nothing was decided.
    """
    if not hasattr(provider, "verify_webhook"):
        message = f"{getattr(provider, 'name', type(provider).__name__)} has no webhooks"
        raise ConfigurationError(message)
    if len(request.body) > MAX_BODY:
        message = f"the body of the webhook is larger than {MAX_BODY} bytes"
        raise InvalidWebhook(message)
    if request.received is None:
        request = dataclasses.replace(request, received=wall())
    token = provider.verify_webhook(request, fetch or default_fetch())
    once = _Once(replays or _in_this_process(), f"{provider.name}:{token}" if token else "")
    with once:
        found = provider.parse_webhook(request)
        events = tuple(dataclasses.replace(one, provider=key or provider.name) for one in found)
        hand_on(events, tuple(on_event))
    return events


class _Once:
    """
    The handling of one webhook, during which no other with the same *token* is taken.
    """

    def __init__(self, replays: Replays, token: str) -> None:
        self.replays = replays
        self.token = token and sha256(token.encode("utf-8", "replace")).hexdigest()

    def __enter__(self) -> None:
        if not self.token or self.replays.claim(self.token, LEASE):
            return
        if self.replays.left(self.token) > LEASE:
            message = "the webhook was taken before"
            raise WebhookReplayed(message)
        message = "the webhook is being handled, or its process died: bring it again"
        raise WebhookInProgress(message)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if not self.token:
            return
        if kind is None:
            self.replays.keep(self.token, RETENTION)
        else:
            self.replays.release(self.token)


def hand_on(events: Iterable[DeliveryEvent], handlers: Iterable[Handler]) -> None:
    """
    Call every handler with every event; then raise the first exception of a handler.
    """
    failure: Exception | None = None
    for event in events:
        for handler in handlers:
            try:
                handler(event)
            except Exception as exc:  # noqa: BLE001 -- raised below, when all others had their turn
                failure = failure or exc
    if failure is not None:
        raise failure


class Fetching:
    """
    Fetches what a verification needs from a vendor, and remembers it.

    A certificate has one address for all its life, so an answer to GET that is a success is
    kept; what is to have an effect is a POST.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._found: dict[str, Response] = {}

    def __call__(self, request: HTTPRequest) -> Response:
        if request.method == "GET" and (known := self._found.get(request.url)):
            return known
        response: Response = self._transport.send(request, _FETCH_TIMEOUT)
        if request.method == "GET" and response.ok:
            if len(self._found) >= _REMEMBERED:
                self._found.clear()
            self._found[request.url] = response
        return response


@cache
def default_fetch() -> Fetch:
    """
    Return the fetcher that the whole process shares.
    """
    from mailfailover.transports import DefaultTransport

    return Fetching(DefaultTransport())


@cache
def _in_this_process() -> Replays:
    return MemoryReplays()
