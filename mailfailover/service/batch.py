"""
A batch of mails: many in one request, each accepted or refused by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, jsonify, request, url_for

from mailfailover.service.accepting import accept
from mailfailover.service.parts import caller, service
from mailfailover.service.problems import Problem
from mailfailover.service.rate_headers import add_rate_headers
from mailfailover.service.reading import JSON, make_post, read_json
from mailfailover.service.visit import API

if TYPE_CHECKING:
    from collections.abc import Mapping

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
    results = [_take(mail, key and f"{key}/{number}") for number, mail in enumerate(mails)]
    return jsonify(results=results)


def _mails(data: Any) -> list[Any]:
    if isinstance(data, dict):
        data = data.get("messages")
    if not isinstance(data, list):
        detail = 'The body must be a list of mails, or {"messages": [...]}.'
        raise Problem("unreadable-request", detail)
    if len(data) > MOST_MAILS:
        raise Problem("too-large", f"A batch may have at most {MOST_MAILS} mails, not {len(data)}.")
    return data


def _take(mail: Any, key: str | None) -> Mapping[str, Any]:
    """
    Accept one mail; return its id, or its problem.
    """
    parts, asking = service(), caller()
    try:
        if not isinstance(mail, dict):
            raise Problem("unreadable-request", "Each mail must be a JSON object.")
        post = make_post(mail, parts.mailer.from_email, most=asking.most_recipients)
        mail_id = accept(parts, asking, post, key)
    except Problem as problem:
        return {"status": problem.status, "problem": problem.to_dict()}
    url = url_for("api.show", mail_id=mail_id, _external=True)
    return {"status": 202, "id": mail_id, "state": "queued", "status_url": url}
