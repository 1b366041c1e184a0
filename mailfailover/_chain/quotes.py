"""
Quotes of a mail in a vendor's words, masked: errors and logs must not tell what a mail says.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mailfailover._message.message import Message

MASK = "<text of the mail>"
_VALUE = 4
"""Characters from which on a value of the mail's data is masked."""

_LONG = 16
"""Characters from which on words that the mail has too are no coincidence."""

_WORDS = 3
"""Words from which on they are none."""

_CODE = 5
"""Characters from which on a word with a digit may be a code or the number of an order."""

_SEARCHED = 200_000
"""Characters of each text of the mail that are searched."""

_LONGEST = 4000
"""Characters of an error's text that are kept, so that none takes long to search."""

_WORD = re.compile(r"\S+")
_QUOTED = re.compile("(?<!\\w)[\"'`\u201c\u2018\xab](.{2,}?)[\"'`\u201d\u2019\xbb](?!\\w)")
_TAG = re.compile(r"<[^>]*>")
_EDGES = ".,:;!?()[]{}<>\"'`\u201c\u201d\u2018\u2019\xab\xbb\u2026"


class Quotes:
    """
    Masks in errors what *message* says: its subject, names, data, and runs of words of its texts.
    """

    def __init__(self, message: Message) -> None:
        self._message = message

    def hide(self, text: str) -> str:
        """
        Return *text* with all quotes masked, and cut where it is very long.
        """
        if len(text) > _LONGEST:
            text = f"{text[:_LONGEST]}\u2026"
        for value in self._values:
            if value in text:
                text = re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", MASK, text)
        text = _QUOTED.sub(self._mask_quoted, text)
        return self._mask_runs(text)

    @cached_property
    def _values(self) -> list[str]:
        """
        The values that are masked wherever they occur, longest first.
        """
        mail = self._message
        addresses = (*mail.recipients, *mail.reply_to, mail.from_email)
        found = {one.name for one in addresses if one is not None} | {mail.subject}
        for data in (mail.template_data, *mail.merge_data.values()):
            values = (str(value) for value in data.values())
            found.update(value for value in values if len(value) >= _VALUE)
        return sorted((value for value in found if len(value) > 1), key=len, reverse=True)

    @cached_property
    def _corpus(self) -> str:
        mail = self._message
        texts = (mail.subject, mail.text, mail.html, _TAG.sub(" ", mail.html[:_SEARCHED]))
        return "\n".join(_folded(one[:_SEARCHED]) for one in texts)

    def _mask_quoted(self, found: re.Match[str]) -> str:
        words = _folded(found[1]).strip(_EDGES)
        return MASK if words and words in self._corpus else found[0]

    def _mask_runs(self, text: str) -> str:
        words = list(_WORD.finditer(text))
        parts: list[str] = []
        copied = first = 0
        while first < len(words):
            last = self._end_of_run(text, words, first)
            if last is not None:
                parts += (text[copied : words[first].start()], MASK)
                copied, first = words[last].end(), last
            first += 1
        return "".join((*parts, text[copied:]))

    def _end_of_run(self, text: str, words: list[re.Match[str]], first: int) -> int | None:
        """
        The last word of the longest telling run that begins with the word *first*.
        """
        start, last = words[first].start(), None
        for place in range(first, len(words)):
            run = _folded(text[start : words[place].end()]).strip(_EDGES)
            if not run or run not in self._corpus:
                break
            if _is_telling(run, place - first + 1):
                last = place
        return last


def _is_telling(run: str, words: int) -> bool:
    if words == 1:
        return len(run) >= _CODE and any(character.isdigit() for character in run)
    return len(run) >= _LONG and words >= _WORDS


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()
