"""
The page of suppressions: who gets no mail and why, and the form that takes a wrong day back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, render_template, request

from mailfailover.service.admin import refuse_the_proxy
from mailfailover.service.labels import label_errors
from mailfailover.service.problems import Problem
from mailfailover.service.suppression_view import find_entries, held, undo
from mailfailover.suppression import Reason, SuppressionState

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["suppression_page"]

suppression_page: Blueprint = Blueprint("suppression_page", __name__)
suppression_page.before_request(refuse_the_proxy)

_SHOWN = 100
_BADGES: Mapping[str, tuple[str, str]] = {
    "suppressed": ("suppressed", "bad"),
    "held": ("held", "warn"),
    "quarantined": ("quarantined", ""),
}


@suppression_page.get("/suppressions")
def index() -> Response:
    """
    List the latest entries, or those that are looked for.
    """
    try:
        found, problem = find_entries(request.args, _SHOWN), None
    except Problem as exc:
        found, problem = (), exc
    return _page(problem, entries=found)


@suppression_page.post("/suppressions")
def lift() -> Response:
    """
    Show what the form would lift, and lift it when the person has seen that.
    """
    is_sure = "lift" in request.form
    try:
        lifted = undo(request.form, dry_run=not is_sure)
    except Problem as problem:
        return _page(problem, entries=find_entries({}, _SHOWN))
    return _page(None, entries=find_entries({}, _SHOWN), lifted=lifted, is_sure=is_sure)


def _page(problem: Problem | None, **parts: Any) -> Response:
    text = render_template(
        "suppressions.html",
        problem=problem,
        errors=label_errors(problem.errors if problem else ()),
        given=request.values,
        badges=_BADGES,
        reasons=tuple(map(str, Reason)),
        states=tuple(map(str, SuppressionState)),
        quarantines=held().quarantines(),
        most=_SHOWN,
        **{"lifted": None, "is_sure": False, **parts},
    )
    return Response(text, problem.status if problem else 200)
