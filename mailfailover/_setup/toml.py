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
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mailfailover._setup.config_files import note_file, read_file
from mailfailover._setup.dsn import build, build_chain_spec
from mailfailover._setup.dsn_grammar import read_chain
from mailfailover._setup.options import (
    LINK_OPTIONS,
    TEMPLATES,
    Fields,
    Given,
    build_link,
    did_you_mean,
)
from mailfailover._setup.ordering import Failover, links_of
from mailfailover._setup.registry import find
from mailfailover._setup.settings import SETTINGS, read_setting
from mailfailover._setup.url import read_url
from mailfailover._setup.url_link import link_from_url
from mailfailover.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from mailfailover._provider.link import Link
    from mailfailover._setup.dsn_grammar import Node
    from mailfailover._setup.ordering import Child, Strategy

_TABLES = ("mailer", "providers")
_SOURCES = ("scheme", "dsn", "dsn_env", "dsn_file")
_REMEDY = "set it, or add _env or _file to its name"
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
        return _read(_load(path), _Origin(path.parent, environ))
    except ConfigurationError as exc:
        problem = f"{path}: {exc}"
    # Outside of the handler, so that nothing hangs on it that may hold a value.
    raise ConfigurationError(problem)


def _load(path: Path) -> dict[str, Any]:
    note_file(path)
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except tomllib.TOMLDecodeError as exc:
        # The place only: the error holds the text.
        place = _WHERE.search(str(exc))
        problem = f"it is not valid TOML {place[0] if place else ''}".rstrip()
    except (OSError, ValueError) as exc:
        problem = f"it cannot be read ({type(exc).__name__})"
    raise ConfigurationError(problem)


def _read(data: dict[str, Any], origin: _Origin) -> tuple[Strategy, dict[str, Any]]:
    _check_names("the file", data, _TABLES)
    mailer = _settings(_table(data, "mailer"), origin)
    tables = _table(data, "providers")
    if not tables:
        message = "it has no provider: add a table, for example [providers.console]"
        raise ConfigurationError(message)
    links = {key: _link(key, _table(tables, key), origin) for key in tables}
    strategy = _strategy(mailer.pop("strategy", None), links)
    options = {name: read_setting(name, mailer[name], f"mailer.{name}") for name in mailer}
    return build_chain_spec(strategy), options


def _settings(table: dict[str, Any], origin: _Origin) -> dict[str, Any]:
    known = ("strategy", *SETTINGS)
    found: dict[str, Any] = {}
    for key, value in table.items():
        given = origin.value(key, value, known)
        _check_names("mailer", [given.name], known)
        if given.name in found:
            message = f"mailer.{given.name} is given twice: keep one"
            raise ConfigurationError(message)
        found[given.name] = given.value
    return found


def _table(parent: dict[str, Any], name: str) -> dict[str, Any]:
    found = parent.get(name, {})
    if not isinstance(found, dict):
        message = f"{name} is not a table"
        raise ConfigurationError(message)
    return found


def _check_names(where: str, table: Iterable[str], known: Collection[str]) -> None:
    if unknown := [name for name in table if name not in known]:
        message = (
            f"{where} has an unknown key {unknown[0]!r}.{did_you_mean(unknown[0], known)} "
            f"Known: {', '.join(known)}"
        )
        raise ConfigurationError(message)


@dataclass(frozen=True, slots=True)
class _Origin:
    """
    Where values come from that are not in the file itself.
    """

    folder: Path
    environ: Mapping[str, str]

    def value(self, name: str, value: Any, known: Collection[str]) -> Given:
        """
        Return the option that *name* sets: itself, or what it names in *known* with a suffix.
        """
        base, _, suffix = name.rpartition("_")
        if name in known or base not in known or suffix not in ("env", "file"):
            return Given(name, value, repr(name))
        if not isinstance(value, str) or not value:
            message = f"{name} must be the name of a {_NAMED[suffix]}"
            raise ConfigurationError(message)
        if suffix == "file":
            return Given(base, read_file(self.folder / value, name), repr(name))
        if not self.environ.get(value):
            message = f"{name} names a variable of the environment that is not set"
            raise ConfigurationError(message)
        return Given(base, self.environ[value].strip(), repr(name))


_NAMED = {"env": "variable", "file": "file"}


def _link(key: str, table: dict[str, Any], origin: _Origin) -> Link:
    try:
        return _build(key, table, origin)
    except ConfigurationError as exc:
        problem = f"providers.{key}: {exc}"
    raise ConfigurationError(problem)


def _build(key: str, table: dict[str, Any], origin: _Origin) -> Link:
    sources = [name for name in table if name in _SOURCES]
    if len(sources) != 1:
        message = f"it needs one of {', '.join(_SOURCES)}"
        raise ConfigurationError(message)
    source = origin.value(sources[0], table.pop(sources[0]), ("scheme", "dsn"))
    if not isinstance(source.value, str):
        message = f"{source.name} must be a text"
        raise ConfigurationError(message)
    is_url = source.name == "dsn"
    name = read_url(source.value).name if is_url else source.value
    provider = find(name)
    given = list(_options(table, origin, (*Fields.of(provider).kinds, *LINK_OPTIONS)))
    if is_url:
        return link_from_url(source.value, key, sources[0], given)
    return build_link(provider, name.rpartition(":")[2], key, given, _REMEDY)


def _options(table: dict[str, Any], origin: _Origin, known: Collection[str]) -> Iterator[Given]:
    for name, value in table.items():
        if f"{name}." != TEMPLATES:
            yield origin.value(name, value, known)
            continue
        if not isinstance(value, dict):
            message = f"{name} must be a table, such as {{ welcome = 'id' }}"
            raise ConfigurationError(message)
        for template, id_ in value.items():
            yield Given(TEMPLATES + template, id_, f"{name}.{template}")


def _strategy(text: Any, links: Mapping[str, Link]) -> Child:
    if text is None:
        return Failover(*links.values())
    if not isinstance(text, str):
        message = "mailer.strategy must be a text, such as failover(...)"
        raise ConfigurationError(message)

    def leaf(node: Node) -> Link:
        if node.key or node.text not in links:
            message = (
                f"its provider {node.number} is not the key of one."
                f"{did_you_mean(node.text, links)} The keys are: {', '.join(links)}"
            )
            raise ConfigurationError(message)
        return links[node.text]

    try:
        child = build(read_chain(text), leaf)
        unused = [key for key, link in links.items() if link not in links_of(child)]
        problem = f"it leaves out {unused[0]!r}: name it, or remove its table" if unused else ""
    except ConfigurationError as exc:
        problem = str(exc)
    if problem:
        message = f"mailer.strategy: {problem}"
        raise ConfigurationError(message)
    return child
