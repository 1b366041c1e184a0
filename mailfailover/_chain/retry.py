"""
The retries of a send: every turn after the first, driven by tenacity.

This is the only module that imports tenacity.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeVar

from tenacity import (
    DoAttempt,
    DoSleep,
    RetryCallState,
    Retrying,
    retry_if_result,
)
from tenacity.stop import stop_base
from tenacity.wait import wait_base

from mailfailover._chain.driver import Pause

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from mailfailover._chain.driver import Steps

T = TypeVar("T")

BASE_SECONDS = 0.5
MAX_SECONDS = 10.0
MIN_SECONDS = 0.1
"""A turn with less time than this would most likely end in doubt, so it is not taken."""


class Again(NamedTuple):
    """
    A turn's result when the mail needs another one, in *wait* seconds.
    """

    wait: float


def full_jitter(rounds: int, rng: Random) -> float:
    """
    How many seconds to wait after so many rounds in which every provider failed.

    Full jitter: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """
    return rng.uniform(0.0, min(MAX_SECONDS, BASE_SECONDS * 2 ** min(rounds - 1, 10)))


class _AsTheTurnSays(wait_base):
    def __call__(self, retry_state: RetryCallState) -> float:
        return _last(retry_state).wait


class _WhenTooLate(stop_base):
    def __init__(self, time_left: Callable[[], float]) -> None:
        self.time_left = time_left

    def __call__(self, retry_state: RetryCallState) -> bool:
        return _is_too_late(_last(retry_state), self.time_left())


def _is_too_late(again: Again, time_left: float) -> bool:
    return again.wait + MIN_SECONDS > time_left


def _last(retry_state: RetryCallState) -> Again:
    again: Again = retry_state.outcome.result()  # type: ignore[union-attr]  # a turn was taken
    return again


def later_turns(
    turn: Callable[[], Steps[T | Again]],
    first: Again,
    time_left: Callable[[], float],
    give_up: Callable[[], T],
) -> Steps[T]:
    """
    Take turns until one has a result, or the next would come too late.

    Args:
        turn: Takes one turn, as steps.

        first: The result of the first turn, which ran without tenacity.

        time_left: Seconds until the send's deadline.

        give_up: Called when there is no time for another turn.
    """
    if _is_too_late(first, time_left()):
        return give_up()
    if first.wait:
        yield Pause(first.wait)
    retrying = Retrying(
        retry=retry_if_result(lambda result: isinstance(result, Again)),
        wait=_AsTheTurnSays(),
        stop=_WhenTooLate(time_left),
        retry_error_callback=lambda _state: give_up(),
    )
    retrying.begin()
    state = RetryCallState(retrying, fn=None, args=(), kwargs={})
    while True:
        step = retrying.iter(retry_state=state)
        if isinstance(step, DoAttempt):
            state.set_result((yield from turn()))
        elif isinstance(step, DoSleep):
            state.prepare_for_next_attempt()
            if step:
                yield Pause(float(step))
        else:
            done: T = step
            return done
