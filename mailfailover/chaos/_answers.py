"""
What a vendor's answer says of the mail's id, read as the provider reads it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailfailover._message.message import Message
from mailfailover._values.receipt import Accepted
from mailfailover._values.wire import Response
from mailfailover.errors import SendError

from ._providers import load

if TYPE_CHECKING:
    from mailfailover.testing import CannedResponse

__all__ = ["message_ids"]


def message_ids(vendor: str, canned: CannedResponse, recipients: tuple[str, ...]) -> dict[str, str]:
    """
    The vendor's id of the mail for each recipient; none where the answer names none.
    """
    provider = load(vendor)
    headers = {name.lower(): value for name, value in canned.headers}
    response = Response(canned.status, headers, canned.body)
    message = Message(to=recipients)
    try:
        one: Accepted = provider.parse_response(response, message)
    except SendError:
        outcomes = provider.parse_batch(response, message)
        return {
            email: outcome.provider_message_id
            for email, outcome in zip(recipients, outcomes, strict=True)
            if isinstance(outcome, Accepted)
        }
    same = dict.fromkeys(recipients, one.provider_message_id)
    return {email: number for email, number in (same | dict(one.message_ids)).items() if number}
