"""
One test that runs over many samples.
"""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    Test = Callable[..., None]


def each(
    names: str | Sequence[str], samples: Iterable[Any], *, ids: Iterable[object] = ()
) -> Callable[[Test], Test]:
    """
    Run a test with each of *samples*: ``pytest.mark.parametrize`` as a single item.

    pytest and xdist spend about 5 ms on an item, more than most tests need. The first sample that
    fails ends the test and is named below the traceback. Samples share the test's fixtures: a test
    that changes a fixture, or skips some of its samples, needs ``parametrize``.
    """
    fields = [name.strip() for name in names.split(",")] if isinstance(names, str) else names
    rows = [_row(sample, len(fields)) for sample in samples]
    labels = dict(enumerate(ids))

    def decorate(test: Test) -> Test:
        @functools.wraps(test)
        def run(*args: Any, **fixtures: Any) -> None:
            __tracebackhide__ = True
            for number, row in enumerate(rows):
                try:
                    test(*args, **fixtures, **dict(zip(fields, row.values, strict=True)))
                except pytest.skip.Exception:
                    if number:
                        raise RuntimeError("parametrize tests that skip some samples") from None
                    raise
                except BaseException as error:
                    error.add_note(f"Sample: {row.id or labels.get(number, row.values)}")
                    raise

        signature = inspect.signature(test)
        fixtures = [it for name, it in signature.parameters.items() if name not in fields]
        run.__signature__ = signature.replace(parameters=fixtures)  # type: ignore[attr-defined] # for pytest
        return run

    return decorate


def _row(sample: Any, width: int) -> pytest.ParameterSet:
    if isinstance(sample, pytest.ParameterSet):
        return sample
    return pytest.param(*(sample if width > 1 else [sample]))
