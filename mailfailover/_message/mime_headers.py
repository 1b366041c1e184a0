"""
The header of a parsed mail, as fields of a :class:`~mailfailover.Message`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from email.headerregistry import BaseHeader
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from mailfailover._message.address import Address
from mailfailover._message.encoded_words import decode_words
from mailfailover._message.mail import unsubscribe_headers
from mailfailover._message.mailboxes import names_group, split_header
from mailfailover._message.mime_part import BeyondFields, header_text
from mailfailover._message.validation import check_header_name
from mailfailover.errors import InvalidMessage

if TYPE_CHECKING:
    from collections.abc import Container, Iterator
    from email.message import Message as ParsedMessage

_ADDRESS_FIELDS = {"to": "to", "cc": "cc", "bcc": "bcc", "reply-to": "reply_to"}
_RECIPIENTS = ("to", "cc", "bcc")
_FIELDS = _ADDRESS_FIELDS | {"from": "from_email", "subject": "subject", "date": "created"}
_ONCE = ("from", "subject", "date", "message-id", "reply-to")

# Headers that stay with a mail and have no field.
_BEYOND_FIELDS = ("dkim-signature", "resent-")
# Headers that the servers of a former journey added, beside those that no caller may set.
_TRACE = frozenset(
    {
        "authentication-results",
        "delivered-to",
        "domainkey-signature",
        "envelope-to",
        "received-spf",
        "x-google-dkim-signature",
        "x-original-to",
        "x-received",
    }
)
_TRACE_PREFIXES = ("arc-",)


def header_fields(mail: ParsedMessage) -> dict[str, Any]:
    """
    Read every header of *mail* that says something about the mail and not about its way.

    Raises:
        BeyondFields: If no field holds one of the headers.
        InvalidMessage: If a header that is allowed once occurs twice, or cannot be decoded.
    """
    _check_expressible(mail)
    headers = list(_decoded(mail))
    names = [name.lower() for name, _, _ in headers]
    for name in _ONCE:
        if names.count(name) > 1:
            message = f"the header {name.title()!r} stands there more than once: keep one"
            raise InvalidMessage(message, field=_FIELDS.get(name, "headers"))
    fields: dict[str, Any] = {}
    for (_, value, plain), name in zip(headers, names, strict=True):
        if field := _ADDRESS_FIELDS.get(name):
            fields[field] = (*fields.get(field, ()), *_mailboxes(value, field, plain=plain))
        elif name == "from":
            fields["from_email"] = _sender(value, plain=plain)
        elif name == "subject":
            fields["subject"] = value if plain else decode_words(value, "subject")
        elif name == "date":
            fields["created"] = _date(value)
    return fields | _custom(headers)


def envelope_fields(mail: ParsedMessage) -> dict[str, Any]:
    """
    Read who sent *mail*, when, and who gets it: all that its header names, Bcc too.

    Raises:
        InvalidMessage: If an address or the date is wrong.
    """
    found: dict[str, Any] = {}
    to: list[Address | str] = []
    for name, value, plain in _decoded(mail, only=(*_RECIPIENTS, "from", "sender", "date")):
        lower = name.lower()
        if lower in _RECIPIENTS:
            to += _mailboxes(value, "to", plain=plain)
        elif lower == "date":
            found["created"] = _date(value)
        else:
            found[lower] = next(iter(_mailboxes(value, "from_email", plain=plain)), None)
    # Several authors have one sender (RFC 5322, 3.6.2); the first of them stands for all.
    sender = found.pop("from", None), found.pop("sender", None)
    emails = {one.email if isinstance(one, Address) else one: one for one in reversed(to)}
    return found | {
        "to": tuple(reversed(emails.values())),
        "from_email": next((one for one in sender if isinstance(one, Address)), None),
    }


def lenient_sender(mail: ParsedMessage) -> dict[str, Any]:
    """
    Read who sent *mail* and when, as far as that can be read.
    """
    found: dict[str, Any] = {}
    for name, field in (("from", "from_email"), ("date", "created")):
        try:
            for _, value, plain in _decoded(mail, only=(name,)):
                read = _date(value) if name == "date" else _first(value, plain=plain)
                found.setdefault(field, read)
        except InvalidMessage:
            continue
    return {field: value for field, value in found.items() if value is not None}


def emails_in(mail: ParsedMessage, *names: str) -> Iterator[str]:
    """
    Yield the addresses that the headers *names* of *mail* hold, in lower case.

    Raises:
        InvalidMessage: If one of them cannot be read.
    """
    for _, value, plain in _decoded(mail, only=names):
        for one in _mailboxes(value, "to", plain=plain):
            yield (one.email if isinstance(one, Address) else one).lower()


def _first(value: str, *, plain: bool) -> Address | None:
    found = _mailboxes(value, "from_email", plain=plain)
    return next((one for one in found if isinstance(one, Address)), None)


def _check_expressible(mail: ParsedMessage) -> None:
    headers = [(name.lower(), value) for name, value in mail.raw_items()]
    for name, value in headers:
        if name.startswith(_BEYOND_FIELDS):
            raise BeyondFields(f"the header {name}")
        if name in _ADDRESS_FIELDS and names_group(header_text(value, name)):
            raise BeyondFields(f"a group in {name}")
    senders = [header_text(value, "from_email") for name, value in headers if name == "sender"]
    authors = [header_text(value, "from_email") for name, value in headers if name == "from"]
    if senders and senders != authors:
        raise BeyondFields("the header sender")


def _decoded(mail: ParsedMessage, only: Container[str] = ()) -> Iterator[tuple[str, str, bool]]:
    """
    Yield name, value and whether the value is plain Unicode already, as set by a program.
    """
    from email.header import Header

    for name, value in mail.raw_items():
        if only and name.lower() not in only:
            continue
        field = _FIELDS.get(name.lower(), f"headers[{name!r}]")
        yield name, header_text(value, field), isinstance(value, (BaseHeader, Header))


def _mailboxes(value: str, field: str, *, plain: bool) -> Iterator[Address | str]:
    for name, email, comment in split_header(value, field):
        if "@" not in email:
            yield email  # Message refuses it, unless the caller gives the field.
            continue
        name = name or comment  # noqa: PLW2901 -- where a name stood before RFC 822 had one
        yield Address._of(  # noqa: SLF001 -- for the field's name
            email, name if plain else decode_words(name, field), field
        )


def _sender(value: str, *, plain: bool) -> Address | None:
    found = list(_mailboxes(value, "from_email", plain=plain))
    if len(found) > 1:
        raise BeyondFields("several authors")
    # cron writes `root (Cron Daemon)`: the program that sends cron's mail knows the sender.
    return found[0] if found and isinstance(found[0], Address) else None


def _date(value: str) -> datetime:
    try:
        date = parsedate_to_datetime(value)
        # RFC 5322, 3.3: -0000 is UTC from somewhere unknown, and comes back without a zone.
        return date if date.tzinfo else date.replace(tzinfo=UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        message = "created: the Date header is no RFC 5322 date: correct it or take it out"
        raise InvalidMessage(message, field="created") from None


def _custom(headers: list[tuple[str, str, bool]]) -> dict[str, Any]:
    found: dict[str, list[str]] = {}
    spelling: dict[str, str] = {}
    for name, value, plain in headers:
        if _belongs(name):
            name = spelling.setdefault(name.lower(), name)  # noqa: PLW2901
            text = value if plain else decode_words(value, f"headers[{name!r}]")
            found.setdefault(name, []).append(text)
    fields: dict[str, Any] = {}
    if urls := _unsubscribe(found):
        fields["unsubscribe"] = urls
        found = {name: v for name, v in found.items() if not _is_unsubscribe(name)}
    fields["headers"] = {name: tuple(values) for name, values in found.items()}
    return fields


def _belongs(name: str) -> bool:
    lower = name.lower()
    if lower in _FIELDS or lower in _TRACE or lower.startswith(_TRACE_PREFIXES):
        return False
    try:
        check_header_name(name)
    except InvalidMessage:
        return False
    return True


def _is_unsubscribe(name: str) -> bool:
    return name.lower() in ("list-unsubscribe", "list-unsubscribe-post")


def _unsubscribe(found: dict[str, list[str]]) -> tuple[str, ...]:
    """
    Return the URLs of List-Unsubscribe if the field *unsubscribe* would write just the same.
    """
    given = {name.title(): values for name, values in found.items() if _is_unsubscribe(name)}
    header = ",".join(given.get("List-Unsubscribe", ()))
    urls = tuple(url.strip(" <>") for url in header.split(","))
    if not all(url.startswith(("https://", "mailto:")) for url in urls):
        return ()
    written = {name: [value] for name, value in unsubscribe_headers(urls)}
    return urls if written == given else ()
