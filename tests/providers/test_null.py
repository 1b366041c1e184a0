from __future__ import annotations

from mailfailover.providers.null import Null
from mailfailover.testing import ProviderContract


class TestNull(ProviderContract):
    provider = Null()


def test_ping_succeeds() -> None:
    """
    Nothing is always there.
    """
    Null().ping()


def test_all_are_the_same() -> None:
    """
    There is nothing to configure.
    """
    assert Null() == Null()
