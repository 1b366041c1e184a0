"""
The ids in a vendor's answer, read as the provider reads them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mailfailover._message.message import Message
from mailfailover._values.receipt import Accepted
from mailfailover._values.wire import Response
from mailfailover.chaos._providers import load
from mailfailover.errors import MailFailoverError, SendError

if TYPE_CHECKING:
    from mailfailover.testing import CannedResponse

__all__ = ["message_ids"]


def message_ids(vendor: str, canned: CannedResponse, recipients: tuple[str, ...]) -> dict[str, str]:
    """
    The vendor's id of the mail for each recipient; none where the answer names none.
    """
    if not recipients:
        return {}
    headers = {name.lower(): value for name, value in canned.headers}
    response = Response(canned.status, headers, canned.body)
    try:
        return _read(load(vendor), response, Message(to=recipients))
    except MailFailoverError:  # what came was no mail that the provider could have written
        return {}


def _read(provider: Any, response: Response, message: Message) -> dict[str, str]:
    emails = [address.email for address in message.to]
    try:
        one: Accepted = provider.parse_response(response, message)
    except SendError:
        if not hasattr(provider, "parse_batch"):
            raise
        outcomes = zip(emails, provider.parse_batch(response, message), strict=True)
        taken = {email: one for email, one in outcomes if isinstance(one, Accepted)}
        return {email: one.provider_message_id for email, one in taken.items()}
    same = dict.fromkeys(emails, one.provider_message_id)
    return {email: number for email, number in (same | dict(one.message_ids)).items() if number}
