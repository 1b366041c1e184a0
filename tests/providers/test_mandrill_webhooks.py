"""
Mandrill's webhooks: whose they are, and what they mean.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from mailfailover.errors import InvalidSignature
from mailfailover.plugin import WebhookRequest
from mailfailover.providers.mandrill import Mandrill
from mailfailover.testing import WebhookContract
from mailfailover.webhooks import receive
from tests.providers.signing import GOLDEN, MANDRILL_URL, SECRET, sign_mandrill
from tests.samples import each

NOW = 1_800_000_000.0
MANDRILL = Mandrill(api_key="secret-key", webhook_key=SECRET, webhook_url=MANDRILL_URL)


class TestWebhooks(WebhookContract):
    provider = MANDRILL
    golden = GOLDEN / "mandrill"
    secrets = ("webhook_key",)

    sign = staticmethod(sign_mandrill)


@each("url", ["", "http://elsewhere.example/", MANDRILL_URL + "/"])
def test_address_is_the_configured_one(url: str) -> None:
    """
    Not the one that the request names, and not none.
    """
    with pytest.raises(InvalidSignature):
        receive(replace(MANDRILL, webhook_url=url), sign_mandrill(b"[]", NOW))


def test_form_without_end_is_refused() -> None:
    """
    A form of more fields than Mandrill sends is not read.
    """
    signed = sign_mandrill(b"[]", NOW)

    with pytest.raises(InvalidSignature):
        receive(MANDRILL, replace(signed, body=signed.body + b"&a=b" * 10_000))


def test_every_field_of_the_form_is_signed() -> None:
    """
    In the order of their names.
    """
    signed = sign_mandrill(b"[]", NOW)

    with pytest.raises(InvalidSignature):
        receive(MANDRILL, replace(signed, body=b"a=b&" + signed.body))


def test_address_is_checked_by_mandrill_with_an_empty_batch() -> None:
    """
    The first webhook brings no events.
    """
    request = sign_mandrill(b"[]", NOW)

    assert isinstance(request, WebhookRequest)
    assert () == receive(MANDRILL, request)
