"""
The API: post a mail, look what became of it, cancel it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, jsonify, request, url_for
from werkzeug.http import parse_dict_header

from mailfailover.outbox import State
from mailfailover.service.accepting import accept
from mailfailover.service.mails import describe, describe_many, find_mail, list_mails, may_see
from mailfailover.service.parts import caller, service
from mailfailover.service.problems import Problem
from mailfailover.service.rate_headers import add_rate_headers
from mailfailover.service.reading import read_post
from mailfailover.service.search import read_search
from mailfailover.service.visit import API
from mailfailover.service.waiting import wait_for

if TYPE_CHECKING:
    from mailfailover.outbox import OutboxMail

__all__ = ["api"]

api: Blueprint = Blueprint("api", __name__, url_prefix=API)
api.after_request(add_rate_headers)
MOST = 100


@api.post("/send")
def send() -> Response:
    """
    Take a mail; answer when it is on the disk, or, with ``Prefer: wait=5``, when it is sent.
    """
    parts, asking = service(), caller()
    post = read_post(request, parts.mailer.from_email, most=asking.most_recipients)
    mail_id = accept(parts, asking, post, request.headers.get("Idempotency-Key"))
    wait = _wanted_wait(parts.max_wait)
    if wait and (found := wait_for(parts, asking, mail_id, wait)):
        answer = _settled(found)
        answer.headers["Preference-Applied"] = f"wait={wait:g}"
        return answer
    url = url_for("api.show", mail_id=mail_id, _external=True)
    answer = jsonify(id=mail_id, state="queued", status_url=url)
    answer.status_code = 202
    answer.headers["Location"] = url
    return answer


@api.get("/messages/<mail_id>")
def show(mail_id: str) -> Response:
    """
    Tell how a mail stands.
    """
    return jsonify(describe(service(), _known(mail_id)))


@api.get("/messages")
def index() -> Response:
    """
    List the caller's mails, newest first.
    """
    search, before = read_search(request.args), request.args.get("before") or None
    limit = _limit()
    found = list_mails(service(), caller(), search, limit=limit + 1, before=before)
    more = None
    if len(found) > limit:
        where: dict[str, Any] = {"limit": limit, "before": found[limit - 1].id}
        more = url_for("api.index", _external=True, **search.to_arguments(), **where)
    return jsonify(messages=describe_many(service(), found[:limit]), next=more)


@api.delete("/messages/<mail_id>")
def cancel(mail_id: str) -> Response:
    """
    Give up a mail that no provider was given yet.
    """
    if not may_see(service(), caller(), mail_id) or not service().outbox.cancel(mail_id):
        state = _known(mail_id).state
        detail = f"The mail is {state}: it can no longer be held back."
        raise Problem("not-waiting", detail, state=str(state))
    return jsonify(describe(service(), _known(mail_id)))


def _known(mail_id: str) -> OutboxMail:
    found = find_mail(service(), caller(), mail_id)
    if found is None:
        raise Problem("not-found", "There is no such mail, or it is not yours.")
    return found


def _limit() -> int:
    text = request.args.get("limit", "20")
    if not (text.isascii() and text.isdigit() and 0 < int(text[:9]) <= MOST):
        raise Problem("unreadable-request", f"limit must be a whole number from 1 to {MOST}.")
    return int(text)


def _wanted_wait(most: float) -> float:
    """
    Read ``Prefer: wait=SECONDS``; a preference that cannot be understood is none (RFC 7240).
    """
    text = parse_dict_header(request.headers.get("Prefer", "")).get("wait") or ""
    return min(float(text), most) if text.isascii() and text.isdigit() else 0.0


def _settled(mail: OutboxMail) -> Response:
    """
    Answer for a mail that was waited for.
    """
    data: dict[str, Any] = describe(service(), mail)
    if mail.state is State.DEAD:
        raise Problem("refused", f"The mail was not sent: {mail.reason}", mail=data)
    answer = jsonify(data)
    answer.status_code = 200 if mail.state is State.SENT else 202
    return answer
