from __future__ import annotations

import pytest

from tests.benchmarks.section import SectionFailed, measure


def test_section_that_fails_says_so() -> None:
    """
    A section whose process ends with an error is told from one that has few rows.
    """
    with pytest.raises(SectionFailed, match="ended with code 1"):
        list(measure("unheard_of"))


def test_section_that_hangs_is_ended() -> None:
    """
    A section gets only so much time.
    """
    with pytest.raises(SectionFailed, match=r"took more than 0\.01 s"):
        list(measure("sending", limit=0.01))
