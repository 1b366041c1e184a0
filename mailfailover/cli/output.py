"""
The output of commands: text that is safe for a terminal, JSON, and errors without tracebacks.
"""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from mailfailover.cli.exits import INTERRUPTED, exit_code
from mailfailover.errors import AllProvidersFailed, MailFailoverError

if TYPE_CHECKING:
    from collections.abc import Iterator


def write_json(data: Any) -> None:
    """
    Write *data* to standard output, in ASCII, which is valid JSON in any encoding.
    """
    click.echo(json.dumps(data, indent=2))


def say(text: str, *, color: str | None = None, err: bool = False) -> None:
    """
    Write lines of text, in *color* on a terminal.

    Control characters are written as escapes.
    """
    click.secho(printable(text), fg=color, err=err)


def printable(text: str) -> str:
    r"""
    Return *text* with every character that does not print, but the end of a line, as an escape.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c == "\n" else ascii(c)[1:-1] for c in text)


@contextmanager
def reporting(*, as_json: bool) -> Iterator[None]:
    """
    End the process with a message and an exit code where a command ends in an error of ours.

    Args:
        as_json: Whether the error is also written to standard output as JSON.
    """
    try:
        yield
    except MailFailoverError as exc:
        code = exit_code(exc)
        if as_json:
            write_json({"error": describe(exc), "exit_code": code})
        say(f"mailfailover: {exc}", err=True)
        sys.exit(code)
    except KeyboardInterrupt:
        say("mailfailover: interrupted; a mail on its way may have been sent", err=True)
        sys.exit(INTERRUPTED)


def describe(error: MailFailoverError) -> dict[str, Any]:
    """
    Return *error* as JSON-safe data.
    """
    data: dict[str, Any] = {
        "type": type(error).__name__,
        "message": str(error),
        "attempts": [attempt.to_dict() for attempt in error.attempts],
    }
    if isinstance(error, AllProvidersFailed):
        data["retry_at"] = error.retry_at and error.retry_at.isoformat()
    return data
