"""
Each built-in provider against its vendor's dialect: what one writes, the other reads.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from mailfailover import Mailer, ProviderChain
from mailfailover._chain.candidates import candidates
from mailfailover._provider.link import Link
from mailfailover._values.wire import Response
from mailfailover.errors import (
    AccountSuspended,
    AuthenticationFailed,
    OutcomeUnknown,
    ProviderUnavailable,
    QuotaExceeded,
    RateLimited,
    RecipientRejected,
    RecipientSuppressed,
    RequestRefused,
    SenderRefused,
    SendError,
    UnsupportedFeature,
)
from mailfailover.plugin import Accepted
from mailfailover.testing import (
    PLAIN,
    SAMPLES,
    CannedResponse,
    FakeTransport,
    FaultServer,
    RecordedRequest,
)
from mailfailover.testing._claim import each
from mailfailover.testing._dialects import dialect_names, find_dialect
from mailfailover.testing._wire_text import body_bytes
from tests.providers.registrations import http_vendors

if TYPE_CHECKING:
    from mailfailover import Message
    from mailfailover.testing import Dialect

VENDORS = {name: contract.provider for name, contract in http_vendors().items()}
EMPTY = {name for name, contract in http_vendors().items() if not contract.accepted_id}
"""Those whose success names no mail."""

NEVER_TOLD = {"ahasend", "cloudflare", "mailchannels", "mailomat", "mailpace"}
"""Those who get no id of ours with some mails or all."""

MEANT: dict[str, tuple[type[SendError], ...]] = {
    "unavailable": (ProviderUnavailable, OutcomeUnknown),
    "internal": (ProviderUnavailable, OutcomeUnknown),
    "bad_gateway": (OutcomeUnknown,),
    "gateway_timeout": (OutcomeUnknown,),
    "rate_limited": (RateLimited,),
    "auth": (AuthenticationFailed,),
    "suspended": (AccountSuspended,),
    "payment": (AccountSuspended,),
    "quota": (QuotaExceeded,),
    "sender": (SenderRefused,),
    "bad_recipient": (RecipientRejected,),
    "suppressed": (RecipientSuppressed,),
    "too_large": (UnsupportedFeature,),
    "not_found": (RequestRefused, SenderRefused, UnsupportedFeature),
}
REQUIRED = {"unavailable", "internal", "rate_limited", "auth", "too_large", "not_found"}

every_vendor = pytest.mark.parametrize("name", sorted(VENDORS))


def recorded(request: Any) -> RecordedRequest:
    """
    *request* as a server sees it.
    """
    path = "/" + request.url.split("://", 1)[1].partition("/")[2]
    headers = tuple(request.headers.items())
    return RecordedRequest(request.method, path, headers, body_bytes(request.body), 0.0, 1)


def bound(provider: Any, message: Message) -> tuple[Message, bool] | None:
    """
    *message* as the chain would hand it to *provider*, and whether as a merge; None if never.
    """
    chain = ProviderChain(Link(provider), transport=FakeTransport())
    try:
        candidate = next(candidates(chain.parts, message))
    except UnsupportedFeature:
        return None
    return candidate.bind(message), candidate.batch


def answer(dialect: Dialect, request: RecordedRequest) -> Response:
    """
    What a healthy vendor says to *request*.
    """
    line = f"{request.method} {request.path.partition('?')[0]}"
    assert dialect.mail.search(line), line
    assert not dialect.refusal(request)
    return response(dialect.accept(request))


def response(canned: CannedResponse) -> Response:
    """
    *canned* as a client reads it.
    """
    return Response(canned.status, {k.lower(): v for k, v in canned.headers}, canned.body)


def said(provider: Any, found: Response, message: Message) -> Accepted | SendError:
    """
    What *provider* makes of an answer.
    """
    try:
        read = provider.parse_response if found.ok else provider.classify_error
        outcome: Accepted | SendError = read(found, message)
    except SendError as exc:
        return exc
    return outcome


def test_each_provider_has_a_dialect() -> None:
    """
    A new provider comes with a file that says how its vendor answers.
    """
    assert {*VENDORS, "generic"} == set(dialect_names())
    assert [find_dialect(name).name for name in dialect_names()] == list(dialect_names())


@every_vendor
def test_every_sample_is_accepted(name: str) -> None:
    """
    Each mail that the provider can express is taken, for its recipients, and answered with an id.
    """
    provider, dialect = VENDORS[name], find_dialect(name)

    def check(message: Message) -> None:
        found = bound(provider, message)
        if found is None:
            return
        mail, batch = found
        build = provider.build_batch if batch else provider.build_request
        try:
            request = recorded(build(mail))
        except UnsupportedFeature:
            return
        outcomes = (
            provider.parse_batch(answer(dialect, request), mail)
            if batch
            else (said(provider, answer(dialect, request), mail),)
        )

        assert {one.email for one in mail.recipients} == set(dialect.recipients(request))
        for one in outcomes:
            assert isinstance(one, Accepted), one
            assert one.provider_message_id or name in EMPTY
        assert dialect.mail_ids(request) == (mail.id,) or name in NEVER_TOLD or own_id(mail)

    each(SAMPLES, check)


def own_id(mail: Message) -> bool:
    """
    Whether *mail* has a Message-ID of its own, which is all that some vendors are told.
    """
    return any(key.lower() == "message-id" for key, _ in mail.header_items()) or mail.is_merge


@every_vendor
def test_errors_are_classified_as_meant(name: str) -> None:
    """
    Each error that the dialect can say becomes the class that it stands for.
    """
    provider, dialect = VENDORS[name], find_dialect(name)
    request = recorded(provider.build_request(PLAIN))

    assert dialect.errors.keys() >= REQUIRED
    for error in dialect.errors.keys() & MEANT.keys():
        canned = dialect.errors[error]
        canned = canned if isinstance(canned, CannedResponse) else canned(request)
        outcome = said(provider, response(canned), PLAIN)
        assert type(outcome) in MEANT[error], (error, outcome)


@every_vendor
def test_a_ping_is_answered(name: str) -> None:
    """
    The provider's harmless call succeeds and is no mail.
    """
    with FaultServer(name) as vendor:
        with Mailer(replace(VENDORS[name], base_url=f"{vendor.url}/prefix")) as mailer:
            (ping,) = mailer.ping().values()

        assert (ping.ok, ping.error, vendor.accepted) == (True, None, ())
