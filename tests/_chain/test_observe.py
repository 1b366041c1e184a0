from __future__ import annotations

import logging
from datetime import UTC, datetime

import pytest

from mailfailover import Attempt, AttemptMade, ProviderDown, ProviderUp
from mailfailover._chain.observe import tell
from mailfailover.errors import ConfigurationError
from tests.samples import each

ACCEPTED = Attempt("mg", datetime(2026, 11, 24, tzinfo=UTC), 0.25, "response", "accepted")


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


@each("kind", [KeyboardInterrupt, SystemExit, SoftTimeLimitExceeded])
def test_what_ends_the_process_or_the_task_passes_an_observer(kind: type[BaseException]) -> None:
    """
    A signal may come while an observer runs; it is not for the observer.
    """

    def interrupted(event: object) -> None:
        raise kind

    with pytest.raises(kind):
        tell([interrupted], ProviderUp("mg"))


def test_events_are_values() -> None:
    """
    They compare and show what they hold.
    """
    made = AttemptMade("m1", "transactional", ACCEPTED)

    assert made == AttemptMade("m1", "transactional", made.attempt)
    assert repr(ProviderDown("mg", "open", "503")) == (
        "ProviderDown(provider='mg', reason='open', detail='503')"
    )
