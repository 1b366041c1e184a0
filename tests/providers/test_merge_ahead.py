"""
A merge that one recipient makes impossible at a vendor goes to nobody there.
"""

from __future__ import annotations

from typing import Any

import pytest

from mailfailover import Mailer, Message
from mailfailover.errors import MailFailoverError, UnsupportedFeature
from mailfailover.plugin import Response
from mailfailover.testing import FakeTransport
from tests.providers.registrations import http_vendors

ODD: dict[str, dict[str, Any]] = {
    "a header": {"merge_headers": {"bob@example.net": {"X-Order": "für Bob"}}},
    "metadata": {"merge_metadata": {"bob@example.net": {"x" * 300: "y" * 300}}},
    "a subject": {"subject": "{{name}}"},
}


@pytest.mark.parametrize("name", http_vendors())
@pytest.mark.parametrize("odd", ODD)
def test_what_a_vendor_refuses_of_a_merge_it_gets_nothing_of(name: str, odd: str) -> None:
    """
    Ann would get her mail through this vendor, and Bob none.
    """
    contract = http_vendors()[name]
    answer = contract.accepted
    assert isinstance(answer, Response)
    transport = FakeTransport(*[answer] * 3)
    names = {"ann@example.org": {"name": "Ann"}, "bob@example.net": {"name": "Böb," * 99}}
    merge = {"subject": "Your order", "merge_data": names}
    mail = Message(
        to=["ann@example.org", "bob@example.net"],
        from_email="shop@example.com",
        text="Dear {{name}}",
        **merge | ODD[odd],
    )

    with Mailer(contract.provider, transport=transport, timeout=1) as mailer:
        try:
            attempts = mailer.send(mail).attempts
        except MailFailoverError as exc:
            attempts = getattr(exc, "attempts", ())

    refused = [one for one in attempts if isinstance(one.error, UnsupportedFeature)]
    final = [one for one in refused if one is attempts[-1]]
    assert not final or not transport.requests
