from __future__ import annotations

import pytest

from mailfailover import ConfigurationError
from mailfailover._setup.variables import misspelt
from mailfailover.service.worker_rules import worker_rules
from tests.samples import each


def test_rules_are_those_of_the_command() -> None:
    """
    The variables of ``mailfailover worker`` hold for the worker beside the service, too.
    """
    environ = {
        "MAILFAILOVER_WORKER_LEASE": "30",
        "MAILFAILOVER_WORKER_MAX_TRIES": "5",
        "MAILFAILOVER_WORKER_NAME": "web-1",
        "MAILFAILOVER_WORKER_UNKNOWN_AFTER": " 1.5 ",
        "MAILFAILOVER_WORKER_PAUSE": "",
    }

    assert {"lease": 30.0, "max_tries": 5, "name": "web-1", "unknown_after": 1.5} == worker_rules(
        environ
    )
    assert {} == misspelt(environ)


@each(
    ("name", "value"),
    [("LEASE", "0"), ("LEASE", "nan"), ("PAUSE", "soon"), ("MAX_LOST", "0"), ("MAX_TRIES", "-1")],
)
def test_a_wrong_value_names_its_variable(name: str, value: str) -> None:
    """
    Nothing starts with a rule that nobody set.
    """
    with pytest.raises(ConfigurationError, match=f"MAILFAILOVER_WORKER_{name} must be"):
        worker_rules({f"MAILFAILOVER_WORKER_{name}": value})
