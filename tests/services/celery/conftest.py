"""
Brokers, and a shop whose workers can be killed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.services.celery.rabbit import RabbitServer
from tests.services.celery.workers import Shop
from tests.services.redis.server import RedisServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module", params=[RedisServer, RabbitServer])
def broker(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RedisServer | RabbitServer]:
    """
    Each kind of broker.
    """
    with request.param(tmp_path_factory.mktemp("broker")) as one:
        yield one


@pytest.fixture
def shop(broker: RedisServer | RabbitServer, tmp_path: Path) -> Iterator[Shop]:
    """
    Its outbox and its vendors, and no worker yet.
    """
    broker.start()
    with Shop(broker, tmp_path) as shop:
        yield shop
