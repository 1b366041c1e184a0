"""
How a contract says that it is broken.
"""

from __future__ import annotations

import pytest

__all__ = ["claim"]


def claim(holds: object, problem: str) -> None:
    """
    Fail the running test with *problem*, which tells the author what to change.

    No ``assert``: a third party's pytest does not rewrite those of this package.
    """
    if not holds:
        pytest.fail(problem)
