"""
A mailer whose vendor takes what has its key in a header.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mailfailover import DeliveryEvent, EventType, Mailer
from mailfailover.errors import ConfigurationError, ConnectionFailed, InvalidSignature
from mailfailover.plugin import Fetch, WebhookRequest, make_event

KEY = {"Acme-Key": "secret-hook"}
DELIVERED = b'{"type": "delivered", "id": "1"}'


@dataclass(frozen=True)
class Acme:
    """
    Takes what has its key in a header, once for each id.
    """

    name: ClassVar[str] = "acme"

    def send(self, message: object) -> None: ...

    def verify_webhook(self, request: WebhookRequest, fetch: Fetch) -> str:
        trouble = request.header("acme-trouble")
        if trouble == "certificate":
            raise ConnectionFailed("no route to secret-host")
        if trouble == "configuration":
            raise ConfigurationError("install secret-package")
        if request.header("acme-key") != "secret-hook":
            raise InvalidSignature("not ours")
        return request.header("acme-id")

    def parse_webhook(self, request: WebhookRequest) -> tuple[DeliveryEvent, ...]:
        return tuple(
            make_event(one, type=EventType(one["type"]), event_id=one["id"])
            for one in request.json_objects()
        )


class Told:
    """
    A handler that keeps what it is told, or fails.
    """

    def __init__(self) -> None:
        self.events: list[DeliveryEvent] = []
        self.error: Exception | None = None

    def __call__(self, event: DeliveryEvent) -> None:
        if self.error is not None:
            raise self.error
        self.events.append(event)


def make_mailer(told: Told) -> Mailer:
    """
    Return a mailer with a vendor that has webhooks, and one that has none.
    """
    return Mailer({"acme": Acme(), "plain": "null://"}, on_event=[told])
