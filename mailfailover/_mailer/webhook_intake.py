"""
The intake of a mailer's webhooks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailfailover._chain.observe import WebhookRefused, tell
from mailfailover._mailer.replays import MemoryReplays
from mailfailover._mailer.webhook import Fetching, hand_on, receive
from mailfailover._provider.webhook_retries import retries_of
from mailfailover.errors import ConfigurationError, InvalidSignature, WebhookReplayed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mailfailover._chain.chain import ProviderChain
    from mailfailover._mailer.replays import Replays
    from mailfailover._mailer.webhook import Handler
    from mailfailover._provider.protocols import AnyProvider
    from mailfailover._provider.signatures import Fetch
    from mailfailover._values.events import DeliveryEvent
    from mailfailover._values.wire import WebhookRequest


class Reception:
    """
    Takes the webhooks of a chain's providers and hands their events to the handlers.

    Args:
        chain: The providers. Its transport fetches certificates, its clock tells the time.

        handlers: The functions that are called with each event.

        replays: Remembers which webhooks came; in the memory of this process where None.
    """

    def __init__(
        self, chain: ProviderChain, handlers: Iterable[Handler], replays: Replays | None
    ) -> None:
        self.handlers: tuple[Handler, ...] = tuple(handlers)
        self.replays: Replays = MemoryReplays() if replays is None else replays
        self._chain = chain
        self.fetch: Fetch = Fetching(chain.transport)
        """What fetches a certificate, in the thread that received the webhook."""

        self._wall = chain.parts.wall

    @property
    def _providers(self) -> dict[str, AnyProvider]:
        return {link.key: link.provider for link in self._chain.links}

    @property
    def keys(self) -> tuple[str, ...]:
        """
        The chain keys of the providers that have webhooks.
        """
        found = self._providers.items()
        return tuple(key for key, one in found if hasattr(one, "verify_webhook"))

    def method(self, key: str) -> str:
        """
        How the vendor of the provider *key* calls: ``"POST"``, and rarely ``"GET"``.
        """
        return getattr(self._providers.get(key), "webhook_method", "POST")

    def status(self, key: str, status: int) -> int:
        """
        The answer to the vendor of *key* instead of *status*, so that it repeats the event.
        """
        return retries_of(self._providers.get(key)).statuses.get(status, status)

    def add(self, handler: Handler) -> Handler:
        """
        Call *handler* too, from now on.
        """
        self.handlers = (*self.handlers, handler)
        return handler

    def tell(self, event: DeliveryEvent) -> None:
        """
        Hand *event* to each handler, also when another one fails.

        Raises:
            Exception: The exception of the first handler that failed.
        """
        hand_on((event,), self.handlers)

    def receive(self, key: str, request: WebhookRequest) -> tuple[DeliveryEvent, ...]:
        """
        Take a webhook of the provider *key*; observers are told where its signature is wrong.
        """
        providers = self._providers
        if key not in providers:
            message = f"there is no provider {key!r}; known: {', '.join(providers)}"
            raise ConfigurationError(message)
        try:
            return receive(
                providers[key],
                request,
                key=key,
                on_event=self.handlers,
                replays=self.replays,
                fetch=self.fetch,
                wall=self._wall,
            )
        except WebhookReplayed:
            raise
        except InvalidSignature:
            tell(self._chain.observers, WebhookRefused(key))
            raise
