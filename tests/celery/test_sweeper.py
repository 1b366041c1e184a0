from __future__ import annotations

from threading import Event
from typing import TYPE_CHECKING

from sqlalchemy.exc import OperationalError

from mailfailover.celery._sweeper import Sweeping

if TYPE_CHECKING:
    import pytest


def test_it_goes_on_whatever_is_away(caplog: pytest.LogCaptureFixture) -> None:
    """
    Database or broker: it is logged, and tried again.
    """
    troubles = [OperationalError("SELECT", {}, OSError()), ConnectionRefusedError()]
    done = Event()

    def sweep() -> None:
        if troubles:
            raise troubles.pop(0)
        done.set()

    sweeping = Sweeping(sweep, (ConnectionError,), 0.001)
    sweeping.start()

    assert done.wait(10)
    sweeping.stop()
    assert [
        "the sweeper failed (OperationalError) and tries again",
        "the sweeper failed (ConnectionRefusedError) and tries again",
    ] == [record.getMessage() for record in caplog.records]
