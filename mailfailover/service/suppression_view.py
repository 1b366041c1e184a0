"""
Suppressions through the API, for keys with the grant ``admin``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, jsonify, request

from mailfailover.errors import ConfigurationError, InvalidMessage
from mailfailover.service.admin import read_fields, refuse_the_proxy
from mailfailover.service.parts import service
from mailfailover.service.problems import FieldError, Problem
from mailfailover.service.search import read_time
from mailfailover.service.visit import API
from mailfailover.suppression import Reason, SuppressionState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mailfailover.suppression import Suppression, SuppressionList

__all__ = ["find_entries", "suppressions", "undo"]

suppressions: Blueprint = Blueprint("suppressions", __name__, url_prefix=API)
suppressions.before_request(refuse_the_proxy)

MOST = 1000
_UNDO_FIELDS: Mapping[str, type] = {
    "domain": str,
    "since": str,
    "until": str,
    "response": str,
    "dry_run": bool,
}
_KINDS = {"reason": Reason, "state": SuppressionState}


@suppressions.get("/suppressions")
def list_suppressions() -> Response:
    """
    List the latest entries, and the receivers that are in quarantine.
    """
    found = find_entries(request.args, _limit(request.args.get("limit", "100")))
    return jsonify(
        suppressions=[one.to_dict() for one in found],
        quarantines=[one.to_dict() for one in held().quarantines()],
    )


@suppressions.post("/suppressions/undo")
def undo_suppressions() -> Response:
    """
    Take a wrong day back, or only tell what that would lift.
    """
    fields = read_fields(_UNDO_FIELDS)
    dry_run = fields.pop("dry_run", False)
    lifted = undo(fields, dry_run=dry_run)
    return jsonify(dry_run=dry_run, lifted=[one.to_dict() for one in lifted])


def held() -> SuppressionList:
    """
    Return the list of this service.
    """
    found = service().suppressions
    if found is None:
        raise Problem("not-found", "This service has no list of suppressions.")
    return found


def find_entries(given: Mapping[str, str], limit: int) -> tuple[Suppression, ...]:
    """
    Return the latest entries that the arguments of a URL ask for.

    Raises:
        Problem: If an argument is invalid.
    """
    wanted: dict[str, Any] = {
        name: given.get(name, "").strip() or None for name in ("email", *_KINDS)
    }
    errors = [
        FieldError(name, f"must be one of {', '.join(kind)}")
        for name, kind in _KINDS.items()
        if wanted[name] is not None and wanted[name] not in tuple(kind)
    ]
    if errors:
        raise _refusal(errors)
    try:
        return held().list(wanted.pop("email"), limit=limit, **wanted)
    except InvalidMessage:
        raise _refusal([FieldError("email", "must be an address")]) from None


def undo(given: Mapping[str, str], *, dry_run: bool) -> tuple[Suppression, ...]:
    """
    Take back what the fields mean; return what that lifts.

    Raises:
        Problem: If a field is invalid, or nothing says which bounces are wrong.
    """
    wanted: dict[str, Any] = {name: given.get(name, "").strip() for name in ("domain", "response")}
    errors = []
    for name in ("since", "until"):
        try:
            wanted[name] = read_time(given.get(name, "").strip(), is_end=name == "until")
        except (ValueError, OverflowError):
            errors.append(FieldError(name, "must be a time, such as 2027-01-31T09:00:00+00:00"))
    if errors:
        raise _refusal(errors)
    try:
        return held().undo(dry_run=dry_run, **wanted)
    except ConfigurationError as exc:
        raise Problem("invalid-request", f"{exc}.") from None


def _limit(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= MOST:
        raise _refusal([FieldError("limit", f"must be a number from 1 to {MOST}")])
    return int(text)


def _refusal(errors: list[FieldError]) -> Problem:
    detail = " ".join(f"{error.field} {error.detail}." for error in errors)
    return Problem("unreadable-request", detail, errors=errors)
