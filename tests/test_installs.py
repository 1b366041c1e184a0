"""
What each page tells its reader to install is enough for what the page runs.
"""

from __future__ import annotations

import json
import re
import tomllib
from typing import TYPE_CHECKING

from mailfailover.cli.command_line import cli
from tests.samples import each
from tests.test_docs_examples import PAGES, ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

CLI = frozenset({"click", "rich"})
SERVER = CLI | {"flask", "sqlalchemy", "waitress"}
COMMANDS: Mapping[str, frozenset[str]] = {
    "chaos": CLI | {"cryptography", "trustme"},
    "events": CLI | {"sqlalchemy"},
    "keys": SERVER,
    "outbox": CLI | {"sqlalchemy"},
    "preview": SERVER,
    "relay": CLI | {"sqlalchemy"},
    "serve": SERVER | {"cryptography", "prometheus-client", "standardwebhooks"},
    "status": CLI | {"sqlalchemy"},
    "suppressions": CLI | {"sqlalchemy"},
    "tracking": CLI | {"sqlalchemy"},
    "webhooks": CLI | {"cryptography", "sqlalchemy", "standardwebhooks"},
    "worker": CLI | {"sqlalchemy"},
}
"""The packages that a command needs, those of the others being CLI."""

MODULES: Mapping[str, frozenset[str]] = {
    "callbacks": frozenset({"sqlalchemy", "standardwebhooks"}),
    "celery": frozenset({"celery", "sqlalchemy"}),
    "chaos": frozenset({"cryptography", "trustme"}),
    "flask": frozenset({"flask"}),
    "outbox": frozenset({"sqlalchemy"}),
    "redis": frozenset({"redis"}),
    "service": SERVER - CLI,
    "suppression": frozenset({"sqlalchemy"}),
    "tracking": frozenset({"sqlalchemy"}),
    "webhooks.sql": frozenset({"sqlalchemy"}),
}
"""The packages that a module needs beyond those of the library."""

INSTALL = re.compile(r'pip install (?:--no-cache-dir )?"?mailfailover(?:\[([a-z0-9,-]+)\])?')
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]


def packages(extra: str) -> set[str]:
    """
    The packages that an extra brings.
    """
    names = {re.split(r"[\[<>=~; ]", one)[0] for one in EXTRAS[extra]}
    return names - {"mailfailover"}


def needed(text: str) -> set[str]:
    """
    The packages that the commands and imports of a page need.
    """
    found: set[str] = set()
    for command in re.findall(r"^\$ .*?\bmailfailover ([a-z]+)", text, re.MULTILINE):
        found |= COMMANDS.get(command, CLI)
    for module in re.findall(r"^(?:from|import) mailfailover\.([a-z.]+)", text, re.MULTILINE):
        for name, wanted in MODULES.items():
            if module == name or module.startswith(f"{name}."):
                found |= wanted
    return found - {"mailfailover"}


@each("page", PAGES)
def test_page_says_what_to_install(page: Path) -> None:
    """
    Whoever follows a page from its top lacks nothing at its end.
    """
    text = page.read_text("utf-8")
    told = {extra for found in INSTALL.findall(text) for extra in found.split(",") if extra}

    assert needed(text) <= set().union(*map(packages, told))


def test_image_has_what_its_processes_need() -> None:
    """
    The Dockerfile runs the service, its workers and its sweeper.
    """
    (found,) = INSTALL.findall((ROOT / "docs" / "deployment" / "Dockerfile").read_text())

    told = set().union(*map(packages, found.split(",")))
    assert {"celery", "gunicorn", "redis"} | COMMANDS["serve"] <= told


def test_image_of_chaos_has_what_it_needs() -> None:
    """
    Its Dockerfile runs a command line that there is, and the compose file builds it.
    """
    folder = ROOT / "docs" / "deployment"
    image = (folder / "chaos.Dockerfile").read_text()
    (found,) = INSTALL.findall(image)
    (command,) = re.findall(r"^ENTRYPOINT (\[.*\])$", image, re.MULTILINE)

    assert COMMANDS["chaos"] <= packages(found)
    program, name, *arguments = json.loads(command)
    assert (program, cli.commands[name].name) == ("mailfailover", "chaos")
    assert cli.commands[name].make_context(name, arguments).params["anywhere"]
    assert "dockerfile: chaos.Dockerfile" in (folder / "chaos.compose.yml").read_text()
