"""
Prints mails to the terminal, for development.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, TextIO

from mailfailover import errors, plugin


@dataclass(frozen=True, slots=True)
class Console:
    r"""
    Prints every mail readably, the envelope and what a vendor is asked to do included.

    Safe for a terminal: what could move its cursor, colour it or reverse the text is
    printed as an escape such as ``\x1b``. The lines of a body are indented, so no body
    can pass for a header.

    Attributes:
        stream: ``"stderr"`` or ``"stdout"``.

    .. versionadded:: 0.1.0
    """

    name: ClassVar[str] = "console"
    maturity: ClassVar[str] = "stable"
    capabilities: ClassVar[plugin.Capabilities] = plugin.EVERYTHING

    stream: str = "stderr"

    def __post_init__(self) -> None:
        if self.stream not in ("stderr", "stdout"):
            raise errors.ConfigurationError("stream of console must be 'stderr' or 'stdout'")

    def send(self, message: plugin.Message) -> str:
        stream = self._open_stream()
        text = "".join(f"{line}\n" for line in _lines(message))
        encoding = stream.encoding or "utf-8"
        try:
            # One write: mails of several threads do not mix.
            stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
            stream.flush()
        except OSError as exc:
            raise errors.OutcomeUnknown(
                f"{self.stream} failed ({exc.strerror}): the mail may be printed in part"
            ) from exc
        return message.message_id

    def ping(self) -> None:
        """
        Check that there is a stream to print to.
        """
        self._open_stream()

    def _open_stream(self) -> TextIO:
        stream: TextIO | None = getattr(sys, self.stream)
        if stream is None or stream.closed:
            raise errors.ProviderUnavailable(
                f"this process has no open {self.stream}: nothing was printed; use file:// instead"
            )
        return stream


def _lines(message: plugin.Message) -> Iterator[str]:
    message = plugin.readable(message)
    yield "-" * 72
    for label, text in _head(message):
        yield f"{label}: {_visible(text)}"
    forms = ((one.content_type, one.content) for one in message.alternatives)
    for name, body in (("text", message.text), ("html", message.html), *forms):
        if body:
            yield f"[{name}]"
            for line in body.replace("\r\n", "\n").split("\n"):
                yield f"    {_visible(line)}".rstrip(" ")
    yield "-" * 72


def _head(message: plugin.Message) -> Iterator[tuple[str, str]]:
    if message.mime:
        for name, value in message.as_email_message().items():
            yield name, " ".join(str(value).split())
        yield from plugin.details(message)
        return
    yield "From", str(message.sender)
    for label, who in (("To", message.to), ("Cc", message.cc), ("Reply-To", message.reply_to)):
        if who:
            yield label, ", ".join(map(str, who))
    yield "Subject", message.subject
    yield "Message-ID", message.message_id
    for name, value in message.header_items():
        if name.lower() != "message-id":
            yield name, value
    yield from plugin.details(message)
    for attachment in message.attachments:
        yield "Attachment", _describe(attachment)


def _describe(attachment: plugin.Attachment) -> str:
    inline = f", inline as cid:{attachment.content_id}" if attachment.content_id else ""
    return f"{attachment.filename} ({attachment.content_type}, {attachment.size} bytes{inline})"


def _visible(line: str) -> str:
    if line.isprintable():
        return line
    return "".join(
        c if c.isprintable() or c == "\t" else c.encode("unicode_escape").decode() for c in line
    )
