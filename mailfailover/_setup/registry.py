"""
Which providers are installed: the only module that reads entry points.

A distribution registers a provider class in the group ``mailfailover.providers`` under
the scheme of its URLs. The built-in ones are registered in the same way by this
distribution itself, and there is no second list of them: a source tree has to be installed
too (``pip install -e .``).

Distributions are looked through once per process, one by one, and nothing is imported
then: a provider is imported when it is first named.
"""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING, Any

from mailfailover._setup.claims import ALLOW_LIST, Plugin, PluginInfo, Registry, normal_name
from mailfailover._setup.options import set_up

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from importlib_metadata import Distribution

GROUP = "mailfailover.providers"
_OWN = "mailfailover"

__all__ = ["PluginInfo", "find", "installed", "load_provider", "scan"]


def scan(allowed: str = "", **where: Any) -> Registry:
    """
    Look through the distributions on ``sys.path``, or on a ``path=[...]`` given.

    Args:
        allowed: The distributions that may be used; see :class:`Registry`.

        where: How importlib_metadata shall find distributions.
    """
    return Registry(_scan(where), allowed)


def _scan(where: Mapping[str, Any]) -> Iterator[Plugin]:
    from importlib_metadata import Distribution  # costly to import, and only needed here

    ours = (one for one in Distribution.discover(**where) if _mentions_us(one))
    names = dict.fromkeys(_metadata(one, "Name") for one in ours)
    for name in names:
        # Of several distributions with one name on the path, Python imports the first.
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


def _read(distribution: Distribution, name: str) -> Iterator[Plugin]:
    builtin = normal_name(name) == _OWN
    version = _metadata(distribution, "Version")
    try:
        entries = list(distribution.entry_points.select(group=GROUP))
    except Exception as exc:  # noqa: BLE001 -- each kind of damage raises something else
        info = PluginInfo("", name, version, "", builtin)
        problem = f"its entry_points.txt cannot be read ({type(exc).__name__}): reinstall it"
        yield Plugin(info, load=_nothing, problem=problem)
        return
    for entry in entries:
        yield Plugin(PluginInfo(entry.name, name, version, entry.value, builtin), entry.load)


def _nothing() -> None:
    """
    Stand in for what cannot be loaded.
    """


@cache
def _installed() -> Registry:
    return scan(os.environ.get(ALLOW_LIST, ""))


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
