"""
The check of a mail: what its recipients, their mail programs or filters would stumble over.

The check makes no calls: a link is judged by its text.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from mailfailover._message.mime_view import readable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailfailover._message.message import Message

__all__ = ["Remark", "check_mail"]

PROBLEM, WARNING = "problem", "warning"

# Gmail cuts a longer HTML off behind "View entire message"
# (https://support.google.com/mail/answer/6594, seen 2026-11, does not say where; 102 kB is what
# senders measure).
_CLIPPED = 102 * 1024
_LARGE = 10 * 1024 * 1024
_LONG_SUBJECT = 150
_FEW_WORDS = 6
_SHARED = 0.5

_WORD = re.compile(r"\w{4,}")
_PLACEHOLDER = re.compile(r"\{\{.{0,60}?\}\}|\{%.{0,60}?%\}|%recipient\.|\*\|\w+\|\*")
_LOCAL = re.compile(r"^(localhost|127\.|10\.|192\.168\.|\[?::1)|\.(local|test|invalid)$")
_LOOKS_LIKE_A_URL = re.compile(r"^(https?://|www\.)\S+$", re.IGNORECASE)
_IGNORED = {"script", "style", "title", "head"}
_REMOVED = ("script", "form", "iframe", "object", "embed", "video", "audio")


@dataclass(frozen=True, slots=True)
class Remark:
    """
    Something that may be wrong with a mail.

    Attributes:
        severity: ``"problem"`` or ``"warning"``.

        about: ``"parts"``, ``"text"``, ``"links"``, ``"images"``, ``"size"`` or ``"unsubscribe"``.

        text: What it is, and what to do about it.
    """

    severity: str
    about: str
    text: str

    def to_dict(self) -> dict[str, Any]:
        """
        Return it as JSON-safe data.
        """
        return asdict(self)


def check_mail(message: Message) -> tuple[Remark, ...]:
    """
    Check *message*, with its attachments; nothing is found wrong with a good mail.
    """
    message = readable(message)
    page = _Page()
    page.feed(message.html)
    page.close()
    found = (
        *_parts(message),
        *_text(message, page),
        *_links(page),
        *_images(message, page),
        *_size(message),
        *_unsubscribe(message),
    )
    return tuple(found)


class _Page(HTMLParser):
    """
    The parts of an HTML that are judged.
    """

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.links: list[tuple[str, str]] = []
        """The address and the visible text of each link."""

        self.images: list[tuple[str, str | None]] = []
        """The source and the alt text of each image."""

        self.removed: set[str] = set()
        self._ignored = 0
        self._link: tuple[str, list[str]] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag in _IGNORED:
            self._ignored += 1
        if tag in _REMOVED:
            self.removed.add(tag)
        if tag == "a":
            self._end_link()
            self._link = (found.get("href") or "").strip(), []
        elif tag == "img":
            self.images.append(((found.get("src") or "").strip(), found.get("alt")))

    def handle_endtag(self, tag: str) -> None:
        if tag in _IGNORED:
            self._ignored = max(0, self._ignored - 1)
        elif tag == "a":
            self._end_link()

    def handle_data(self, data: str) -> None:
        if not self._ignored:
            self.words += _WORD.findall(data.lower())
        if self._link:
            self._link[1].append(data)

    def close(self) -> None:
        super().close()
        self._end_link()

    def _end_link(self) -> None:
        if self._link:
            self.links.append((self._link[0], "".join(self._link[1]).strip()))
            self._link = None


def _parts(message: Message) -> Iterator[Remark]:
    if not message.subject.strip():
        yield Remark(PROBLEM, "parts", "There is no subject: write one.")
    elif len(message.subject) > _LONG_SUBJECT:
        text = f"The subject has {len(message.subject)} characters: most programs show some 60."
        yield Remark(WARNING, "parts", text)
    if not (message.text.strip() or message.html.strip()):
        yield Remark(PROBLEM, "parts", "There is no text: a mail without any looks like spam.")
    if not message.to:
        text = "There is nobody in To: filters distrust a mail to cc and bcc alone."
        yield Remark(WARNING, "parts", text)
    written = {"subject": message.subject, "text": message.text, "HTML": message.html}
    for name, text in () if message.merge_data else written.items():
        if found := _PLACEHOLDER.search(text):
            problem = f"The {name} has {found[0][:40]} in it: a value was not filled in."
            yield Remark(PROBLEM, "parts", problem)


def _text(message: Message, page: _Page) -> Iterator[Remark]:
    if not message.html.strip():
        return
    if not message.text.strip():
        text = "There is HTML and no plain text: add one, for filters, watches and screen readers."
        yield Remark(WARNING, "text", text)
        return
    shown = set(page.words)
    plain = set(_WORD.findall(message.text.lower()))
    if len(shown) >= _FEW_WORDS and len(shown & plain) < _SHARED * len(shown):
        share = len(shown & plain) / len(shown)
        text = f"The plain text has {share:.0%} of the words of the HTML: let both say the same."
        yield Remark(WARNING, "text", text)


def _links(page: _Page) -> Iterator[Remark]:
    for address, text in page.links:
        shown = (text or address)[:60]
        parts = _split(address)
        if not address or address == "#":
            yield Remark(PROBLEM, "links", f"The link {shown!r} leads nowhere: give it an address.")
        elif parts is None or not parts[0]:
            yield Remark(PROBLEM, "links", f"The link {shown!r} is not absolute: add https.")
        elif parts[0] == "javascript":
            yield Remark(PROBLEM, "links", f"The link {shown!r} is a script, which nobody runs.")
        elif parts[0] == "http":
            yield Remark(WARNING, "links", f"The link {shown!r} is not encrypted: use https.")
        if parts and _LOCAL.search(parts[1]):
            where = f"{parts[1][:60]}, which only you can reach"
            yield Remark(PROBLEM, "links", f"The link {shown!r} leads to {where}.")
        named = _split(text) if _LOOKS_LIKE_A_URL.match(text) else None
        if parts and named and named[1] and _bare(named[1]) != _bare(parts[1]):
            problem = f"The link shows {named[1]} and leads to {parts[1]}, as phishing does."
            yield Remark(WARNING, "links", problem)


def _images(message: Message, page: _Page) -> Iterator[Remark]:
    inline = {one.content_id for one in message.attachments if one.content_id}
    for source, alt in page.images:
        shown = source[:60]
        if alt is None:
            text = f"The image {shown!r} has no alt text: most programs hide images at first."
            yield Remark(WARNING, "images", text)
        if source.startswith("cid:"):
            if source[4:] not in inline:
                yield Remark(PROBLEM, "images", f"The image {shown!r} is not attached.")
        elif not source.startswith(("https:", "http:", "data:")):
            yield Remark(PROBLEM, "images", f"The image {shown!r} has no absolute address.")
    used = {source[4:] for source, _ in page.images if source.startswith("cid:")}
    for name in sorted(inline - used):
        yield Remark(WARNING, "images", f"The inline image {name!r} is attached and shown nowhere.")
    for tag in sorted(page.removed):
        text = f"The HTML has a <{tag}>: mail programs remove it, or show it as a hole."
        yield Remark(WARNING, "parts", text)


def _size(message: Message) -> Iterator[Remark]:
    html = len(message.html.encode("utf-8", "replace"))
    if html > _CLIPPED:
        text = f"The HTML has {html / 1024:.0f} kB: Gmail cuts it off after about 102 kB."
        yield Remark(WARNING, "size", text)
    whole = len(message.as_bytes())
    if whole > _LARGE:
        text = f"The mail has {whole / 1024 / 1024:.0f} MB: many servers refuse more than 10 MB."
        yield Remark(WARNING, "size", text)


def _unsubscribe(message: Message) -> Iterator[Remark]:
    names = {name.lower() for name in message.headers}
    if message.stream == "transactional" or message.unsubscribe or "list-unsubscribe" in names:
        return
    text = (
        f"A mail of the stream {message.stream!r} has no List-Unsubscribe: set unsubscribe. Gmail "
        "and Yahoo ask larger senders for it (RFC 8058)."
    )
    yield Remark(PROBLEM, "unsubscribe", text)


def _split(url: str) -> tuple[str, str] | None:
    """
    Return the scheme and the host of *url*; None where it cannot be read.
    """
    if url.lower().startswith("www."):
        url = f"https://{url}"
    try:
        parts = urlsplit(url)
        return parts.scheme.lower(), (parts.hostname or "")
    except ValueError:
        return None


def _bare(host: str) -> str:
    return host.lower().removeprefix("www.")
