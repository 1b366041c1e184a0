"""
A Redis for each module of tests.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.services.redis.server import RedisServer

if TYPE_CHECKING:
    from collections.abc import Iterator


PATIENT = "?socket_timeout=10&socket_connect_timeout=10"
"""For a loaded machine, where an answer may take longer than a mail waits for it by default."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """
    A Redis that nobody else uses.
    """
    with RedisServer(tmp_path_factory.mktemp("redis"), PATIENT) as one:
        yield one


@pytest.fixture
def redis(server: RedisServer) -> RedisServer:
    """
    It runs and is empty.
    """
    server.start()
    with server.client() as client:
        client.flushall()
    return server
