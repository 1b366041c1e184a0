"""
An outbox and a broker in memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from celery import Celery

from mailfailover.outbox import Outbox

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    """
    An empty outbox in a file.
    """
    outbox = Outbox(f"sqlite:///{tmp_path / 'mails.db'}")
    outbox.init()
    yield outbox
    outbox.close()


@pytest.fixture
def app(request: pytest.FixtureRequest) -> Celery:
    """
    An application whose broker is nobody else's.
    """
    app = Celery(request.node.name, broker="memory://", set_as_current=False)
    app.conf.broker_transport_options = {"confirm_publish": True, "polling_interval": 0.01}
    with app.connection_for_write() as connection:
        connection.transport.Channel.queues.clear()
        connection.transport.state.clear()
    return app
