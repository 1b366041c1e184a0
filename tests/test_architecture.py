"""
The shape of the package: layers, lazy imports, and who may import what.
"""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from functools import cache
from inspect import isclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import mailfailover
from tests.samples import each

if TYPE_CHECKING:
    from types import ModuleType

ROOT = Path(mailfailover.__file__).parent
MODULES = sorted(ROOT.rglob("*.py"))
PROVIDERS = sorted((ROOT / "providers").glob("[a-z_]*[a-z].py"))
pytestmark = pytest.mark.xdist_group("architecture")  # each worker would read all files anew

# The rooms that may import a library; all other rooms go through them.
ONLY_IN = {
    "tenacity": {"_chain"},
    "importlib_metadata": {"_setup"},
    "requests": {"transports"},
    "urllib3": {"transports"},
    "smtplib": {"transports"},
    "click": {"__main__.py", "cli"},
    "rich": {"__main__.py", "cli"},
    "botocore": {"providers"},
    "cryptography": {"_provider", "chaos", "outbox"},
    "celery": {"celery"},
    "kombu": {"celery"},
    "redis": {"redis"},
    "sqlalchemy": {
        "_sql",
        "celery",
        "callbacks",
        "deliveries",
        "django",
        "drill",
        "outbox",
        "relay",
        "service",
        "suppression",
        "tracking",
        "webhooks",
    },
    "standardwebhooks": {"callbacks"},
    "starlette": {"starlette.py"},
    "django": {"django"},
    "fastapi": {"fastapi.py"},
    "flask": {"flask.py", "service"},
    "jinja2": {"service"},
    "opentelemetry": {"otel.py"},
    "prometheus_client": {"prometheus.py", "service"},
    "waitress": {"cli"},
    "werkzeug": {"service"},
    "aiosmtpd": {"relay"},
    "imaplib": {"bounces"},
    "asyncio": {"aio.py", "relay", "transports"},
    "http.client": {"transports"},
    "http.server": {"outbox"},  # the health of a worker
    "select": {"transports"},
    "selectors": {"transports"},
    # The command and the service answer clients; the log and the outbox ask for the host's name.
    "socket": {"cli", "logging.py", "outbox", "service", "transports"},
    "ssl": {"bounces", "chaos", "relay", "transports"},
    "urllib.request": {"transports"},
}

FLOORS = (
    ("errors", "_values"),
    ("_message",),
    ("_provider",),
    ("_health", "_setup", "plugin", "transports"),
    ("_chain",),
    ("_mailer", "_sql", "receivers"),
    (
        "aio",
        "bounces",
        "logging",
        "otel",
        "prometheus",
        "providers",
        "redis",
        "testing",
        "unsubscribe",
    ),
    ("suppression", "tracking", "webhooks"),
    ("callbacks", "deliveries", "flask", "outbox", "starlette"),
    ("celery", "django", "drill", "fastapi"),
    ("chaos", "service"),
    ("pytest_plugin", "relay"),
    ("cli",),
    ("__main__",),
)
"""
The rooms of the package from the ground up: a room may import those below it, and no other.

On the ground, errors and values lean on each other; no two files do.
"""

UNPUBLISHED = {"cli", "providers"}  # the command, and what entry points name
FACES = [
    "mailfailover",
    *(
        f"mailfailover.{room}"
        for rooms in FLOORS
        for room in rooms
        if not room.startswith("_") and room not in UNPUBLISHED
    ),
]
PUBLIC = [importlib.import_module(face) for face in FACES]


@cache
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


def file_names() -> dict[str, Path]:
    """
    The name of each file of the package, without the package's own: ``_chain.send``.
    """
    names = {}
    for path in MODULES:
        parts = path.relative_to(ROOT).with_suffix("").parts
        names[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return names


FILES = file_names()
FLOOR = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}


def room_of(name: str) -> str:
    """
    The room that a file lies in: its folder, or itself in the root; "" for the package.
    """
    return name.partition(".")[0]


