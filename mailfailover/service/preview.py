"""
The mailbox of ``preview://`` alone, for a developer at this machine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Flask, request

from mailfailover.service.headers import add_headers
from mailfailover.service.mailbox import show_mailbox
from mailfailover.service.own_requests import why_not_own
from mailfailover.service.problems import Problem, handle_problems
from mailfailover.service.templating import set_up_templates
from mailfailover.service.visit import is_from_elsewhere

if TYPE_CHECKING:
    from mailfailover.providers.preview import Preview


def preview_app(mailbox: Preview) -> Flask:
    """
    Make the application that shows *mailbox*, to this machine only.

    .. versionadded:: 0.1.0
    """
    app = Flask("mailfailover.service")
    app.before_request(_only_here)
    handle_problems(app)
    add_headers(app)
    set_up_templates(app, {"signed_in": False, "sections": {}})
    show_mailbox(app, mailbox)
    return app


def _only_here() -> None:
    reason = why_not_own(request, strictly=False)
    if reason or is_from_elsewhere(request):
        reason = reason or "another site asks for it"
        detail = (
            f"The mailbox is shown on this machine only. This request is refused: {reason}. "
            "Open the page on this machine as http://127.0.0.1."
        )
        raise Problem("forbidden", detail)
