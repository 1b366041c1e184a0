from __future__ import annotations

import re
from typing import Any

import pytest

from mailfailover.testing import ProviderContract
from tests.samples import each
from tests.testing.test_contract_webhooks import KEY, TestHooks
from tests.testing.wrong_plugins.answers import ANSWERS
from tests.testing.wrong_plugins.corners import CORNERS
from tests.testing.wrong_plugins.good import GoodSimple, TestGood, TestGoodMerge
from tests.testing.wrong_plugins.meanings import MEANINGS, GoodForms
from tests.testing.wrong_plugins.merges import MERGES
from tests.testing.wrong_plugins.requests import REQUESTS
from tests.testing.wrong_plugins.simple import SIMPLE
from tests.testing.wrong_plugins.smtp import SMTP, TestGoodSMTP
from tests.testing.wrong_plugins.webhooks import WEBHOOKS

__all__ = ["TestGood", "TestGoodMerge", "TestGoodSMTP"]  # run here


class TestGoodForms(TestGood):
    provider = GoodForms()


class TestGoodSimple(ProviderContract):
    provider = GoodSimple()


def failure_of(contract: type[Any], claim: str) -> str:
    """
    The text with which the *claim* of a contract fails.
    """
    with pytest.raises(pytest.fail.Exception) as caught:
        getattr(contract(), claim)()
    return str(caught.value)


@pytest.mark.parametrize("name", REQUESTS | ANSWERS | CORNERS)
def test_a_wrong_plugin_fails_a_claim_that_names_the_fault(name: str) -> None:
    """
    Its author reads what a mail would have suffered.
    """
    wrong = (REQUESTS | ANSWERS | CORNERS)[name]
    contract = type("TestWrong", (TestGood,), {"provider": wrong.plugin()})

    assert re.search(wrong.words, failure_of(contract, wrong.claim))


@pytest.mark.parametrize("name", MEANINGS)
def test_a_plugin_that_means_another_mail_fails_a_claim(name: str) -> None:
    """
    The same for a plugin that takes every form of a text.
    """
    wrong = MEANINGS[name]
    contract = type("TestWrong", (TestGoodForms,), {"provider": wrong.plugin()})

    assert re.search(wrong.words, failure_of(contract, wrong.claim))


@pytest.mark.parametrize("name", SMTP)
def test_a_wrong_plugin_over_smtp_fails_a_claim_that_names_the_fault(name: str) -> None:
    """
    The same for a plugin that writes mails.
    """
    wrong = SMTP[name]
    contract = type("TestWrong", (TestGoodSMTP,), {"provider": wrong.plugin()})

    assert re.search(wrong.words, failure_of(contract, wrong.claim))


@pytest.mark.parametrize("name", MERGES)
def test_a_wrong_merge_fails_a_claim_that_names_the_fault(name: str) -> None:
    """
    The same for a plugin that merges.
    """
    wrong = MERGES[name]
    contract = type("TestWrong", (TestGoodMerge,), {"provider": wrong.plugin()})

    assert re.search(wrong.words, failure_of(contract, wrong.claim))


@each("name", SIMPLE)
def test_a_wrong_simple_plugin_fails_a_claim_that_names_the_fault(name: str) -> None:
    """
    The same for a plugin that only sends.
    """
    wrong = SIMPLE[name]
    contract = type("TestWrong", (TestGoodSimple,), {"provider": wrong.plugin()})

    assert re.search(wrong.words, failure_of(contract, wrong.claim))


@pytest.mark.parametrize("name", WEBHOOKS)
def test_wrong_webhooks_fail_a_claim_that_names_the_fault(name: str) -> None:
    """
    The same for what reads webhooks.
    """
    wrong = WEBHOOKS[name]
    contract = type("TestWrong", (TestHooks,), {"provider": wrong.plugin(key=KEY)})

    assert re.search(wrong.words, failure_of(contract, wrong.claim))
