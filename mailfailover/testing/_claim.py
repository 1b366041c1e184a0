"""
How a contract says that it is broken.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

import pytest

from mailfailover.errors import MailFailoverError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = ["calling", "claim", "each"]

T = TypeVar("T")


def claim(holds: object, problem: str) -> None:
    """
    Fail the running test with *problem*, which tells the author what to change.

    No ``assert``: a third party's pytest does not rewrite those of this package.
    """
    if not holds:
        pytest.fail(problem)


@contextmanager
def calling(what: str) -> Iterator[None]:
    """
    Fail the running test when the provider's code raises anything but a ``MailFailoverError``.

    Args:
        what: The method that is called, and its argument, for the failure's text.
    """
    try:
        yield
    except MailFailoverError:
        raise
    except Exception as exc:  # noqa: BLE001 -- whatever it is, the provider raised it
        pytest.fail(f"{what} raises {type(exc).__name__}: {exc}")


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
