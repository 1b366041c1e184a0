"""
Claims about requests: nothing of the mail is lost, and nothing else is in it.
"""

from __future__ import annotations

import dataclasses
import re
from contextlib import contextmanager, suppress
from html import escape
from typing import TYPE_CHECKING, Any

import pytest

from mailfailover._values.wire import HTTPRequest, SMTPRequest
from mailfailover.errors import MailFailoverError, UnsupportedFeature
from mailfailover.testing._claim import calling, claim
from mailfailover.testing._contract_shape import secrets_of
from mailfailover.testing._marked import find_marks
from mailfailover.testing._wire_text import body_bytes, wire_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailfailover._message.message import Message

__all__ = [
    "build",
    "check_authenticated",
    "check_base_url",
    "check_clean_lines",
    "check_envelope",
    "check_html_escaped",
    "check_idempotency_key",
    "check_method",
    "check_nothing_lost",
    "check_options_clean",
    "check_ping",
    "check_secrets_hidden",
    "check_signing",
    "check_tracking",
    "frozen",
    "refusable",
]

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_NOW = 1_800_000_000.0
_PROXY = "https://proxy.example/prefix"
_KEY = "5b0c9b6e-4b7c-5d8e-9f00-112233445566"


def build(provider: Any, message: Message) -> Any:
    """
    The request for *message*, a merge in one call.
    """
    name = "build_batch" if message.is_merge else "build_request"
    with calling(name):
        return getattr(provider, name)(message)


@contextmanager
def refusable() -> Iterator[None]:
    """
    A mail that a provider refuses by the feature's name is not lost: the next one gets it.
    """
    with suppress(UnsupportedFeature):
        yield


def check_nothing_lost(provider: Any, message: Message) -> None:
    """
    Every mark of *message* is on the wire.
    """
    try:
        text = wire_text(build(provider, message)).lower()
    except UnsupportedFeature as exc:
        pytest.fail(f"the provider refuses what it declares: {exc}")

    lost = sorted(mark for mark in find_marks(message) if mark not in text)
    claim(
        not lost,
        f"{', '.join(lost)} of the message is nowhere in the request: "
        "write it, or leave the feature undeclared",
    )


def check_html_escaped(provider: Any, message: Message) -> None:
    """
    What is merged into HTML is escaped, and what is merged into text is not.
    """
    value = "zq<&>qz"
    email = message.to[0].email
    data = {**message.merge_data, email: {**message.merge_data[email], "name": value}}
    text = wire_text(build(provider, message.replace(html="<p>Dear {{name}}</p>", merge_data=data)))
    claim(value in text, "a merged value does not reach the text as it is")
    claim(escape(value) in text, "a merged value reaches the HTML without being escaped")


@refusable()
def check_tracking(provider: Any, message: Message) -> None:
    """
    On, off and unset make three different requests, for opens as for clicks.
    """
    for field in ("track_opens", "track_clicks"):
        if getattr(message, field) is None:
            continue
        settings: list[Any] = [{field: value} for value in (True, False, None)]
        texts = {wire_text(build(provider, message.replace(**one))) for one in settings}
        claim(len(texts) == len(settings), f"{field} on, off and unset make no difference")


def frozen(request: Any) -> Any:
    """
    *request* with its body as bytes, so that two can be compared.
    """
    if isinstance(request, HTTPRequest):
        return dataclasses.replace(request, body=body_bytes(request.body))
    return request


@refusable()
def check_clean_lines(provider: Any, message: Message) -> None:
    """
    No control character is in the URL or a header, and no other than ASCII.
    """
    _check_lines(build(provider, message))


def _check_lines(request: Any) -> None:
    if isinstance(request, HTTPRequest):
        for line in (request.method, request.url, *request.headers, *request.headers.values()):
            claim(not _CONTROL.search(line), "a control character is in the URL or a header")
            claim(line.isascii(), "the URL or a header is not ASCII: encode it")
        claim(" " not in request.url, "a space is in the URL: encode it")


def check_options_clean(provider: Any, message: Message) -> None:
    """
    A line break in *provider_options* starts no new header; refusing it is fine too.
    """
    evil = "a\r\nBcc: zqevilqz@example.com"
    options = {provider.name: {"option": evil, "headers": {"X-Option": evil}, evil: "value"}}
    try:
        request = provider.build_request(message.replace(provider_options=options))
    except (MailFailoverError, ValueError, TypeError):
        return
    _check_lines(request)
    if isinstance(request, SMTPRequest):
        claim(b"\nBcc: zqevilqz" not in request.data, "provider_options start a new header")


