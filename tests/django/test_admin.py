from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.mail import send_mail
from django.core.management import call_command
from django.test import Client, override_settings

from mailfailover import ConnectionFailed
from mailfailover.django import get_outbox, get_worker
from mailfailover.django.models import Mail
from mailfailover.outbox import State
from tests.chains import Scripted

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def mails(database: str) -> Iterator[list[str]]:
    """
    The ids of two mails of the outbox, the second of which failed once.
    """
    call_command("migrate", verbosity=0)
    provider = Scripted("acme", ConnectionFailed("port closed"))
    settings = {"CHAIN": provider, "OUTBOX": True, "TIMEOUT": 0.2}
    with override_settings(MAILFAILOVER=settings):
        send_mail("First", "Secret text", "shop@example.com", ["ann@example.org"])
        get_worker().run_once()
        send_mail("Second", "Secret text", "shop@example.com", ["bob@example.org"])
        yield [mail.id for mail in reversed(get_outbox().list())]


def _login(*permissions: str) -> Client:
    user = User.objects.create_user("op", password="x", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


def _page(client: Client, path: str = "") -> str:
    response = client.get(f"/admin/mailfailover/mail/{path}")
    assert 200 == response.status_code
    return str(response.content.decode())


def _act(client: Client, action: str, ids: list[str]) -> Any:
    numbers = [mail.number for mail in Mail.objects.filter(id__in=ids)]
    data = {"action": action, "_selected_action": numbers}
    return client.post("/admin/mailfailover/mail/", data, follow=True)


def test_the_list_shows_mails_without_their_texts(mails: list[str]) -> None:
    """
    State and sender stand there; subject and text do not.
    """
    page = _page(_login("view_mail"))

    assert all(text in page for text in [*mails, "pending", "shop@example.com"])
    assert "Secret" not in page


def test_a_mails_page_tells_its_attempts(mails: list[str]) -> None:
    """
    Recipients and every call to a provider are shown.
    """
    number = Mail.objects.get(id=mails[0]).number

    page = _page(_login("view_mail"), f"{number}/change/")

    assert "ann@example.org: pending" in page
    assert "acme: ConnectionFailed port closed" in page


def test_a_mail_can_be_given_up_and_sent_again(mails: list[str]) -> None:
    """
    What the operator decides is done by the outbox.
    """
    client = _login("view_mail", "change_mail")

    given_up = _act(client, "give_up", mails[1:])
    state = get_outbox().list()[0].state
    sent_again = _act(client, "send_now", mails[1:])

    assert (State.DEAD, State.PENDING) == (state, get_outbox().list()[0].state)
    assert b"1 of 1 mails are given up." in given_up.content
    assert b"1 of 1 mails are to be sent now." in sent_again.content


def test_what_cannot_be_done_is_told(mails: list[str]) -> None:
    """
    A mail that was given up cannot be held back again.
    """
    client = _login("view_mail", "change_mail")
    _act(client, "give_up", mails[1:])

    assert b"0 of 1 mails are given up." in _act(client, "give_up", mails[1:]).content


def test_looking_is_not_changing(mails: list[str]) -> None:
    """
    Without the permission to change there are no actions, and nobody adds or deletes.
    """
    client = _login("view_mail")

    _act(client, "give_up", mails)

    assert {State.PENDING} == {mail.state for mail in get_outbox().list()}
    assert 403 == client.get("/admin/mailfailover/mail/add/").status_code
