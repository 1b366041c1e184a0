from __future__ import annotations

import re
import tomllib
from importlib.metadata import distribution
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import slow_tests

ROOT = Path(__file__).parents[1]
PYPROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
PROJECT: dict[str, Any] = PYPROJECT["project"]

SKIPPING = """
    import pytest

    @pytest.mark.services
    def test_with_server():
        pytest.skip("no server")

    def test_without_server():
        pytest.skip("another day")

    @pytest.mark.services
    @pytest.mark.xfail(reason="known", strict=True)
    def test_expected():
        assert False
"""


def copy_conftest(pytester: pytest.Pytester) -> None:
    """
    Give the tests of *pytester* our own hooks.
    """
    for name in ("conftest.py", "slow.txt"):
        (pytester.path / name).write_text((ROOT / "tests" / name).read_text("utf-8"), "utf-8")


def test_installed_version_is_the_projects() -> None:
    """
    What is installed is what stands here; ``make setup`` renews it.
    """
    assert PROJECT["version"] == distribution("mailfailover").version


def test_changelog_opens_with_unreleased() -> None:
    """
    Changes have a place to go, and released versions follow, the newest first.
    """
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")

    unreleased, *released = re.findall(r"^## \[(.+?)\]", changelog, re.MULTILINE)

    assert "Unreleased" == unreleased
    assert sorted(released, key=lambda v: [*map(int, v.split("."))], reverse=True) == released


def test_all_has_every_extra() -> None:
    """
    ``mailfailover[all]`` leaves nothing out.
    """
    extras: dict[str, list[str]] = PROJECT["optional-dependencies"]

    assert [f"mailfailover[{name}]" for name in sorted(extras) if name != "all"] == extras["all"]


def test_groups_install_what_the_extras_need() -> None:
    """
    The tests see every extra, although a group cannot name the project itself.
    """
    extras: dict[str, list[str]] = PROJECT["optional-dependencies"]
    needed = {need for needs in extras.values() for need in needs if "mailfailover[" not in need}

    assert needed <= set(PYPROJECT["dependency-groups"]["test"])


def test_slow_tests_exist() -> None:
    """
    A test that was renamed or removed does not stay among the slow ones.
    """
    missing = []
    for line in slow_tests():
        path, _, test = line.partition("::")
        file = ROOT / path
        if not file.exists() or (test and test.split("::")[-1] not in file.read_text("utf-8")):
            missing.append(line)

    assert [] == missing


def test_providers_are_installed_as_declared() -> None:
    """
    The installed entry points are those of ``pyproject.toml``.
    """
    installed = distribution("mailfailover").entry_points.select(group="mailfailover.providers")

    declared = PROJECT["entry-points"]["mailfailover.providers"]
    assert declared == {entry.name: entry.value for entry in installed}


def test_package_is_marked_as_typed() -> None:
    """
    Type checkers read our annotations.
    """
    spec = find_spec("mailfailover")

    assert spec is not None
    assert (Path(next(iter(spec.submodule_search_locations or ()))) / "py.typed").is_file()


@pytest.mark.parametrize(
    ("required", "outcomes"),
    [
        ("", {"skipped": 2, "xfailed": 1}),
        ("1", {"failed": 1, "skipped": 1, "xfailed": 1}),
    ],
)
def test_required_services_are_not_skipped(
    pytester: pytest.Pytester,
    monkeypatch: pytest.MonkeyPatch,
    required: str,
    outcomes: dict[str, int],
) -> None:
    """
    MAILFAILOVER_REQUIRE_SERVICES=1 turns skips of ``services`` tests, and only those, to failures.
    """
    monkeypatch.setenv("MAILFAILOVER_REQUIRE_SERVICES", required)
    pytester.makeini("[pytest]\nmarkers = services")
    copy_conftest(pytester)
    pytester.makepyfile(SKIPPING)

    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")

    result.assert_outcomes(**outcomes)


def test_required_services_modules_are_not_skipped(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The same for a module that skips itself as a whole.
    """
    monkeypatch.setenv("MAILFAILOVER_REQUIRE_SERVICES", "1")
    copy_conftest(pytester)
    module = pytester.mkpydir("services") / "test_broker.py"
    module.write_text("import pytest\npytest.importorskip('no_such_client')\n", "utf-8")

    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")

    result.assert_outcomes(errors=1)
