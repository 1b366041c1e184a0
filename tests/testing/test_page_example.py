from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

from mailfailover.testing import ProviderContract, WebhookContract

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = Path(__file__).parents[2] / "docs" / "writing-a-provider.md"
BLOCK = re.compile(r"^```python[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CLAIMS = [name for name in dir(ProviderContract) if name.startswith("test_")]
WEBHOOK_CLAIMS = [name for name in dir(WebhookContract) if name.startswith("test_")]


@pytest.fixture(scope="module")
def page() -> Iterator[Any]:
    """
    The module that the page's code makes.
    """
    module = ModuleType("mailfailover_page")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, module.__name__, module)
        for code in BLOCK.findall(PAGE.read_text("utf-8")):
            exec(code, vars(module))  # noqa: S102 -- our own page
        patch.setattr(module.TestAcmeWebhooks, "golden", Path(__file__).parent / "data" / "acme")
        yield module


@pytest.mark.parametrize("claim", CLAIMS)
def test_the_provider_of_the_page_keeps_its_contract(page: Any, claim: str) -> None:
    """
    Whoever begins with the example begins with a right plugin.
    """
    if test := getattr(page.TestAcme(), claim):
        test()


@pytest.mark.parametrize("claim", WEBHOOK_CLAIMS)
def test_the_webhooks_of_the_page_keep_their_contract(page: Any, claim: str) -> None:
    """
    The same for whoever reads webhooks.
    """
    if test := getattr(page.TestAcmeWebhooks(), claim):
        test()
