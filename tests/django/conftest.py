from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pymysql
import pytest
from django.core.management import call_command
from django.db import connections
from django.test import override_settings
from sqlalchemy.engine import make_url

from mailfailover.django.joined_engine import joined_engine
from mailfailover.django.worker import open_own_engine
from mailfailover.providers.memory import Memory
from tests.databases import fresh_database
from tests.django.project import set_up

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

set_up()
if find_spec("MySQLdb") is None:  # mysqlclient has to be compiled
    pymysql.install_as_MySQLdb()
ENGINES = {
    "mariadb": "django.db.backends.mysql",
    "postgresql": "django.db.backends.postgresql",
}


@pytest.fixture
def mailbox() -> Iterator[Memory]:
    """
    What the project sends to.
    """
    memory = Memory()
    with override_settings(MAILFAILOVER={"CHAIN": memory}):
        yield memory


@pytest.fixture(
    params=[
        "sqlite",
        pytest.param("postgresql", marks=pytest.mark.services),
        pytest.param("mariadb", marks=pytest.mark.services),
    ],
)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """
    The alias of a migrated database of Django.
    """
    if request.param == "sqlite":
        yield from _migrated(
            {"ENGINE": "django.db.backends.sqlite3", "NAME": str(tmp_path / "shop.db")}
        )
        return
    with fresh_database(request.param) as text:
        url = make_url(text)
        yield from _migrated(
            {
                "ENGINE": ENGINES[request.param],
                "NAME": url.database,
                "USER": url.username,
                "PASSWORD": url.password or "",
                "HOST": url.host,
                "PORT": str(url.port),
            }
        )


def _migrated(settings: dict[str, Any]) -> Iterator[str]:
    """
    Use the database with these *settings* as the project's default one.
    """
    before = connections.settings["default"]
    _use(connections.configure_settings({"default": settings})["default"])
    try:
        call_command("migrate", "mailfailover", verbosity=0)
        yield "default"
    finally:
        if open_own_engine.cache_info().currsize:
            open_own_engine("default").dispose()
        _use(before)


def _use(settings: dict[str, Any]) -> None:
    connections["default"].close()
    del connections["default"]
    connections.settings["default"] = settings
    joined_engine.cache_clear()
    open_own_engine.cache_clear()
