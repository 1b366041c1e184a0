from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from mailfailover.testing import FakeClock
from mailfailover.webhooks import MemoryReplays


def test_claimed_once() -> None:
    """
    A token that is remembered is not claimed again, others are.
    """
    replays = MemoryReplays()

    assert [True, False, True] == [replays.claim(token, 60) for token in ("a", "a", "b")]


def test_claim_ends() -> None:
    """
    A claim whose process died ends by itself.
    """
    clock = FakeClock()
    replays = MemoryReplays(clock=clock)
    replays.claim("a", 60)

    clock.advance(61)

    assert replays.claim("a", 60)


def test_kept_is_remembered_longer() -> None:
    """
    What was handled outlives its claim.
    """
    clock = FakeClock()
    replays = MemoryReplays(clock=clock)
    replays.claim("a", 60)
    replays.keep("a", 3600)

    clock.advance(3599)

    assert not replays.claim("a", 60)


def test_released_is_forgotten() -> None:
    """
    What failed may come again; releasing what nobody knows does no harm.
    """
    replays = MemoryReplays()
    replays.claim("a", 60)

    replays.release("a")
    replays.release("b")

    assert replays.claim("a", 60)


def test_memory_is_bounded() -> None:
    """
    The oldest are forgotten first; to be kept makes a token young again.
    """
    replays = MemoryReplays(limit=2)
    replays.claim("a", 60)
    replays.claim("b", 60)
    replays.keep("a", 60)
    replays.claim("c", 60)

    assert [False, True] == [replays.claim(token, 60) for token in ("c", "b")]


def test_threads_share_it() -> None:
    """
    Of many threads one gets the claim.
    """
    replays = MemoryReplays()

    with ThreadPoolExecutor(8) as pool:
        claims = list(pool.map(lambda _: replays.claim("a", 60), range(200)))

    assert 1 == sum(claims)


def test_the_time_that_is_left_is_known() -> None:
    """
    A claim is remembered for less than what was handled, and nothing for no time.
    """
    clock = FakeClock()
    replays = MemoryReplays(clock=clock)
    replays.claim("a", 60)
    clock.advance(20)

    assert [40, 0] == [replays.left(token) for token in ("a", "b")]
