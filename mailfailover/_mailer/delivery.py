"""
The way of a prepared mail: kept at home, without those who must not get it, and told of.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mailfailover._chain.attempt import Call
from mailfailover._chain.observe import MailFailed, MailSent, tell
from mailfailover._mailer.leave_out import leave_out, with_left_out
from mailfailover.errors import MailFailoverError

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from mailfailover._chain.policy import Policy
    from mailfailover._mailer.leave_out import Suppressions
    from mailfailover._mailer.mailer import Mailer
    from mailfailover._message.message import Message
    from mailfailover._values.receipt import Receipt
    from mailfailover.errors import Attempt


def delivery(
    mailer: Mailer, message: Message, previous: Sequence[Attempt], policy: Policy
) -> Generator[Any, Any, Receipt]:
    """
    Send *message*, and tell the observers of *mailer* how it ended: for whoever drives it.
    """
    if mailer.staging is not None:
        message = mailer.staging.keep_home(message)
    observers = mailer.chain.observers
    try:
        if mailer.suppressions is None:
            receipt = yield from mailer.chain.steps(message, previous, policy)
        else:
            receipt = yield from _to_the_others(
                mailer, mailer.suppressions, message, previous, policy
            )
    except MailFailoverError as exc:
        tell(observers, MailFailed(message, exc))
        raise
    if observers:
        tell(observers, MailSent(message, receipt))
    return receipt


def _to_the_others(
    mailer: Mailer,
    suppressions: Suppressions,
    message: Message,
    previous: Sequence[Attempt],
    policy: Policy,
) -> Generator[Any, Any, Receipt]:
    """
    Send *message* to whoever may get it; the receipt names those who may not.
    """
    suppressed = yield Call(suppressions.find, (message,))
    if not suppressed:
        return (yield from mailer.chain.steps(message, previous, policy))
    rest = leave_out(message, suppressed)
    receipt = yield from mailer.chain.steps(rest, previous, policy)
    return with_left_out(receipt, suppressed)
