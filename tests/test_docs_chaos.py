"""
Runs the calls and programs of docs/chaos.md against the vendors that the page speaks of.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mailfailover.chaos import Chaos

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = (Path(__file__).parents[1] / "docs" / "chaos.md").read_text("utf-8")
BLOCK = re.compile(r"(?ms)^```(sh|js|php)\n(.*?)^```$")
BLOCKS = [(kind, code) for kind, code in BLOCK.findall(PAGE) if "pip install" not in code]
CALLS = [code for kind, code in BLOCKS if kind == "sh"]
PROGRAMS = {kind: code for kind, code in BLOCKS if kind != "sh"}
INTERPRETERS = {"js": ("node", "shop.mjs"), "php": ("php", "shop.php")}


@pytest.fixture
def chaos() -> Iterator[Chaos]:
    """
    The vendors of the page.
    """
    with Chaos() as one:
        yield one


def here(code: str, chaos: Chaos) -> str:
    """
    *code* with the port that there is.
    """
    return code.replace("http://127.0.0.1:9000", chaos.url)


def program(kind: str, chaos: Chaos, directory: Path) -> str:
    """
    What the page's program writes.
    """
    command, name = INTERPRETERS[kind]
    if shutil.which(command) is None:
        pytest.skip(f"the program needs {command}")
    (directory / name).write_text(here(PROGRAMS[kind], chaos), "utf-8")
    return subprocess.run(
        [command, directory / name], capture_output=True, text=True, timeout=60, check=True
    ).stdout


@pytest.mark.parametrize(("kind", "vendor"), [("js", "mailgun"), ("php", "brevo")])
def test_a_program_of_the_page_sends(chaos: Chaos, tmp_path: Path, kind: str, vendor: str) -> None:
    """
    A mail that the vendor accepts, in another language.
    """
    program(kind, chaos, tmp_path)

    (mail,) = chaos.mails(vendor)
    assert (mail.subject, mail.recipients) == ("Your order", ("ann@example.com",))


def test_a_program_of_the_page_suffers(chaos: Chaos, tmp_path: Path) -> None:
    """
    It sees the vendor's own error.
    """
    chaos.fail("mailgun", "auth")

    assert program("js", chaos, tmp_path).startswith("401 ")
    assert chaos.mails() == ()


@pytest.mark.skipif(shutil.which("curl") is None, reason="the calls of the page need curl")
def test_the_calls_of_the_page_are_answered(chaos: Chaos, tmp_path: Path) -> None:
    """
    Each with a success, where two mails were accepted.
    """
    chaos.webhook("brevo", "http://127.0.0.1:1/")
    program("php", chaos, tmp_path)
    program("php", chaos, tmp_path)
    calls = sorted(CALLS, key=lambda code: "DELETE" in code)

    for code in calls:
        script = here(code, chaos).replace("curl ", "curl --fail-with-body --silent ")
        done = subprocess.run(
            ["bash", "-euc", script], capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, (code, done.stdout)

    assert chaos.mails() == ()
