"""
Modules imported at their first use: a fork waits for them.
"""

from __future__ import annotations

import subprocess
import sys
from textwrap import dedent
from typing import TYPE_CHECKING

from mailfailover._values import first_use

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

SLOW = "import time\ntime.sleep(0.5)\nready = True\n"


def run(program: str, folder: Path) -> None:
    """
    Run *program* with the module slow, which takes half a second to import.
    """
    (folder / "slow.py").write_text(SLOW)
    prefix = f"import os, sys, threading\nsys.path.insert(0, {str(folder)!r})\n"
    command = [sys.executable, "-W", "ignore", "-c", prefix + dedent(program)]
    subprocess.run(command, timeout=60, check=True)


def test_a_fork_waits_for_imports_of_other_threads(tmp_path: Path) -> None:
    """
    A child never finds a module whose lock nobody will release.
    """
    run(
        """
        from mailfailover._values.first_use import hold_forks

        hold_forks()
        threading.Thread(target=__import__, args=("slow",)).start()
        while "slow" not in sys.modules:
            pass
        child = os.fork()
        import slow
        if child == 0:
            os._exit(0 if slow.ready else 1)
        raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        """,
        tmp_path,
    )


def test_a_module_may_fork_while_it_is_imported(tmp_path: Path) -> None:
    """
    A fork does not wait for the import that it is part of.
    """
    (tmp_path / "forking.py").write_text(
        "import os\nchild = os.fork()\nif child == 0:\n    os._exit(0)\nos.waitpid(child, 0)\n"
    )
    run(
        """
        from mailfailover._values import first_use

        first_use._PATIENCE = 50.0
        first_use.hold_forks()
        with first_use.first_use:
            import forking
        """,
        tmp_path,
    )


def test_a_fork_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    An import that never ends keeps a fork for ten seconds.
    """
    monkeypatch.setattr(first_use, "_PATIENCE", 0.0)
    monkeypatch.setattr(first_use, "_is_importing", lambda: True)

    first_use._before_fork()
    first_use.first_use.release()
