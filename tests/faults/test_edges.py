"""
Edges in front of a vendor, on real sockets: whom a mail goes to then, and who is blamed.
"""

from __future__ import annotations

from mailfailover import Mailer
from mailfailover.testing import FaultServer, faults
from tests.samples import each

CLOUDFLARE = {"Server": "cloudflare", "Content-Type": "text/html"}
PAGE = "<html><title>acme.example | 525: SSL handshake failed</title></html>"


@each(
    ("status", "headers", "expected"),
    [
        (525, CLOUDFLARE, ("ConnectionFailed", False)),
        (522, CLOUDFLARE, ("OutcomeUnknown", True)),
        (403, CLOUDFLARE | {"cf-mitigated": "challenge"}, ("ProviderUnavailable", False)),
        (403, {"Server": "nginx"}, ("ProviderUnavailable", False)),
    ],
)
def test_a_page_of_an_edge(
    status: int, headers: dict[str, str], expected: tuple[str, bool]
) -> None:
    """
    The next provider gets the mail, and only a page that tells nothing makes it a duplicate.
    """
    with FaultServer("mailgun") as first, FaultServer("mailgun") as second:
        first.fail(faults.status(status, PAGE, headers))
        chain = {
            key: f"mailgun://key:example.com@default?base_url={vendor.url}"
            for key, vendor in (("first", first), ("second", second))
        }
        with Mailer(chain, from_email="shop@example.com") as mailer:
            receipt = mailer.send(to="ann@example.org", subject="Hi", text="Hello")
            parked = mailer.health.snapshot()["first"]

    assert ("second", expected) == (
        receipt.provider,
        (receipt.attempts[0].outcome, receipt.possible_duplicate),
    )
    assert "AuthenticationFailed" not in repr(parked)
