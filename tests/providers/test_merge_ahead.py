"""
A merge that one recipient makes impossible at a vendor goes to nobody there.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from mailfailover import Mailer
from mailfailover.errors import UnsupportedFeature
from mailfailover.providers.memory import Memory
from mailfailover.testing import FaultServer
from mailfailover.testing._claim import each
from mailfailover.testing._merge_samples import ODD
from tests.providers.registrations import http_vendors

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailfailover import Message


@pytest.mark.parametrize("name", http_vendors())
def test_what_a_vendor_refuses_of_a_merge_it_gets_nothing_of(name: str) -> None:
    """
    The first recipients would get their mails through this vendor, and the last none.
    """
    provider: Any = http_vendors()[name].provider

    with FaultServer(name) as vendor:
        standby = Memory()
        ours = replace(provider, base_url=vendor.url)
        with Mailer({"vendor": ours, "standby": standby}, timeout=5) as mailer:

            def check(merges: Sequence[Message]) -> None:
                vendor.clear()
                receipt = mailer.send(merges[-1])

                tried = [one.error for one in receipt.attempts if one.provider == "vendor"]
                refused = isinstance(tried[-1] if tried else None, UnsupportedFeature)
                assert not refused or not vendor.requests
                assert {"vendor" if vendor.requests else "standby"} == {
                    one.provider for one in receipt.attempts if one.error is None
                }
                assert not receipt.rejected

            each(ODD, check)
