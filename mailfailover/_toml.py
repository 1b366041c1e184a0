"""
A mailer configured by a TOML file.

::

    [mailer]                                 # arguments of Mailer, all optional
    from_email = "App <app@example.com>"
    strategy = "failover(eu relay)"          # by key; the order of the tables where not given

    [providers.eu]                           # its key in the chain
    scheme = "mailgun"                       # and fields of the provider and of its link
    domain = "mg.example.com"
    api_key_env = "MAILGUN_API_KEY"          # from a variable of the environment

    [providers.relay]
    dsn_file = "relay.dsn"                   # a whole URL, from a file beside this one
    weight = 2

Every option can be given in place, from a variable (``NAME_env``) or from a file
(``NAME_file``; relative to the TOML file). What the file does not know it refuses.
"""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mailfailover._dsn import build, build_chain_spec
from mailfailover._dsn_grammar import read_chain
from mailfailover._options import (
    LINK_OPTIONS,
    TEMPLATES,
    Fields,
    Given,
    build_link,
    did_you_mean,
)
from mailfailover._ordering import Failover
from mailfailover._registry import find
from mailfailover._settings import SETTINGS, read_secret_file, read_setting
from mailfailover._url import read_url
from mailfailover._url_link import link_from_url
from mailfailover.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from mailfailover._dsn_grammar import Node
    from mailfailover._ordering import Child, Strategy
    from mailfailover._provider import Link

_TABLES = ("mailer", "providers")
_SOURCES = ("scheme", "dsn", "dsn_env", "dsn_file")
_WHERE = re.compile(r"\(at [^()]*\)")


def from_config(
    path: str | Path, environ: Mapping[str, str] = os.environ
) -> tuple[Strategy, dict[str, Any]]:
    """
    Read a TOML file.

    Returns:
        The chain, and arguments for :class:`~mailfailover.Mailer`.

    Raises:
        ConfigurationError: Naming the file and the key at fault, never a value.
    """
    path = Path(path)
    try:
        return _Reader(path.parent, environ).read(_load(path))
    except ConfigurationError as exc:
        problem = f"{path}: {exc}"
    # Outside of the handler, so that nothing hangs on it that may hold a value.
    raise ConfigurationError(problem)


def _load(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except tomllib.TOMLDecodeError as exc:
        # The place only: the error holds the text.
        place = _WHERE.search(str(exc))
        problem = f"it is not valid TOML {place[0] if place else ''}".rstrip()
    except (OSError, ValueError) as exc:
        problem = f"it cannot be read ({type(exc).__name__})"
    raise ConfigurationError(problem)


class _Reader:
    """
    Reads the parsed file.
    """

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        self._folder = folder
        self._environ = environ

    def read(self, data: dict[str, Any]) -> tuple[Strategy, dict[str, Any]]:
        _check_names("the file", data, _TABLES)
        mailer = _table(data, "mailer")
        _check_names("mailer", mailer, ("strategy", *SETTINGS))
        tables = _table(data, "providers")
        if not tables:
            message = "it has no provider: add a table such as [providers.console]"
            raise ConfigurationError(message)
        links = {key: self._link(key, _table(tables, key, "providers.")) for key in tables}
        options = {
            name: read_setting(name, value, f"mailer.{name}")
            for name, value in mailer.items()
            if name in SETTINGS
        }
        return build_chain_spec(_strategy(mailer.get("strategy"), links)), options

    def _link(self, key: str, table: dict[str, Any]) -> Link:
        where = f"providers.{key}"
        sources = [name for name in _SOURCES if name in table]
        if len(sources) != 1:
            message = f"{where} needs one of {', '.join(_SOURCES)}"
            raise ConfigurationError(message)
        source = sources[0]
        options = {name: value for name, value in table.items() if name != source}
        text = self._value(source, table[source], where)
        try:
            if source != "scheme":
                known = Fields.of(find(read_url(text).name)).kinds
                return link_from_url(text, key, source, self._given(options, known))
            provider = find(text)
            given = self._given(options, Fields.of(provider).kinds)
            return build_link(provider, text.rpartition(":")[2], key, given)
        except ConfigurationError as exc:
            problem = f"{where}: {exc}"
        raise ConfigurationError(problem)
