from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from mailfailover.testing import CannedResponse, FaultServer
from tests.installing import ROOT, build_wheel, pip_install, run, write_distribution

if TYPE_CHECKING:
    from pathlib import Path

PLUGIN = ROOT / "tests" / "plugin"
GROUP = "[mailfailover.providers]\n"
OTHER = """
class Other:
    name = "other"
    def send(self, message):
        return "other-1"
"""

FIND = """
from mailfailover._setup.registry import find
from mailfailover.errors import ConfigurationError
try:
    print(find({name!r}).__module__)
except ConfigurationError as exc:
    print(exc)
"""
LIST = """
import dataclasses, json
from mailfailover._setup.registry import installed
print(json.dumps([dataclasses.asdict(one) for one in installed() if not one.builtin]))
"""
SEND = """
from mailfailover import Mailer
with Mailer({dsn!r}, from_email="a@example.com") as mailer:
    receipt = mailer.send(to="b@example.com", subject="Hello", text="Hi", tags=["greeting"])
print(receipt.provider, receipt.provider_message_id)
"""
ACME = {
    "scheme": "acme",
    "distribution": "mailfailover-acme",
    "version": "1.2.3",
    "value": "mailfailover_acme:Acme",
    "builtin": False,
    "broken": "",
}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """
    The sample plugin, built.
    """
    return build_wheel(PLUGIN, tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def acme(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """
    A directory with the sample plugin installed.
    """
    target = tmp_path_factory.mktemp("site")
    pip_install(wheel, target)
    return target


def listed(target: Path, **environ: str) -> list[dict[str, Any]]:
    """
    The third-party providers, as a process with *target* on its path sees them.
    """
    found: list[dict[str, Any]] = json.loads(run(LIST, target, **environ))
    return found


def find(name: str, target: Path, **environ: str) -> str:
    """
    The module of the provider called *name*, or the error's text.
    """
    return run(FIND.format(name=name), target, **environ).rstrip("\n")


def info(scheme: str, distribution: str, value: str, broken: str) -> dict[str, Any]:
    """
    What is listed of a distribution made by ``write_distribution``.
    """
    return ACME | {
        "scheme": scheme,
        "distribution": distribution,
        "version": "1.0",
        "value": value,
        "broken": broken,
    }


def test_installed_plugin_sends(acme: Path) -> None:
    """
    A mail goes out through a provider that somebody else wrote and pip installed.
    """
    with FaultServer(lambda _: CannedResponse(202, b'{"id": "acme-1"}')) as vendor:
        dsn = f"acme://secret-token@127.0.0.1:{vendor.port}"

        sent = run(SEND.format(dsn=dsn), acme)

    assert "acme acme-1\n" == sent
    assert [("POST", "/send")] == [(one.method, one.path) for one in vendor.requests]


def test_installed_plugin_is_listed(acme: Path) -> None:
    """
    What pip installed is known with its distribution and version.
    """
    assert [ACME] == listed(acme)


def test_installed_plugin_keeps_the_contract(acme: Path) -> None:
    """
    The plugin's own tests pass where it is installed.
    """
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(PLUGIN)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(acme)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert 0 == done.returncode, done.stdout
    assert " passed in " in done.stdout


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        pytest.param("import no_such_module", "ModuleNotFoundError", id="import"),
        pytest.param("1 / 0", "ZeroDivisionError", id="exception"),
        pytest.param("raise SystemExit(3)", "SystemExit: 3", id="exit"),
        pytest.param("Thing = 5", "int is registered, not a class", id="value"),
        pytest.param("class Thing: pass", "neither build_request", id="class"),
    ],
)
def test_broken_plugin_raises_when_named(tmp_path: Path, code: str, reason: str) -> None:
    """
    A plugin that cannot be used says why, and only where it is named.
    """
    entry_points = f"{GROUP}thing = thing_module:Thing\n"
    write_distribution(tmp_path, "thing", entry_points, {"thing_module": code})

    assert reason in find("thing", tmp_path)
    assert "mailfailover.providers.null" == find("null", tmp_path)


def test_broken_plugin_is_listed_with_the_reason(tmp_path: Path) -> None:
    """
    The list of providers tells what is wrong with a plugin.
    """
    entry_points = f"{GROUP}thing = thing_module:Thing\n"
    write_distribution(tmp_path, "thing", entry_points, {"thing_module": "raise OSError(5)"})

    expected = info("thing", "thing", "thing_module:Thing", "importing it raised OSError: 5")
    assert [expected] == listed(tmp_path)


@pytest.fixture
def duplicate(tmp_path: Path) -> Path:
    """
    Two packages that claim one scheme.
    """
    for name in ("one", "two"):
        entry_points = f"{GROUP}other = {name}_module:Other\n"
        write_distribution(tmp_path, f"other-{name}", entry_points, {f"{name}_module": OTHER})
    return tmp_path


