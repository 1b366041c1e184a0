"""
The body of a request read into a message, or a problem that names each field at fault.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mailfailover._message import fields as read
from mailfailover._message.json_form import message_from_dict
from mailfailover._message.mail import FIELDS
from mailfailover._message.message import Message
from mailfailover.callbacks._calls import check_url
from mailfailover.errors import ConfigurationError, InvalidMessage
from mailfailover.service.form import form_fields
from mailfailover.service.problems import MAX_ERRORS, MAX_NAME, FieldError, Problem
from mailfailover.service.rules import MAX_RECIPIENTS
from mailfailover.service.sizes import find_oversized

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from flask import Request

    from mailfailover._message.address import Address
    from mailfailover._message.attachment import Attachment

__all__ = ["JSON", "LINK", "POSTED", "Post", "make_post", "read_json", "read_post"]

POSTED = tuple(name for name in FIELDS if name not in ("id", "created"))
"""The fields that a client may set; the service sets the id and the time."""

LINK = "link"
"""The value of *unsubscribe* that asks for a link of our own."""

_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
JSON = "application/json"
_RECIPIENTS = ("to", "cc", "bcc")
_CONTENT = ("text", "html", "template_id")


@dataclass(frozen=True, slots=True)
class Post:
    """
    The mail that a request posts, and how.

    Attributes:
        message: The mail.

        callback_url: Where to tell what becomes of it, "" for nowhere.

        wants_link: Whether an unsubscribe link of ours is to be added.
    """

    message: Message
    callback_url: str = ""
    wants_link: bool = False


def read_post(
    asked: Request,
    sender: Address | None,
    *,
    most: int = MAX_RECIPIENTS,
    ignore: Collection[str] = (),
) -> Post:
    """
    Read the mail that a request brings.

    Args:
        asked: A form, with or without files, or JSON.

        sender: The From of mails that name none.

        most: How many recipients it may have.

        ignore: Fields that are not of the mail.

    Raises:
        Problem: If it cannot be read, or a field is missing or wrong.
    """
    if asked.mimetype in _FORMS:
        fields, files, errors = form_fields(asked)
        fields = {name: value for name, value in fields.items() if name not in ignore}
        return make_post(fields, sender, most=most, files=files, errors=errors)
    if asked.mimetype == JSON:
        return make_post(_json_object(read_json(asked)), sender, most=most)
    detail = f"Send a form ({' or '.join(_FORMS)}) or {JSON}."
    accepted = ", ".join((*_FORMS, JSON))
    raise Problem("unsupported-media-type", detail, headers={"Accept-Post": accepted})


def make_post(
    fields: dict[str, Any],
    sender: Address | None,
    *,
    most: int = MAX_RECIPIENTS,
    files: Iterable[Attachment] = (),
    errors: Iterable[FieldError] = (),
) -> Post:
    """
    Make a post of fields that were read.

    Args:
        fields: By name; one that is None is as if it were not there.

        sender, most: See :func:`read_post`.

        files: More attachments.

        errors: The errors found so far.

    Raises:
        Problem: If a field is missing or wrong.
    """
    fields = {name: value for name, value in fields.items() if value is not None}
    files, errors = list(files), list(errors)
    if oversized := list(find_oversized(fields, most)):
        raise Problem("invalid-message", _summary(oversized), errors=oversized)
    callback_url = _callback_url(fields.pop("callback_url", ""), errors)
    if wants_link := fields.get("unsubscribe") in (LINK, [LINK]):
        del fields["unsubscribe"]
    if sender is not None and not fields.get("from_email") and not fields.get("mime"):
        fields["from_email"] = sender
    at_fault = {error.field for error in errors}
    errors += [error for error in _missing(fields) if error.field not in at_fault]
    message = _make(fields, files, errors)
    if errors or message is None:
        raise Problem("invalid-message", _summary(errors), errors=errors)
    return Post(message, callback_url, wants_link)


def _callback_url(given: Any, errors: list[FieldError]) -> str:
    if not given:
        return ""
    try:
        return check_url(given)
    except (ConfigurationError, AttributeError, TypeError):  # the others: it is no text
        errors.append(FieldError("callback_url", "must be https, without a password in it"))
        return ""


def read_json(asked: Request) -> Any:
    """
    Read the body as JSON.

    Raises:
        Problem: If it is none.
    """
    try:
        return json.loads(
            asked.get_data(cache=False), parse_constant=_no_number, object_pairs_hook=_once_each
        )
    except (ValueError, RecursionError) as exc:
        reason = f"line {exc.lineno}" if isinstance(exc, json.JSONDecodeError) else "its form"
        raise Problem("unreadable-request", f"The body is no JSON document ({reason}).") from None


def _json_object(data: Any) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise Problem("unreadable-request", "The body must be a JSON object.")
    return data


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):  # JSON would drop all but the last, recipients too
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise Problem("unreadable-request", f"The name {twice[:MAX_NAME]!r} is there twice.")
    return found


def _no_number(name: str) -> float:
    message = f"{name} is no JSON"
    raise ValueError(message)


def _missing(fields: Mapping[str, Any]) -> Iterator[FieldError]:
    """
    Yield what each mail must have, where it is not there.
    """
    if not any(fields.get(name) for name in _RECIPIENTS):
        yield FieldError("to", "is missing")
    if fields.get("mime"):
        return  # Its header names the sender, and its bytes are the rest.
    if not fields.get("from_email"):
        yield FieldError("from_email", "is missing")
    if fields.get("template_id"):
        return
    if not fields.get("subject"):
        yield FieldError("subject", "is missing")
    if not any(fields.get(name) for name in _CONTENT):
        yield FieldError("text", "is missing: give text, html or template_id")


def _make(
    fields: Mapping[str, Any], files: list[Attachment], errors: list[FieldError]
) -> Message | None:
    """
    Make the message, or add to *errors* what is wrong with each field.
    """
    unknown = sorted(fields.keys() - set(POSTED))
    errors += [FieldError(name, "is no field of a mail that can be posted") for name in unknown]
    known = {name: value for name, value in fields.items() if name in POSTED}
    at_fault = {error.field for error in errors}
    try:
        message = message_from_dict(Message, known)
        return message.bound(attachments=read.attachments(files)) if files else message
    except InvalidMessage as exc:
        found = {exc.field: str(exc), **_each(known)}
    errors += [FieldError(name, text) for name, text in found.items() if name not in at_fault]
    return None


def _each(fields: Mapping[str, Any]) -> dict[str, str]:
    """
    Return what is wrong with each field taken alone.
    """
    found = {}
    for name, value in fields.items():
        try:
            message_from_dict(Message, {name: value})
        except InvalidMessage as exc:
            # A merge field without the recipients it is about says nothing of itself.
            if exc.field == name and not name.startswith("merge_"):
                found[name] = str(exc)
    return found


def _summary(errors: Sequence[FieldError]) -> str:
    names = list(dict.fromkeys(error.field[:MAX_NAME] for error in errors))
    more = f" and {len(names) - MAX_ERRORS} more" if len(names) > MAX_ERRORS else ""
    return f"Correct these fields: {', '.join(names[:MAX_ERRORS])}{more}."
