"""
Hides the packages that the reader of a page would not have.

With ``ONLY_EXTRAS=cli,outbox`` in the environment, only mailfailover, these extras of it, pytest,
and their requirements can be imported.

The directory is on ``PYTHONPATH``, so that this module runs at the start of every interpreter.
"""

from __future__ import annotations

import os
import re
import sys
from importlib.abc import MetaPathFinder
from importlib.metadata import PackageNotFoundError, packages_distributions, requires


class Hidden(MetaPathFinder):
    """
    Finds none of the packages with these names, and keeps others from finding them.
    """

    def __init__(self, names: set[str]) -> None:
        self._names = names

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> None:
        """
        Raise ModuleNotFoundError for a hidden package.
        """
        if fullname.partition(".")[0] in self._names:
            message = f"No module named {fullname!r} (hidden by {__file__})"
            raise ModuleNotFoundError(message, name=fullname)


def brought_by(extras: set[str]) -> set[str]:
    """
    Return the names of the distributions that these extras, and pytest, bring.
    """
    from packaging.requirements import Requirement

    found: dict[str, set[str]] = {}
    waiting = [("mailfailover", extras), ("pytest", set())]
    while waiting:
        name, wanted = waiting.pop()
        key = _normal(name)
        if key in found and wanted <= found[key]:
            continue
        found[key] = found.get(key, set()) | wanted
        try:
            lines = requires(name) or []
        except PackageNotFoundError:  # for another platform
            continue
        for requirement in map(Requirement, lines):
            marker = requirement.marker
            if marker is None or any(marker.evaluate({"extra": one}) for one in {"", *found[key]}):
                waiting.append((requirement.name, set(requirement.extras)))
    return set(found)


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _hide() -> None:
    brought = brought_by(set(filter(None, os.environ["ONLY_EXTRAS"].split(","))))
    hidden = {
        package
        for package, owners in packages_distributions().items()
        if brought.isdisjoint(map(_normal, owners))
    }
    sys.meta_path.insert(0, Hidden(hidden - {"pip", "setuptools", "pkg_resources"}))


if "ONLY_EXTRAS" in os.environ:
    _hide()
