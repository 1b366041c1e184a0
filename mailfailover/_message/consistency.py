"""
Consistency: fields of a mail that are right by themselves and wrong together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailfailover.errors import InvalidMessage

if TYPE_CHECKING:
    from mailfailover._message.mail import Mail


def check_together(message: Mail) -> None:
    """
    Refuse a mail whose fields contradict each other.

    Raises:
        InvalidMessage: Naming one of the fields.
    """
    if message.unsubscribe and any(
        n.lower().startswith("list-unsubscribe") for n in message.headers
    ):
        text = "unsubscribe and a List-Unsubscribe header are both given: keep one"
        raise InvalidMessage(text, field="unsubscribe")
    if message.is_merge:
        from mailfailover._message.merge import check_merge

        check_merge(message)
