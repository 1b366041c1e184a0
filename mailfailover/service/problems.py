"""
Errors of the service as problem details (RFC 9457), or as a page for a person.
"""

from __future__ import annotations

import logging
import traceback
from typing import TYPE_CHECKING, Any, NamedTuple

from flask import Flask, Response, json, render_template, request
from werkzeug.exceptions import HTTPException

from mailfailover.service.visit import request_id, wants_page

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["KINDS", "MAX_ERRORS", "MAX_NAME", "FieldError", "Problem", "handle_problems"]

MAX_ERRORS = 20
"""How many fields at fault an answer lists; a hostile form could have any number."""

MAX_NAME = 64
"""How much of the name of a field is repeated."""

MEDIA_TYPE = "application/problem+json"
_LOG = logging.getLogger(__name__)


class Kind(NamedTuple):
    """
    A kind of problem: its status and its title.
    """

    status: int
    title: str


KINDS: Mapping[str, Kind] = {
    "unreadable-request": Kind(400, "The request cannot be read"),
    "invalid-message": Kind(400, "The mail cannot be sent as it stands"),
    "invalid-request": Kind(400, "The request cannot be done as it stands"),
    "unauthenticated": Kind(401, "An API key is needed"),
    "forbidden": Kind(403, "This is not allowed here"),
    "not-found": Kind(404, "There is no such thing"),
    "method-not-allowed": Kind(405, "This method has no meaning here"),
    "idempotency-conflict": Kind(409, "The idempotency key was used for another mail"),
    "not-waiting": Kind(409, "The mail is no longer waiting"),
    "too-large": Kind(413, "The request is too large"),
    "unsupported-media-type": Kind(415, "The body has a type that is not read here"),
    "refused": Kind(422, "No provider would take this mail"),
    "limit-reached": Kind(429, "The limit of this API key is reached"),
    "internal-error": Kind(500, "The service has failed"),
    "unavailable": Kind(503, "The service cannot do this now"),
}
_BY_STATUS = {
    400: "unreadable-request",
    401: "unauthenticated",
    403: "forbidden",
    404: "not-found",
    405: "method-not-allowed",
    413: "too-large",
    415: "unsupported-media-type",
    429: "limit-reached",
    503: "unavailable",
}


class FieldError(NamedTuple):
    """
    An error of one field of a request.
    """

    field: str
    detail: str


class Problem(Exception):
    """
    Ends a request with problem details.

    Args:
        kind: A key of :data:`KINDS`.

        detail: The cause this time, and the remedy.

        errors: The fields at fault, of which the first 20 are told.

        headers: More headers of the answer.

        more: More members of the problem's object.
    """

    def __init__(
        self,
        kind: str,
        detail: str,
        *,
        errors: Iterable[FieldError] = (),
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        errors = [FieldError(error.field[:MAX_NAME], error.detail) for error in errors]
        self.errors: tuple[FieldError, ...] = tuple(errors[:MAX_ERRORS])
        self.headers: dict[str, str] = dict(headers or {})
        self.more = more
        if len(errors) > MAX_ERRORS:
            self.more["more_errors"] = len(errors) - MAX_ERRORS

    @property
    def status(self) -> int:
        """
        The HTTP status.
        """
        return KINDS[self.kind].status

    def to_dict(self) -> dict[str, Any]:
        """
        Return its object as JSON-safe data.
        """
        found: dict[str, Any] = {
            "type": f"urn:mailfailover:problem:{self.kind}",
            "title": KINDS[self.kind].title,
            "status": self.status,
            "detail": self.detail,
            "instance": f"urn:mailfailover:request:{request_id()}",
            **self.more,
        }
        if self.errors:
            found["errors"] = [error._asdict() for error in self.errors]
        return found


def handle_problems(app: Flask) -> None:
    """
    Turn every error of *app* into a problem; no answer shows a traceback.
    """
    app.register_error_handler(Problem, answer)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _unexpected)


def answer(problem: Problem) -> Response:
    """
    Write *problem* as JSON for programs and as a page for browsers.
    """
    if wants_page():
        text = render_template("problem.html", problem=problem, kinds=KINDS)
        kind = "text/html; charset=utf-8"
    else:
        text, kind = json.dumps(problem.to_dict()), MEDIA_TYPE
    return Response(text, problem.status, problem.headers, content_type=kind)


def _http(error: HTTPException) -> Response:
    """
    Write an exception of Flask or Werkzeug.
    """
    code = error.code or 500
    kind = _BY_STATUS.get(code, "unreadable-request" if code < 500 else "internal-error")  # noqa: PLR2004 -- whose fault it is
    headers = {name: value for name, value in error.get_headers() if name == "Allow"}
    # Its own words are made of its class alone: nothing of the request is in them.
    return answer(Problem(kind, error.description or KINDS[kind].title, headers=headers))


def _unexpected(error: Exception) -> Response:
    # Its text may quote an address or a body, so the log names only the place.
    where = "".join(traceback.format_tb(error.__traceback__))
    _LOG.error("%s in %s %r\n%s", type(error).__name__, request.method, request.path, where)
    detail = "The service has failed; its log tells more under the id of this request."
    return answer(Problem("internal-error", detail))
