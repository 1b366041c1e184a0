"""
The gate: until you create an API key only this machine may enter, afterwards every key.
"""

from __future__ import annotations

import hmac
import secrets
from typing import TYPE_CHECKING

from flask import g, redirect, request, session, url_for
from flask.sessions import SecureCookieSessionInterface

from mailfailover.service.own_requests import really_sends, why_not_own
from mailfailover.service.parts import service
from mailfailover.service.problems import Problem
from mailfailover.service.rules import BEHIND_PROXY, LOCAL
from mailfailover.service.visit import API, is_from_elsewhere, wants_page

if TYPE_CHECKING:
    from flask import Flask, Request
    from flask.sessions import SecureCookieSession
    from werkzeug.wrappers import Response

    from mailfailover.service.rules import Caller

_FOR_ADMINS = (
    "admin",
    "deliveries",
    "mailbox",
    "metrics",
    "suppression_page",
    "suppressions",
)
"""The blueprints that need no caller."""

__all__ = ["csrf", "guard", "sign_in", "sign_out"]

OPEN = frozenset(
    {
        "health.alive",
        "health.ready",
        "openapi.document",
        "page.sign_in_form",
        "page.sign_in_view",
        "static",
        "webhooks.end",
        "webhooks.webhook",
    }
)
"""The views that need no caller."""

_WITHOUT_KEYS = (
    "Until you create an API key, only this machine may send. This request is refused: {}. "
    "Create a key with: mailfailover keys add NAME"
)
_NO_KEY = "Send an API key: Authorization: Bearer KEY."
_STALE = "The form is too old or comes from another page. Open the page again and repeat it."
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def guard(app: Flask) -> None:
    """
    Check every request of *app* before its view.
    """
    app.session_interface = _Sessions()
    app.before_request(_check)


def csrf() -> str:
    """
    Return the token that a form of this visitor must bring back.
    """
    if "csrf" not in session:
        session["csrf"] = secrets.token_urlsafe(16)
    return str(session["csrf"])


def sign_in(known: Caller) -> None:
    """
    Begin a session of *known*, with nothing of what was there before.
    """
    session.clear()
    session.permanent = True
    session["key"] = known.key


def sign_out() -> None:
    """
    End the session.
    """
    session.clear()


class _Sessions(SecureCookieSessionInterface):
    """
    Sessions whose cookie stays below our path, and within TLS once it came over that.
    """

    def open_session(self, app: Flask, asked: Request) -> SecureCookieSession | None:
        """
        Begin an empty session without a signer where there is no cookie, as at the API.
        """
        if self.get_cookie_name(app) not in asked.cookies:
            return self.session_class()
        return super().open_session(app, asked)

    def get_cookie_path(self, app: Flask) -> str:
        return request.script_root or "/"

    def get_cookie_secure(self, app: Flask) -> bool:
        return request.is_secure


def _check() -> Response | None:
    if request.endpoint in OPEN:
        _check_form(from_header=False)
        return None
    keys = service().keys
    if not keys.exist():
        g.caller = _without_key()
        _check_form(from_header=False)
        return None
    given = _given_key()
    found = keys.check(given) if given else _in_session()
    if found is None:
        return _turn_away()
    if request.blueprint in _FOR_ADMINS and not found.sees_all:
        raise Problem("forbidden", "This API key has no grant 'admin'.")
    g.caller = found
    _check_form(from_header=bool(given))
    return None


def _without_key() -> Caller:
    """
    Return the caller while there is no key: this machine, or a client of a trusted proxy.
    """
    parts = service()
    if is_from_elsewhere(request):
        raise Problem("forbidden", _WITHOUT_KEYS.format("another site asks for it"))
    if parts.trust_proxy:
        return BEHIND_PROXY
    strictly = really_sends(parts.mailer)
    if reason := why_not_own(request, strictly=strictly, find=parts.peers.peer_of):
        raise Problem("forbidden", _WITHOUT_KEYS.format(reason))
    return LOCAL


def _given_key() -> str:
    """
    Return the key of the request: a bearer token, or the password of basic authentication.
    """
    given = request.authorization
    if given is None:
        return ""
    return str(given.token or given.password or "-")


def _in_session() -> Caller | None:
    if "key" not in session or is_from_elsewhere(request):
        return None
    if request.path.startswith(API) and request.method not in _SAFE:
        return None  # a page reads from the API, but it writes by its forms only
    return service().keys.caller(str(session["key"]))


def _turn_away() -> Response:
    if wants_page() and request.method in _SAFE:
        return redirect(url_for("page.sign_in_form"), 303)
    raise Problem("unauthenticated", _NO_KEY, headers={"WWW-Authenticate": "Bearer"})


def _check_form(*, from_header: bool) -> None:
    """
    Refuse the form of a page that we did not send to this visitor.
    """
    api = request.path.startswith(API) or request.method != "POST"
    if from_header or api:
        return
    given = request.form.get("csrf", "")
    if is_from_elsewhere(request) or not hmac.compare_digest(given.encode(), csrf().encode()):
        raise Problem("forbidden", _STALE)
