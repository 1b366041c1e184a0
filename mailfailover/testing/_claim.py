"""
How a contract says that it is broken.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["claim", "each"]

T = TypeVar("T")


def claim(holds: object, problem: str) -> None:
    """
    Fail the running test with *problem*, which tells the author what to change.

    No ``assert``: a third party's pytest does not rewrite those of this package.
    """
    if not holds:
        pytest.fail(problem)


def each(cases: Mapping[str, T], check: Callable[[T], object]) -> None:
    """
    Make one claim about many *cases*; the failure names every case that breaks it.

    A loop and not ``parametrize``: a test for each of 50 samples costs more than its claim.
    """
    problems = []
    for name, case in cases.items():
        try:
            check(case)
        except pytest.fail.Exception as failure:
            problems.append(f"{name}: {failure}")
        except Exception as exc:
            exc.add_note(f"The case is {name!r}.")
            raise
    claim(not problems, "\n".join(problems))
