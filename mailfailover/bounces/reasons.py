"""
The reason of a bounce, by the words of a server first, then by its codes.

Words decide before codes since servers answer a plain 550 5.7.1 to all kinds of things. A row
that blames the sender stands before those that blame the address: to suppress somebody because
our own IP address is on a block list would be the worse mistake.
"""

from __future__ import annotations

import re

from mailfailover._values.events import RejectReason
from mailfailover.bounces.reason_words import REASONS

__all__ = ["reason_of", "status_in"]

MAX_WORDS = 3000

_ENHANCED = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,4})(?![\d.]*\d)")
_ADDRESSES = re.compile(r"<?[^\s<>@]{1,64}@[^\s<>@]{1,255}>?")
# The prefix that Amazon SES puts in front of any server's answer.
_WRAPPERS = re.compile(
    r"unknown address error|other mail system problem|\(delivery attempts: \d+\)", re.IGNORECASE
)
_PATHS = re.compile(r"(https?://[^\s/]{1,255})\S{0,2000}")


def status_in(words: str) -> str:
    """
    Return the enhanced status code that *words* say first, "" where they say none.
    """
    found = _ENHANCED.search(words[:MAX_WORDS])
    return found[1] if found else ""


def reason_of(status: str, words: str) -> RejectReason:
    """
    Return why a mail did not arrive, ``OTHER`` where nothing tells it.

    Args:
        status: The enhanced status code, "" for none.

        words: What the server said.
    """
    text = _ADDRESSES.sub("<>", " ".join(words[:MAX_WORDS].split()))
    text = _WRAPPERS.sub("", _PATHS.sub(r"\1", text))
    line = f"{status} {text}"
    return next((reason for reason, rule in REASONS if rule.search(line)), RejectReason.OTHER)
