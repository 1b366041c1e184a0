from __future__ import annotations

import logging
from datetime import UTC, datetime

import pytest

from mailfailover import Attempt
from mailfailover._chain.log import log_attempt
from mailfailover.errors import (
    AccountSuspended,
    AuthenticationFailed,
    OutcomeUnknown,
    ProviderUnavailable,
    QuotaExceeded,
    RecipientRejected,
    RecipientSuppressed,
    RequestRefused,
    SendError,
    Verdict,
)
from tests.chains import MAIL


def attempt(error: SendError | None) -> Attempt:
    """
    A call that ended so after a quarter of a second.
    """
    outcome = "accepted" if error is None else type(error).__name__
    return Attempt("mg", datetime.now(UTC), 0.25, "response", outcome, error)


LEVELS: list[tuple[SendError | None, Verdict | None, int, str]] = [
    (None, None, logging.INFO, "accepted (stage response, 0.250 s)"),
    (
        RecipientRejected("no such user"),
        Verdict.STOP,
        logging.INFO,
        "RecipientRejected: no such user (stage response, 0.250 s); no provider would take it",
    ),
    (
        RecipientSuppressed("bounced"),
        Verdict.SWITCH,
        logging.WARNING,
        "RecipientSuppressed: bounced (stage response, 0.250 s); switching: not with this provider",
    ),
    (
        QuotaExceeded("full"),
        Verdict.SWITCH,
        logging.WARNING,
        "QuotaExceeded: full (stage response, 0.250 s); switching: not with this provider",
    ),
    (
        ProviderUnavailable("503"),
        Verdict.RETRY,
        logging.WARNING,
        "ProviderUnavailable: 503 (stage response, 0.250 s); switching: it was surely not sent",
    ),
    (
        OutcomeUnknown("502"),
        Verdict.UNKNOWN,
        logging.WARNING,
        "OutcomeUnknown: 502 (stage response, 0.250 s); it may have been sent",
    ),
    (
        AuthenticationFailed("401"),
        Verdict.SWITCH,
        logging.ERROR,
        "AuthenticationFailed: 401 (stage response, 0.250 s); switching: not with this provider",
    ),
    (
        AccountSuspended("402"),
        Verdict.SWITCH,
        logging.ERROR,
        "AccountSuspended: 402 (stage response, 0.250 s); switching: not with this provider",
    ),
    (
        RequestRefused("418"),
        Verdict.SWITCH,
        logging.ERROR,
        "RequestRefused: 418 (stage response, 0.250 s); switching: not with this provider",
    ),
]


@pytest.mark.parametrize(("error", "verdict", "level", "text"), LEVELS, ids=str)
def test_each_attempt_is_logged(
    caplog: pytest.LogCaptureFixture,
    error: SendError | None,
    verdict: Verdict | None,
    level: int,
    text: str,
) -> None:
    """
    A switch is a warning, what needs a person is an error, and the mail's own fault is neither.
    """
    caplog.set_level(logging.DEBUG, "mailfailover")

    log_attempt(MAIL, attempt(error), verdict, lambda: "sg")

    assert caplog.record_tuples == [("mailfailover", level, f"mail m1: mg: {text}")]
    record = caplog.records[0]
    fields = (record.__dict__["mail_id"], record.__dict__["provider"], record.__dict__["outcome"])
    assert fields == ("m1", "mg", "accepted" if error is None else type(error).__name__)


@pytest.mark.parametrize(
    ("error", "meaning"),
    [
        (QuotaExceeded("full"), "not with this provider, and no other provider is left now"),
        (ProviderUnavailable("503"), "it was surely not sent, and no other provider is left now"),
    ],
    ids=str,
)
def test_nothing_switches_where_no_provider_is_left(
    caplog: pytest.LogCaptureFixture, error: SendError, meaning: str
) -> None:
    """
    The log promises no provider that is not there.
    """
    log_attempt(MAIL, attempt(error), error.verdict, lambda: None)

    (message,) = caplog.messages
    assert message.endswith(f"(stage response, 0.250 s); {meaning}")
