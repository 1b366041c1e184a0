"""
What an HTTP answer means where the vendor says nothing we know.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailfailover import SendError, errors
from mailfailover.plugin import (
    Response,
    check_secret,
    classify_http,
    mask,
    parse_retry_after,
    reveal,
)
from tests.samples import each

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


@each(
    ("status", "own", "kind"),
    [
        (301, False, errors.RequestRefused),
        (400, True, errors.RequestRefused),
        (401, False, errors.AuthenticationFailed),
        (402, False, errors.AccountSuspended),
        (403, True, errors.AuthenticationFailed),
        (403, False, errors.ProviderUnavailable),
        (404, False, errors.RequestRefused),
        (408, False, errors.OutcomeUnknown),
        (413, False, errors.UnsupportedFeature),
        (418, False, errors.RequestRefused),
        (429, False, errors.RateLimited),
        (500, True, errors.ProviderUnavailable),
        (500, False, errors.OutcomeUnknown),
        (502, True, errors.OutcomeUnknown),
        (503, True, errors.ProviderUnavailable),
        (503, False, errors.OutcomeUnknown),
        (504, True, errors.OutcomeUnknown),
        (520, True, errors.OutcomeUnknown),
    ],
)
def test_by_its_status(status: int, own: bool, kind: type[SendError]) -> None:
    """
    A refusal is final, a gateway's word is no word, and only the vendor's own 5xx is a no.
    """
    error = classify_http(Response(status), own_envelope=own)

    assert (type(error), error.status_code) == (kind, status)


CLOUDFLARE = {"Server": "cloudflare", "CF-Ray": "8f1e-FRA"}


@each(
    ("response", "own", "kind"),
    [
        *(
            (Response(status, CLOUDFLARE, b"<html>"), False, errors.ConnectionFailed)
            for status in (521, 523, 525, 526, 530)
        ),
        (Response(521, {"server": "Cloudflare"}), True, errors.ConnectionFailed),
        (Response(521, {}, b"<html>"), False, errors.OutcomeUnknown),
        (Response(521, {"server": "nginx"}, b"<html>"), False, errors.OutcomeUnknown),
        *(
            (Response(status, CLOUDFLARE, b"<html>"), False, errors.OutcomeUnknown)
            for status in (500, 502, 503, 504, 520, 522, 524, 527)
        ),
        (Response(403, {"cf-mitigated": "challenge"}), False, errors.ProviderUnavailable),
        (Response(403, {"cf-mitigated": "challenge"}, b"{}"), True, errors.ProviderUnavailable),
        (Response(403, {}, b"<html>"), False, errors.ProviderUnavailable),
        (Response(403, CLOUDFLARE, b"{}"), True, errors.AuthenticationFailed),
        (Response(401, CLOUDFLARE, b"<html>"), False, errors.AuthenticationFailed),
        (Response(429, CLOUDFLARE, b"<html>"), False, errors.RateLimited),
    ],
)
def test_an_edge_in_front_of_the_vendor(
    response: Response, own: bool, kind: type[SendError]
) -> None:
    """
    What an edge answers by itself says nothing of our key; some of it, that nothing was sent.
    """
    error = classify_http(response, own_envelope=own)

    assert (kind, response.status_code) == (type(error), error.status_code)


@pytest.mark.parametrize("known", [{"code": "E7"}, {"kind": errors.QuotaExceeded}])
def test_a_known_code_is_the_vendors_own(known: dict[str, Any]) -> None:
    """
    A refusal in the vendor's words is no edge's.
    """
    error = classify_http(Response(403), **known)

    assert known.get("kind", errors.AuthenticationFailed) is type(error)


def test_the_vendors_code_decides() -> None:
    """
    Its words go into the text, without addresses, and Retry-After is read.
    """
    error = classify_http(
        Response(400, {"Retry-After": "7"}),
        code="E1",
        kind=errors.QuotaExceeded,
        detail="no mails left for <ann@example.org>",
    )

    assert str(error) == "HTTP 400 E1: no mails left for <<address>>"
    assert (error.code, error.retry_after) == ("E1", 7.0)


@each(
    ("value", "seconds"),
    [
        (None, None),
        ("120", 120.0),
        (" 1.5 ", 1.5),
        ("-5", 0.0),
        ("nan", 60.0),
        ("soon", 60.0),
        ("999999999", 86400.0),
        ("Tue, 24 Nov 2026 12:01:00 GMT", 60.0),
        ("Tue, 24 Nov 2026 12:01:00", 60.0),
        ("Tue, 24 Nov 2026 11:00:00 GMT", 0.0),
    ],
)
def test_retry_after(value: str | None, seconds: float | None) -> None:
    """
    Seconds or a date; negative is 0, unreadable a minute, at most a day.
    """
    assert parse_retry_after(value, lambda: NOW) == seconds


@given(st.text())
def test_any_retry_after_is_a_time(value: str) -> None:
    """
    Whatever a vendor sends.
    """
    seconds = parse_retry_after(value)

    assert seconds is not None
    assert 0 <= seconds <= 86400


@given(st.text(max_size=3000))
def test_masked_words_are_one_short_line(text: str) -> None:
    """
    Printable, and without an address.
    """
    line = mask(f"{text} ann@example.org")

    assert line.isprintable()
    assert len(line) <= 200
    assert "ann@example.org" not in line


def test_secrets_are_compared_and_revealed() -> None:
    """
    One of several matches, an unset one never does, and a callable is asked.
    """
    assert check_secret("a", "a")
    assert check_secret(b"b", ["a", "b"])
    assert not check_secret("", "")
    assert not check_secret("c", ["a", "b"])
    assert (reveal("x"), reveal(lambda: "y")) == ("x", "y")
