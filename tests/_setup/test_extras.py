"""
What a missing extra says.
"""

from __future__ import annotations

import subprocess
import sys

import pytest

BLOCKED = ("sqlalchemy", "redis", "celery", "kombu", "flask", "standardwebhooks")

FACES = {
    "import mailfailover.outbox": "outbox",
    "import mailfailover.tracking": "tracking",
    "import mailfailover.suppression": "tracking",
    "import mailfailover.callbacks": "webhooks",
    "import mailfailover.webhooks.sql": "webhooks",
    "import mailfailover.celery": "celery",
    "import mailfailover.redis": "redis",
    "import mailfailover.flask": "flask",
    "from mailfailover.service import wsgi; wsgi()": "service",
}


@pytest.mark.parametrize("code", FACES)
def test_a_missing_extra_names_what_installs_it(code: str) -> None:
    """
    Whatever part of it is missing, and whichever module was asked for.
    """
    blocking = f"import sys; sys.modules.update(dict.fromkeys({BLOCKED!r}))"

    done = subprocess.run(
        [sys.executable, "-c", f"{blocking}; {code}"], capture_output=True, check=False, text=True
    )

    last = done.stderr.splitlines()[-1]
    assert last.startswith("ModuleNotFoundError: mailfailover.")
    assert last.endswith(f'pip install "mailfailover[{FACES[code]}]"')