def check_secrets_hidden(provider: Any, request: Any) -> None:
    """
    No secret is in the URL or the repr of *request*.
    """
    for secret in secrets_of(provider):
        claim(secret not in repr(request), "the repr of a request shows a secret")
        claim(secret not in getattr(request, "url", ""), "a secret is in the URL: servers log it")


def check_base_url(provider: Any, message: Message) -> None:
    """
    Requests go over https to the vendor, or to *base_url* where it is set.
    """
    claim(hasattr(provider, "base_url"), "base_url must be a field")
    proxied = dataclasses.replace(provider, base_url=_PROXY)
    for one, start in ((provider, "https://"), (proxied, f"{_PROXY}/")):
        for request in (one.build_request(message), one.build_ping()):
            claim(isinstance(request, HTTPRequest), "a request must be an HTTPRequest")
            claim(request.url.startswith(start), f"a request's URL does not begin with {start}")


def check_authenticated(provider: Any, request: Any) -> None:
    """
    *request* carries a secret, or is signed.
    """
    secrets = secrets_of(provider)
    if isinstance(request, SMTPRequest):
        shown = (request.username, request.password, request.access_token)
        claim(set(secrets) <= set(shown), "the request does not log in")
        return
    signed = request.auth is not None or any(one in wire_text(request) for one in secrets)
    claim(signed, "no secret is in the request and no auth signs it: is it authenticated?")


@refusable()
def check_signing(provider: Any, message: Message) -> None:
    """
    What signs a request signs any, with headers that are clean.
    """
    request = build(provider, message)
    auth = getattr(request, "auth", None)
    if auth is None:
        return
    with calling("auth"):
        try:
            headers = auth(request, _NOW)
        except MailFailoverError as exc:
            pytest.fail(
                f"auth refuses a mail ({exc}), after others of a merge may have got it: refuse it "
                "in build_request and build_batch"
            )
    for line in (*headers, *headers.values()):
        claim(not _CONTROL.search(line), "auth returns a header with a control character")


def check_ping(provider: Any, message: Message) -> None:
    """
    The ping is a call of its own, with no mail in it.
    """
    request = provider.build_ping()
    if isinstance(request, SMTPRequest):
        claim(not request.recipients and not request.data, "the ping sends a mail")
    else:
        claim(isinstance(request, HTTPRequest), "build_ping must return an HTTPRequest")
        mail = provider.build_request(message)
        is_call = (request.method, _endpoint(request)) == (mail.method, _endpoint(mail))
        claim(
            not is_call or b"@" not in frozen(request).body,
            "the ping is the call that sends a mail, and has an address in it: it sends a mail",
        )
    claim(frozen(request) == frozen(provider.build_ping()), "two pings of one provider differ")


def _endpoint(request: HTTPRequest) -> str:
    return request.url.partition("?")[0].rstrip("/")


def check_method(provider: Any, message: Message) -> None:
    """
    A mail goes by a method that no proxy repeats or keeps.
    """
    method = build(provider, message).method
    claim(method in ("POST", "PUT"), f"a mail goes by {method}: proxies repeat and keep it")


def check_idempotency_key(provider: Any, message: Message) -> None:
    """
    The key of the message goes to the vendor.
    """
    request = provider.build_request(message.bound(idempotency_key=_KEY))
    claim(
        _KEY in wire_text(request),
        "idempotency_ttl is declared, but message.idempotency_key is not in the request",
    )


@refusable()
def check_envelope(provider: Any, message: Message) -> None:
    """
    The SMTP envelope names everybody, and the mail itself no Bcc.
    """
    request = provider.build_request(message)
    everybody = tuple(address.email for address in message.recipients)
    claim(request.recipients == everybody, "the envelope does not name to, cc and bcc in order")
    sender = message.envelope_from or message.sender.email
    claim(request.mail_from == sender, "the envelope does not name the sender")
    seen = wire_text(dataclasses.replace(request, recipients=()))
    for address in message.bcc:
        claim(address.email not in seen, "the mail itself shows a Bcc to everybody")
