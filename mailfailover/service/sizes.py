"""
Sizes of a request: fields, recipients and entries are counted before anything is read of them.

Reading an address costs about a hundred times as much as counting it, so a client that posts half a
million of them must be turned away first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import request

from mailfailover.service.problems import FieldError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from flask import Flask

__all__ = ["MAX_FIELDS", "count_fields", "find_oversized"]

MAX_FIELDS = 1000
"""How many fields a form, and how many entries a field may have. A mail has some thirty fields."""

MAX_LINE = 10_000
"""How many characters a field may have that is no text of a mail."""

MAX_PEOPLE = 1_000_000
"""How many characters all recipients may have, with their names."""

MAX_SIGN_IN = 64 * 1024
_BODIES = ("text", "html", "mime")
_HEADERS = ("headers", "merge_headers")
_RECIPIENTS = ("to", "cc", "bcc")
_BY_RECIPIENT = ("merge_data", "merge_metadata", "merge_headers")
# A name may have an @ too; beyond this many for each recipient it is no list of addresses.
_AT_SIGNS = 10
_FORM = "application/x-www-form-urlencoded"


def count_fields(app: Flask) -> None:
    """
    Refuse forms of too many fields at *app*. Of files, and fields among files, Flask counts them.
    """
    app.before_request(_count)


def find_oversized(fields: Mapping[str, Any], most: int) -> Iterator[FieldError]:
    """
    Yield what is wrong with fields that are too long to be read.

    Args:
        fields: What was posted.

        most: How many recipients a mail may have.

    Raises:
        Problem: If there are too many fields.
    """
    if len(fields) > MAX_FIELDS:
        raise Problem("too-large", f"A mail may have at most {MAX_FIELDS} fields.")
    people = [fields.get(name) for name in _RECIPIENTS]
    if sum(map(_at_signs, people)) > _AT_SIGNS * most or sum(map(_length, people)) > MAX_PEOPLE:
        yield FieldError("to", f"a mail may have at most {most} recipients")
    for name, value in fields.items():
        limit = most if name in _BY_RECIPIENT else MAX_FIELDS
        if name in _RECIPIENTS or name in _BODIES:
            continue
        if isinstance(value, (dict, list)) and len(value) > limit:
            yield FieldError(name, f"may have at most {limit} entries, not {len(value)}")
        elif _longest(value, inside=name in _HEADERS) > MAX_LINE:
            yield FieldError(name, f"may have at most {MAX_LINE} characters")


def _count() -> None:
    if request.endpoint == "page.sign_in_view":
        request.max_content_length = MAX_SIGN_IN
    if (
        request.mimetype != _FORM or request.blueprint == "webhooks"
    ):  # webhooks have limits of their own
        return
    if request.get_data().count(b"&") >= MAX_FIELDS:
        raise Problem("too-large", f"A form may have at most {MAX_FIELDS} fields.")


def _at_signs(value: Any) -> int:
    if isinstance(value, str):
        return max(value.count("@"), value.count("=?"))  # an encoded word costs as much
    if isinstance(value, list):
        return sum(map(_at_signs, value)) or len(value)
    return 0


def _length(value: Any) -> int:
    if isinstance(value, list):
        return sum(map(_length, value))
    return len(value) if isinstance(value, str) else 0


def _longest(value: Any, *, inside: bool) -> int:
    """
    Return the length of the longest text; *inside* looks into mappings and lists.
    """
    if isinstance(value, str):
        return len(value)
    if not inside or not isinstance(value, (dict, list)):
        return 0
    members = value.values() if isinstance(value, dict) else value
    return max((_longest(one, inside=True) for one in members), default=0)
