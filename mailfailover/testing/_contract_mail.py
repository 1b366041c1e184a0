"""
Claims about the data of an SMTP mail: lines, header and parts that every server takes.
"""

from __future__ import annotations

import re
from email import message_from_bytes
from typing import Any

import pytest

from mailfailover._message.message import Message
from mailfailover.errors import MailFailoverError
from mailfailover.testing._claim import calling, claim
from mailfailover.testing._contract_wire import build, refusable

__all__ = ["check_mail"]

# https://www.rfc-editor.org/rfc/rfc5322#section-2.1.1, without the end of the line
_LONGEST = 998
_BARE = re.compile(rb"\r(?!\n)|(?<!\r)\n")
_ONCE = ("from", "to", "cc", "reply-to", "subject", "date", "message-id", "mime-version")


@refusable()
def check_mail(provider: Any, message: Message) -> None:
    """
    The data are a mail as RFC 5322 and MIME have it, which says what *message* says.
    """
    request = build(provider, message)
    data = request.data
    claim(not _BARE.search(data), "a line ends in CR or LF alone: servers refuse it as smuggling")
    longest = max(map(len, data.split(b"\r\n")))
    claim(longest <= _LONGEST, f"a line has {longest} bytes: fold headers, encode long lines")
    if message.mime:
        return
    _check_header(request, [name.lower() for name, _ in message_from_bytes(data).items()])
    _check_charsets(data)
    with calling("a mail client that reads the data"):
        try:
            found = Message.from_email_message(data)
        except MailFailoverError as exc:
            pytest.fail(f"the data are no mail: {exc}")
    for field in ("to", "cc", "reply_to", "from_email"):
        read, written = getattr(found, field), getattr(message, field)
        claim(read == written, f"{field} is read as {read!r}: write it with str(address)")
    claim(found.subject == message.subject, "the subject is read as something else")
    for field in ("text", "html"):
        read, written = (_with_plain_ends(getattr(one, field)) for one in (found, message))
        claim(
            read == written,
            f"the {field} is read as {read[:60]!r}: is it a part of its own?",
        )


def _check_header(request: Any, names: list[str]) -> None:
    repeated = [name for name in _ONCE if names.count(name) > 1]
    claim(not repeated, f"{repeated and repeated[0]} is in the header twice: servers refuse it")
    for name in ("from", "date", "message-id"):
        claim(name in names, f"{name} is not in the header: receivers take such a mail for spam")
    header = request.data.partition(b"\r\n\r\n")[0]
    claim(
        header.isascii() or request.smtputf8,
        "the header is not ASCII: encode it (RFC 2047), or set smtputf8",
    )


def _check_charsets(data: bytes) -> None:
    for part in message_from_bytes(data).walk():
        if part.get_content_maintype() != "text" or part.get_filename():
            continue
        charset = part.get_content_charset("us-ascii")
        try:
            part.get_payload(decode=True).decode(charset)  # type: ignore[union-attr]  # a text is bytes
        except (LookupError, ValueError):
            pytest.fail(f"a text is not in the charset that its Content-Type names, {charset!r}")


def _with_plain_ends(text: str) -> str:
    return text.replace("\r\n", "\n").rstrip("\n")
