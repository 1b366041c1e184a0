"""
The subject of a contract of webhooks: a provider, its recorded webhooks, and how they are signed.
"""

from __future__ import annotations

import dataclasses
import itertools
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from mailfailover._mailer.replays import MemoryReplays
from mailfailover._mailer.webhook import receive
from mailfailover.errors import InvalidSignature, InvalidWebhook
from mailfailover.testing._claim import calling, claim
from mailfailover.testing._contract_shape import secrets_of
from mailfailover.testing._golden import Golden
from mailfailover.testing._webhook_samples import check_events

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from mailfailover._values.events import DeliveryEvent
    from mailfailover._values.wire import HTTPRequest, Response, WebhookRequest

__all__ = ["NOW", "WebhookSubject"]

NOW = 1_800_000_000.0


class WebhookSubject:
    """
    The attributes and methods that a subclass sets, and the ways to hand the provider a webhook.

    ``WebhookContract`` documents the attributes, for users.
    """

    provider: ClassVar[Any] = None
    golden: ClassVar[Path | None] = None
    secrets: ClassVar[Sequence[str]] = ()
    another: ClassVar[str] = "another-secret-of-nobody"
    covers_body: ClassVar[bool] = True
    window: ClassVar[float | None] = None

    def sign(self, payload: bytes, now: float) -> WebhookRequest:
        """
        Write the request that brings *payload*, signed at *now* as the vendor does.

        *payload* may be anything: it is not always JSON.
        """
        raise NotImplementedError

    def unsigned(self, payload: bytes) -> WebhookRequest:
        """
        Write the request for claims that read thousands of payloads and verify none.

        Override it where signing costs much time.
        """
        return self.sign(payload, NOW)

    def fetch(self, request: HTTPRequest) -> Response:
        """
        Answer what the provider asks the vendor; nothing by default.
        """
        pytest.fail(f"{request.method} {request.url} is fetched: answer it in fetch()")

    def _pairs(self) -> dict[str, Golden]:
        return Golden.load(self.golden) if self.golden else {}

    def _receive(
        self, request: WebhookRequest, provider: Any = None, now: float = NOW
    ) -> tuple[DeliveryEvent, ...]:
        return receive(
            provider or self.provider,
            request,
            replays=MemoryReplays(),
            fetch=self.fetch,
            wall=lambda: now,
        )

    def _with_each_secret(self, *values: object) -> Iterator[Any]:
        """
        Yield the provider with one secret replaced by each of *values*, secret by secret.
        """
        for field, value in itertools.product(self.secrets, values):
            yield dataclasses.replace(self.provider, **{field: value})

    def _sample(self) -> WebhookRequest:
        pairs = self._pairs()
        claim(pairs, "record webhooks: golden = Path(...) with one file for each kind")
        return self.sign(next(iter(pairs.values())).body, NOW)

    def _refused(self, request: WebhookRequest, provider: Any = None, now: float = NOW) -> None:
        try:
            self._receive(request, provider, now)
        except InvalidSignature as exc:
            shown = [one for one in secrets_of(provider or self.provider) if one in str(exc)]
            claim(not shown, "the text of InvalidSignature shows a secret")
            return
        except InvalidWebhook:
            return
        pytest.fail("a webhook is taken that the vendor did not sign")

    def _is_refused(self, request: WebhookRequest) -> bool:
        try:
            self._receive(request)
        except (InvalidSignature, InvalidWebhook):
            return True
        return False

    def _survives(self, request: WebhookRequest) -> None:
        with calling(f"a webhook with the body {request.body[:60]!r}"):
            try:
                check_events(self._receive(request))
            except (InvalidSignature, InvalidWebhook):
                return
