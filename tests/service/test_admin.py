from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from mailfailover import DeliveryEvent, EventType, Mailer
from mailfailover.errors import ConfigurationError
from mailfailover.service.app import create_app
from mailfailover.service.hooks import MOST, Hooks
from mailfailover.service.rules import Rules
from mailfailover.service.wiring import assemble

if TYPE_CHECKING:
    from pathlib import Path

    from flask.testing import FlaskClient

    from mailfailover.service.parts import Service

API = "/email/api/1.0"
FORM = {"to": "ann@example.com", "from_email": "shop@example.com", "subject": "Hi", "text": "Hello"}
SECRET = "whsec_c2VjcmV0LW9mLXRoZS1jYWxsYmFja3M="


@pytest.fixture(name="admin")
def _admin(service: Service) -> dict[str, str]:
    """
    The header of an administrator.
    """
    return {"Authorization": f"Bearer {service.keys.add('admin', Rules(grants=('admin',)))}"}


def test_key_is_made_used_and_revoked(client: FlaskClient, admin: dict[str, str]) -> None:
    """
    Its secret is in the first answer only, its rules hold at once, and so does its end.
    """
    asked = {"name": "shop", "senders": ["shop@example.com"], "rate": "10/s"}

    made = client.post(f"{API}/keys", json=asked, headers=admin)

    key = made.get_json()
    own = {"Authorization": f"Bearer {key['key']}"}
    listed = client.get(f"{API}/keys", headers=admin).get_json()["keys"]
    shown = client.get(made.location, headers=admin).get_json()
    posted = [
        client.post(f"{API}/send", data=FORM | more, headers=own).status_code
        for more in ({}, {"from_email": "other@example.com"})
    ]
    ended = client.delete(made.location, headers=admin).get_json()

    assert 201 == made.status_code
    assert {name: key[name] for name in asked} == asked
    assert shown == {name: value for name, value in key.items() if name != "key"}
    assert shown in listed
    assert [202, 403] == posted
    assert ended["revoked"]
    assert 401 == client.post(f"{API}/send", data=FORM, headers=own).status_code


@pytest.mark.parametrize(
    ("path", "asked", "fields"),
    [
        ("keys", {}, ["name"]),
        ("keys", {"name": "a", "secret": "x"}, ["secret"]),
        ("keys", {"name": "a", "senders": "x@example.com"}, ["senders"]),
        ("keys", {"name": "a", "max_recipients": True}, ["max_recipients"]),
        ("keys", {"name": "a", "max_recipients": 0}, []),
        ("keys", {"name": "a", "rate": "often"}, []),
        ("keys", {"name": ""}, []),
        ("keys", [], []),
        ("webhooks", {"types": [1]}, ["types", "url"]),
        ("webhooks", {"url": "https://example.com"}, []),
    ],
)
def test_what_means_nothing_is_told(
    path: str, asked: Any, fields: list[str], client: FlaskClient, admin: dict[str, str]
) -> None:
    """
    Nothing is made, and the field at fault is named.
    """
    answer = client.post(f"{API}/{path}", json=asked, headers=admin)

    assert 400 == answer.status_code
    assert fields == [error["field"] for error in answer.get_json().get("errors", [])]
    assert [] == client.get(f"{API}/webhooks", headers=admin).get_json()["webhooks"]


def test_what_is_not_there_is_not_found(client: FlaskClient, admin: dict[str, str]) -> None:
    """
    Neither shown, nor revoked, nor removed.
    """
    asked = [("GET", "keys"), ("DELETE", "keys"), ("DELETE", "webhooks")]

    statuses = [
        client.open(f"{API}/{path}/nothing", method=method, headers=admin).status_code
        for method, path in asked
    ]

    assert [404, 404, 404] == statuses


def test_administration_needs_its_grant(client: FlaskClient, service: Service) -> None:
    """
    A plain key manages nothing.
    """
    headers = {"Authorization": f"Bearer {service.keys.add('shop')}"}

    for path in ("keys", "webhooks"):
        assert 403 == client.get(f"{API}/{path}", headers=headers).status_code
        assert 403 == client.post(f"{API}/{path}", json={}, headers=headers).status_code


def test_this_machine_may_make_the_first_key(client: FlaskClient) -> None:
    """
    As the command does; from then on it needs one itself.
    """
    assert 201 == client.post(f"{API}/keys", json={"name": "first"}).status_code
    assert 401 == client.post(f"{API}/keys", json={"name": "second"}).status_code


def test_trusted_proxy_makes_no_keys(service: Service) -> None:
    """
    Whom it lets through may send, and cannot shut others out.
    """
    client = create_app(dataclasses.replace(service, trust_proxy=True)).test_client()

    assert 202 == client.post(f"{API}/send", data=FORM).status_code
    assert 403 == client.post(f"{API}/keys", json={"name": "mine"}).status_code


def test_webhook_is_told_of_its_kinds_of_events(tmp_path: Path) -> None:
    """
    From its making to its end, beside the address for all mails; each is a call of its own.
    """
    parts = assemble(
        lambda **options: Mailer("null://", **options),
        f"sqlite:///{tmp_path}/mails.db",
        environ={
            "MAILFAILOVER_CALLBACK_SECRET": SECRET,
            "MAILFAILOVER_CALLBACK_URL": "https://all.example.com/",
        },
    )
    client = create_app(parts).test_client()
    some = {"url": "https://some.example.com/", "types": ["bounced"]}
    made = [
        client.post(f"{API}/webhooks", json=one).get_json()
        for one in (some, {"url": "https://each.example.com/"})
    ]

    for number, kind in enumerate((EventType.BOUNCED, EventType.OPENED, EventType.OPENED)):
        if number == 2:
            client.delete(f"{API}/webhooks/{made[1]['id']}")
        parts.mailer.webhooks.tell(DeliveryEvent(event_id=str(number), type=kind))

    with parts.outbox.engine.connect() as connection:
        urls = list(connection.scalars(text("SELECT url FROM webhook_callbacks ORDER BY url")))
    assert ["bounced"] == made[0]["types"]
    assert [made[0]] == client.get(f"{API}/webhooks").get_json()["webhooks"]
    all_, each, only = (f"https://{one}.example.com/" for one in ("all", "each", "some"))
    assert [all_] * 3 + [each] * 2 + [only] == urls


def test_hooks_are_sound_and_few(service: Service) -> None:
    """
    No other scheme, no unknown kind, and no thousands.
    """
    hooks = Hooks(service.outbox.engine)
    with pytest.raises(ConfigurationError, match="must be https"):
        hooks.add("ftp://example.com")
    with pytest.raises(ConfigurationError, match="no type 'lost'"):
        hooks.add("https://example.com", ["lost"])
    for number in range(MOST):
        hooks.add(f"https://example.com/{number}")
    with pytest.raises(ConfigurationError, match="remove one first"):
        hooks.add("https://example.com")
