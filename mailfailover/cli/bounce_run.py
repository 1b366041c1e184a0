"""
Taking bounces: one from standard input, or all of a mailbox.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import closing, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from mailfailover.bounces import BounceIntake
from mailfailover.bounces.mailbox import BounceMailbox
from mailfailover.cli.database import load
from mailfailover.cli.event_handlers import EventHandlers, event_shower
from mailfailover.cli.exits import OK, TRY_LATER
from mailfailover.cli.output import say
from mailfailover.cli.source import open_mailer
from mailfailover.errors import ConfigurationError, InvalidSignature, MailFailoverError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["run_bounce"]

MAX_BYTES = 16 * 1024 * 1024
# Set by Postfix's local(8) and by qmail for the commands that they pipe a mail into.
_RECIPIENTS = ("ORIGINAL_RECIPIENT", "RECIPIENT")
_CALLBACK_SECRET = "MAILFAILOVER_CALLBACK_SECRET"  # noqa: S105 -- the name of a variable


def run_bounce(
    *,
    to: Sequence[str],
    imap: str | None,
    move_to: str,
    imap_ca_file: Path | None,
    dsn: str | None,
    config: Path | None,
    database: str | None,
    as_json: bool,
) -> int:
    """
    Take bounces and return the exit code, which tells a mail server whether to keep the mail.
    """
    raw = b"" if imap else _read(sys.stdin.buffer)
    mailbox = None
    try:
        if imap:
            mailbox = _mailbox(imap, move_to, imap_ca_file)
        parts = EventHandlers.open(database)
        handlers = [*parts.all, *_callbacks(parts), event_shower(as_json=as_json)]
        deliveries = parts.deliveries
        with (
            open_mailer(dsn, config, on_event=handlers, deliveries=deliveries) as mailer,
            closing(deliveries) if deliveries else nullcontext(),  # closing writes the counts
        ):
            intake = BounceIntake(mailer, known=[parts.outbox.get, parts.tracking.status])
            if mailbox is not None:
                return _read_mailbox(mailbox, intake, as_json=as_json)
            return _take(intake, raw, [*to, *filter(None, map(os.environ.get, _RECIPIENTS))])
    except MailFailoverError as exc:
        say(f"mailfailover: {exc}", err=True)
    except Exception as exc:  # noqa: BLE001 -- any exit code but 75 would end the mail
        say(f"mailfailover: the bounce cannot be stored now ({type(exc).__name__})", err=True)
    return TRY_LATER


def _take(intake: BounceIntake, raw: bytes, to: Sequence[str]) -> int:
    try:
        intake.receive(raw, to)
    except InvalidSignature as exc:
        say(f"mailfailover: passed by: {exc}", err=True)
    return OK


def _read_mailbox(mailbox: BounceMailbox, intake: BounceIntake, *, as_json: bool) -> int:
    found = mailbox.read(intake)
    if as_json:
        click.echo(json.dumps(found._asdict()))
    else:
        say(f"taken: {found.taken}, others: {found.others}, failed: {found.failed}", err=True)
    return TRY_LATER if found.failed else OK


def _read(stream: BinaryIO) -> bytes:
    """
    Read a mail to its end, and keep so much of it as a report needs.

    A server that cannot write all of it takes that for a failure.
    """
    raw = stream.read(MAX_BYTES)
    while stream.read(1024 * 1024):
        pass
    return raw


def _mailbox(url: str, move_to: str, ca_file: Path | None) -> BounceMailbox:
    return BounceMailbox.parse(
        url,
        password=_secret("MAILFAILOVER_IMAP_PASSWORD"),
        access_token=_secret("MAILFAILOVER_IMAP_TOKEN"),
        move_to=move_to,
        ca_file=str(ca_file or ""),
    )


def _secret(variable: str) -> str:
    """
    Return a secret of the environment, or of the file that another variable names.
    """
    path = os.environ.get(f"{variable}_FILE")
    if not path:
        return os.environ.get(variable, "")
    try:
        return Path(path).read_text("utf-8").strip("\r\n")
    except (OSError, ValueError) as exc:
        message = f"the file of {variable}_FILE cannot be read ({type(exc).__name__})"
        raise ConfigurationError(message) from None


def _callbacks(parts: EventHandlers) -> list[Any]:
    """
    Return what writes calls to other systems down, as the service does; it makes them.
    """
    if not os.environ.get(_CALLBACK_SECRET):
        return []
    room = load("mailfailover.service.callback_addresses")
    callbacks = room.open_callbacks(parts.engine, os.environ)
    callbacks.init()
    return [callbacks]
