from __future__ import annotations

import hmac
from base64 import b64encode
from dataclasses import replace
from typing import Any

import pytest

from mailfailover.errors import ConfigurationError, InvalidSignature, InvalidWebhook
from mailfailover.plugin import (
    Secrets,
    WebhookRequest,
    reveal_all,
    verify_basic_auth,
    verify_hmac,
    verify_size,
    verify_standard_webhook,
    verify_time,
)
from tests.samples import each

BODY = b'{"event": "delivered"}'
HEX = hmac.digest(b"key", BODY, "sha256").hex()
NOW = 1_800_000_000.0


def basic(credentials: str, scheme: str = "Basic") -> WebhookRequest:
    """
    A webhook with these credentials.
    """
    return WebhookRequest(
        headers={"Authorization": f"{scheme} {b64encode(credentials.encode()).decode()}"}
    )


@each(
    ("secrets", "expected"),
    [
        ("", ()),
        ("a", ("a",)),
        (("a", "", "b"), ("a", "b")),
        (lambda: "a", ("a",)),
        (lambda: ("a", "b"), ("a", "b")),
        ((), ()),
    ],
)
def test_secrets_that_are_set(secrets: Secrets, expected: tuple[str, ...]) -> None:
    """
    One, several or whoever knows them; an unset one is none.
    """
    assert expected == reveal_all(secrets)


def test_hmac_in_hexadecimal() -> None:
    """
    The right signature passes, also as one of several.
    """
    verify_hmac(HEX, "key", BODY)
    verify_hmac(["other", HEX], ("new", "key"), BODY)


def test_hmac_in_base64() -> None:
    """
    The encoding, the hash and how a secret becomes a key are the vendor's.
    """
    signature = b64encode(hmac.digest(bytes.fromhex("beef"), BODY, "sha1")).decode()

    verify_hmac(signature, "beef", BODY, digest="sha1", base64=True, as_key=bytes.fromhex)


@each("given", ["", HEX.upper(), HEX[:-1], HEX + "0", "é", "\udcff", "0" * 64])
def test_other_hmac_is_refused(given: str) -> None:
    """
    Anything but the signature is refused.
    """
    with pytest.raises(InvalidSignature, match="is not one that is configured"):
        verify_hmac(given, "key", BODY)


@each("secrets", ["", (), ("",), lambda: ""])
def test_unset_key_matches_nothing(secrets: Secrets) -> None:
    """
    Not even the signature with an empty key.
    """
    empty = hmac.digest(b"", BODY, "sha256").hex()

    for given in ("", empty):
        with pytest.raises(InvalidSignature, match="no signature is configured"):
            verify_hmac(given, secrets, BODY)


def test_basic_auth() -> None:
    """
    User name and password as configured, whatever the case of the scheme.
    """
    verify_basic_auth(basic("ann:pass:word"), "ann", "pass:word")
    verify_basic_auth(basic("ann:ö", scheme="bAsIc"), "ann", ("new", "ö"))


@each(
    "request_",
    [
        basic("ann:wrong"),
        basic("bob:secret"),
        basic("ann:secret", scheme="Bearer"),
        basic(""),
        WebhookRequest(),
        WebhookRequest(headers={"Authorization": "Basic ann:secret"}),
        WebhookRequest(headers={"Authorization": "Basic é"}),
        WebhookRequest(headers={"Authorization": "Basic YW5uOnNlY3JldA"}),
    ],
)
def test_other_basic_auth_is_refused(request_: WebhookRequest) -> None:
    """
    Anything else is refused.
    """
    with pytest.raises(InvalidSignature, match="is not one that is configured"):
        verify_basic_auth(request_, "ann", "secret")


@each(("username", "password"), [("", "secret"), ("ann", ""), ("", "")])
def test_unset_basic_auth_matches_nothing(username: str, password: str) -> None:
    """
    Both must be set.
    """
    with pytest.raises(InvalidSignature, match="no user name and password is configured"):
        verify_basic_auth(basic(f"{username}:{password}"), username, password)


