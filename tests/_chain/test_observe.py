from __future__ import annotations

import logging
from datetime import UTC, datetime

import pytest

from mailfailover import Attempt, AttemptMade, ProviderDown, ProviderUp
from mailfailover._chain.observe import log_attempt, tell
from mailfailover.errors import (
    AccountSuspended,
    AuthenticationFailed,
    ConfigurationError,
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


def test_each_observer_is_told() -> None:
    """
    In their order, of one event after the other.
    """
    heard: list[tuple[str, object]] = []
    observers = [lambda event: heard.append(("a", event)), lambda event: heard.append(("b", event))]
    up = ProviderUp("mg")

    tell(observers, up)

    assert heard == [("a", up), ("b", up)]


def test_an_observer_that_fails_harms_nobody(caplog: pytest.LogCaptureFixture) -> None:
    """
    The others are told, and the log says where it failed, not with what text.
    """
    heard: list[object] = []

    def broken(event: object) -> None:
        raise ValueError("ann@example.org")

    tell([broken, heard.append], ProviderUp("mg"))

    line = broken.__code__.co_firstlineno + 1
    assert heard == [ProviderUp("mg")]
    assert caplog.record_tuples == [
        (
            "mailfailover",
            logging.ERROR,
            f"an observer failed on ProviderUp: ValueError in broken, test_observe.py line {line}",
        )
    ]
    assert caplog.records[0].exc_info is None


def test_an_error_of_ours_is_logged_with_its_text(caplog: pytest.LogCaptureFixture) -> None:
    """
    It says what to do, and has no address in it.
    """

    def unready(event: object) -> None:
        raise ConfigurationError("run `mailfailover tracking init`")

    tell([unready], ProviderUp("mg"))

    (message,) = caplog.messages
    assert message.endswith(": run `mailfailover tracking init`")


class SoftTimeLimitExceeded(Exception):
    pass


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, SoftTimeLimitExceeded])
def test_what_ends_the_process_or_the_task_passes_an_observer(kind: type[BaseException]) -> None:
    """
    A signal may come while an observer runs; it is not for the observer.
    """

    def interrupted(event: object) -> None:
        raise kind

    with pytest.raises(kind):
        tell([interrupted], ProviderUp("mg"))


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

    log_attempt(MAIL, attempt(error), verdict)

    assert caplog.record_tuples == [("mailfailover", level, f"mail m1: mg: {text}")]
    record = caplog.records[0]
    fields = (record.__dict__["mail_id"], record.__dict__["provider"], record.__dict__["outcome"])
    assert fields == ("m1", "mg", "accepted" if error is None else type(error).__name__)


def test_events_are_values() -> None:
    """
    They compare and show what they hold.
    """
    made = AttemptMade("m1", "transactional", attempt(None))

    assert made == AttemptMade("m1", "transactional", made.attempt)
    assert repr(ProviderDown("mg", "open", "503")) == (
        "ProviderDown(provider='mg', reason='open', detail='503')"
    )
