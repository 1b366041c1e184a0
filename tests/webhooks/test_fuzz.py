"""
Whatever comes to the handlers' door, from whomever: an answer, and never a crash.
"""

from __future__ import annotations

import io
import json
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailfailover import Mailer
from mailfailover.errors import InvalidWebhook
from mailfailover.plugin import WebhookRequest
from mailfailover.unsubscribe import UnsubscribeLinks
from mailfailover.webhooks.wsgi import create_app
from tests.providers.signing import GOLDEN
from tests.test_docs_webhooks import DSNS

KEYS = [dsn[1:].partition(":")[0] for dsn in DSNS]
PUBLIC_KEY = "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE="

latin = st.text(st.characters(codec="latin-1", exclude_characters="\r\n\0"), max_size=40)
words = st.sampled_from(
    ["signature", "token", "timestamp", "event", "type", "events", "data", "auth", "Type"]
)
texts = st.text(max_size=20) | st.sampled_from(["Notification", "delivered", "1800000000"])
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words | texts, inner, max_size=5),
    max_leaves=12,
)
bodies = st.binary(max_size=200) | values.map(lambda one: json.dumps(one).encode())
names = st.sampled_from(
    [
        *("AUTHORIZATION", "X_MANDRILL_SIGNATURE", "SIGNATURE", "SVIX_ID", "SVIX_TIMESTAMP"),
        *("SVIX_SIGNATURE", "MAILTRAP_SIGNATURE", "X_POSTAL_SIGNATURE", "SIGNATURE_INPUT"),
        *("X_TWILIO_EMAIL_EVENT_WEBHOOK_SIGNATURE", "CONTENT_DIGEST", "PRODUCER_SIGNATURE"),
    ]
)


@cache
def mailer() -> Mailer:
    """
    One with every provider that has webhooks.
    """
    dsns = [one.strip("`").replace("PUBLIC-KEY", PUBLIC_KEY) for one in DSNS]
    return Mailer(dict(zip(KEYS, dsns, strict=True)))


@given(
    st.sampled_from([*KEYS, "unsubscribe/x", "other"]),
    st.sampled_from(["POST", "GET", "HEAD", "PUT"]),
    bodies,
    st.dictionaries(names, latin, max_size=5),
    latin,
)
def test_strangers_get_an_answer(
    key: str, method: str, body: bytes, headers: dict[str, str], query: str
) -> None:
    """
    One that is no success, where they bring a webhook, and no failure of ours.
    """
    links = UnsubscribeLinks("https://example.com", "a secret of sixteen")
    statuses: list[str] = []
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "PATH_INFO": f"/webhooks/{key}",
        "QUERY_STRING": query,
        "SERVER_NAME": "hooks.example.com",
        "SERVER_PORT": "443",
        "wsgi.url_scheme": "https",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
        **{f"HTTP_{name}": value for name, value in headers.items()},
    }

    parts = create_app(mailer(), unsubscribe=links)(environ, lambda one, _: statuses.append(one))

    assert all(isinstance(one, bytes) for one in parts)
    assert statuses[0][0] in ("245" if method in ("GET", "HEAD") else "45")
    assert b"could not be handled" not in b"".join(parts)


@pytest.mark.parametrize("key", KEYS)
@given(data=st.data())
def test_verified_webhooks_of_another_form(key: str, data: st.DataObject) -> None:
    """
    A vendor that changes its payload is read as far as it goes, or is a clear error.
    """
    provider: Any = next(one.provider for one in mailer().chain.links if one.key == key)
    files = sorted((GOLDEN / key).glob("*.json"))
    payload = json.loads(data.draw(st.sampled_from(files)).read_text())["payload"]
    body = json.dumps(_changed(payload, data)).encode()

    try:
        events = provider.parse_webhook(WebhookRequest("POST", "/", {"svix-id": "1"}, body))
    except InvalidWebhook:
        return

    for event in events:
        json.dumps(event.to_dict(), allow_nan=False)


def _changed(value: Any, data: st.DataObject) -> Any:
    """
    Return *value* with something in it replaced by anything.
    """
    if isinstance(value, dict) and value and data.draw(st.booleans()):
        name = data.draw(st.sampled_from(sorted(value)))
        return {**value, name: _changed(value[name], data)}
    if isinstance(value, list) and value and data.draw(st.booleans()):
        return [_changed(value[0], data), *value[1:]]
    return data.draw(values)
