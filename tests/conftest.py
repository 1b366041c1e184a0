"""
What every test gets.

``tests`` is a package: each directory with tests has an ``__init__.py`` (not ``plugin/``, which
is a distribution of its own, and not ``data/``), and pytest puts the directory above it on
``sys.path`` (``pythonpath`` in ``pyproject.toml``). So pytest and mypy know each module by the
same name. Fixtures live in the ``conftest.py`` nearest to their users; what a test imports by
name lives in a module named after what it holds: ``from tests.providers.samples import ...``.

A test that needs a server is marked ``services`` and skips, with a reason, where there is none.
With ``MAILFAILOVER_REQUIRE_SERVICES=1`` each such skip is a failure: nothing goes untested
unnoticed where everything is supposed to be there.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import hypothesis
import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

# Claims that registrations inherit show their values when they fail, as those of a test do.
pytest.register_assert_rewrite("tests.providers.round_trip")

# A busy machine is no failure, and a run in CI says the same twice.
hypothesis.settings.register_profile("default", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "default")


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
