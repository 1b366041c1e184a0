"""
The split of a merge: recipients whom links reach differently well go by themselves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailfailover._chain.retry import Again, later_turns
from mailfailover.errors import MailFailoverError, OutcomeUnknown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailfailover._chain.driver import Steps
    from mailfailover._chain.merge_send import MergeSend
    from mailfailover._message.address import Address
    from mailfailover._values.receipt import Receipt


def split_merge(send: MergeSend, groups: Sequence[tuple[Address, ...]]) -> Steps[Receipt]:
    """
    Send to one group after the other, each by its own order of links, within one deadline.

    The trail, and what is known of recipients, is that of the whole mail: a group that nobody
    takes does not keep the others from theirs.
    """
    left: dict[str, Address] = {}
    failure: MailFailoverError | None = None
    for group in groups:
        if send.unknown is not None and send.policy.on_unknown == "raise":
            left |= {one.email: one for one in group}
            continue
        send.begin(group)
        try:
            yield from _turns(send)
        except MailFailoverError as exc:
            failure = failure if isinstance(failure, OutcomeUnknown) else exc
        finally:
            send.release()
        left |= send.waiting.recipients
    send.waiting.recipients = left
    if send.provider or failure is None:
        return send.merged()
    raise send.ended(failure)


def _turns(send: MergeSend) -> Steps[Receipt]:
    first = yield from send.turn()
    if not isinstance(first, Again):
        return first
    return (yield from later_turns(send.turn, first, send.time_left, send.give_up))
