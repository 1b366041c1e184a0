from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from mailfailover import ConfigurationError, Message
from mailfailover.flask import MailFailover
from mailfailover.providers.memory import Memory
from tests.webhooks.hooks import DELIVERED, KEY, Acme, Told

HI: dict[str, Any] = {"to": "ann@example.org", "subject": "Hi", "text": "Hello"}


def _app(**config: Any) -> Flask:
    app = Flask("shop")
    app.config.update(config)
    return app


def test_the_configuration_says_how() -> None:
    """
    Providers, sender and the other options come from the application.
    """
    mail = MailFailover(
        _app(
            MAILFAILOVER_DSN="null://",
            MAILFAILOVER_FROM="shop@example.com",
            MAILFAILOVER_TIMEOUT=7,
            MAILFAILOVER_ON_UNKNOWN="raise",
        )
    )

    receipt = mail.send(**HI)

    assert ("null", 7, "raise") == (
        receipt.provider,
        mail.mailer.policy.timeout,
        mail.mailer.policy.on_unknown,
    )


def test_the_environment_says_how(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Where the application names no provider, the environment's variable does.
    """
    monkeypatch.setenv("MAILFAILOVER_DSN", "null://")

    assert "null" == MailFailover(_app()).send(**HI, from_email="shop@example.com").provider


def test_arguments_take_precedence() -> None:
    """
    What the extension is made with replaces the configuration.
    """
    memory = Memory()
    app = _app(MAILFAILOVER_DSN="null://", MAILFAILOVER_FROM="app@example.com")
    mail = MailFailover(app, chain=memory, from_email="ext@example.com")

    mail.send(**HI)

    assert ["ext@example.com"] == [str(one.from_email) for one in memory.messages]


def test_each_application_has_a_mailer() -> None:
    """
    One object serves several applications: the one at work is asked.
    """
    mail = MailFailover()
    first, second = _app(MAILFAILOVER_DSN="null://"), _app(MAILFAILOVER_DSN="memory://")
    mail.init_app(first)
    mail.init_app(second)

    with second.app_context():
        receipt = mail.send(**HI, from_email="shop@example.com")

    assert "memory" == receipt.provider


def test_without_an_application_nobody_sends() -> None:
    """
    Outside of any, with several to choose from, the error says what to do.
    """
    mail = MailFailover()
    mail.init_app(_app(MAILFAILOVER_DSN="null://"))
    mail.init_app(_app(MAILFAILOVER_DSN="null://"))

    with pytest.raises(ConfigurationError, match=r"with app\.app_context\(\)"):
        mail.send(**HI)


def test_an_application_that_was_not_initialised_is_told() -> None:
    """
    The error names it.
    """
    mail = MailFailover(_app(MAILFAILOVER_DSN="null://"))

    with _app().app_context(), pytest.raises(ConfigurationError, match="'shop' has no mailer"):
        mail.send(**HI)


def test_many_are_sent() -> None:
    """
    An outcome for each, in order.
    """
    mail = MailFailover(_app(MAILFAILOVER_DSN="null://"))

    outcomes = mail.send_many([Message(**HI, from_email="a@example.com") for _ in range(3)])

    assert [True, True, True] == [one.ok for one in outcomes]


@pytest.mark.parametrize(("prefix", "path"), [("", "/webhooks"), ("/email", "/email/webhooks")])
def test_webhooks_are_taken(prefix: str, path: str) -> None:
    """
    Handlers hear of events, whether they were added before the application or after it.
    """
    before, after = Told(), Told()
    mail = MailFailover(chain=Acme(), url_prefix=prefix)
    mail.on_event(before)
    app = _app()
    mail.init_app(app)
    mail.on_event(after)

    answer = app.test_client().post(f"{path}/acme", data=DELIVERED, headers=KEY)

    assert (200, 1, 1) == (answer.status_code, len(before.events), len(after.events))


def test_webhooks_can_be_left_out() -> None:
    """
    Without a prefix the application has no such address.
    """
    app = _app()
    MailFailover(app, chain=Acme(), url_prefix=None)

    assert 404 == app.test_client().post("/webhooks/acme", data=DELIVERED).status_code
