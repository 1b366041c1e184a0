"""
The paragraphs of a report that a person is to read: where they end, and which is about whom.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["own_words", "returned_header", "words_about"]

_MAX_LINES = 14
_MAX_WORDS = 2000
# Where servers begin to quote the mail that they return (seen until 2026-11).
_QUOTED = re.compile(
    r"^[ \t>]*(?:"
    r"-{2,}[ \t]*(?:(?:below )?this (?:line )?is a copy|original|returned|unsent|message (?:header"
    r"|text|contents|follows)|begin|the (?:body|header|original)|your (?:original )?message"
    r"|forwarded|below|enclosed|included|start of|rejected message|undelivered|copy of|\|-+ )"
    r"|(?:the )?(?:original|returned|undelivered) (?:message|mail|header)s?"
    r"(?: (?:headers?|follows|is included|was|text))?[ \t]*(?:\(|:|follow|-{2,}|$)"
    r"|here is (?:a copy|your returned)|below is (?:a copy|your)|included is a copy"
    r"|(?:a )?copy of (?:your|the) (?:original )?|message (?:headers?|header follow)"
    r"|(?:begin )?returned (?:message|mail)|-{3,}boundary|-{4,} message"
    r"|received: (?:from|by|\()|return-path:|dkim-signature:|x-mailer:|mime-version:"
    r"|content-type:[ \t]*message/rfc822"
    r")",
    re.IGNORECASE | re.MULTILINE,
)
_HEADER_LINE = re.compile(
    r"^(?:received|return-path|from|to|message-id|date): ", re.IGNORECASE | re.MULTILINE
)


def own_words(text: str) -> str:
    """
    Return what the server itself says, without the mail that it quotes.
    """
    found = _QUOTED.search(text, 1)
    return text[: found.start()] if found else text


def returned_header(text: str) -> str:
    """
    Return the header of the mail that a text quotes, "" where it quotes none.
    """
    quoted = text[len(own_words(text)) :]
    found = _HEADER_LINE.search(quoted)
    return quoted[found.start() :].partition("\n\n")[0] if found else ""


def words_about(names: Iterable[str], text: str, *, others: Iterable[str] = ()) -> str:
    """
    Return the lines that follow one of *names*, up to the next one of *others*.

    Where no name is in it, the whole text may be about it.
    """
    words = own_words(text)
    lower = words.lower()
    places = [at for name in names if name and (at := lower.find(name.lower())) >= 0]
    if not places:
        return " ".join(words.split())[:_MAX_WORDS]
    start = lower.rfind("\n", 0, min(places)) + 1
    after = min(places) + 1
    ends = [at for name in others if name and (at := lower.find(name.lower(), after)) >= 0]
    lines = words[start : min(ends, default=len(words))].split("\n")[:_MAX_LINES]
    return " ".join(" ".join(lines).split())[:_MAX_WORDS]
