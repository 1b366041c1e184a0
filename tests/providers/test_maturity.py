"""
How sure each provider is of what it does.
"""

from __future__ import annotations

import pytest

from mailfailover._setup.registry import find, installed

BUILT_IN = [info.scheme for info in installed() if info.builtin]


@pytest.mark.parametrize("scheme", BUILT_IN)
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
