from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from mailfailover.testing import ProviderContract
from tests.testing.wrong_plugins.good import GoodSimple, TestGood
from tests.testing.wrong_plugins.requests import REQUESTS

if TYPE_CHECKING:
    from tests.testing.wrong_plugins import Wrong

__all__ = ["TestGood"]  # run here


class TestGoodSimple(ProviderContract):
    provider = GoodSimple()


def failure_of(contract: type[Any], claim: str) -> str:
    """
    The text with which the *claim* of a contract fails.
    """
    with pytest.raises(pytest.fail.Exception) as caught:
        getattr(contract(), claim)()
    return str(caught.value)


def contract_of(wrong: Wrong) -> type[ProviderContract]:
    """
    The contract of the good plugin, for a wrong one.
    """
    return type("TestWrong", (TestGood,), {"provider": wrong.plugin()})


@pytest.mark.parametrize("name", REQUESTS)
def test_a_wrong_request_fails_a_claim_that_names_the_fault(name: str) -> None:
    """
    The author of a plugin reads what the mail would have lost.
    """
    wrong = REQUESTS[name]

    assert re.search(wrong.words, failure_of(contract_of(wrong), wrong.claim))
