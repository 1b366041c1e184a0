"""
The exit codes: the one table that the code, the help and the documentation share.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailfailover import errors

if TYPE_CHECKING:
    from collections.abc import Mapping

OK = 0
REFUSED = 1
USAGE = 2
UNKNOWN = 3
TRY_LATER = 75  # EX_TEMPFAIL of sysexits.h: the caller of sendmail keeps the mail
INTERRUPTED = 130  # 128 + SIGINT, as shells have it

EXIT_CODES: Mapping[int, str] = {
    OK: "Done.",
    REFUSED: "The mail, or one of its recipients, is refused; doctor, demo: a problem.",
    USAGE: "The command line or the configuration is wrong; nothing was sent.",
    UNKNOWN: "The mail may have been sent; look it up before sending it again.",
    TRY_LATER: "No provider took the mail, it was not sent; try again later.",
    INTERRUPTED: "Interrupted; a mail that was on its way may have been sent.",
}

# The first class that fits; whatever else ends a send is about the mail.
_ERRORS: tuple[tuple[type[errors.MailFailoverError], int], ...] = (
    (errors.ConfigurationError, USAGE),
    (errors.OutcomeUnknown, UNKNOWN),
    (errors.AllProvidersFailed, TRY_LATER),
    (errors.MailFailoverError, REFUSED),
)


def exit_code(error: errors.MailFailoverError) -> int:
    """
    Return the exit code for the error that a command ended in.
    """
    return next(code for kind, code in _ERRORS if isinstance(error, kind))


def exit_table() -> str:
    """
    Return the table for a help text, which click leaves as it is.
    """
    rows = (f"  {code:>3}  {text}" for code, text in EXIT_CODES.items())
    return "\b\nExit codes:\n" + "\n".join(rows)
