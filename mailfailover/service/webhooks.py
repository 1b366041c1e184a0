"""
Where vendors tell what became of a mail.
"""

from __future__ import annotations

from flask import Blueprint, Response, abort, request

from mailfailover.errors import (
    ConfigurationError,
    InvalidSignature,
    InvalidWebhook,
    SendError,
    WebhookReplayed,
)
from mailfailover.service.parts import service
from mailfailover.service.problems import Problem
from mailfailover.service.visit import API
from mailfailover.webhooks import WebhookRequest

__all__ = ["webhooks"]

webhooks = Blueprint("webhooks", __name__, url_prefix=API)


@webhooks.route("/webhooks/<key>", methods=["GET", "POST"])
def receive(key: str) -> Response:
    """
    Take a webhook of the provider *key*; its signature says whether it is one.

    Some vendors try an address by HEAD or GET before they use it.
    """
    webhooks = service().mailer.webhooks
    if request.method != webhooks.method(key):
        if request.method == "POST":
            abort(405)
        return Response(status=200 if key in webhooks.keys else 404)
    asked = WebhookRequest(
        method=request.method,
        url=request.url,
        headers=dict(request.headers),
        body=request.get_data(cache=False),
    )
    try:
        service().mailer.receive(key, asked)
    except WebhookReplayed:
        pass  # it was taken, so the vendor shall not repeat it
    except InvalidSignature:
        raise Problem("forbidden", "The webhook is not signed by the vendor.") from None
    except ConfigurationError:
        raise Problem("not-found", "There is no such provider with webhooks.") from None
    except InvalidWebhook as exc:
        raise Problem("unreadable-request", str(exc)) from None
    except SendError:
        raise Problem("unavailable", "The vendor's certificate cannot be had now.") from None
    return Response(status=204)
