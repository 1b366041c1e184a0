"""
Labels of the page: errors name a field as the page does, not as the API does.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mailfailover.service.problems import FieldError

__all__ = ["LABELS", "LabelledError", "label_errors"]

LABELS: Mapping[str, str] = {
    "to": "To",
    "cc": "Cc",
    "bcc": "Bcc",
    "reply_to": "Reply to",
    "from_email": "From",
    "subject": "Subject",
    "text": "Text",
    "html": "HTML",
    "attachments": "Files",
    "recipient": "Recipient",
    "email": "Address",
    "reason": "Reason",
    "since": "Since",
    "until": "Until",
    "state": "State",
}
_SENTENCES = {
    "is missing": "Fill in this field.",
    "is missing: give text, html or template_id": "Write a text, HTML, or both.",
}
_NAMES = re.compile(r"\b(?:reply_to|from_email|html|attachments)\b")


class LabelledError(NamedTuple):
    """
    An error of one field of the page.
    """

    field: str
    label: str
    detail: str


def label_errors(errors: Iterable[FieldError]) -> tuple[LabelledError, ...]:
    """
    Put *errors* into the words of the page, in the order of its fields.
    """
    found = {error.field: _sentence(error.field, error.detail) for error in errors}
    places = {field: place for place, field in enumerate(LABELS)}
    fields = sorted(found, key=lambda field: places.get(field, len(places)))
    return tuple(LabelledError(one, LABELS.get(one, one), found[one]) for one in fields)


def _sentence(field: str, detail: str) -> str:
    if detail in _SENTENCES:
        return _SENTENCES[detail]
    # Beside its field, a sentence need not begin with the field's name.
    plain = _NAMES.sub(lambda found: LABELS[found[0]], detail.removeprefix(f"{field} "))
    return f"{plain[:1].upper()}{plain[1:]}" + ("" if plain.endswith((".", "?")) else ".")
