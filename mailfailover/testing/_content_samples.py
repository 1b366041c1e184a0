"""
Mails that show what is lost, cut or changed on their way into a request.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from mailfailover._message.attachment import Attachment
from mailfailover._message.message import Message

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["EXACT", "LARGE", "PEOPLE", "TIMED"]

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
