"""
The provider that a name means, among all that distributions have registered.

A broken, duplicate or forbidden plugin raises only when it is named.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from mailfailover._provider.classify import mask
from mailfailover._setup.options import did_you_mean
from mailfailover.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ALLOW_LIST = "MAILFAILOVER_PLUGINS"


@dataclass(frozen=True, slots=True)
class PluginInfo:
    """
    One registered provider.

    Attributes:
        scheme: The name it is registered under, "" where its registration is unreadable.

        distribution, version: The distribution that registers it.

        value: The registered object: ``module:Class``.

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
class Plugin:
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
        plugins: The registered providers.

        allowed:
            Names of distributions, separated by commas: others are not used. All are where
            it is empty; the built-in ones always are.
    """

    def __init__(self, plugins: Iterator[Plugin], allowed: str = "") -> None:
        # Sorted, because directories list their files in any order.
        self._plugins = tuple(sorted(plugins, key=lambda one: normal_name(one.info.distribution)))
        self._allowed = {normal_name(name) for name in allowed.split(",") if name.strip()}

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

    def _claims(self, scheme: str, distribution: str = "") -> list[Plugin]:
        found = [one for one in self._plugins if scheme and one.info.scheme == scheme]
        if distribution:
            wanted = normal_name(distribution)
            return [one for one in found if normal_name(one.info.distribution) == wanted]
        return [one for one in found if one.info.builtin] or found

    def _allows(self, plugin: Plugin) -> bool:
        names = self._allowed
        return not names or plugin.info.builtin or normal_name(plugin.info.distribution) in names

    def _refusal(self, plugin: Plugin, rivals: list[Plugin]) -> str:
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

    def _reason(self, plugin: Plugin) -> str:
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


def normal_name(name: str) -> str:
    """
    Return a distribution's name in the one form that compares (PEP 503).
    """
    return re.sub(r"[-_.]+", "-", name.strip()).lower()
