"""
The page: send a mail, see what became of it, and how the providers are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, redirect, render_template, request, url_for

from mailfailover.outbox import State
from mailfailover.service.accepting import accept
from mailfailover.service.badges import BADGES, badge_of, recipient_badges
from mailfailover.service.charts import draw_attempts, draw_health, draw_hours
from mailfailover.service.delivery_grid import draw_grid
from mailfailover.service.form_key import NONCE, form_key, new_nonce
from mailfailover.service.gate import sign_in, sign_out
from mailfailover.service.headings import read_headings
from mailfailover.service.labels import label_errors
from mailfailover.service.mail_pages import read_pages
from mailfailover.service.mails import list_mails, may_see, read_statuses
from mailfailover.service.parts import caller, service
from mailfailover.service.problems import Problem
from mailfailover.service.reading import read_post
from mailfailover.service.search import EVERYTHING, read_search
from mailfailover.service.timeline import steps

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from werkzeug.wrappers import Response as Redirect

    from mailfailover.outbox import OutboxMail
    from mailfailover.providers.preview import PreviewMail
    from mailfailover.service.activity import Activity
    from mailfailover.service.delivery_grid import Grid

__all__ = ["page"]

page: Blueprint = Blueprint("page", __name__)
OURS = ("csrf", NONCE)
"""The fields of the form that do not belong to the mail."""

RECENT = 8
# The label of each provider state, and its severity.
_PROVIDER_STATES: Mapping[str, tuple[str, str]] = {
    "closed": ("in use", "good"),
    "account": ("account refused", "bad"),
    "cooldown": ("over its limit", "warn"),
    "isolated": ("taken out", "warn"),
    "limit": ("over its limit", "warn"),
    "open": ("failing", "bad"),
    "probing": ("being tried", "warn"),
    "sender": ("sender refused", "warn"),
}


@page.get("/")
def index() -> str:
    """
    Show the form, the recent mails and the providers.
    """
    return _index()


@page.post("/")
def send() -> Redirect | Response:
    """
    Accept the form's mail, or show the form again with its errors.
    """
    parts, asking = service(), caller()
    try:
        post = read_post(request, parts.mailer.from_email, most=asking.most_recipients, ignore=OURS)
        mail_id = accept(parts, asking, post, form_key(request.form, post.message))
    except Problem as problem:
        return Response(_index(problem), problem.status, problem.headers)
    return redirect(url_for("page.mail", mail_id=mail_id), 303)


@page.get("/mails")
def mails() -> str | Response:
    """
    List all mails, or the mails that match a search.
    """
    try:
        search, problem = read_search(request.args), None
    except Problem as exc:
        search, problem = EVERYTHING, exc
    found = read_pages(service(), caller(), search, request.args)
    text = render_template(
        "mails.html",
        page=found,
        headings=read_headings(service().outbox.engine, [mail.id for mail in found.mails]),
        statuses=read_statuses(service(), found.mails),
        search=search,
        arguments=search.to_arguments(),
        given=request.args,
        errors=label_errors(problem.errors if problem else ()),
        providers=service().mailer.chain.keys,
        badges=BADGES,
        badge_of=badge_of,
    )
    return Response(text, problem.status if problem else 200)


@page.get("/mails/<mail_id>")
def mail(mail_id: str) -> str:
    """
    Show the state and history of one mail.
    """
    found = service().outbox.get(mail_id) if may_see(service(), caller(), mail_id) else None
    if found is None:
        raise Problem("not-found", "There is no such mail, or it is not yours.")
    status = read_statuses(service(), [found]).get(mail_id)
    return render_template(
        "status.html",
        mail=found,
        heading=read_headings(service().outbox.engine, [mail_id])[mail_id],
        calls=draw_attempts(found.attempts),
        steps=tuple(steps(found, status.events if status else ())),
        kept=_in_mailbox(found),
        badge=badge_of(found, status),
        recipients=recipient_badges(found, status),
    )


@page.post("/mails/<mail_id>/cancel")
def cancel(mail_id: str) -> Redirect:
    """
    Cancel a waiting mail; its page says whether that was possible.
    """
    if may_see(service(), caller(), mail_id):
        service().outbox.cancel(mail_id)
    return redirect(url_for("page.mail", mail_id=mail_id), 303)


@page.get("/sign-in")
def sign_in_form() -> str | Redirect:
    """
    Ask for an API key, if any exist.
    """
    if not service().keys.exist():
        return redirect(url_for("page.index"), 303)
    return render_template("sign_in.html", wrong=False)


@page.post("/sign-in")
def sign_in_view() -> Redirect | Response:
    """
    Begin a session with an API key.
    """
    found = service().keys.check(request.form.get("key", "").strip())
    if found is None:
        return Response(render_template("sign_in.html", wrong=True), 401)
    sign_in(found)
    return redirect(url_for("page.index"), 303)


@page.post("/sign-out")
def sign_out_view() -> Redirect:
    """
    End the session.
    """
    sign_out()
    return redirect(url_for("page.sign_in_form"), 303)


def _index(problem: Problem | None = None) -> str:
    parts = service()
    errors = label_errors(problem.errors if problem else ())
    recent = list_mails(parts, caller(), limit=RECENT)
    activity = parts.activity.get(parts.outbox.engine, parts.outbox.now(), parts.clock)
    return render_template(
        "index.html",
        problem=problem,
        errors=errors,
        wrong={error.field: error.detail for error in errors},
        given=request.form,
        nonce=request.form.get(NONCE) or new_nonce(),
        sender=parts.mailer.from_email,
        recent=recent,
        headings=read_headings(parts.outbox.engine, [mail.id for mail in recent]),
        statuses=read_statuses(parts, recent),
        badge_of=badge_of,
        hours=draw_hours(activity.hours()) if activity.slices else "",
        providers=tuple(_providers(activity)),
        grid=_grid(),
    )


def _grid() -> Grid | None:
    """
    Return how deliveries stand, for callers who may see that.
    """
    parts = service()
    if parts.deliveries is None or not caller().sees_all:
        return None
    report = parts.reports.get(parts.deliveries, parts.clock)
    return draw_grid(report, parts.mailer.chain.keys)


def _providers(activity: Activity) -> Iterator[Mapping[str, Any]]:
    mailer = service().mailer
    known = mailer.health.snapshot()
    for key in mailer.chain.keys:
        found = known.get(key)
        state, level = _PROVIDER_STATES[found.state if found else "closed"]
        chart = draw_health(key, activity.of(key))
        yield {"key": key, "state": state, "level": level, "health": found, "chart": chart}


def _in_mailbox(found: OutboxMail) -> PreviewMail | None:
    """
    Return the mail in the mailbox, for callers that may read it.
    """
    mailbox = service().mailbox
    if mailbox is None or found.state is not State.SENT or not caller().sees_all:
        return None
    return mailbox.find(found.id)
