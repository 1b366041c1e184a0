"""
What an HTTP answer means where the vendor says nothing we know.
"""

from __future__ import annotations

from datetime import UTC, datetime

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

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("status", "own", "kind"),
    [
        (301, False, errors.RequestRefused),
        (400, True, errors.RequestRefused),
        (401, False, errors.AuthenticationFailed),
        (402, False, errors.AccountSuspended),
        (403, False, errors.AuthenticationFailed),
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


@pytest.mark.parametrize(
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
