"""
What Event Grid tells of Azure's mails: whose it is, and what it means.
"""

from __future__ import annotations

import json

import pytest

from mailfailover.errors import InvalidSignature, ProviderUnavailable
from mailfailover.plugin import HTTPRequest, Response, WebhookRequest
from mailfailover.providers.azure import Azure
from mailfailover.testing import WebhookContract
from mailfailover.webhooks import MemoryReplays, receive
from tests.providers.signing import GOLDEN, SECRET, sign_azure
from tests.samples import each

AZURE = Azure(
    token="secret-token", webhook_secret=SECRET, base_url="https://a.communication.azure.com"
)
AGREE = "https://rp-eastus2.eventgrid.azure.net:553/eventsubscriptions/a/validate?id=1&token=1A"


class TestWebhooks(WebhookContract):
    provider = AZURE
    golden = GOLDEN / "azure"
    secrets = ("webhook_secret",)
    covers_body = False

    sign = staticmethod(sign_azure)


class Grid:
    """
    Event Grid, as far as it is asked.
    """

    def __init__(self, status: int = 200) -> None:
        self.status = status
        self.called: list[tuple[str, str]] = []

    def __call__(self, request: HTTPRequest) -> Response:
        self.called.append((request.method, request.url))
        return Response(self.status, {}, b"")


def _received(grid: Grid, url: object, address: str = f"/?secret={SECRET}") -> object:
    event = {
        "id": "2d1781af",
        "eventType": "Microsoft.EventGrid.SubscriptionValidationEvent",
        "data": {"validationCode": "512d38b6", "validationUrl": url},
    }
    request = WebhookRequest("POST", address, {}, json.dumps([event]).encode())
    return receive(AZURE, request, replays=MemoryReplays(), fetch=grid)


def test_subscription_is_agreed_to() -> None:
    """
    Event Grid asks once whether its events are wanted; that is no event of a mail.
    """
    grid = Grid()

    assert () == _received(grid, AGREE)
    assert [("GET", AGREE)] == grid.called


@each("address", ["/", "/?secret=", "/?secret=other", "//[/?secret=x"])
def test_nobody_else_is_agreed_to(address: str) -> None:
    """
    Who does not know the secret has nothing called.
    """
    grid = Grid()

    with pytest.raises(InvalidSignature, match="address has no secret"):
        _received(grid, AGREE, address)
    assert [] == grid.called


@each(
    "url",
    [
        AGREE.replace("https", "http"),
        AGREE.replace(":553", ":22"),
        AGREE.replace("https://", "https://me@"),
        AGREE.replace(".net:553", ".net.example.com"),
        AGREE.replace("/eventsubscriptions/", "/"),
        "https://example.com/eventsubscriptions/a",
        "",
        None,
    ],
)
def test_only_event_grid_is_called(url: object) -> None:
    """
    An address of somebody else is not called, whoever names it.
    """
    grid = Grid()

    with pytest.raises(InvalidSignature, match="not Event Grid's"):
        _received(grid, url)
    assert [] == grid.called


def test_consent_that_is_not_taken() -> None:
    """
    Event Grid asks again when it hears that it did not work.
    """
    with pytest.raises(ProviderUnavailable, match="did not take our consent: HTTP 503"):
        _received(Grid(503), AGREE)
