"""
The text of a part: its bytes decoded, its HTML taken away.
"""

from __future__ import annotations

import codecs
import html
import re

__all__ = ["decoded", "without_tags"]

_MARKUP = re.compile(r"(<[^<>]*>)")
_TAG = re.compile(r"<(/?)([a-z][a-z0-9]*|!--)(?=[\s/>-])", re.IGNORECASE)
_LINES = ("br", "p", "div", "tr", "li", "h1", "h2", "h3", "pre", "table", "td")
# Codecs of Python that are no charset of a mail. Some take seconds to decode a large part.
_NO_CHARSETS = frozenset({"idna", "punycode", "raw-unicode-escape", "unicode-escape"})


def decoded(content: bytes, charset: str = "utf-8") -> str:
    """
    Return bytes as text with plain line ends; as Latin-1 where they do not fit their charset.
    """
    try:
        name = codecs.lookup(charset).name
        text = content.decode("latin-1" if name in _NO_CHARSETS else name)
    except (LookupError, ValueError):
        text = content.decode("latin-1")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def without_tags(text: str) -> str:
    """
    Return the words of an HTML text, a line for each line that a browser shows.
    """
    words: list[str] = []
    hidden = ""
    for token in _MARKUP.split(text):
        tag = _TAG.match(token)
        name = tag[2].lower() if tag else ""
        if hidden:
            hidden = "" if tag and tag[1] and name == hidden else hidden
        elif name in ("style", "script", "head"):
            hidden = name
        elif tag:
            words.append("\n" if name in _LINES else " ")
        else:
            words.append(token)
    return html.unescape("".join(words))
