from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from mailfailover._chain.driver import Pause
from mailfailover._chain.retry import Again, full_jitter, later_turns
from mailfailover.testing import FakeClock
from tests.samples import each

if TYPE_CHECKING:
    from collections.abc import Generator

CALL = "a call"


class Turns:
    """
    Turns that say what they are told to, until a deadline of 30 seconds.
    """

    def __init__(self, *results: Again | str, each: float = 0.0) -> None:
        self.clock = FakeClock(0.0)
        self.results = list(results)
        self.each = each
        self.steps: list[object] = []
        self.closed = False

    def turn(self) -> Generator[Any, Any, Again | str]:
        try:
            answer = yield CALL
        except GeneratorExit:
            self.closed = True
            raise
        self.clock.advance(self.each)
        assert answer == "answer"
        return self.results.pop(0)

    def time_left(self) -> float:
        return 30.0 - self.clock()

    def start(self, first: float = 0.0) -> Generator[Any, Any, str]:
        return later_turns(self.turn, Again(first), self.time_left, lambda: "gave up")

    def run(self, first: float = 0.0) -> str:
        steps = self.start(first)
        try:
            step = next(steps)
            while True:
                self.steps.append(step)
                if isinstance(step, Pause):
                    self.clock.advance(step.seconds)
                step = steps.send(None if isinstance(step, Pause) else "answer")
        except StopIteration as done:
            result: str = done.value
            return result


def test_the_first_turn_was_taken_outside() -> None:
    """
    Its wait comes first, then the next turn, whose calls whoever drives it does.
    """
    turns = Turns("done")

    assert turns.run(first=2.0) == "done"
    assert turns.steps == [Pause(2.0), CALL]


def test_no_wait_is_no_pause() -> None:
    """
    The next provider is asked at once.
    """
    turns = Turns(Again(0.0), Again(0.0), "done")

    assert turns.run() == "done"
    assert turns.steps == [CALL, CALL, CALL]


def test_each_turn_says_how_long_to_wait() -> None:
    """
    The pauses are those of the turns, in their order.
    """
    turns = Turns(Again(1.0), Again(0.0), Again(4.0), "done")

    assert turns.run() == "done"
    assert turns.steps == [CALL, Pause(1.0), CALL, CALL, Pause(4.0), CALL]


@each("first", [29.95, 30.0, 31.0, float("inf")])
def test_a_first_wait_beyond_the_deadline_gives_up_at_once(first: float) -> None:
    """
    Nothing is slept that cannot help; a moment is kept for the turn after it.
    """
    turns = Turns()

    assert turns.run(first) == "gave up"
    assert turns.steps == []


def test_a_later_wait_beyond_the_deadline_gives_up_at_once() -> None:
    """
    Five seconds fit after one turn of ten seconds, but not after the third.
    """
    turns = Turns(Again(5.0), Again(5.0), Again(5.0), each=10.0)

    assert turns.run() == "gave up"
    assert turns.steps == [CALL, Pause(5.0), CALL]
    assert turns.clock() == 25.0


def test_turns_without_a_wait_end_with_the_deadline() -> None:
    """
    However many there are to be.
    """
    turns = Turns(*[Again(0.0)] * 100, each=7.0)

    assert turns.run() == "gave up"
    assert turns.steps == [CALL] * 5


def test_what_a_call_raises_comes_out() -> None:
    """
    The turn did not want it, so it ends all turns.
    """
    steps = Turns("done").start()
    next(steps)

    with pytest.raises(KeyboardInterrupt):
        steps.throw(KeyboardInterrupt())


def test_what_interrupts_a_pause_comes_out() -> None:
    """
    Also while nothing but time passes.
    """
    steps = Turns("done").start(first=1.0)
    assert next(steps) == Pause(1.0)

    with pytest.raises(KeyboardInterrupt):
        steps.throw(KeyboardInterrupt())


def test_closing_closes_the_turn() -> None:
    """
    Whoever stops driving in the middle of a turn stops that too.
    """
    turns = Turns("done")
    steps = turns.start()
    next(steps)

    steps.close()

    assert turns.closed


def test_the_wait_grows_with_the_rounds_and_is_full_jitter() -> None:
    """
    Anything from nothing to half a second, doubled with each round up to ten seconds.
    """
    rng = Random(7)
    most = [
        max(full_jitter(rounds, rng) for _ in range(500)) for rounds in (1, 2, 3, 4, 5, 6, 5000)
    ]
    least = [min(full_jitter(rounds, rng) for _ in range(500)) for rounds in (1, 6)]

    assert most == pytest.approx([0.5, 1.0, 2.0, 4.0, 8.0, 10.0, 10.0], rel=0.02)
    assert least == pytest.approx([0.0, 0.0], abs=0.1)
