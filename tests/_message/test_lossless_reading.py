"""
Reading loses nothing: other people's mails, and two thousand made at random.
"""

from __future__ import annotations

import email
import random
import sysconfig
from collections import Counter
from email import policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import getaddresses
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from mailfailover import InvalidMessage, Message

CORPUS = Path(sysconfig.get_paths()["stdlib"], "test", "test_email", "data")
MAILS = 2000
TRACE = {"received", "return-path", "mime-version", "x-received", "delivered-to", "bcc"}
ADDRESSES = {"from", "sender", "to", "cc", "reply-to"}
WAY = {"content-type", "content-transfer-encoding", "content-disposition", "content-id"}


class Leaf(NamedTuple):
    """
    A part without parts, as Python's own parser reads it.
    """

    kind: str
    params: tuple[tuple[str, str], ...]
    filename: str
    content: object


def leaves(raw: bytes) -> list[Leaf]:
    """
    All that a mail holds, in its order.
    """
    return [leaf for leaf in map(_leaf, _parts(email.message_from_bytes(raw))) if leaf.content]


def _parts(part: Any) -> Any:
    if part.get_content_maintype() != "multipart":
        yield part
        return
    for child in part.get_payload():
        yield from _parts(child)


def _leaf(part: Any) -> Leaf:
    kind = part.get_content_type()
    params = {key.lower(): str(value) for key, value in (part.get_params([]) or [])[1:]}
    params = {key: value for key, value in params.items() if key not in ("charset", "name")}
    if kind == "message/rfc822":
        return Leaf(kind, (), "", part.get_payload(0).as_bytes().strip())
    raw = part.get_payload(decode=True) or b""
    filename = str(part.get_filename() or "")
    if part.get_content_maintype() != "text" or filename:
        return Leaf(kind, tuple(sorted(params.items())), filename, raw.replace(b"\r\n", b"\n"))
    text = raw.decode(part.get_content_charset("utf-8"), "surrogateescape")
    params.pop("format", "")
    return Leaf(kind, tuple(sorted(params.items())), "", "\n".join(text.splitlines()))


def headers(raw: bytes) -> Counter[tuple[str, str]]:
    """
    All that the header says, decoded, but for the trace of a way.
    """
    mail = email.message_from_bytes(raw)
    found: Counter[tuple[str, str]] = Counter()
    for name, value in mail.items():
        if name.lower() not in TRACE | WAY | {"date"}:
            decoded = str(make_header(decode_header(value)))
            if name.lower() in ADDRESSES:
                found.update((name.lower(), repr(one)) for one in getaddresses([decoded]))
            else:
                found[name.lower(), "".join(decoded.split())] += 1
    return found


def check(raw: bytes) -> bool:
    """
    Read *raw* and hold what came of it against it; tell whether it became fields.
    """
    message = Message.from_email_message(raw, id="m1")
    if message.mime:
        # The first line of a mailbox file is no part of the mail.
        assert message.mime == (raw.partition(b"\n")[2] if raw.startswith(b"From ") else raw)
        return False
    written = (
        message.replace(from_email=message.from_email or "x@example.com")
        .as_email_message()
        .as_bytes()
    )
    had, found = leaves(raw), leaves(written)
    # A file without a name gets one, or the recipient could not save it.
    found = [
        two if one.filename else two._replace(filename="")
        for one, two in zip(had, found, strict=True)
    ]
    assert had == found
    left = headers(raw) - headers(written)
    assert not left, left
    return True


@pytest.mark.skipif(not CORPUS.is_dir(), reason="this Python has no tests of its own")
def test_mails_of_pythons_own_tests() -> None:
    """
    Each becomes fields that say the same, or goes as it is, or is refused with a reason.
    """
    outcomes: Counter[str] = Counter()
    for path in sorted(CORPUS.glob("msg_*.txt")):
        raw = path.read_bytes().replace(b"\r\n", b"\n")
        try:
            outcomes["fields" if check(raw) else "mime"] += 1
        except InvalidMessage:
            outcomes["refused"] += 1

    assert outcomes["fields"] >= 5
    assert outcomes["mime"] >= 10
    assert outcomes["fields"] + outcomes["mime"] >= 30


WORDS = ["alpha", "Größe", "日本語", "x" * 120, "a, b", '"q"', "=?utf-8?q?x?=", "😀"]


def _random_mail(dice: random.Random) -> bytes:
    """
    A mail as a program may build it: any mixture of forms, images, files and headers.
    """
    mail = EmailMessage()
    mail["From"] = dice.choice(["a@example.com", "Jö <a@example.com>", '"A, B" <a@example.com>'])
    mail["To"] = dice.choice(["b@example.org", "b@example.org, Zoë <c@example.org>"])
    mail["Subject"] = dice.choice(WORDS)
    mail["Date"] = "Tue, 24 Nov 2026 09:30:00 +0100"
    for name in dice.sample(["Cc", "Reply-To", "X-A", "X-B", "List-Id", "Sender", "Keywords"], 3):
        if dice.random() < 0.4:
            is_address = name in ("Cc", "Reply-To", "Sender")
            mail[name] = "d@example.org" if is_address else dice.choice(WORDS)
    mail.set_content(_text(dice), cte=dice.choice(["quoted-printable", "base64"]))
    if dice.random() < 0.6:
        mail.add_alternative(f"<p>{_text(dice)}<img src='cid:i0'>", subtype="html")
        if dice.random() < 0.4:
            html: Any = mail.get_payload(1)
            html.add_related(b"\x89PNG", "image", "png", cid="<i0>")
    if dice.random() < 0.3:
        kind = dice.choice(["calendar", "x-amp-html", "watch-html"])
        params = {"method": "REQUEST"} if kind == "calendar" else {}
        mail.add_alternative(_text(dice), subtype=kind, params=params)
    for number in range(dice.choice([0, 0, 0, 1, 2])):
        name = dice.choice(["a.pdf", "ü.bin", "a b.txt", "x" * 90 + ".dat"])
        content = dice.randbytes(dice.randrange(0, 200)) + bytes([number])
        mail.add_attachment(content, "application", "octet-stream", filename=name)
    if dice.random() < 0.1:
        mail.add_attachment(_text(dice), filename="note.txt")
    _mutate(mail, dice)
    return mail.as_bytes(policy=policy.default.clone(linesep=dice.choice(["\n", "\r\n"])))


def _text(dice: random.Random) -> str:
    return "\n".join(dice.choice([*WORDS, "", ".", "From x"]) for _ in range(dice.randrange(1, 5)))


def _mutate(mail: EmailMessage, dice: random.Random) -> None:
    parts = [part for part in mail.walk() if not part.is_multipart()]
    part = dice.choice(parts)
    match dice.randrange(12):
        case 0:
            part.set_param("format", "flowed")
        case 1:
            part["Content-Description"] = "a description"
        case 2:
            part["Content-Language"] = "de"
        case 3:
            part.set_param("x-own", "1")
        case 4 if mail.is_multipart():
            forms: Any = mail.get_payload()
            forms.reverse()
        case 5 if mail.is_multipart():
            mail.set_param("x-own", "1")
        case 6:
            mail["DKIM-Signature"] = "v=1; b=x"
        case _:
            pass


def test_mails_made_at_random() -> None:
    """
    Of two thousand, each one says the same after reading or goes as it is.
    """
    dice = random.Random(14)

    read = sum(check(_random_mail(dice)) for _ in range(MAILS))

    assert MAILS // 3 < read < MAILS
