"""
Events that are posted: which, when, and again.
"""

from __future__ import annotations

import itertools
import threading
from typing import TYPE_CHECKING, Any

import pytest

from mailfailover import Mailer
from mailfailover.chaos import Chaos
from mailfailover.chaos._courier import Courier
from mailfailover.chaos._keys import Keys
from mailfailover.errors import ConfigurationError, ConnectionFailed
from mailfailover.plugin import DeliveryEvent, EventType, HTTPRequest, Response, WebhookRequest
from mailfailover.testing import CannedResponse, FaultServer, RecordedRequest
from tests.chaos.test_events import mail

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Hook:
    """
    A program's webhook: reads events by its own mailer, as they come.
    """

    def __init__(self, statuses: list[int]) -> None:
        self.server = FaultServer(self.answer)
        self.mailer: Mailer | None = None
        self.events: list[DeliveryEvent] = []
        self.statuses = statuses
        self.came = threading.Semaphore(0)

    def answer(self, request: RecordedRequest) -> CannedResponse:
        assert self.mailer
        webhook = WebhookRequest(
            request.method,
            self.server.url + request.path,
            dict(request.headers),
            request.body,
        )
        status = self.statuses.pop(0) if self.statuses else 200
        if status == 200:
            self.events += self.mailer.receive("mailgun", webhook)
        self.came.release()
        return CannedResponse(status)

    def kinds(self, count: int) -> list[tuple[str, EventType]]:
        for _ in range(count):
            assert self.came.acquire(timeout=10)
        return [(one.recipient, one.type) for one in self.events]


@pytest.fixture
def hook() -> Iterator[Hook]:
    """
    A webhook that is not yet anybody's.
    """
    one = Hook([])
    with one.server:
        yield one


@pytest.fixture
def played(hook: Hook) -> Iterator[Callable[..., Chaos]]:
    """
    Mailgun here, posting to the webhook.
    """
    with Chaos(delivered_after=0.0, chance=lambda: 0.5) as chaos:
        chaos.webhook("mailgun", f"{hook.server.url}/hooks")
        with Mailer(chaos.dsn("mailgun"), from_email="shop@example.com") as mailer:
            hook.mailer = mailer
            yield lambda: chaos


def send(hook: Hook, to: Any) -> str:
    """
    The id of a mail.
    """
    assert hook.mailer
    return hook.mailer.send(to=to, subject="Your order", text="It is on its way.").mail_id


def test_a_delivered_mail_is_told(hook: Hook, played: Callable[..., Chaos]) -> None:
    """
    The program's own mailer verifies and reads the event.
    """
    mail_id = send(hook, "ann@example.org")

    assert hook.kinds(1) == [("ann@example.org", EventType.DELIVERED)]
    assert hook.events[0].mail_id == mail_id


def test_an_address_says_what_becomes_of_its_mails(
    hook: Hook, played: Callable[..., Chaos]
) -> None:
    """
    Mails to bounce... bounce, those to defer... are deferred first.
    """
    send(hook, ["bounce1@example.org", "defer1@example.org"])

    assert hook.kinds(3) == [
        ("bounce1@example.org", EventType.BOUNCED),
        ("defer1@example.org", EventType.DEFERRED),
        ("defer1@example.org", EventType.DELIVERED),
    ]


def test_an_event_is_posted_on_demand(hook: Hook, played: Callable[..., Chaos]) -> None:
    """
    Of a mail whose vendor was silent until then.
    """
    played().fail("mailgun", "silent_webhooks")
    send(hook, "ann@example.org")
    (accepted,) = played().mails()

    assert played().tell(accepted, "bounced") == 1
    assert hook.kinds(1) == [("ann@example.org", EventType.BOUNCED)]


@pytest.mark.parametrize("kind", ["undelivered", "silent_webhooks"])
def test_nothing_is_told(hook: Hook, played: Callable[..., Chaos], kind: str) -> None:
    """
    Of a mail that is never delivered, or whose vendor's webhooks are broken.
    """
    played().fail("mailgun", kind)
    send(hook, "ann@example.org")
    played().heal()
    send(hook, "bob@example.org")

    assert hook.kinds(1) == [("bob@example.org", EventType.DELIVERED)]


def test_a_late_mail_is_told_late(hook: Hook, played: Callable[..., Chaos]) -> None:
    """
    After those that were accepted later.
    """
    played().fail("mailgun", "late", seconds=0.5)
    send(hook, "ann@example.org")
    played().heal()
    send(hook, "bob@example.org")

    assert [one for one, _ in hook.kinds(2)] == ["bob@example.org", "ann@example.org"]


def test_an_event_is_repeated(hook: Hook, played: Callable[..., Chaos]) -> None:
    """
    Until it is answered with a 2xx, and the attempts are listed.
    """
    hook.statuses = [500]

    send(hook, "ann@example.org")

    assert hook.kinds(2) == [("ann@example.org", EventType.DELIVERED)]
    assert [one.status for one in played().told][:1] == [500]


@pytest.mark.parametrize(
    ("vendor", "kind", "problem"),
    [
        ("mailgun", "opened", "mailgun tells no 'opened'; known: delivered, bounced, deferred"),
        ("brevo", "bounced", "brevo has no webhook here: set its url first"),
    ],
)
def test_what_cannot_be_told(
    played: Callable[..., Chaos], vendor: str, kind: str, problem: str
) -> None:
    """
    The error says what there is.
    """
    with pytest.raises(ConfigurationError, match=problem):
        played().tell(mail(vendor), kind)


def test_every_vendor_with_webhooks_gets_the_address() -> None:
    """
    The others are passed by.
    """
    chaos = Chaos()

    chaos.webhook("*", "http://127.0.0.1:8000/hooks")

    assert "http://127.0.0.1:8000/hooks" == chaos._hooks.urls["mandrill"]
    assert "gmail" not in chaos._hooks.urls
    assert "webhook_url=http://127.0.0.1:8000/hooks" in chaos.dsn("mandrill")


def test_a_webhook_that_nobody_answers_is_given_up() -> None:
    """
    After three attempts; each is signed anew and keeps the event's id.
    """
    calls: list[HTTPRequest] = []
    done = threading.Event()

    def post(request: HTTPRequest, timeout: float) -> Response:
        calls.append(request)
        if len(calls) == 3:
            done.set()
        raise ConnectionFailed("refused")

    courier = Courier(Keys(), post, clock=itertools.count(step=10).__next__)
    courier.start()
    courier.tell(mail("ahasend"), "delivered", "cat@example.edu", "http://127.0.0.1:1/")
    assert done.wait(10)
    courier.stop()

    assert [one.status for one in courier.told] == [0, 0, 0]
    assert len({request.headers["webhook-id"] for request in calls}) == 1


def test_what_a_vendor_does_not_tell_is_not_posted() -> None:
    """
    Some know no deferral.
    """
    courier = Courier(Keys(), lambda *_: Response(200))

    assert not courier.tell(mail("azure"), "deferred", "cat@example.edu", "http://127.0.0.1:1/")
