"""
Claims about texts: each in its place, whole and as it was, and nothing beside them.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from mailfailover.errors import UnsupportedFeature
from mailfailover.testing._claim import claim
from mailfailover.testing._contract_wire import build, frozen, refusable
from mailfailover.testing._wire_text import WORD, wire_leaves

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailfailover._message.message import Message
    from mailfailover.testing._wire_text import Leaf

__all__ = [
    "check_bodies_in_place",
    "check_exact",
    "check_nothing_added",
    "check_nothing_invented",
    "check_tags_apart",
]


_WORDS = ("text", "text/html", "text/plain", "utf-8", "UTF-8")  # names of forms, not texts


@refusable()
def check_bodies_in_place(provider: Any, message: Message) -> None:
    """
    The text is not where the vendor reads HTML, and the HTML not where it reads text.
    """
    for leaf in wire_leaves(build(provider, message)):
        kind = _kind(leaf)
        has_text, has_html = "zqtextqz" in leaf.text, "zqhtmlqz" in leaf.text
        claim(kind != "html" or not has_text or has_html, "the text is sent as the HTML")
        claim(kind != "text" or not has_html or has_text, "the HTML is sent as the text")


def _kind(leaf: Leaf) -> str:
    names = [name.lower() for name in leaf.path]
    types = [word.lower().partition(";")[0] for word in leaf.beside]
    if any("html" in name for name in names) or not {"html", "text/html"}.isdisjoint(types):
        return "html"
    words = [word.lower() for name in leaf.path for word in WORD.findall(name)]
    is_text = any(word.startswith(("text", "plain")) for word in words)
    return "text" if is_text or "text/plain" in (*names, *types) else ""


@refusable()
def check_exact(provider: Any, message: Message) -> None:
    """
    Each value of *message* is in the request as it is, and whole.
    """
    texts = [_with_plain_ends(leaf.text) for leaf in wire_leaves(build(provider, message))]
    for name, value in _values(message):
        whole = _with_plain_ends(value)
        if any(whole in text for text in texts):
            continue
        known = _longest_start(whole, texts)
        problem = f"only the first {known} of its {len(whole)} characters are in the request"
        claim(known == 0, f"{name} is cut or changed: {problem}")
        claim(False, f"{name} is nowhere in the request as it is")  # noqa: FBT003 -- always


@refusable()
def check_nothing_added(provider: Any, message: Message) -> None:
    """
    Subject and bodies end where they end: nothing is put before or after them.
    """
    texts = {_with_plain_ends(leaf.text).strip() for leaf in wire_leaves(build(provider, message))}
    for name in ("subject", "text", "html"):
        value = _with_plain_ends(getattr(message, name)).strip()
        claim(
            not value or value in texts,
            f"{name} is not in the request by itself: something is added to it",
        )


@refusable()
def check_nothing_invented(provider: Any, message: Message) -> None:
    """
    A mail of HTML alone gets no invented text.
    """
    for leaf in wire_leaves(build(provider, message)):
        text = leaf.text.strip()
        is_text = _kind(leaf) == "text" and leaf.path[-1:] != ("Content-Type",)
        claim(
            not is_text or not text or text in _WORDS,
            f"a text is made up for a mail that has none: {text[:40]!r}",
        )


@refusable()
def check_tags_apart(provider: Any, message: Message) -> None:
    """
    Several tags are not written as one.
    """
    if len(message.tags) < len(("zqone", "zqtwo")):  # it has no tags, or one
        return
    several = frozen(build(provider, message.bound(tags=("zqone", "zqtwo"))))
    for between in (",", ", ", ";", " ", "|"):
        with suppress(UnsupportedFeature):
            one = frozen(build(provider, message.bound(tags=(f"zqone{between}zqtwo",))))
            claim(several != one, f"several tags are one tag with {between!r} in it")


def _with_plain_ends(text: str) -> str:
    return text.replace("\r\n", "\n")


def _longest_start(value: str, texts: list[str]) -> int:
    """
    How many characters at the start of *value* are in one of *texts*.
    """
    low, high = 0, len(value)
    while low < high:
        middle = (low + high + 1) // 2
        if any(value[:middle] in text for text in texts):
            low = middle
        else:
            high = middle - 1
    return low


def _values(message: Message) -> Iterator[tuple[str, str]]:
    yield "subject", message.subject
    yield "text", message.text
    yield "html", message.html
    for field in ("to", "cc", "bcc", "reply_to"):
        for address in getattr(message, field):
            yield f"an address of {field}", address.email
            yield f"a name of {field}", address.name
    for value in message.headers.values():  # its name may be written in any case
        yield "a header", str(value)
    for key, value in message.metadata.items():
        yield "a key of metadata", key
        yield "a value of metadata", value
    for tag in message.tags:
        yield "a tag", tag
    for attachment in message.attachments:
        yield "a file name", attachment.filename
        yield "the content of an attachment", attachment.read().decode()
    if message.template_id:
        yield "template_id", str(message.template_id)
    for key, value in message.template_data.items():
        yield "a key of template_data", key
        yield "a value of template_data", str(value)
