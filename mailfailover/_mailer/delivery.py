"""
The delivery of a prepared mail: staging and suppressions come before its send, events after it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailfailover._chain.driver import Call
from mailfailover._chain.observe import MailFailed, MailSent, tell
from mailfailover._mailer.leave_out import leave_out, with_left_out
from mailfailover.errors import MailFailoverError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailfailover._chain.chain import ProviderChain
    from mailfailover._chain.driver import Steps
    from mailfailover._chain.policy import Policy
    from mailfailover._mailer.deliveries import Deliveries
    from mailfailover._mailer.leave_out import Suppressions
    from mailfailover._mailer.staging import Staging
    from mailfailover._message.message import Message
    from mailfailover._values.receipt import Receipt
    from mailfailover.errors import Attempt


@dataclass(frozen=True, slots=True)
class Delivery:
    """
    The delivery of one mail: the work of a mailer around its chain's send.
    """

    chain: ProviderChain
    staging: Staging | None = None
    suppressions: Suppressions | None = None
    deliveries: Deliveries | None = None

    def steps(
        self, message: Message, previous: Sequence[Attempt], policy: Policy
    ) -> Steps[Receipt]:
        """
        Return the steps that send *message* and tell the observers how that ended.
        """
        if self.staging is not None:
            message = self.staging.keep_home(message)
        if self.deliveries is not None and message.after:
            return self._after(self.deliveries, message, previous, policy)
        if self.suppressions is None and not self.chain.observers:
            return self.chain.steps(message, previous, policy)  # nothing surrounds this send
        return self._surrounded(message, previous, policy)

    def _after(
        self,
        deliveries: Deliveries,
        message: Message,
        previous: Sequence[Attempt],
        policy: Policy,
    ) -> Steps[Receipt]:
        """
        Send *message* by other links than those that still owe the mail before it.
        """
        avoid = yield Call(deliveries.owing, (message,))
        return (yield from self._surrounded(message, previous, policy._replace(avoid=avoid)))

    def _surrounded(
        self, message: Message, previous: Sequence[Attempt], policy: Policy
    ) -> Steps[Receipt]:
        observers = self.chain.observers
        try:
            if self.suppressions is None:
                receipt = yield from self.chain.steps(message, previous, policy)
            else:
                receipt = yield from self._to_the_others(
                    self.suppressions, message, previous, policy
                )
        except MailFailoverError as exc:
            tell(observers, MailFailed(message, exc))
            raise
        if observers:
            tell(observers, MailSent(message, receipt))
        return receipt

    def _to_the_others(
        self,
        suppressions: Suppressions,
        message: Message,
        previous: Sequence[Attempt],
        policy: Policy,
    ) -> Steps[Receipt]:
        """
        Send *message* without its suppressed recipients, and name them in the receipt.
        """
        suppressed = yield Call(suppressions.find, (message,))
        if not suppressed:
            return (yield from self.chain.steps(message, previous, policy))
        rest = leave_out(message, suppressed)
        receipt = yield from self.chain.steps(rest, previous, policy)
        return with_left_out(receipt, suppressed)
