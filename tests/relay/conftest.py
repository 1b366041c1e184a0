from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mailfailover import Mailer
from mailfailover.outbox import Outbox
from mailfailover.providers.memory import Memory
from mailfailover.relay import Address, Relay
from mailfailover.service.keys import Keys
from mailfailover.service.parts import Service
from tests.databases import fresh_engine

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(name="service")
def _service(tmp_path: Path) -> Iterator[Service]:
    """
    A service on a fresh SQLite file, whose provider keeps what it gets, and without keys.
    """
    with fresh_engine("sqlite", tmp_path) as engine, Mailer(Memory()) as mailer:
        service = Service(mailer=mailer, outbox=Outbox(engine), keys=Keys(engine))
        service.outbox.init()
        service.keys.init()
        yield service


@pytest.fixture(name="relay")
def _relay(service: Service) -> Iterator[Relay]:
    """
    A relay on a free port of this machine.
    """
    relay = Relay(service, [Address("127.0.0.1", 0)], idle_timeout=20, max_bytes=100_000)
    relay.start()
    yield relay
    relay.stop()
