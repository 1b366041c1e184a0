"""
Which providers are installed: the only module that reads entry points.

A distribution registers a provider class in the group ``mailfailover.providers`` under
the scheme of its URLs. The built-in ones are registered in the same way by this
distribution itself, and there is no second list of them: a source tree has to be installed
too (``pip install -e .``).

Distributions are looked through once per process, one by one, and nothing is imported
then: a provider is imported when it is first named. What is broken or claimed twice harms
nobody until it is named.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

from mailfailover._classify import mask
from mailfailover._options import did_you_mean, set_up
from mailfailover.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from importlib_metadata import Distribution

GROUP = "mailfailover.providers"
ALLOW_LIST = "MAILFAILOVER_PLUGINS"
_OWN = "mailfailover"


@dataclass(frozen=True, slots=True)
class PluginInfo:
    """
    One registered provider.

    Attributes:
        scheme: The name it is registered under, "" where its registration is unreadable.

        distribution, version: The distribution that registers it.

        value: What it registers: ``module:Class``.

        builtin: Whether it belongs to this library.

        broken: Why naming it raises an error, "" where it can be used.
    """

    scheme: str
    distribution: str
    version: str
    value: str
    builtin: bool
    broken: str = ""


@dataclass(slots=True, eq=False)
class _Plugin:
    """
    A registered provider, and what came of importing it.
    """

    info: PluginInfo
    load: Callable[[], Any]
    provider: type | None = None
    problem: str = ""

    def imported(self) -> type | None:
        """
        Return its class, imported on first use; None, with `problem` set, where it is broken.
        """
        if self.provider is None and not self.problem:
            try:
                self.provider, self.problem = _checked(self.load())
            except (Exception, SystemExit) as exc:  # noqa: BLE001 -- a plugin may raise anything
                self.problem = mask(f"importing it raised {type(exc).__name__}: {exc}")
        return self.provider


def _checked(found: Any) -> tuple[type | None, str]:
    if not isinstance(found, type):
        return None, f"{type(found).__name__} is registered, not a class"
    if not hasattr(found, "build_request") and not hasattr(found, "send"):
        return None, "the class has neither build_request(message) nor send(message)"
    return found, ""


class Registry:
    """
    The providers that some distributions register.

    Args:
        plugins: What they register.

        allowed:
            Names of distributions, separated by commas: others are not used. All are where
            it is empty; the built-in ones always are.
    """

    def __init__(self, plugins: Iterator[_Plugin], allowed: str = "") -> None:
        self._plugins = tuple(plugins)
        self._allowed = {_normal(name) for name in allowed.split(",") if name.strip()}

    @classmethod
    def scan(cls, allowed: str = "", **where: Any) -> Registry:
        """
        Look through the distributions on ``sys.path``, or on a ``path=[...]`` given.
        """
        return cls(_scan(where), allowed)

    def find(self, name: str) -> type:
        """
        Return the provider class called *name*: ``scheme`` or ``distribution:scheme``.

        Raises:
            ConfigurationError: If it is unknown, broken, claimed twice or not allowed.
        """
        distribution, _, scheme = name.rpartition(":")
        found = self._claims(scheme, distribution)
        if not found:
            raise ConfigurationError(self._unknown(scheme))
        usable = [one for one in found if self._allows(one)] or found
        problem = self._refusal(usable[0], rivals=usable[1:])
        if not problem and (provider := usable[0].imported()):
            return provider
        message = (
            f"provider {scheme!r} of {usable[0].info.distribution} cannot be used: "
            f"{problem or usable[0].problem}"
        )
        raise ConfigurationError(message)

    def installed(self) -> tuple[PluginInfo, ...]:
        """
        Return everything registered, by scheme. Imports all of it, to see whether it works.
        """
        found = [replace(one.info, broken=self._reason(one)) for one in self._plugins]
        return tuple(sorted(found, key=lambda one: (one.scheme, not one.builtin, one.distribution)))

    def _claims(self, scheme: str, distribution: str = "") -> list[_Plugin]:
        found = [one for one in self._plugins if scheme and one.info.scheme == scheme]
        if distribution:
            return [one for one in found if _normal(one.info.distribution) == _normal(distribution)]
        return [one for one in found if one.info.builtin] or found

    def _allows(self, plugin: _Plugin) -> bool:
        names = self._allowed
        return not names or plugin.info.builtin or _normal(plugin.info.distribution) in names

    def _refusal(self, plugin: _Plugin, rivals: list[_Plugin]) -> str:
        """
        Say why *plugin* may not be imported, "" where it may.
        """
        own = plugin.info
        if not self._allows(plugin):
            return f"{ALLOW_LIST} does not name {own.distribution}"
        if not rivals:
            return ""
        others = ", ".join(sorted({one.info.distribution for one in rivals}))
        return (
            f"{others} {'has' if len(rivals) == 1 else 'have'} it too; "
            f"write {own.distribution}:{own.scheme}"
        )

    def _reason(self, plugin: _Plugin) -> str:
        claims = [one for one in self._claims(plugin.info.scheme) if self._allows(one)]
        rivals = [one for one in claims if one is not plugin]
        refusal = self._refusal(plugin, rivals)
        return refusal or ("" if plugin.imported() else plugin.problem)

    def _unknown(self, scheme: str) -> str:
        if not any(one.info.builtin for one in self._plugins):
            return (
                f"provider {scheme!r} is unknown, and so are the built-in ones: mailfailover "
                "itself is not installed. In its source tree, run pip install -e ."
            )
        known = sorted({one.info.scheme for one in self._plugins if one.info.scheme})
        return (
            f"provider {scheme!r} is unknown; known: {', '.join(known)}."
            f"{did_you_mean(scheme, known)} Is its package installed?"
        )


def _normal(name: str) -> str:
    """
    Return a distribution's name in the one form that compares (PEP 503).
    """
    return re.sub(r"[-_.]+", "-", name.strip()).lower()


def _scan(where: Mapping[str, Any]) -> Iterator[_Plugin]:
    from importlib_metadata import Distribution  # costly to import, and only needed here

    ours = (one for one in Distribution.discover(**where) if _mentions_us(one))
    names = dict.fromkeys(_metadata(one, "Name") for one in ours)
    for name in names:
        # Of several with one name on the path, the first is the one that is imported.
        first = next(iter(Distribution.discover(name=name, **where)), None) if name else None
        if first is not None:
            yield from _read(first, name)


def _mentions_us(distribution: Distribution) -> bool:
    try:
        return GROUP in (distribution.read_text("entry_points.txt") or "")
    except Exception:  # noqa: BLE001 -- an unreadable package of somebody else is not our business
        return False


def _metadata(distribution: Distribution, field: str) -> str:
    try:
        return distribution.metadata[field] or ""
    except Exception:  # noqa: BLE001 -- the same; what has no name is not taken for a plugin
        return ""


def _read(distribution: Distribution, name: str) -> Iterator[_Plugin]:
    builtin = _normal(name) == _OWN
    version = _metadata(distribution, "Version")
    try:
        entries = list(distribution.entry_points.select(group=GROUP))
    except Exception as exc:  # noqa: BLE001 -- each kind of damage raises something else
        info = PluginInfo("", name, version, "", builtin)
        problem = f"its entry_points.txt cannot be read ({type(exc).__name__}): reinstall it"
        yield _Plugin(info, load=_nothing, problem=problem)
        return
    for entry in entries:
        yield _Plugin(PluginInfo(entry.name, name, version, entry.value, builtin), entry.load)


def _nothing() -> None:
    """
    Stand in for what cannot be loaded.
    """


@cache
def _installed() -> Registry:
    return Registry.scan(os.environ.get(ALLOW_LIST, ""))


def find(name: str) -> type:
    """
    Return the installed provider class called *name*, imported on first use.

    Args:
        name: ``"postmark"``, or ``"distribution:scheme"`` where several claim a name.

    Raises:
        ConfigurationError: If it is unknown, broken, claimed twice or not allowed.
    """
    return _installed().find(name)


def installed() -> tuple[PluginInfo, ...]:
    """
    Return everything registered, the broken with the reason. Imports all of it.
    """
    return _installed().installed()


def load_provider(name: str, /, **options: Any) -> Any:
    """
    Set up the installed provider called *name*.

    Args:
        name: The entry point's name, for example ``"postmark"``.

        options: Fields of the provider's class.

    Raises:
        ConfigurationError:
            If no or several packages claim *name*, or *options* do not fit.
    """
    return set_up(find(name), name.rpartition(":")[2], options)
