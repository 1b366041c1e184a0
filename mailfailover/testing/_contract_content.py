"""
Claims about what a request says: each recipient in his place, each text whole and as it was.
"""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from itertools import combinations
from typing import TYPE_CHECKING, Any

from mailfailover._message.attachment import Attachment
from mailfailover._message.message import Message
from mailfailover.errors import UnsupportedFeature

from ._claim import claim
from ._contract_wire import build, frozen, refusable
from ._wire_text import wire_leaves

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ._wire_text import Leaf

__all__ = [
    "EXACT",
    "LARGE",
    "PEOPLE",
    "TIMED",
    "check_bodies_in_place",
    "check_exact",
    "check_nothing_added",
    "check_nothing_invented",
    "check_recipients",
    "check_send_at",
    "check_tags_apart",
]

_BASICS: dict[str, Any] = {
    "to": ("zqannqz@example.org", "zqbobqz@example.net"),
    "from_email": "zqshopqz@example.com",
    "subject": "zqsubjectqz",
    "text": "zqtextqz",
    "id": "exact",
    "created": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
}


def _mail(**fields: Any) -> Message:
    return Message(**_BASICS | fields)


def _lines(name: str, size: int) -> str:
    """
    A text of *size* characters in which every line is another.
    """
    count = size // 30 + 1
    text = "".join(f"{name} line {number:07d} of the long content\n" for number in range(count))
    return f"{text[:size]} zqend{name}qz"


PEOPLE: Mapping[str, Message] = {
    "to": _mail(),
    "to and cc": _mail(cc=("zqcatqz@example.edu", "zqdanqz@example.org")),
    "to and bcc": _mail(bcc=("zqeveqz@example.edu", "zqfayqz@example.org")),
    "all": _mail(
        cc=("zqcatqz@example.edu", "zqdanqz@example.org"),
        bcc=("zqeveqz@example.edu", "zqfayqz@example.org"),
        text="zqtextqz",
        html="<p>zqhtmlqz</p>",
    ),
    "ten": _mail(to=[f"zqreader{number}qz@example.org" for number in range(10)]),
    "fifty": _mail(to=[f"zqreader{number}qz@example.org" for number in range(50)]),
}
"""
Mails to several, in each field.
"""

EXACT: Mapping[str, Message] = {
    "address": _mail(to="Zq.Ann+MiXed@example.org"),
    "subject": _mail(subject="zq & <b> \"q\" 'a' 5 > 3; 100 % + x=y/z # é 日 🚚 qz"),
    "long subject": _mail(subject=f"zq{' word' * 150} endqz"),
    "text": _mail(text="zq first\n\nthird & <b>\n\n\n  indented\n\ttabbed é 日\n.\n..\nlast qz"),
    "html": _mail(html='<p class="zq">A &amp; B &lt;c&gt;\n  é 日</p>\n\n<p>second\nqz</p>'),
    "name": _mail(to="Zq O'Hara & Söhne McDonald <zqannqz@example.org>"),
    "reply_to": _mail(reply_to="Zq Help & Désk <zqHelpqz@example.com>"),
    "header": _mail(headers={"X-Zq-OrderId": 'MiXed; Case="1"'}),
    "metadata": _mail(metadata={"zqOrderId": "MiXedCase1", "zqLower": "UPPER"}),
    "long metadata": _mail(metadata={"zqOrderId": f"zq{'Value' * 30}end"}),
    "odd key": _mail(metadata={"zq-Order-Id": "MiXedCase1"}),
    "tag": _mail(tags="zqMiXedTagqz"),
    "file name": _mail(attachments=Attachment("zq Final (2) MiXed.PDF", b"zq", "application/pdf")),
    "template": _mail(
        subject="",
        text="",
        template_id="zqWelcomeqz",
        template_data={"zqFirstName": "A & B <c>\nMiXed é"},
    ),
}
"""
Mails whose values must arrive letter by letter.
"""

LARGE: Mapping[str, Message] = {
    "64 kB": _mail(
        text=_lines("text", 65_000),
        html=f"<p>{_lines('html', 65_000)}</p>",
        attachments=Attachment("zq.bin", _lines("file", 65_000).encode(), "application/x-zq"),
    ),
    "64 kB of text": _mail(text=_lines("text", 65_536)),
    "1 MB of text": _mail(text=_lines("text", 1_000_000)),
    "1 MB file": _mail(
        attachments=Attachment("zq.bin", _lines("file", 1_000_000).encode(), "application/x-zq")
    ),
    "eight files": _mail(
        attachments=[
            Attachment(f"zq{number}.bin", _lines(f"file{number}", 100).encode(), "application/x-zq")
            for number in range(8)
        ]
    ),
}
"""
Mails with much in them.
"""

