"""
What a large merge costs in memory, while its request is built.
"""

from __future__ import annotations

import tracemalloc
from typing import Any

import pytest

from mailfailover import Message
from mailfailover._provider.bodies import body_size
from mailfailover.providers.mailgun import Mailgun
from mailfailover.providers.mandrill import Mandrill
from mailfailover.providers.sendgrid import SendGrid
from mailfailover.providers.unisender import UnisenderGo

PEOPLE = [f"reader{number}@example.org" for number in range(10_000)]
DATA = {email: {"name": "A Reader", "order": str(n)} for n, email in enumerate(PEOPLE)}
PROVIDERS = [
    Mailgun(api_key="secret-key", domain="mg.example.com"),
    Mandrill(api_key="secret-key"),
    SendGrid(api_key="secret-key"),
    UnisenderGo(api_key="secret-key"),
]


@pytest.fixture(scope="module")
def merge() -> Message:
    """
    A mail to 10,000 people with 100 kB of HTML.
    """
    return Message(
        to=PEOPLE,
        from_email="shop@example.com",
        subject="Order {{order}}",
        html="<p>Dear {{name}}</p>" + "x" * 100_000,
        merge_data=DATA,
    )


@pytest.mark.parametrize("own", [False, True], ids=["one for all", "own metadata"])
@pytest.mark.parametrize("provider", PROVIDERS, ids=lambda provider: provider.name)
def test_memory_is_that_of_the_body(provider: Any, merge: Message, *, own: bool) -> None:
    """
    Beside the request itself there is little: less than as much again, at any time.
    """
    message = merge.replace(merge_metadata=DATA) if own else merge
    tracemalloc.start()
    try:
        request = provider.build_batch(message)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 2 * body_size(request.body)
