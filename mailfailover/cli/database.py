"""
The options and errors that commands with a database share.
"""

from __future__ import annotations

from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from mailfailover.cli.output import reporting, say, write_json
from mailfailover.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

database_option: Callable[[Any], Any] = click.option(
    "--database",
    metavar="URL",
    help="A URL of SQLAlchemy. MAILFAILOVER_DATABASE by default, else sqlite:///mailfailover.db.",
)
json_option: Callable[[Any], Any] = click.option(
    "--json", "as_json", is_flag=True, help="Write JSON to standard output."
)


def load(module: str) -> Any:
    """
    Import a module that needs a database.

    Raises:
        ConfigurationError: If SQLAlchemy is not installed.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as exc:
        if str(exc.name).partition(".")[0] != "sqlalchemy":
            raise
        message = 'this needs SQLAlchemy: pip install "mailfailover[tracking]"'
    raise ConfigurationError(message)


@contextmanager
def working(*, as_json: bool) -> Iterator[None]:
    """
    Report our errors as all commands do, and a database's errors as one of them.
    """
    with reporting(as_json=as_json):
        error = load("sqlalchemy.exc").SQLAlchemyError
        try:
            yield
        except error as exc:
            problem = type(exc).__name__
        else:
            return
        message = f"the database failed ({problem}): is it up, and is its disk not full?"
        raise ConfigurationError(message)


@contextmanager
def opened(kind: str, database: str | None, *, check: bool = True, **options: Any) -> Iterator[Any]:
    """
    Open a part of the library, such as ``"tracking.Tracking"``.

    Args:
        kind: Its module and its class.

        database: As given on the command line.

        check: Whether its tables have to be there.

        options: More for the class.

    Raises:
        ConfigurationError: If they are not, or the database cannot be opened.
    """
    module, _, name = kind.rpartition(".")
    part = getattr(load(f"mailfailover.{module}"), name)(database, **options)
    try:
        if check:
            part.check()
        yield part
    finally:
        part.close()


def add_table_commands(group: click.Group, kind: str) -> None:
    """
    Add ``init`` and ``upgrade`` of a part of the library to *group*.
    """

    @group.command()
    @database_option
    @json_option
    def init(*, database: str | None, as_json: bool) -> None:
        """
        Make the tables; where they are there already, do nothing.
        """
        with working(as_json=as_json), opened(kind, database, check=False) as part:
            part.init()
        _say({"ready": True}, "the tables are there", as_json=as_json)

    @group.command()
    @database_option
    @json_option
    def upgrade(*, database: str | None, as_json: bool) -> None:
        """
        Bring the tables to the version of this program.
        """
        with working(as_json=as_json), opened(kind, database, check=False) as part:
            had = part.upgrade()
        text = f"the tables are those of this program; they had version {had}"
        _say({"ready": True, "had": had}, text, as_json=as_json)


def _say(data: Any, text: str, *, as_json: bool) -> None:
    if as_json:
        write_json(data)
    else:
        say(text)
