from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mailfailover import Mailer
from mailfailover.outbox import Outbox
from mailfailover.providers.preview import Preview
from mailfailover.service.app import create_app
from mailfailover.service.keys import Keys
from mailfailover.service.parts import Service
from mailfailover.testing import FakeClock
from tests.databases import fresh_engine

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flask import Flask
    from flask.testing import FlaskClient
    from sqlalchemy import Engine


@pytest.fixture(name="engine")
def _engine(tmp_path: Path) -> Iterator[Engine]:
    with fresh_engine("sqlite", tmp_path) as engine:
        yield engine


@pytest.fixture(name="clock")
def _clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(name="service")
def _service(engine: Engine, tmp_path: Path, clock: FakeClock) -> Service:
    """
    A service on a fresh SQLite file, with a mailbox as its provider, and without keys.
    """
    mailbox = Preview(tmp_path / "preview.db")
    service = Service(
        mailer=Mailer(mailbox),
        outbox=Outbox(engine),
        keys=Keys(engine, clock=clock),
        mailbox=mailbox,
        wall=clock,
        clock=clock,
        sleep=clock.sleep,
    )
    service.outbox.init()
    service.keys.init()
    return service


@pytest.fixture(name="app")
def _app(service: Service) -> Flask:
    return create_app(service)


@pytest.fixture(name="client")
def _client(app: Flask) -> FlaskClient:
    return app.test_client()
