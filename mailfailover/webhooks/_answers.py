"""
The answers of a web server to vendors and recipients, the same for every framework.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from mailfailover._provider.scrub import where
from mailfailover.errors import (
    InvalidSignature,
    InvalidWebhook,
    MailFailoverError,
    SendError,
    WebhookInProgress,
    WebhookReplayed,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mailfailover._mailer.mailer import Mailer
    from mailfailover._values.wire import WebhookRequest
    from mailfailover.unsubscribe import UnsubscribeLinks

logger = logging.getLogger("mailfailover")


class Answer(NamedTuple):
    """
    What is answered to one call.

    Attributes:
        status: The HTTP status, as the vendor wants it.

        text: The body.

        content_type: The type of the body.

        headers: Others than that.

        is_refused: Whether the call is not signed with a secret of this mailer.
    """

    status: int
    text: str
    content_type: str = "text/plain; charset=utf-8"
    headers: tuple[tuple[str, str], ...] = ()
    is_refused: bool = False


# The first class that fits. A vendor repeats what it does not see succeed, except what came
# before: the answer to that got lost, and it is as good as new.
STATUSES: Mapping[type[MailFailoverError], int] = {
    WebhookReplayed: 200,
    WebhookInProgress: 503,
    InvalidSignature: 403,
    InvalidWebhook: 400,
    SendError: 503,
    MailFailoverError: 500,
}
ALLOW = ("Allow", "GET, HEAD, POST")
NOBODY = Answer(404, "There is nothing here.\n")
BROKEN = Answer(400, "The body did not come whole.\n")
FAILED = Answer(500, "The event could not be handled; bring it again.\n")


def answer_webhook(mailer: Mailer, key: str, request: WebhookRequest) -> Answer:
    """
    Take the webhook of the provider *key*.

    To GET and HEAD, by which vendors try an address before they use it, it answers that it is
    there; except to a GET of a vendor that brings its events so.
    """
    if key not in mailer.webhooks.keys:
        return NOBODY
    if request.method != mailer.webhooks.method(key):
        if request.method in ("GET", "HEAD"):
            return Answer(200, "Webhooks are taken here.\n")
        return Answer(405, "Webhooks come in another way.\n", headers=(ALLOW,))

    def take() -> str:
        return f"{len(mailer.receive(key, request))} events\n"

    return _answer(take, f"a webhook of {key}", partial(mailer.webhooks.status, key))


def for_vendor(mailer: Mailer, key: str, answer: Answer) -> Answer:
    """
    Return *answer* with the status at which the vendor of *key* repeats its call.
    """
    return answer._replace(status=mailer.webhooks.status(key, answer.status))


def answer_unsubscribe(
    mailer: Mailer, links: UnsubscribeLinks, token: str, request: WebhookRequest
) -> Answer:
    """
    End the subscription that the link with *token* is for.

    Only a POST ends it: GET, which a program may do that looks whether links are safe, asks.
    """
    from mailfailover.webhooks._pages import ASK, DONE, UNKNOWN

    try:
        event = links.read(token)
    except InvalidSignature:
        return _page(404, UNKNOWN)
    if request.method in ("GET", "HEAD"):
        return _page(200, ASK)
    if request.method != "POST":
        return Answer(405, "Post it.\n", headers=(ALLOW,))

    def take() -> str:
        mailer.webhooks.tell(event)
        return DONE

    done = _answer(take, "an unsubscription")
    return _page(done.status, done.text) if done.status == OK else done


OK = 200


def _answer(
    take: Callable[[], str], what: str, for_vendor: Callable[[int], int] = lambda status: status
) -> Answer:
    try:
        return Answer(OK, take())
    except MailFailoverError as exc:
        status = next(code for kind, code in STATUSES.items() if isinstance(exc, kind))
        text = f"{exc}\n" if status in (OK, 400) else _REASONS[status]
        answered = for_vendor(status)
        level = logging.INFO if status == OK else logging.WARNING
        logger.log(level, "%s is answered %d: %s", what, answered, exc)
        return Answer(answered, text, is_refused=isinstance(exc, InvalidSignature))
    except Exception as exc:  # noqa: BLE001 -- a handler may raise anything; the vendor repeats it
        kind = type(exc).__name__
        logger.error("a handler of events failed on %s: %s%s", what, kind, where(exc))
        return FAILED._replace(status=for_vendor(FAILED.status))


_REASONS = {
    403: "The webhook is not signed by the vendor.\n",
    500: FAILED.text,
    503: "The webhook cannot be taken now; bring it again.\n",
}


def _page(status: int, html: str) -> Answer:
    from mailfailover.webhooks._pages import HEADERS

    return Answer(status, html, "text/html; charset=utf-8", HEADERS)
