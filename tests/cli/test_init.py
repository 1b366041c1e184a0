from __future__ import annotations

import json
import stat
from pathlib import Path

from mailfailover._setup.sources import CONFIG_TEMPLATE
from tests.cli.running import MAIL, run


def test_init_writes_for_the_owner_only() -> None:
    """
    The template is written to mailfailover.toml, and only its owner can read it.
    """
    done = run("init")

    path = Path("mailfailover.toml")
    assert 0 == done.exit_code
    assert CONFIG_TEMPLATE == path.read_text("utf-8")
    assert 0o600 == stat.S_IMODE(path.stat().st_mode)


def test_init_never_overwrites(tmp_path: Path) -> None:
    """
    A file that exists stays as it is.
    """
    path = tmp_path / "own.toml"
    path.write_text("mine")

    done = run("init", str(path))

    text = f"mailfailover: {path} exists already: name another file, or replace it with --force\n"
    assert (2, text, "mine") == (done.exit_code, done.stderr, path.read_text())


def test_init_replaces_when_told(tmp_path: Path) -> None:
    """
    ``--force`` replaces the file, also what is a link elsewhere, and its rights.
    """
    other = tmp_path / "other"
    other.write_text("mine")
    path = tmp_path / "own.toml"
    path.symlink_to(other)

    done = run("init", str(path), "--force", "--json")

    assert {"path": str(path)} == json.loads(done.stdout)
    assert ("mine", CONFIG_TEMPLATE) == (other.read_text(), path.read_text())


def test_init_says_why_it_cannot() -> None:
    """
    A directory that is not there is an error of one line.
    """
    done = run("init", "none/own.toml")

    text = "mailfailover: none/own.toml cannot be written: No such file or directory\n"
    assert (2, text) == (done.exit_code, done.stderr)


def test_template_works_as_it_is() -> None:
    """
    What ``init`` writes sends mail to the console at once.
    """
    run("init")

    done = run("send", "--config", "mailfailover.toml", *MAIL)

    assert (0, True) == (done.exit_code, done.stdout.startswith("console accepted mail "))
