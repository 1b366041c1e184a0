"""
A mail made of command-line options.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mailfailover._message.attachment import Attachment
from mailfailover.errors import InvalidMessage

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_PLAIN = ("from_email", "subject", "text", "html", "tags", "via", "after")


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """
    The mail as the options describe it; "" and () for missing options.

    Attributes:
        to, cc, bcc, reply_to: Each a list of addresses as a header has it.

        attach: Paths of files.

        headers: ``"Name: value"``.

        metadata: ``"key=value"``.
    """

    to: tuple[str, ...] = ()
    cc: tuple[str, ...] = ()
    bcc: tuple[str, ...] = ()
    reply_to: tuple[str, ...] = ()
    from_email: str = ""
    subject: str = ""
    text: str = ""
    html: str = ""
    attach: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    metadata: tuple[str, ...] = ()
    via: tuple[str, ...] = ()
    after: str = ""

    def fields(self) -> dict[str, Any]:
        """
        Return the fields of a :class:`~mailfailover.Message` that are given.

        Raises:
            InvalidMessage: If a header or metadata has no name, or a file cannot be read.
        """
        found: dict[str, Any] = {name: getattr(self, name) for name in _PLAIN}
        for name in ("to", "cc", "bcc", "reply_to"):
            found[name] = ", ".join(getattr(self, name))
        found["attachments"] = tuple(map(Attachment.from_path, self.attach))
        found["headers"] = _headers(self.headers)
        found["metadata"] = dict(_pair(one, "=", "metadata", "key=value") for one in self.metadata)
        return {name: value for name, value in found.items() if value}


def with_options(fields: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """
    Return the *fields* of a mail that was read, changed by what *options* say.

    Headers and attachments are added; anything else replaces what was read.
    """
    merged = {**fields, **options}
    merged["headers"] = {**fields.get("headers", {}), **options.get("headers", {})}
    merged["attachments"] = (*fields.get("attachments", ()), *options.get("attachments", ()))
    return merged


def _headers(lines: Iterable[str]) -> dict[str, str | tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for line in lines:
        name, value = _pair(line, ":", "headers", "Name: value")
        found[name] = (*found.get(name, ()), value.strip(" \t"))
    return {name: values[0] if len(values) == 1 else values for name, values in found.items()}


def _pair(text: str, mark: str, field: str, form: str) -> tuple[str, str]:
    name, found, value = text.partition(mark)
    if not found:
        message = f"{field}: an option is not of the form '{form}': write it so"
        raise InvalidMessage(message, field=field)
    return name, value
