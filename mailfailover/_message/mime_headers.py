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
from mailfailover._message.mailboxes import split_header
from mailfailover._message.mime_part import header_text
from mailfailover._message.validation import check_header_name
from mailfailover.errors import InvalidMessage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import Message as ParsedMessage

_ADDRESS_FIELDS = {"to": "to", "cc": "cc", "bcc": "bcc", "reply-to": "reply_to"}
_FIELDS = _ADDRESS_FIELDS | {"from": "from_email", "subject": "subject", "date": "created"}
_ONCE = ("from", "subject", "date", "message-id", "reply-to")

# What the mail's former journey left on it, beside what no caller may set.
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
_TRACE_PREFIXES = ("arc-", "resent-")


def header_fields(mail: ParsedMessage) -> dict[str, Any]:
    """
    Read every header of *mail* that says something about the mail and not about its way.

    Raises:
        InvalidMessage: If one that may stand once stands twice, or cannot be decoded.
    """
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


def _decoded(mail: ParsedMessage) -> Iterator[tuple[str, str, bool]]:
    """
    Yield name, value and whether the value is plain Unicode already, as set by a program.
    """
    from email.header import Header

    for name, value in mail.raw_items():
        field = _FIELDS.get(name.lower(), f"headers[{name!r}]")
        yield name, header_text(value, field), isinstance(value, (BaseHeader, Header))


def _mailboxes(value: str, field: str, *, plain: bool) -> Iterator[Address | str]:
    for name, email, comment in split_header(value, field):
        if "@" not in email:
            yield email  # refused by Message, unless the caller gives the field
            continue
        name = name or comment  # noqa: PLW2901 -- where a name stood before RFC 822 had one
        yield Address._of(  # noqa: SLF001 -- for the field's name
            email, name if plain else decode_words(name, field), field
        )


def _sender(value: str, *, plain: bool) -> Address | None:
    found = list(_mailboxes(value, "from_email", plain=plain))
    if len(found) > 1:
        message = "from_email: the From header names several senders: keep one"
        raise InvalidMessage(message, field="from_email")
    # cron writes `root (Cron Daemon)`: whoever sends it for cron knows the sender.
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
