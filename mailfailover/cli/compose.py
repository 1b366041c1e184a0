"""
The mail that ``mailfailover send`` is to send: of options, or of standard input.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from mailfailover._message.encoded_words import decode_bytes
from mailfailover._message.message import Message
from mailfailover.cli.letter import Letter, with_options
from mailfailover.cli.sendmail import RECIPIENTS, Envelope, read_mail, use_header

if TYPE_CHECKING:
    from collections.abc import Iterable

_STDIN = "-"
_WHOM = (
    "give the recipients in one way: as arguments, with --to, --cc and --bcc, or with -t, which "
    "takes those of the mail's header"
)
_NO_MAIL = "there is no mail: give --subject, --text or --html, or pipe an RFC 5322 message into it"


def compose(letter: Letter, envelope: Envelope, *, from_header: bool) -> Message:
    """
    Make the mail.

    Args:
        letter: The mail's own options.

        envelope: The arguments of sendmail.

        from_header: Whether the header of the mail on standard input names its recipients.

    Raises:
        click.UsageError: If the command line contradicts itself, or names no recipient.
        InvalidMessage: If the mail is wrong.
    """
    ways = (bool(envelope.recipients), bool(letter.to or letter.cc or letter.bcc), from_header)
    if letter.subject or letter.text or letter.html:
        if from_header or not any(ways):
            raise click.UsageError("-t needs a mail on standard input" if from_header else _WHOM)
        return _of_options(letter, envelope.recipients)
    if sum(ways) != 1:
        # Of -t and arguments together Postfix makes one thing and Exim the opposite.
        raise click.UsageError(_WHOM if any(ways) or not _is_terminal() else _NO_MAIL)
    return _of_stdin(letter, envelope, from_header=from_header)


def _of_options(letter: Letter, recipients: Iterable[str]) -> Message:
    if letter.text == letter.html == _STDIN:
        raise click.UsageError("--text and --html cannot both be standard input")
    fields = letter.fields()
    for name in ("text", "html"):
        if fields.get(name) == _STDIN:
            fields[name] = decode_bytes(_read(), "utf-8", name)
    return Message(**(fields | {"to": ", ".join((*letter.to, *recipients)) or ()}))


def _of_stdin(letter: Letter, envelope: Envelope, *, from_header: bool) -> Message:
    options = letter.fields()
    fields = read_mail(_read(), envelope)
    if from_header:
        use_header(fields)
    elif not envelope.recipients:
        fields |= dict.fromkeys(RECIPIENTS, ())
    return Message(**with_options(fields, options))


def _read() -> bytes:
    return sys.stdin.buffer.read()


def _is_terminal() -> bool:
    return sys.stdin.isatty()
