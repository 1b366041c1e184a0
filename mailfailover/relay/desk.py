"""
The desk: where a mail is read at the end of DATA, and stored, or refused with the reason.
"""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from mailfailover._message.raw_mime import raw_header, split_raw, without_headers
from mailfailover._values.ulid import new_id
from mailfailover.errors import ConfigurationError, InvalidMessage, SendError
from mailfailover.relay.loops import Loops
from mailfailover.relay.reading import read_mail, received
from mailfailover.relay.submissions import MAX_HEADER, Submission
from mailfailover.service.accepting import Stored, check, store_all
from mailfailover.service.problems import Problem
from mailfailover.service.reading import Post

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Connection

    from mailfailover.relay.envelope import Wishes
    from mailfailover.relay.submissions import Submissions
    from mailfailover.service.parts import Service
    from mailfailover.service.rules import Caller

__all__ = ["Desk", "Given", "Letter"]

_LOG = logging.getLogger(__name__)
_REPLIES = {
    "forbidden": "550 5.7.1",
    "limit-reached": "450 4.7.1",
    "unavailable": "451 4.3.0",
    "invalid-message": "550 5.6.0",
}
_LATER = "451 4.3.0 The mail could not be stored, and will not be sent. Try again later"
_BARE = "550 5.6.11 A line ends in a bare CR or LF: end every line by CRLF"
_LOOP = "554 5.4.6 The same mail came to the same recipients too often: it goes round in a loop"


class Given(NamedTuple):
    """
    A submission of a client: the mail, its envelope, and the way it came.
    """

    content: bytes
    sender: str
    recipients: tuple[str, ...]
    wishes: Wishes
    caller: Caller
    peer: str
    helo: str
    protocol: str


class Letter(NamedTuple):
    """
    A mail that was read and may be sent, and its row for a bounce: None for a null sender.
    """

    stored: Stored
    submission: Submission | None


class Desk:
    """
    Takes mails for the outbox of a service. Safe in threads.

    Args:
        service: Its mailer, outbox and keys.

        submissions: Where the senders of envelopes are kept.

        clock: Seconds on a clock that never goes back.
    """

    def __init__(
        self,
        service: Service,
        submissions: Submissions,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._service = service
        self._submissions = submissions
        self._loops = Loops(clock)
        self._is_sealed = service.outbox.seal.close(b"", "") != b""

    def read(self, given: Given) -> Letter | str:
        """
        Read a mail, or return the reply that refuses it. No database is asked.
        """
        if _has_bare_end(given.content):
            return _BARE
        try:
            if self._loops.is_loop(raw_header(given.content, "message-id"), given.recipients):
                return _LOOP
            return self._read(given)
        except (InvalidMessage, ConfigurationError, SendError) as exc:
            return f"550 5.6.0 {_line(exc)}"
        except Problem as exc:
            return _reply(exc)

    def store(self, letters: Sequence[Letter]) -> list[str]:
        """
        Store mails and return the reply to each; a 250 means that it is on the disk.
        """
        try:
            answers = store_all(
                self._service, [one.stored for one in letters], partial(self._submit, letters)
            )
        except Problem as exc:
            _LOG.error("mails could not be stored: %s", type(exc.__cause__ or exc).__name__)
            return [_LATER] * len(letters)
        return [
            _reply(one) if isinstance(one, Problem) else f"250 2.0.0 Ok: queued as {one}"
            for one in answers
        ]

    def _submit(
        self, letters: Sequence[Letter], connection: Connection, answers: Sequence[str | Problem]
    ) -> None:
        """
        Keep to whom the bounces would go of those mails that are stored.
        """
        self._submissions.add(
            [
                one.submission
                for one, answer in zip(letters, answers, strict=True)
                if one.submission is not None and not isinstance(answer, Problem)
            ],
            connection,
        )

    def _read(self, given: Given) -> Letter:
        now = datetime.now(UTC)
        mail_id = new_id()
        message = read_mail(
            given.content,
            given.sender,
            given.recipients,
            trace=received(given.peer, given.helo, given.protocol, mail_id, format_datetime(now)),
            keep_vendors="provider_options" in given.caller.rules.grants,
        ).bound(id=mail_id)
        stored = check(self._service, given.caller, Post(message))
        if not given.sender:
            return Letter(stored, None)
        header = without_headers(split_raw(given.content)[0], self._is_hidden)
        text = header[:MAX_HEADER].decode("utf-8", "replace")
        return Letter(stored, Submission(mail_id, given.sender, given.wishes, text, now))

    def _is_hidden(self, name: str) -> bool:
        """
        Whether a header must not show in a bounce or the database.
        """
        if self._is_sealed:
            return name != "auto-submitted"  # Mails are encrypted at rest: so is their header.
        return name in ("bcc", "resent-bcc") or name.startswith("x-mf-")


def _has_bare_end(content: bytes) -> bool:
    """
    Whether a CR or an LF stands alone.
    """
    return not content.count(b"\r\n") == content.count(b"\r") == content.count(b"\n")


def _reply(problem: Problem) -> str:
    details = "; ".join(f"{one.field} {one.detail}" for one in problem.errors)
    return f"{_REPLIES.get(problem.kind, '451 4.3.0')} {_line(details or problem.detail)}"


def _line(text: object) -> str:
    """
    Write *text* as one line of a reply, in ASCII.
    """
    words = " ".join(str(text).split())
    return words.encode("ascii", "replace").decode()[:400]
