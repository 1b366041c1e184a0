"""
How sure each provider is of what it does.
"""

from __future__ import annotations

from mailfailover._setup.registry import find, installed
from tests.samples import each

BUILT_IN = [info.scheme for info in installed() if info.builtin]


@each("scheme", BUILT_IN)
def test_a_provider_says_how_sure_it_is(scheme: str) -> None:
    """
    A provisional one names what is not confirmed, in words that fit a list.
    """
    provider = find(scheme)
    maturity = getattr(provider, "maturity", None)
    facts = getattr(provider, "unconfirmed", ())

    assert maturity in ("stable", "provisional")
    assert maturity == "stable" or facts
    assert all(fact == fact.strip(" .") and fact.isprintable() for fact in facts)
