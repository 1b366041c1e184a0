"""
The content type of an attachment or an alternative, checked.
"""

from __future__ import annotations

import re

from mailfailover._message.validation import check_text
from mailfailover.errors import InvalidMessage

_CHARSET = re.compile(r""";\s*charset\s*=\s*("[^"]*"|[^\s;]*)\s*""", re.IGNORECASE)


def check_content_type(field: str, label: str, value: str) -> str:
    """
    Return *value* if it is ``type/subtype``, with or without parameters, and no multipart.

    Raises:
        InvalidMessage: Naming *label*, with *field* as its field.
    """
    main, slash, sub = check_text(f"{field} content_type", value).partition(";")[0].partition("/")
    if not slash or not main.strip() or not sub.strip() or not value.isascii():
        message = f"{label} is not of the form type/subtype"
        raise InvalidMessage(message, field=field)
    if main.strip().lower() == "multipart":
        message = f"{label} cannot be multipart: attach each part by itself"
        raise InvalidMessage(message, field=field)
    return value


def split_charset(value: str) -> tuple[str, str]:
    """
    Return *value* without its parameter charset, and that charset, "" where it has none.
    """
    found = _CHARSET.search(value)
    if not found:
        return value, ""
    rest = f"{value[: found.start()]}{value[found.end() :]}"
    return rest, found[1].strip('"')