def goes_down(room: str, target: str) -> bool:
    """
    Whether a file of *room* may import one of *target*.
    """
    if room == target or "" in (room, target) or {room, target} == set(FLOORS[0]):
        return True
    return FLOOR[target] < FLOOR[room]


@cache
def arrows(name: str) -> frozenset[str]:
    """
    The files of the package that a file imports: each name's own file, where it is one.
    """
    found = set()
    for node in ast.walk(ast.parse(FILES[name].read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {
                own if own.removeprefix("mailfailover.") in FILES else node.module
                for own in (f"{node.module}.{alias.name}" for alias in node.names)
            }
    ours = {one.removeprefix("mailfailover.") for one in found if one.startswith("mailfailover.")}
    return frozenset(ours & FILES.keys())


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
        if any(f"{name}.".startswith(f"{library}.") for name in imported(path))
    }

    assert users <= ONLY_IN[library] | {"testing"}


def test_each_room_has_its_floor() -> None:
    """
    No file lies in the root that is not the face of something, and no room is forgotten.
    """
    assert set(FLOOR) == {room_of(name) for name in FILES} - {""}


def test_imports_go_down() -> None:
    """
    From a room to one on a floor below it; an import for type checkers only is an import.
    """
    upwards = sorted(
        f"{name} -> {target}"
        for name in FILES
        for target in arrows(name)
        if not goes_down(room_of(name), room_of(target))
    )

    assert upwards == []


def test_no_files_import_each_other() -> None:
    """
    Not in a circle of any length, within a room either.
    """
    left = {name: arrows(name) - {name} for name in FILES}
    while free := {name for name, targets in left.items() if not targets & left.keys()}:
        left = {name: targets for name, targets in left.items() if name not in free}

    assert sorted(left) == []


@each("path", PROVIDERS)
def test_a_provider_imports_what_a_third_party_does(path: Path) -> None:
    """
    ``mailfailover.plugin``, ``mailfailover.errors`` and the standard library.

    What reads its webhooks, and what checks its account, may stand in modules of their own.
    """
    own = tuple(f"mailfailover.providers._{path.stem}_{part}" for part in ("events", "account"))
    foreign = {
        name
        for name in imported(path)
        if name.split(".")[0] not in sys.stdlib_module_names
        and not name.startswith(("mailfailover.plugin", "mailfailover.errors", "botocore", *own))
        and name not in ("mailfailover", "mailfailover.providers", "__future__")
    }

    assert foreign <= {"mailfailover.errors"}


@each("module", PUBLIC)
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


@pytest.mark.parametrize("module", PUBLIC, ids=lambda module: module.__name__)
def test_what_a_face_defines_is_published(module: ModuleType) -> None:
    """
    A class or function without an underscore is in ``__all__``.
    """
    body = ast.parse(Path(module.__file__ or "").read_text()).body
    defined = {
        node.name
        for node in body
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
    }

    assert {name for name in defined if not name.startswith("_")} <= set(module.__all__)


@each("module", PUBLIC)
def test_a_class_says_where_users_import_it_from(module: ModuleType) -> None:
    """
    So that pickles, reprs and pages name no private room.
    """
    values = [getattr(module, name) for name in module.__all__]

    assert [one for one in values if isclass(one) and one.__module__ not in FACES] == []


def test_the_package_says_what_it_lacks() -> None:
    """
    A name that is not there is an AttributeError, as of any module.
    """
    with pytest.raises(AttributeError, match="has no attribute 'Nothing'"):
        _ = importlib.import_module("mailfailover").Nothing


@pytest.mark.parametrize("room", ["service"])
def test_no_file_of_a_room_needs_itself(room: str) -> None:
    """
    No circle of imports: each file can be understood after those that it imports.
    """
    names = [name for name in FILES if name.split(".")[0] == room]

    circles = [name for name in names if name in _reached(name, room)]

    assert circles == []


def _reached(name: str, room: str) -> set[str]:
    found: set[str] = set()
    waiting = [name]
    while waiting:
        for target in arrows(waiting.pop()):
            if target.split(".")[0] == room and target not in found:
                found.add(target)
                waiting.append(target)
    return found
