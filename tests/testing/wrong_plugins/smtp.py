"""
Plugins over SMTP whose data are no good mail, or whose envelope is another one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from mailfailover.errors import AuthenticationFailed
from mailfailover.plugin import (
    Accepted,
    Capabilities,
    Feature,
    Message,
    SMTPReply,
    SMTPRequest,
    SMTPResponse,
    classify_smtp,
)
from mailfailover.testing import ProviderContract
from tests.testing.wrong_plugins import Wrong

if TYPE_CHECKING:
    from collections.abc import Callable

    from mailfailover.errors import SendError

MAIL = "test_data_are_a_mail"
ENVELOPE = "test_envelope_names_everybody"
TWICE = "is in the header twice"
CHARSET = re.compile(rb'charset="?utf-8"?', re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class GoodSMTP:
    """
    A server that takes every mail.
    """

    name: ClassVar[str] = "good-smtp"
    capabilities: ClassVar[Capabilities] = Capabilities(
        Feature.HTML
        | Feature.REPLY_TO
        | Feature.MULTIPLE_REPLY_TO
        | Feature.HEADERS
        | Feature.MESSAGE_ID
        | Feature.ATTACHMENTS
        | Feature.INLINE_IMAGES
        | Feature.CALENDAR
        | Feature.MIME
        | Feature.ENVELOPE_FROM
    )

    password: str = field(default="secret-password", repr=False)

    def build_request(self, message: Message) -> SMTPRequest:
        return SMTPRequest(
            "smtp.good.example",
            587,
            password=self.password,
            mail_from=message.envelope_from or message.sender.email,
            recipients=self.envelope(message),
            data=self.data(message),
        )

    def envelope(self, message: Message) -> tuple[str, ...]:
        """
        Whom the server is told of.
        """
        return tuple(one.email for one in message.recipients)

    def data(self, message: Message) -> bytes:
        """
        The mail.
        """
        return message.as_bytes()

    def build_ping(self) -> SMTPRequest:
        return SMTPRequest("smtp.good.example", 587, password=self.password)

    def parse_response(self, response: SMTPResponse, message: Message) -> Accepted:
        return Accepted()

    def classify_error(self, response: SMTPResponse, message: Message) -> SendError:
        return classify_smtp(response.reply)


class TestGoodSMTP(ProviderContract):
    provider: ClassVar[Any] = GoodSMTP()
    accepted = SMTPResponse(SMTPReply(250, "Ok", "."))
    errors = ((SMTPResponse(SMTPReply(535, "5.7.8 no", "auth")), AuthenticationFailed),)


def writing(write: Callable[[Message, bytes], bytes]) -> type[GoodSMTP]:
    """
    A plugin that changes the data.
    """

    class Writing(GoodSMTP):
        def data(self, message: Message) -> bytes:
            data = super().data(message)
            return data if message.mime else write(message, data)

    return Writing


def telling(envelope: Callable[[Message], tuple[str, ...]]) -> type[GoodSMTP]:
    """
    A plugin with another envelope.
    """

    class Telling(GoodSMTP):
        def envelope(self, message: Message) -> tuple[str, ...]:
            return envelope(message)

    return Telling


def with_header(line: bytes) -> Callable[[Message, bytes], bytes]:
    """
    Put *line* above the header.
    """
    return lambda _, data: line + b"\r\n" + data


def without(name: bytes) -> Callable[[Message, bytes], bytes]:
    """
    Leave a header off.
    """
    pattern = re.compile(rb"^" + name + rb":.*\r\n(?:[ \t].*\r\n)*", re.MULTILINE | re.IGNORECASE)
    return lambda _, data: pattern.sub(b"", data, count=1)


def by_hand(message: Message, _: bytes) -> bytes:
    """
    Write a mail as a beginner does.
    """
    to = ", ".join(f"{one.name} <{one.email}>" if one.name else one.email for one in message.to)
    head = [
        f"From: {message.sender}",
        f"To: {to}",
        f"Subject: {message.subject}",
        "Date: Thu, 01 Jan 2026 00:00:00 +0000",
        f"Message-ID: {message.message_id}",
        "Content-Type: text/plain; charset=utf-8",
    ]
    return "\r\n".join([*head, "", *message.text.splitlines(), ""]).encode()


SMTP: dict[str, Wrong] = {
    "lines of Unix": Wrong(
        writing(lambda _, data: data.replace(b"\r\n", b"\n")), MAIL, "ends in CR or LF alone"
    ),
    "a bare CR": Wrong(
        writing(lambda _, data: data.replace(b"\r\n\r\n", b"\r\n\r\n\r", 1)), MAIL, "CR or LF alone"
    ),
    "one long line": Wrong(
        writing(with_header(b"X-Trace: " + b"a" * 1200)), MAIL, "a line has 1209 bytes"
    ),
    "a header of 8 bits": Wrong(
        writing(with_header("X-Shop: Bücher".encode())), MAIL, "the header is not ASCII"
    ),
    "two subjects": Wrong(writing(with_header(b"Subject: Good")), MAIL, f"subject {TWICE}"),
    "two senders": Wrong(writing(with_header(b"From: good@example.com")), MAIL, f"from {TWICE}"),
    "two ids": Wrong(
        writing(with_header(b"Message-ID: <good@example.com>")),
        MAIL,
        "message-id is in the header twice",
    ),
    "no date": Wrong(writing(without(b"Date")), MAIL, "date is not in the header"),
    "no id": Wrong(writing(without(b"Message-ID")), MAIL, "message-id is not in the header"),
    "no sender": Wrong(writing(without(b"From")), MAIL, "from is not in the header"),
    "no recipient": Wrong(writing(without(b"To")), MAIL, "to is read as"),
    "no copy": Wrong(writing(without(b"Cc")), MAIL, "cc is read as"),
    "no reply": Wrong(writing(without(b"Reply-To")), MAIL, "reply_to is read as"),
    "by hand": Wrong(writing(by_hand), MAIL, "to is read as|the header is not ASCII"),
    "another charset": Wrong(
        writing(lambda _, data: CHARSET.sub(b"charset=us-ascii", data)),
        MAIL,
        "is not in the charset that its Content-Type names",
    ),
    "a charset of nobody": Wrong(
        writing(lambda _, data: CHARSET.sub(b"charset=good-1", data)),
        MAIL,
        "is not in the charset that .* 'good-1'",
    ),
    "a Bcc header": Wrong(
        writing(
            lambda m, data: (
                data
                if not m.bcc
                else b"Bcc: " + ", ".join(one.email for one in m.bcc).encode() + b"\r\n" + data
            )
        ),
        ENVELOPE,
        "shows a Bcc to everybody",
    ),
    "dots twice": Wrong(
        writing(lambda _, data: data.replace(b"\r\n.", b"\r\n..")),
        "test_values_arrive_as_they_are",
        "text is cut or changed",
    ),
    "no blind copies": Wrong(
        telling(lambda m: tuple(one.email for one in (*m.to, *m.cc))), ENVELOPE, "does not name to"
    ),
    "first recipient": Wrong(
        telling(lambda m: (m.recipients[0].email,)), ENVELOPE, "does not name to"
    ),
    "everybody twice": Wrong(
        telling(lambda m: tuple(one.email for one in m.recipients) * 2), ENVELOPE, "does not name"
    ),
    "MIME again": Wrong(
        type(
            "Again",
            (GoodSMTP,),
            {"data": lambda _, m: m.as_bytes().replace(b"preamble\r\n", b""), "__slots__": ()},
        ),
        "test_mime_stays_as_it_is",
        "a signature would break",
    ),
}
