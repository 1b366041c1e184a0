"""
The view that takes the webhooks of the project's providers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import HttpResponse
from django.views.decorators.csrf import csrf_exempt

from mailfailover._mailer.webhook import MAX_BODY
from mailfailover._values.wire import WebhookRequest
from mailfailover.django.registry import all_mailers
from mailfailover.webhooks._answers import BROKEN, NOBODY, Answer, answer_webhook, for_vendor
from mailfailover.webhooks.wsgi import TOO_LARGE

if TYPE_CHECKING:
    from django.http import HttpRequest

__all__ = ["webhook"]


@csrf_exempt
def webhook(request: HttpRequest, key: str) -> HttpResponse:
    """
    Take a webhook of the provider *key*, of whichever mailer it is.
    """
    answer = _answer(request, key)
    body = "" if request.method == "HEAD" else answer.text
    response = HttpResponse(body, status=answer.status, content_type=answer.content_type)
    for name, value in answer.headers:
        response[name] = value
    return response


def _answer(request: HttpRequest, key: str) -> Answer:
    mailers = [one for one in all_mailers() if key in one.webhooks.keys]
    # Read past Django's own limit for forms: the largest batches of vendors exceed it.
    try:
        body = request.read(MAX_BODY + 1)
    except OSError:
        return for_vendor(mailers[0], key, BROKEN) if mailers else BROKEN
    if len(body) > MAX_BODY:
        return TOO_LARGE
    url = request.build_absolute_uri()
    call = WebhookRequest(request.method or "", url, dict(request.headers), body)
    answer = NOBODY
    for mailer in mailers:
        answer = answer_webhook(mailer, key, call)
        if not answer.is_refused:  # else another mailer's account may have sent it
            break
    return answer
