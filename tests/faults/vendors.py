"""
A chain of real providers before loopback vendors, for the fault tests.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Self

from mailfailover import Mailer, Message, ProviderChain, Receipt
from mailfailover.providers.mailgun import Mailgun
from mailfailover.providers.mandrill import Mandrill
from mailfailover.testing import FaultServer

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterable

    from mailfailover import Outcome

SENDER = "sender@example.com"


class ShiftedClock:
    """
    The real monotonic clock, which a test can put forward.
    """

    def __init__(self) -> None:
        self.shift = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.shift


@dataclass
class Vendors:
    """
    Two vendors on real sockets, and a mailer whose first provider is the first of them.
    """

    first: FaultServer = field(default_factory=lambda: FaultServer("mailgun"))
    second: FaultServer = field(default_factory=lambda: FaultServer("mandrill"))
    clock: ShiftedClock = field(default_factory=ShiftedClock)

    def __enter__(self) -> Self:
        self.first.start()
        self.second.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.first.close()
        self.second.close()

    def mailer(
        self, *, timeout: float = 20, attempt_timeout: float = 1.1, first_url: str = ""
    ) -> Mailer:
        """
        A mailer over both; close it.
        """
        chain = ProviderChain(
            {
                "first": Mailgun(
                    api_key="key-first", domain="example.com", base_url=first_url or self.first.url
                ),
                "second": Mandrill(api_key="key-second", base_url=self.second.url),
            },
            clock=self.clock,
            rng=Random(7),
        )
        return Mailer(chain, from_email=SENDER, timeout=timeout, attempt_timeout=attempt_timeout)

    def accepted(self) -> Counter[str]:
        """
        How many times each mail was accepted, counted at the vendors.
        """
        return self.first.accepted_ids() + self.second.accepted_ids()

    def unannounced(self, receipts: Iterable[Receipt]) -> set[str]:
        """
        The mails that were accepted more than once without their receipt saying so.
        """
        flagged = {one.mail_id for one in receipts if one.possible_duplicate}
        return {mail for mail, times in self.accepted().items() if times > 1} - flagged


def mails(count: int) -> list[Message]:
    """
    So many different mails.
    """
    return [
        Message(
            to=f"recipient{number}@example.org",
            from_email=SENDER,
            subject=f"Mail {number}",
            text="Hello!",
        )
        for number in range(count)
    ]


def receipts(outcomes: Iterable[Outcome]) -> list[Receipt]:
    """
    The receipts, of which there must be one for each mail.
    """
    found = [outcome.receipt for outcome in outcomes if outcome.receipt is not None]
    assert not [outcome.error for outcome in outcomes if outcome.error is not None]
    return found
