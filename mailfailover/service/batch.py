"""
A batch of mails: many in one request, each accepted or refused by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, jsonify, request, url_for

from mailfailover.service.accepting import Stored, check, store_all
from mailfailover.service.parts import caller, service
from mailfailover.service.problems import Problem
from mailfailover.service.rate_headers import add_rate_headers
from mailfailover.service.reading import JSON, make_post, read_json
from mailfailover.service.visit import API

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["MOST_MAILS", "batch"]

MOST_MAILS = 500

batch: Blueprint = Blueprint("batch", __name__, url_prefix=API)
batch.after_request(add_rate_headers)


@batch.post("/send/batch")
def send() -> Response:
    """
    Take mails; answer in their order what became of each when all that were taken are on the disk.

    An idempotency key holds for the batch: each mail gets its own by its place.
    """
    if request.mimetype != JSON:
        raise Problem("unsupported-media-type", f"Send {JSON}.", headers={"Accept-Post": JSON})
    mails = _mails(read_json(request))
    key = request.headers.get("Idempotency-Key")
    checked = [_check(mail, key and f"{key}/{number}") for number, mail in enumerate(mails)]
    answers = iter(_store([one for one in checked if isinstance(one, Stored)]))
    ends = [next(answers) if isinstance(one, Stored) else one for one in checked]
    return jsonify(results=[_result(one) for one in ends])


def _mails(data: Any) -> list[Any]:
    if isinstance(data, dict):
        data = data.get("messages")
    if not isinstance(data, list):
        detail = 'The body must be a list of mails, or {"messages": [...]}.'
        raise Problem("unreadable-request", detail)
    if len(data) > MOST_MAILS:
        raise Problem("too-large", f"A batch may have at most {MOST_MAILS} mails, not {len(data)}.")
    return data


def _check(mail: Any, key: str | None) -> Stored | Problem:
    parts, asking = service(), caller()
    try:
        if not isinstance(mail, dict):
            raise Problem("unreadable-request", "Each mail must be a JSON object.")
        post = make_post(mail, parts.mailer.from_email, most=asking.most_recipients)
        return check(parts, asking, post, key)
    except Problem as problem:
        return problem


def _store(mails: Sequence[Stored]) -> Sequence[str | Problem]:
    try:
        return store_all(service(), mails) if mails else ()
    except Problem as problem:
        return [problem] * len(mails)


def _result(answer: str | Problem) -> Mapping[str, Any]:
    if isinstance(answer, Problem):
        return {"status": answer.status, "problem": answer.to_dict()}
    url = url_for("api.show", mail_id=answer, _external=True)
    return {"status": 202, "id": answer, "state": "queued", "status_url": url}
