"""
The variables of the environment: which there are, and which are misspelt.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import mailfailover
from mailfailover import ConfigurationError, Mailer
from mailfailover._setup.variables import VARIABLES, misspelt

SOURCES = sorted(
    path for path in Path(mailfailover.__file__).parent.rglob("*.py") if path.name != "flask.py"
)  # which names the keys of Flask's configuration


def test_every_variable_of_the_package_is_known() -> None:
    """
    Else one that works would be called misspelt.
    """
    used = {
        name
        for path in SOURCES
        for name in re.findall(r"\bMAILFAILOVER_[A-Z_]*[A-Z]\b", path.read_text())
    }

    assert used <= VARIABLES.keys()


def test_a_misspelt_variable_is_told_the_right_one() -> None:
    """
    What is like no other is named all the same; what is not ours is not our business.
    """
    environ = {"MAILFAILOVER_DNS", "MAILFAILOVER_XYZZY_PLUGH", "MAILFAILOVER_DSN", "HOME"}

    expected = {"MAILFAILOVER_DNS": "MAILFAILOVER_DSN", "MAILFAILOVER_XYZZY_PLUGH": ""}
    assert expected == misspelt(environ)


def test_a_missing_setting_names_what_was_set_instead() -> None:
    """
    The usual reason why nothing is configured.
    """
    text = r"MAILFAILOVER_DNS is set, and means nothing: did you mean MAILFAILOVER_DSN\?"

    with pytest.raises(ConfigurationError, match=text):
        Mailer.from_env({"MAILFAILOVER_DNS": "null://"})