def test_duplicate_scheme_raises_when_named(duplicate: Path) -> None:
    """
    Where two packages claim a scheme, neither wins.
    """
    text = find("other", duplicate)

    assert (
        "provider 'other' of other-one cannot be used: other-two has it too; write other-one:other"
    ) == text


def test_duplicate_scheme_can_be_qualified(duplicate: Path) -> None:
    """
    The distribution's name, in any spelling, chooses between two packages.
    """
    assert "two_module" == find("Other_Two:other", duplicate)


def test_duplicates_are_listed_as_broken(duplicate: Path) -> None:
    """
    The list names the rival of each, and how to write it.
    """
    one = "other-two has it too; write other-one:other"
    two = "other-one has it too; write other-two:other"

    assert [
        info("other", "other-one", "one_module:Other", one),
        info("other", "other-two", "two_module:Other", two),
    ] == listed(duplicate)


def test_allow_list_settles_a_duplicate(duplicate: Path) -> None:
    """
    A package that is not allowed is no rival.
    """
    assert "two_module" == find("other", duplicate, MAILFAILOVER_PLUGINS="other_two, else")


@pytest.fixture
def hijacker(tmp_path: Path) -> Path:
    """
    A package that claims a built-in's scheme.
    """
    entry_points = f"{GROUP}mailgun = hijacker_module:Other\n"
    write_distribution(tmp_path, "hijacker", entry_points, {"hijacker_module": OTHER})
    return tmp_path


def test_built_in_scheme_cannot_be_taken(hijacker: Path) -> None:
    """
    ``mailgun://`` stays ours, whatever else is installed.
    """
    assert "mailfailover.providers.mailgun" == find("mailgun", hijacker)


def test_built_in_scheme_can_be_replaced_on_purpose(hijacker: Path) -> None:
    """
    With its distribution's name, another provider of the same scheme is used.
    """
    assert "mailgun other-1\n" == run(SEND.format(dsn="mailgun=hijacker:mailgun://"), hijacker)


def test_hijacker_is_listed_as_broken(hijacker: Path) -> None:
    """
    The list tells how to write a provider whose scheme is taken.
    """
    reason = "mailfailover has it too; write hijacker:mailgun"

    expected = info("mailgun", "hijacker", "hijacker_module:Other", reason)
    assert [expected] == listed(hijacker)


@pytest.mark.parametrize(
    "entry_points",
    [
        pytest.param("no section = 1\n[x\n=\n", id="nonsense"),
        pytest.param(f"{GROUP}this line means nothing\n", id="our-group"),
    ],
)
def test_malformed_entry_points_harm_nobody(tmp_path: Path, entry_points: str) -> None:
    """
    A broken file of another package does not keep ours from working.
    """
    write_distribution(tmp_path, "foreign", entry_points)

    assert "mailfailover.providers.null" == find("null", tmp_path)


def test_malformed_registration_is_listed(tmp_path: Path) -> None:
    """
    A package that wanted to register something, and could not, is told of.
    """
    write_distribution(tmp_path, "foreign", f"{GROUP}this line means nothing\n")

    (found,) = listed(tmp_path)
    assert info("", "foreign", "", found["broken"]) == found
    assert found["broken"].startswith("its entry_points.txt cannot be read")


def test_allow_list_keeps_others_out(acme: Path) -> None:
    """
    With an allow-list, what it does not name is neither imported nor used.
    """
    reason = "MAILFAILOVER_PLUGINS does not name mailfailover-acme"

    assert [ACME | {"broken": reason}] == listed(acme, MAILFAILOVER_PLUGINS="else")
    assert reason in find("acme", acme, MAILFAILOVER_PLUGINS="else")


def test_allow_list_lets_built_ins_pass(acme: Path) -> None:
    """
    The allow-list is about plugins; built-ins always work.
    """
    assert "mailfailover.providers.null" == find("null", acme, MAILFAILOVER_PLUGINS="else")


def test_allow_list_lets_in_whom_it_names(acme: Path) -> None:
    """
    Names compare as pip compares them.
    """
    assert "mailfailover_acme" == find("acme", acme, MAILFAILOVER_PLUGINS="MailFailover_Acme")


def test_indexing_imports_no_plugin(acme: Path) -> None:
    """
    Looking a provider up imports that one only.
    """
    code = (
        "import sys; from mailfailover._setup.registry import find; find('null');"
        "print('mailfailover_acme' in sys.modules, 'mailfailover.providers.smtp' in sys.modules)"
    )

    assert "False False\n" == run(code, acme)
