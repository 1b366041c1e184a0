"""
Claims about meaning: nothing is made up, and two things that look alike are not mixed up.
"""

from __future__ import annotations

from email.message import EmailMessage
from email.policy import SMTPUTF8
from typing import TYPE_CHECKING, Any

from mailfailover._message.address import Address
from mailfailover._message.message import Message
from mailfailover._values.wire import SMTPRequest
from mailfailover.testing._claim import claim
from mailfailover.testing._contract_wire import build, refusable
from mailfailover.testing._wire_text import WORD, wire_leaves

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mailfailover.testing._wire_text import Leaf

__all__ = [
    "MAILBOXES",
    "ONE_CLICK",
    "PAIRS",
    "TRACKED",
    "check_mailboxes",
    "check_nothing_made_up",
    "check_one_click",
    "check_pairs",
    "check_tracking_apart",
]

_NAMES = ("Zqhara, Ann", 'Zqhara "the pen" Ann', "Zqhara (sales) <zq@example.net>", "Zqhära; Ann")


def _mail(**fields: Any) -> Message:
    basics: dict[str, Any] = {
        "to": "zqannqz@example.org",
        "from_email": "zqshopqz@example.com",
        "subject": "zqsubjectqz",
        "text": "zqtextqz",
        "id": "meaning",
    }
    return Message(**basics | fields)


MAILBOXES: Mapping[str, Message] = {
    name: _mail(to=(Address("zqannqz@example.org", name), Address("zqbobqz@example.org", name)))
    for name in _NAMES
}
"""
Mails to people whose names would be several addresses, if nothing quoted them.
"""

ONE_CLICK: Mapping[str, Message] = {"HEADERS": _mail(unsubscribe="https://example.com/zqurlqz")}
"""
A mail that ends a subscription by one click.
"""

TRACKED: Mapping[str, Message] = {
    "TRACKING": _mail(html="<p>zqhtmlqz</p>", track_opens=True, track_clicks=True)
}
"""
A mail of which opens and clicks are told.
"""

PAIRS: Mapping[str, Message] = {"METADATA": _mail(metadata={"zqkeyqz": "zqvalueqz"})}
"""
A mail with metadata.
"""


@refusable()
def check_nothing_made_up(provider: Any, message: Message) -> None:
    """
    A mail of text alone, without Reply-To, gets neither an HTML nor a Reply-To.
    """
    for leaf in wire_leaves(build(provider, message)):
        names = [name.lower() for name in leaf.path]
        words = [word.lower() for name in leaf.path for word in WORD.findall(name)]
        is_html = any("html" in name for name in names) and "zqtextqz" in leaf.text
        claim(not is_html, "an HTML is made up for a mail of text alone")
        is_reply = "reply" in words or any("replyto" in name for name in names)
        claim(not is_reply or "@" not in leaf.text, "a Reply-To is made up for a mail without one")


@refusable()
def check_one_click(provider: Any, message: Message) -> None:
    """
    The URL to unsubscribe comes with the header that makes it one click (RFC 8058).
    """
    if not message.unsubscribe:
        return
    leaves = [*wire_leaves(build(provider, message))]
    has_post = any("one-click" in "".join((*leaf.path, leaf.text)).lower() for leaf in leaves)
    claim(
        has_post,
        "List-Unsubscribe-Post is nowhere in the request: write all of header_items(), or refuse "
        "the mail",
    )


@refusable()
def check_tracking_apart(provider: Any, message: Message) -> None:
    """
    The switch of opens is not that of clicks.
    """
    for field, other in (("opens", "click"), ("clicks", "open")):
        on, off = (
            _switches(provider, message.bound(**{f"track_{field}": value}), other)
            for value in (True, False)
        )
        claim(on == off, f"track_{field} switches what the vendor calls {other!r}")


def _switches(provider: Any, message: Message, word: str) -> list[str]:
    """
    What stands in the request under a name with *word* alone.
    """
    other = {"open": "click", "click": "open"}[word]
    leaves = (
        (leaf, "".join(leaf.path[-2:]).lower()) for leaf in wire_leaves(build(provider, message))
    )
    return [leaf.text for leaf, name in leaves if word in name and other not in name]


@refusable()
def check_pairs(provider: Any, message: Message) -> None:
    """
    A key of metadata is the key, and its value the value.
    """
    for leaf in wire_leaves(build(provider, message)):
        names = [name.lower() for name in leaf.path]
        claim(
            not any("zqvalueqz" in name for name in names),
            "a value of metadata is written as the key",
        )


@refusable()
def check_mailboxes(provider: Any, message: Message) -> None:
    """
    A mailbox that is written as in a header is read as one person with his name.
    """
    request = build(provider, message)
    known = {(one.email, one.name) for one in message.to}
    for leaf in _lines(request):
        if not all(character.isprintable() for character in leaf.text):
            continue
        for email, name in _read(leaf.text):
            claim(
                not email.startswith("zq") or (email, name) in known or email not in leaf.text,
                f"{leaf.text!r} is read as {name!r} <{email}>: quote the name (str(address) does)",
            )
        claim(
            len(_read(leaf.text)) <= len(message.to),
            f"{leaf.text!r} is read as {len(_read(leaf.text))} mailboxes: quote the names "
            "(str(address) does)",
        )


def _lines(request: Any) -> Iterator[Leaf]:
    """
    The texts in a request that are one or several mailboxes, as a header has them.
    """
    if isinstance(request, SMTPRequest):
        return
    for leaf in wire_leaves(request):
        is_line = leaf.path and leaf.text.rstrip().endswith("@example.org>")
        if is_line and not leaf.text.startswith(("{", "[", "--", " ")):
            yield leaf


def _read(line: str) -> list[tuple[str, str]]:
    mail = EmailMessage(policy=SMTPUTF8)
    mail["To"] = line
    return [(one.addr_spec, one.display_name) for one in mail["To"].addresses]
