"""
The shape of the package: layers, lazy imports, and who may import what.
"""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

import mailfailover
from mailfailover import (
    celery,
    errors,
    outbox,
    plugin,
    redis,
    suppression,
    testing,
    tracking,
    webhooks,
)

ROOT = Path(mailfailover.__file__).parent
MODULES = sorted(ROOT.rglob("*.py"))
PROVIDERS = sorted((ROOT / "providers").glob("[a-z_]*[a-z].py"))
PUBLIC = [
    mailfailover,
    celery,
    errors,
    outbox,
    plugin,
    redis,
    suppression,
    testing,
    tracking,
    webhooks,
]

# Who alone may import these; all else goes through them.
ONLY_IN = {
    "tenacity": {"_chain"},
    "importlib_metadata": {"_setup"},
    "requests": {"transports"},
    "urllib3": {"transports"},
    "smtplib": {"transports"},
    "click": {"__main__.py", "cli"},
    "rich": {"__main__.py", "cli"},
    "botocore": {"providers"},
    "cryptography": {"_provider"},
    "celery": {"celery"},
    "kombu": {"celery"},
    "redis": {"redis"},
    "sqlalchemy": {
        "_sql",
        "celery",
        "callbacks",
        "outbox",
        "service",
        "suppression",
        "tracking",
        "webhooks",
    },
    "standardwebhooks": {"callbacks"},
    "flask": {"flask.py", "service"},
    "jinja2": {"service"},
    "prometheus_client": {"service"},
    "waitress": {"cli"},
    "werkzeug": {"service"},
}

LAYERS = (
    "errors",
    "_message.message",
    "_provider.protocols",
    "_setup.registry",
    "_chain.chain",
    "_mailer.mailer",
    "cli.command_line",
)
"""Each of them is below the next: it loads without it."""


def imported(path: Path) -> set[str]:
    """
    The modules that a file imports, wherever in it.
    """
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def loaded_by(module: str) -> set[str]:
    """
    What a fresh interpreter has loaded after importing *module*.
    """
    code = f"import sys, {module}; print('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    return set(done.stdout.split())


def test_importing_the_package_loads_no_library() -> None:
    """
    Neither requests nor tenacity, nor anything of ours beyond the package itself.
    """
    loaded = loaded_by("mailfailover")

    assert loaded.isdisjoint({"requests", "tenacity", "urllib3", "importlib_metadata", "logging"})
    assert {name for name in loaded if name.startswith("mailfailover.")} == set()


@pytest.mark.parametrize("library", ONLY_IN)
def test_each_library_has_its_place(library: str) -> None:
    """
    Tenacity in one file, entry points in one file, the network in one directory.
    """
    users = {
        path.relative_to(ROOT).parts[0]
        for path in MODULES
        if any(name.split(".")[0] == library for name in imported(path))
    }

    assert users <= ONLY_IN[library] | {"testing"}


@pytest.mark.parametrize(("below", "above"), list(pairwise(LAYERS)))
def test_imports_go_one_way(below: str, above: str) -> None:
    """
    A layer loads without the one above it.
    """
    assert f"mailfailover.{above}" not in loaded_by(f"mailfailover.{below}")


@pytest.mark.parametrize("path", PROVIDERS, ids=lambda path: path.stem)
def test_a_provider_imports_what_a_third_party_does(path: Path) -> None:
    """
    ``mailfailover.plugin``, ``mailfailover.errors`` and the standard library.

    What reads its webhooks may stand in a module of its own.
    """
    own = f"mailfailover.providers._{path.stem}_events"
    foreign = {
        name
        for name in imported(path)
        if name.split(".")[0] not in sys.stdlib_module_names
        and not name.startswith(("mailfailover.plugin", "mailfailover.errors", "botocore", own))
        and name not in ("mailfailover", "__future__")
    }

    assert foreign <= {"mailfailover.errors"}


@pytest.mark.parametrize("module", PUBLIC, ids=lambda module: module.__name__)
def test_public_names_are_there_and_documented(module: object) -> None:
    """
    Each name of ``__all__`` can be imported, and each class and function says what it is.
    """
    names = module.__all__  # type: ignore[attr-defined]  # a module that has it

    assert len(names) == len(set(names))
    for name in names:
        value = getattr(module, name)
        assert not callable(value) or value.__doc__, name
    assert set(names) <= set(dir(module))


def test_the_package_says_what_it_lacks() -> None:
    """
    A name that is not there is an AttributeError, as of any module.
    """
    with pytest.raises(AttributeError, match="has no attribute 'Nothing'"):
        _ = importlib.import_module("mailfailover").Nothing
