"""
One test that runs over many samples.
"""

from __future__ import annotations

import pytest

from tests.samples import each


@pytest.mark.parametrize(
    ("samples", "ids", "name"),
    [
        ([2, 3, 4], [], "(3,)"),
        ([2, 3, 4], ["even", "odd", "even"], "odd"),
        ([2, pytest.param(3, id="three"), 4], [], "three"),
    ],
    ids=["by its value", "by its id", "by its param"],
)
def test_the_sample_that_fails_is_named(samples: list[object], ids: list[str], name: str) -> None:
    """
    The first sample that fails ends the test, and a note names the sample.
    """
    seen = []

    @each("number", samples, ids=ids)
    def test(number: int) -> None:
        seen.append(number)
        assert not number % 2

    with pytest.raises(AssertionError) as caught:
        test()

    assert ([2, 3], [f"Sample: {name}"]) == (seen, caught.value.__notes__)


def test_no_sample_is_skipped_unseen() -> None:
    """
    The first sample may skip them all, as where a package is missing; a later one may not.
    """

    @each("number", [1, 2])
    def test(number: int, skipped: int) -> None:
        if number == skipped:
            pytest.skip("missing")

    with pytest.raises(pytest.skip.Exception):
        test(skipped=1)
    with pytest.raises(RuntimeError, match="parametrize"):
        test(skipped=2)
