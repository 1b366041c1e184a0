from __future__ import annotations

import pytest

from mailfailover.drill.loop import Fiber, Loop


def test_time_goes_on_in_order() -> None:
    """
    What is due first comes first, whenever it was asked for.
    """
    loop, seen = Loop(), list[float]()
    for when in (3.0, 1.0, 2.0):
        loop.at(when, lambda: seen.append(loop.now))
    loop.run()

    assert [1.0, 2.0, 3.0] == seen


def test_a_timer_ends_with_the_work() -> None:
    """
    Or when its time is over.
    """
    loop, seen = Loop(), list[float]()
    loop.every(1.0, lambda: seen.append(loop.now))
    loop.every(1.0, lambda: seen.append(-loop.now), until=2.0)
    loop.at(3.5, lambda: None)
    loop.run()

    assert [1.0, -1.0, 2.0, -2.0, 3.0] == seen


def test_fibers_wait_in_virtual_time() -> None:
    """
    Two of them take turns, and only one runs at a time.
    """
    loop, seen = Loop(), list[tuple[str, float]]()

    def work(name: str, seconds: float) -> None:
        for _ in range(2):
            fiber = Fiber.current
            assert fiber is not None
            fiber.wait(seconds)
            seen.append((name, loop.now))

    for name, seconds in (("slow", 2.0), ("quick", 1.5)):
        loop.at(0.0, Fiber(loop, lambda name=name, s=seconds: work(name, s)).resume)  # type: ignore[misc]
    loop.run()

    assert [("quick", 1.5), ("slow", 2.0), ("quick", 3.0), ("slow", 4.0)] == seen
    assert Fiber.current is None


def test_what_ends_a_fiber_ends_the_loop() -> None:
    """
    No error stays in a thread that nobody looks at.
    """
    loop = Loop()

    def fail() -> None:
        raise ValueError("broken")

    loop.at(1.0, Fiber(loop, fail).resume)

    with pytest.raises(ValueError, match="broken"):
        loop.run()