TIMED: Mapping[str, Message] = {
    "SEND_AT": _mail(
        send_at=datetime(
            2031, 5, 6, 12, 38, 9, tzinfo=timezone(timedelta(hours=5, minutes=30), "+0530")
        )
    )
}
"""
A mail for later, with its time in a zone of its own.
"""


# Recipients

_ROLES = ("bcc", "cc", "to")
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_IS_CC = re.compile(r"cc(s|list|recipients?|addresses|emails?)?")
_IS_TO = re.compile(r"to(list|recipients?|addresses|emails?)?")


@refusable()
def check_recipients(provider: Any, message: Message) -> None:
    """
    Everybody is in the request, in the field where the mail has him, and no field is another.
    """
    leaves = list(wire_leaves(build(provider, message)))
    texts = [leaf.text for leaf in leaves]
    for field in ("to", "cc", "bcc"):
        for address in getattr(message, field):
            claim(
                any(address.email in text for text in texts),
                f"{field} is incomplete: a recipient is nowhere in the request",
            )
            _check_place(leaves, address.email, field)
    _check_fields_differ(provider, message)


def _check_place(leaves: list[Leaf], email: str, field: str) -> None:
    for leaf in leaves:
        role = _role(leaf)
        claim(
            not role or role == field or email not in leaf.text,
            f"a recipient of {field} is written into {role!r} of the request"
            + (": every recipient would see the blind copy" if field == "bcc" else ""),
        )


def _role(leaf: Leaf) -> str:
    """
    The field of a mail that the names around *leaf* speak of; "" where they speak of none.
    """
    for word in leaf.beside:
        if word.lower() in _ROLES:
            return word.lower()
    for name in reversed(leaf.path):
        words = [word.lower() for word in _WORD.findall(name)]
        if any("bcc" in word for word in words):
            return "bcc"
        if any(map(_IS_CC.fullmatch, words)):
            return "cc"
        if any(map(_IS_TO.fullmatch, words)):
            return "to" if {"reply", "rcpt", "envelope"}.isdisjoint(words) else ""
    return ""


def _check_fields_differ(provider: Any, message: Message) -> None:
    """
    The same people in other fields make another request: else one field is written as another.
    """
    if not message.cc and not message.bcc:
        return
    *first, last = message.recipients
    requests = {
        field: frozen(build(provider, message.bound(**_moved(tuple(first), last, field))))
        for field in ("to", "cc", "bcc")
    }
    for one, other in combinations(requests, 2):
        claim(
            requests[one] != requests[other],
            f"a recipient in {one} and the same in {other} make one request: "
            + (
                "every recipient would see the blind copy"
                if other == "bcc"
                else "a field of the mail is lost"
            ),
        )


def _moved(first: tuple[Any, ...], last: Any, field: str) -> dict[str, Any]:
    fields: dict[str, Any] = {"to": first, "cc": (), "bcc": ()}
    return fields | {field: (*fields[field], last)}


# Texts

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
    words = [word.lower() for name in leaf.path for word in _WORD.findall(name)]
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
    A mail of HTML alone has no text that nobody wrote.
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


# Time

_ISO = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d)?)(?:\.\d+)?\s*(Z|UTC|[+-]\d\d:?\d\d)?", re.IGNORECASE
)
_EPOCH = re.compile(r"(?<!\d)\d{10}(?:\d{3})?(?!\d)")
_MAIL_DATE = re.compile(r"\d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d(?: (?:GMT|UTC|[+-]\d{4}))?")


@refusable()
def check_send_at(provider: Any, message: Message) -> None:
    """
    The instant of *send_at* is in the request, in a form that names it without doubt.

    A time without a zone is taken for UTC, as vendors do.
    """
    if message.send_at is None:
        return
    expected = message.send_at.astimezone(UTC)
    found = {
        when
        for leaf in wire_leaves(build(provider, message))
        for when in _instants(leaf.text)
        if abs(when - expected) < timedelta(days=2)
    }
    claim(found, "send_at is not in the request")
    near = any(when in (expected, expected.replace(second=0)) for when in found)
    claim(near, f"send_at is in the request as {min(found)}, not as {expected}: mind its zone")


def _instants(text: str) -> Iterator[datetime]:
    for day, clock, zone in _ISO.findall(text):
        written = zone.upper().replace("UTC", "Z") or "Z"
        yield datetime.fromisoformat(f"{day}T{clock}{written}")
    for number in _EPOCH.findall(text):
        yield datetime.fromtimestamp(int(number[:10]), UTC)
    for one in _MAIL_DATE.findall(text):
        when = parsedate_to_datetime(one)
        yield when if when.tzinfo else when.replace(tzinfo=UTC)