@each("timestamp", [NOW, f"{NOW + 1}", f"{NOW - 300:.0f}", int(NOW + 300)])
def test_time_within_the_window(timestamp: Any) -> None:
    """
    Five minutes, either way.
    """
    verify_time(timestamp, WebhookRequest(received=NOW))


@each("timestamp", [NOW - 301, NOW + 301, "", "noon", None, True, [], "nan", "inf", 10**400, "٣"])
def test_time_outside_the_window(timestamp: Any) -> None:
    """
    Older, in the future or no time at all is refused.
    """
    with pytest.raises(InvalidSignature, match="not signed just now"):
        verify_time(timestamp, WebhookRequest(received=NOW))


def test_time_without_a_time_of_receipt() -> None:
    """
    Who did not say when the webhook came means now.
    """
    with pytest.raises(InvalidSignature, match="not signed just now"):
        verify_time(NOW - 10**9, WebhookRequest())


def standard(secret: bytes, headers: dict[str, str] | None = None) -> WebhookRequest:
    """
    A webhook signed as the standard says.
    """
    signed = b"msg_1.1800000000." + BODY
    signature = b64encode(hmac.digest(secret, signed, "sha256")).decode()
    own = {
        "Webhook-Id": "msg_1",
        "Webhook-Timestamp": "1800000000",
        "Webhook-Signature": f"v1a,other v1,{signature}",
    }
    return WebhookRequest("POST", "/", own | (headers or {}), BODY, NOW)


def test_standard_webhook() -> None:
    """
    Its id is what no other webhook has; the secret may stand without its prefix.
    """
    request = standard(b"a secret")

    assert "msg_1" == verify_standard_webhook(request, "whsec_YSBzZWNyZXQ=")
    assert "msg_1" == verify_standard_webhook(request, ("bmV3", "YSBzZWNyZXQ="))


@each(
    "headers",
    [
        {"Webhook-Id": "msg_2"},
        {"Webhook-Timestamp": "1800000001"},
        {"Webhook-Signature": ""},
        {"Webhook-Signature": "v1,"},
        {"Webhook-Signature": "v1 " * 100},
        {"Webhook-Signature": "v2," + b64encode(bytes(32)).decode()},
    ],
)
def test_other_standard_webhook_is_refused(headers: dict[str, str]) -> None:
    """
    Id, time and body are signed, and only signatures of version 1 count.
    """
    with pytest.raises(InvalidSignature):
        verify_standard_webhook(standard(b"a secret", headers), "whsec_YSBzZWNyZXQ=")


def test_old_standard_webhook_is_refused() -> None:
    """
    The time is checked too, within what the vendor's repetitions take.
    """
    late = replace(standard(b"a secret"), received=NOW + 28 * 3600 + 1)

    with pytest.raises(InvalidSignature, match="not signed just now"):
        verify_standard_webhook(late, "whsec_YSBzZWNyZXQ=")


@pytest.mark.parametrize("secret", ["no base64!", "whsec_é"])
def test_unreadable_standard_secret_is_our_fault(secret: str) -> None:
    """
    A secret that is none is an error of the configuration, not of the webhook.
    """
    with pytest.raises(ConfigurationError, match="no base64: copy it anew"):
        verify_standard_webhook(standard(b"a secret"), secret)


def test_standard_webhook_of_a_vendor_of_its_own() -> None:
    """
    A vendor may leave the version off, and have secrets that are keys as they stand.
    """
    signature = standard(b"whsec_!").header("webhook-signature").partition("v1,")[2]
    request = standard(b"whsec_!", {"Webhook-Signature": signature})

    assert "msg_1" == verify_standard_webhook(request, "whsec_!", version="", as_key=str.encode)
    with pytest.raises(InvalidSignature):
        verify_standard_webhook(request, "whsec_!", as_key=str.encode)


def test_a_body_has_its_bound() -> None:
    """
    What no vendor sends is not read.
    """
    verify_size(WebhookRequest(body=b"12345"), 5)

    with pytest.raises(InvalidWebhook, match="larger than 4 bytes"):
        verify_size(WebhookRequest(body=b"12345"), 4)
