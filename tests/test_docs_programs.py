"""
Runs the programs of the pages on frameworks by real servers, while a vendor dies.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mailfailover.testing import FaultServer
from tests.programs import ROOT, chain_of, free_port, post, programs, running

if TYPE_CHECKING:
    from pathlib import Path

# By page: what runs its last program; PORT is filled in.
SERVERS = {
    "flask": ("-m", "flask", "--app", "shop", "run", "--port", "PORT"),
    "fastapi": ("-m", "uvicorn", "shop:app", "--port", "PORT"),
    "starlette": ("-m", "uvicorn", "shop:app", "--port", "PORT"),
    "django": ("shop.py", "runserver", "--noreload", "127.0.0.1:PORT"),
}


@pytest.mark.parametrize("page", SERVERS)
def test_a_pages_program_fails_over(page: str, tmp_path: Path) -> None:
    """
    The program sends through the first vendor, and through the second while the first is down.
    """
    port = str(free_port())
    command = [part.replace("PORT", port) for part in SERVERS[page]]
    url = f"http://127.0.0.1:{port}/orders"
    with FaultServer("mailgun") as first, FaultServer("sendgrid") as second:
        chain = chain_of(first, second)
        with running(tmp_path, programs(page)[-1], *command, MAILFAILOVER_DSN=chain):
            healthy = post(url, email="ann@example.org")
            first.fail("refuse")
            failing = post(url, email="bob@example.org")

        assert ({"sent_by": "mailgun"}, {"sent_by": "sendgrid"}) == (healthy, failing)
        assert (1, 1) == (len(first.accepted), len(second.accepted))


def test_the_page_on_logging_mails_its_errors(tmp_path: Path) -> None:
    """
    While the first vendor is down, three errors arrive as one mail through the second.
    """
    with FaultServer("mailgun") as first, FaultServer("sendgrid") as second:
        first.fail("unavailable")
        environ = {"MAILFAILOVER_DSN": chain_of(first, second), "MAILFAILOVER_ON_UNKNOWN": "raise"}
        with running(tmp_path, programs("logging")[-1], "shop.py", **environ) as process:
            status = process.wait(timeout=60)

        assert (0, 1) == (status, len(second.accepted))
        assert b"3 times, from" in second.accepted[0].body


@pytest.mark.parametrize("page", ["chaos", "testing"])
def test_the_tests_of_a_page_pass(tmp_path: Path, page: str) -> None:
    """
    By the fixtures of the installed plugin.
    """
    command = ("-m", "pytest", "test_shop.py")
    code = programs(page)[-1]
    with running(tmp_path, code, *command, name="test_shop.py") as process:
        status = process.wait(timeout=60)

    assert 0 == status, (tmp_path / "log.txt").read_text("utf-8")


# Pages whose program another test runs, here or in its own module.
ELSEWHERE = {"chaos", "logging", "monitoring", "task-queues", "testing"}


def test_every_program_is_run() -> None:
    """
    No page has a program that no test runs.
    """
    pages = {path.stem for path in (ROOT / "docs").glob("*.md") if programs(path.stem)}

    assert {*SERVERS, *ELSEWHERE} == pages
