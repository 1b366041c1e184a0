"""
The waiting recipients of a merge: what a candidate gets of them in its turn.
"""

from __future__ import annotations

from mailfailover import Message
from mailfailover._chain.candidate import Candidate
from mailfailover._chain.waiting import Waiting
from mailfailover._health.limits import Portion
from mailfailover._provider.link import Link
from mailfailover.providers.null import Null

PEOPLE = Message(to=[f"u{number}@example.org" for number in range(7)])


def _parts(waiting: Waiting) -> list[int]:
    return list(map(len, waiting.parts))


def test_a_candidate_gets_its_share_in_parts() -> None:
    """
    The next time it gets all that wait.
    """
    waiting = Waiting(PEOPLE)
    candidate = Candidate(Link(Null(), "one"), "example.com", batch=True, most=5)
    first = waiting.portion(candidate)

    waiting.cut(candidate, waiting.take_share(candidate), 2)
    shared = _parts(waiting)
    waiting.cut(candidate, waiting.take_share(candidate), 3)

    assert (Portion(1, 5), [2, 2, 1], [3, 3, 1]) == (first, shared, _parts(waiting))


def test_a_part_that_may_be_known_is_never_cut() -> None:
    """
    It goes to its provider as it was, even where that exceeds the share.
    """
    waiting = Waiting(PEOPLE)
    candidate = Candidate(Link(Null(), "one"), "example.com", batch=True, most=2)
    waiting.again = ("one", PEOPLE.to[:3])

    waiting.cut(candidate, waiting.take_share(candidate), None)

    assert [3] == _parts(waiting)
