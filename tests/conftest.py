"""
What every test gets.

``tests`` is a package: each directory with tests has an ``__init__.py`` (not ``plugin/``, which
is a distribution of its own, and not ``data/``), and pytest puts the directory above it on
``sys.path`` (``pythonpath`` in ``pyproject.toml``). So pytest and mypy know each module by the
same name. Fixtures live in the ``conftest.py`` nearest to their users; what a test imports by
name lives in a module named after what it holds: ``from tests.providers.samples import ...``.

**Which tests are slow**: those in ``slow.txt`` and those marked ``services``. One rule puts a test
into that file: it takes 0.3 s or longer on an idle machine, or needs something beyond the group
``test`` and this process. ``make test`` runs the others, and ``make test-all`` all of them. The
modules that the file names are not even imported by ``-m "not slow"``.

A test that needs a server is marked ``services`` and skips, with a reason, where there is none.
With ``MAILFAILOVER_REQUIRE_SERVICES=1`` each such skip is a failure: nothing goes untested
unnoticed where everything is supposed to be there.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

# Claims that registrations inherit show their values when they fail, as those of a test do.
pytest.register_assert_rewrite("tests.providers.round_trip")

# A busy machine is no failure, and a run in CI says the same twice.
hypothesis.settings.register_profile("default", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
hypothesis.settings.register_profile(
    "quick", hypothesis.settings.get_profile("ci"), max_examples=20
)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "default")

# A run in the background ignores Ctrl-C, and would hand that on to the processes of the tests.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

HERE = Path(__file__).parent


def slow_tests() -> frozenset[str]:
    """
    The folders, modules and tests of ``slow.txt``.
    """
    lines = (HERE / "slow.txt").read_text("utf-8").splitlines()
    return frozenset(line for line in lines if line and not line.startswith("#"))


SLOW = slow_tests()


def is_slow(node_id: str) -> bool:
    """
    Whether ``slow.txt`` names the test, its module or a folder above it.
    """
    path, _, _ = node_id.partition("::")
    places = (path, *map(str, Path(path).parents), node_id.partition("[")[0])
    return not SLOW.isdisjoint(places)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """
    Keeps ``-m "not slow"`` from importing modules that are slow as a whole.
    """
    if "not slow" not in config.getoption("markexpr"):
        return None
    return True if collection_path in {config.rootpath / place for place in SLOW} else None


def pytest_collection_modifyitems(items: Iterable[pytest.Item]) -> None:
    """
    Marks the slow tests.
    """
    for item in items:
        if is_slow(item.nodeid) or item.get_closest_marker("services"):
            item.add_marker(pytest.mark.slow)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """
    Turns the skip of a ``services`` test into a failure where services are required.
    """
    report = yield

    if report.skipped and item.get_closest_marker("services"):
        _forbid_skip(report)

    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """
    The same for a module under ``tests/services`` that skips as a whole (``importorskip``).
    """
    report = yield

    if report.skipped and "services" in collector.path.parts:
        _forbid_skip(report)

    return report


def _forbid_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    expected = hasattr(report, "wasxfail")  # an xfail is reported as a skip too
    if os.environ.get("MAILFAILOVER_REQUIRE_SERVICES") != "1" or expected:
        return

    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
    report.outcome = "failed"
    report.longrepr = f"MAILFAILOVER_REQUIRE_SERVICES=1 forbids this skip. {reason}"
