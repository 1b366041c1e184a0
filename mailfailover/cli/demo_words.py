"""
The demo's events in words, for a terminal and for a file alike.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from mailfailover._chain.observe import ProviderUp

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mailfailover.cli.demo import Sent
    from mailfailover.errors import Attempt

_DOWN = {
    "open": "its breaker is open",
    "account": "its account is parked",
    "cooldown": "it cools down",
    "sender": "it refuses the sender",
}


def way_of(mail: Sent) -> str:
    """
    Return the way of a mail in one line: each attempt with its reason, and who has it.
    """
    way = ", then ".join(map(_attempt, mail.attempts))
    if mail.error is not None:
        return f"{way or 'no attempt'}; FAILED: {type(mail.error).__name__}"
    if mail.receipt is not None and mail.receipt.possible_duplicate:
        return f"{way}; flagged possible_duplicate"
    return way


def changes_of(mail: Sent) -> Iterator[str]:
    """
    Yield which providers are passed by after it, or are back.
    """
    for change in mail.changes:
        if isinstance(change, ProviderUp):
            yield f"{change.provider} is back in its place"
        else:
            yield f"{change.provider} is passed by from now on: {_DOWN[change.reason]}"


def notes(mails: Iterable[Sent]) -> Iterator[tuple[str, str]]:
    """
    Yield a line for *mails* that went the same way one after the other: numbers, and words.

    What changed for a provider stands below, without numbers.
    """
    for way, group in groupby(mails, key=way_of):
        alike = list(group)
        first, last = alike[0].number, alike[-1].number
        yield str(first) if first == last else f"{first}-{last}", way
        for mail in alike:
            for line in changes_of(mail):
                yield "", line


def _attempt(attempt: Attempt) -> str:
    if attempt.error is None:
        return f"{attempt.provider} accepted it"
    slow = f" after {attempt.duration:.1f} s" if attempt.duration >= 1 else ""
    return f"{attempt.provider}: {attempt.outcome}{slow} ({attempt.error})"
