"""
A vendor's answer, read with mistrust: ids, codes, and what is said of which recipient.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeVar

from mailfailover._provider.classify import classify_http
from mailfailover._values.receipt import Accepted
from mailfailover.errors import OutcomeUnknown, SendError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mailfailover._message.address import Address
    from mailfailover._message.message import Message
    from mailfailover._values.wire import Response

T = TypeVar("T")

Outcomes = tuple[Accepted | SendError, ...]
"""What became of each recipient of a merge, in the order of ``message.to``."""

_CODE = re.compile(r"[\w-]{1,100}")
_PLACE = re.compile(
    r"(?:\b(?P<mail>\d{1,6})\W+)?\b(?P<field>to|cc|bcc)\b\W+(?P<number>\d{1,6})\b",
    re.IGNORECASE,
)
_BETWEEN_ADDRESSES = re.compile(r"""[\s,;<>'"]+""")


def unreadable(response: Response) -> SendError:
    """
    Make the error of a success that is not in the vendor's form: the mail may have left.
    """
    return classify_http(response, kind=OutcomeUnknown, detail="unreadable answer")


def accepted(response: Response, mail_id: object) -> Accepted:
    """
    Return that the vendor took the mail under *mail_id*, a text.

    Raises:
        OutcomeUnknown: If it is anything else.
    """
    if isinstance(mail_id, str) and mail_id:
        return Accepted(mail_id)
    raise unreadable(response)


def as_code(value: object, kind: type = str) -> str:
    """
    Return a vendor's code, "" for anything else.

    A code is kept with the error, so nothing comes through that could be an address or a key.

    Args:
        value: What the vendor wrote.

        kind: ``str`` where its codes are words, ``int`` where they are numbers.
    """
    if type(value) is not kind:  # a bool is no number here
        return ""
    code = str(value)
    return code if _CODE.fullmatch(code) else ""


def as_words(value: object) -> str:
    """
    Return a text as it is, "" for anything else.
    """
    return value if isinstance(value, str) else ""


def as_object(value: object) -> dict[str, Any]:
    """
    Return a JSON object, {} for anything else.
    """
    return value if isinstance(value, dict) else {}


def as_objects(value: object) -> list[dict[str, Any]]:
    """
    Return the objects in a JSON list, [] for anything else.
    """
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def one_each(response: Response, entries: object, count: int) -> list[dict[str, Any]]:
    """
    Return what an answer says of each mail of a merge, {} for what is no object.

    Raises:
        OutcomeUnknown: If *entries* is no list with *count* of them.
    """
    if not isinstance(entries, list) or len(entries) != count:
        raise unreadable(response)
    return [as_object(one) for one in entries]


def by_recipient(said: Iterable[tuple[object, T]], recipients: Iterable[Address]) -> dict[str, T]:
    """
    Match what a vendor says of addresses, in whatever case, with the recipients of a mail.

    Args:
        said: Addresses as the vendor wrote them, each with what it says.

        recipients: The mail's recipients; the result has their addresses, in their order.
    """
    found = {email.lower(): one for email, one in said if isinstance(email, str)}
    return {one.email: found[one.email.lower()] for one in recipients if one.email.lower() in found}


def recipients_in(text: str, recipients: Iterable[Address]) -> tuple[str, ...]:
    """
    Return the addresses of the *recipients* that a vendor's text names, in upper or lower case.
    """
    words = (word.strip(".:") for word in _BETWEEN_ADDRESSES.split(text.lower()))
    return tuple(by_recipient(((word, None) for word in words), recipients))


def recipients_at(place: str, message: Message) -> tuple[str, ...]:
    """
    Return the address at a place of our request such as ``to[2].email``, () for any other.

    In a merge the number of the mail stands first, as in ``3.to.0``: each has one recipient.
    """
    found = _PLACE.search(place)
    if not found:
        return ()
    mail, number = int(found["mail"] or 0), int(found["number"])
    if message.is_merge:
        is_his = found["mail"] and found["field"].lower() == "to" and not number
        return tuple(one.email for one in message.to[mail : mail + 1] if is_his)
    addresses: tuple[Address, ...] = getattr(message, found["field"].lower())
    return tuple(one.email for one in addresses[number : number + 1] if not mail)
