"""
The receipt as ``mailfailover send`` prints it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailfailover.cli.exits import OK, REFUSED
from mailfailover.cli.output import say, write_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailfailover._values.receipt import Receipt
    from mailfailover.errors import Attempt


def report(receipt: Receipt, *, as_json: bool) -> int:
    """
    Tell of *receipt*; warnings go to standard error.

    Returns:
        The exit code: that of a refusal where a recipient surely gets no mail.
    """
    if as_json:
        write_json(receipt.to_dict())
    else:
        for line in _lines(receipt):
            say(line)
    for line in _warnings(receipt):
        say(f"mailfailover: {line}", err=True)
    return REFUSED if receipt.rejected else OK


def _lines(receipt: Receipt) -> Iterator[str]:
    vendor_id = receipt.provider_message_id
    at = f" as {vendor_id}" if vendor_id else ""
    yield f"{receipt.provider} accepted mail {receipt.mail_id}{at}"
    for attempt in receipt.attempts:
        yield f"  {_attempt(attempt)}"


def _attempt(attempt: Attempt) -> str:
    reason = f": {attempt.error}" if attempt.error is not None else ""
    dropped = f"; left off: {', '.join(attempt.dropped.names)}" if attempt.dropped else ""
    return f"{attempt.provider}: {attempt.outcome} in {attempt.duration:.2f} s{reason}{dropped}"


def _warnings(receipt: Receipt) -> Iterator[str]:
    if receipt.possible_duplicate:
        yield "an earlier attempt may have sent the mail too: possible duplicate"
    for email, status in receipt.rejected.items():
        yield f"{email} gets no mail: {status}"
