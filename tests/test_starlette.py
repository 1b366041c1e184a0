from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from fastapi import BackgroundTasks, FastAPI
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route
from starlette.testclient import TestClient

from mailfailover import ConfigurationError
from mailfailover import fastapi as at_fastapi
from mailfailover._mailer.webhook import MAX_BODY
from mailfailover.aio import AsyncMailer
from mailfailover.fastapi import MailerDependency  # noqa: TC001 -- FastAPI reads it at run time
from mailfailover.providers.memory import Memory
from mailfailover.starlette import get_mailer, lifespan, webhooks
from mailfailover.unsubscribe import UnsubscribeLinks
from tests.samples import each
from tests.webhooks.hooks import DELIVERED, KEY, Acme, Told

if TYPE_CHECKING:
    from starlette.requests import Request

HI: dict[str, Any] = {
    "to": "ann@example.org",
    "from_email": "shop@example.com",
    "subject": "Hi",
    "text": "Hello",
}
LINKS = UnsubscribeLinks("https://example.com/email/unsubscribe", "a secret of sixteen")
TOKEN = LINKS.url_for("ann@example.org").rpartition("/")[2]


async def _send(request: Request) -> JSONResponse:
    receipt = await get_mailer(request).send(**HI)
    return JSONResponse({"sent_by": receipt.provider})


def _app(chain: Any, told: Told | None = None) -> Starlette:
    return Starlette(
        lifespan=lifespan(chain, on_event=[] if told is None else [told]),
        routes=[Route("/send", _send), Mount("/email", webhooks(unsubscribe=LINKS))],
    )


def test_a_request_sends() -> None:
    """
    The application's mailer is there for each request, and is one.
    """
    memory = Memory()

    with TestClient(_app(memory)) as client:
        answers = [client.get("/send").json() for _ in range(2)]

    assert ([{"sent_by": "memory"}] * 2, 2) == (answers, len(memory.messages))


def test_an_application_without_lifespan_is_told() -> None:
    """
    The error says what it lacks.
    """
    client = TestClient(Starlette(routes=[Route("/send", _send)]))

    with pytest.raises(ConfigurationError, match=r"lifespan=lifespan\(\.\.\.\)"):
        client.get("/send")


def test_an_application_that_cannot_send_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    What is wrong with the chain is told at the start, not at the first mail.
    """
    with pytest.raises(ConfigurationError), TestClient(_app("mailgnu://")):
        pass


def test_a_webhook_is_taken() -> None:
    """
    The address ends in the provider's chain key.
    """
    told = Told()

    with TestClient(_app(Acme(), told)) as client:
        answer = client.post("/email/webhooks/acme", content=DELIVERED, headers=KEY)

    assert (200, "1 events\n") == (answer.status_code, answer.text)
    assert ["acme"] == [event.provider for event in told.events]


@each(
    ("method", "path", "headers", "status"),
    [
        ("HEAD", "/email/webhooks/acme", {}, 200),
        ("GET", "/email/webhooks/acme", {}, 200),
        ("PUT", "/email/webhooks/acme", {}, 405),
        ("POST", "/email/webhooks/acme", {}, 403),
        ("POST", "/email/webhooks/other", KEY, 404),
        ("POST", "/email/acme", KEY, 404),
        ("GET", f"/email/unsubscribe/{TOKEN}", {}, 200),
        ("POST", f"/email/unsubscribe/{TOKEN}", {}, 200),
        ("GET", "/email/unsubscribe/none", {}, 404),
    ],
)
def test_answers(method: str, path: str, headers: dict[str, str], status: int) -> None:
    """
    They are those of every other web server.
    """
    with TestClient(_app(Acme())) as client:
        answer = client.request(method, path, content=DELIVERED, headers=headers)

    assert status == answer.status_code


def test_a_body_without_end_is_not_read() -> None:
    """
    What is larger than any webhook is refused.
    """
    with TestClient(_app(Acme())) as client:
        answer = client.post("/email/webhooks/acme", content=b"x" * (MAX_BODY + 1), headers=KEY)

    assert 413 == answer.status_code


def test_webhooks_alone_are_an_application() -> None:
    """
    With a mailer of its own it needs no other; there are no unsubscriptions without links.
    """
    told = Told()
    client = TestClient(webhooks(AsyncMailer(Acme(), on_event=[told])))

    statuses = [
        client.post("/webhooks/acme", content=DELIVERED, headers=KEY).status_code,
        client.get(f"/unsubscribe/{TOKEN}").status_code,
    ]

    assert ([200, 404], 1) == (statuses, len(told.events))


def test_fastapi_depends_on_the_mailer() -> None:
    """
    A parameter gets the application's mailer, which may send after the answer.
    """
    memory = Memory()
    app = FastAPI(lifespan=at_fastapi.lifespan(memory))

    @app.post("/orders")
    async def order(tasks: BackgroundTasks, mailer: MailerDependency) -> dict[str, bool]:
        tasks.add_task(mailer.send, **HI)
        return {"ok": True}

    with TestClient(app) as client:
        answer = client.post("/orders").json()

    assert ({"ok": True}, 1) == (answer, len(memory.messages))
