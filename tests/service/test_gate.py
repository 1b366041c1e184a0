from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING

import pytest
from werkzeug.test import EnvironBuilder, run_wsgi_app

from mailfailover.service.app import create_app
from mailfailover.service.rules import Rules
from mailfailover.service.secret import session_secret

if TYPE_CHECKING:
    from flask.testing import FlaskClient

    from mailfailover.service.parts import Service

SEND = "/email/api/1.0/send"
MESSAGES = "/email/api/1.0/messages"
FORM = {"to": "ann@example.com", "from_email": "shop@example.com", "subject": "Hi", "text": "Hello"}
ELSEWHERE = {"REMOTE_ADDR": "192.0.2.1"}


def test_without_keys_this_machine_may_post(client: FlaskClient) -> None:
    """
    Who tries it on his own machine needs no key.
    """
    assert 202 == client.post(SEND, data=FORM).status_code


def test_without_keys_nobody_else_may(client: FlaskClient, service: Service) -> None:
    """
    It is never an open relay; the problem says what to do.
    """
    answer = client.post(SEND, data=FORM, environ_base=ELSEWHERE)

    assert 403 == answer.status_code
    assert "mailfailover keys add" in answer.get_json()["detail"]
    assert [] == service.outbox.list()


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-For": "127.0.0.1"},
        {"Host": "attacker.example"},
        {"Origin": "https://attacker.example"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"},
    ],
)
def test_without_keys_no_page_or_proxy_may(
    headers: dict[str, str], client: FlaskClient, service: Service
) -> None:
    """
    A proxy on this machine, or a foreign page in a browser on it, sends nothing.
    """
    assert 403 == client.post(SEND, data=FORM, headers=headers).status_code
    assert [] == service.outbox.list()


def test_a_request_without_host_is_not_our_own(client: FlaskClient) -> None:
    """
    HTTP/1.1 demands a Host; a server that lets it be missing fills in its own name.
    """
    environ = EnvironBuilder(path="/mails").get_environ()
    del environ["HTTP_HOST"]

    _, status, _ = run_wsgi_app(client.application, environ)

    assert "403 FORBIDDEN" == status


def test_with_keys_this_machine_needs_one_too(client: FlaskClient, service: Service) -> None:
    """
    From the first key on, nobody comes in without.
    """
    service.keys.add("shop")

    answer = client.post(SEND, data=FORM)

    assert 401 == answer.status_code
    assert "Bearer" == answer.headers["WWW-Authenticate"]
    assert [] == service.outbox.list()


def test_revoking_all_keys_opens_nothing(client: FlaskClient, service: Service) -> None:
    """
    A service without a valid key is closed, not open.
    """
    key = service.keys.add("shop")
    service.keys.revoke(key.split("_")[1])

    for headers in ({}, {"Authorization": f"Bearer {key}"}):
        assert 401 == client.post(SEND, data=FORM, headers=headers).status_code


def test_key_is_a_token_or_a_password(client: FlaskClient, service: Service) -> None:
    """
    ``curl -u any:KEY`` works as well as a bearer token.
    """
    key = service.keys.add("shop")
    basic = b64encode(f"any:{key}".encode()).decode()

    for given in (f"Bearer {key}", f"Basic {basic}"):
        answer = client.post(
            SEND, data=FORM, headers={"Authorization": given}, environ_base=ELSEWHERE
        )
        assert 202 == answer.status_code


@pytest.mark.parametrize("given", ["Bearer nonsense", "Bearer", "Basic !!", "Digest a=b", "x"])
def test_wrong_credentials_are_refused(given: str, client: FlaskClient, service: Service) -> None:
    """
    Whatever stands there, it is a key or it is none.
    """
    service.keys.add("shop")

    answer = client.get(MESSAGES, headers={"Authorization": given})

    assert 401 == answer.status_code


def sign_in(client: FlaskClient, service: Service, rules: Rules | None = None) -> None:
    """
    Make a session, as the page does.
    """
    key_id = service.keys.add("shop", rules).split("_")[1]
    with client.session_transaction() as session:
        session["key"] = key_id


def test_session_reads_and_does_not_write(client: FlaskClient, service: Service) -> None:
    """
    A cookie lets a page look; what changes something in the API needs the key itself.
    """
    sign_in(client, service)

    assert 200 == client.get(MESSAGES).status_code
    assert 401 == client.post(SEND, data=FORM).status_code
    assert 401 == client.delete(f"{MESSAGES}/x").status_code


def test_session_ends_with_its_key(client: FlaskClient, service: Service) -> None:
    """
    A revoked key closes its sessions.
    """
    sign_in(client, service)

    service.keys.revoke(service.keys.list()[0].id)

    assert 401 == client.get(MESSAGES).status_code


def test_foreign_page_gets_nothing_by_a_session(client: FlaskClient, service: Service) -> None:
    """
    Another site cannot read through the cookies of a visitor.
    """
    sign_in(client, service)

    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"}
    assert 401 == client.get(MESSAGES, headers=headers).status_code


@pytest.mark.parametrize("keys", [False, True])
def test_form_needs_its_token(keys: bool, client: FlaskClient, service: Service) -> None:
    """
    A page's form that we did not write changes nothing, with keys and without.
    """
    if keys:
        sign_in(client, service, Rules(grants=("admin",)))
    with client.session_transaction() as session:
        session["csrf"] = "right"

    statuses = [
        client.post("/mailbox/clear", data={"csrf": token}).status_code
        for token in ("", "wrong", "ünsinn", "right")
    ]

    assert [403, 403, 403, 303] == statuses


def test_cookie_is_for_us_alone(client: FlaskClient) -> None:
    """
    No script reads the session, no other site sends it, and over TLS it stays there.
    """
    for base, secure in (("http://localhost", False), ("https://localhost", True)):
        client.delete_cookie("mailfailover")
        cookie = client.get("/", base_url=base).headers.get("Set-Cookie", "")
        assert "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie
        assert secure == ("Secure" in cookie)


def test_session_secret_is_shared(client: FlaskClient, service: Service) -> None:
    """
    Two instances of the service understand each other's sessions.
    """
    assert client.application.secret_key == create_app(service).secret_key


def test_first_instance_makes_the_secret(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Of two that start at once, the slower one takes what the faster one has made.
    """
    faster = []

    def make(length: int) -> str:
        monkeypatch.undo()
        faster.append(session_secret(service.outbox.engine))
        return "slower"

    monkeypatch.setattr("secrets.token_urlsafe", make)

    assert session_secret(service.outbox.engine) == faster[0] != "slower"


@pytest.mark.parametrize("path", ["/mailbox/", "/mailbox/json", "/mailbox/1/body"])
def test_mailbox_is_for_administrators(path: str, client: FlaskClient, service: Service) -> None:
    """
    Everybody's mails are in it, so a plain key does not open it.
    """
    headers = {"Authorization": f"Bearer {service.keys.add('shop')}"}

    assert 403 == client.get(path, headers=headers).status_code
    assert 401 == client.get(path).status_code


def test_person_without_key_is_asked_for_one(client: FlaskClient, service: Service) -> None:
    """
    A browser is led to the sign-in, a program is told.
    """
    service.keys.add("shop")

    page = client.get("/", headers={"Accept": "text/html"})

    assert (303, "/sign-in") == (page.status_code, page.location)
    assert 401 == client.get("/").status_code
