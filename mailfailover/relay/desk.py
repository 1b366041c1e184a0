"""
The desk: where a mail is taken at the end of DATA, or refused with the reason.
"""

from __future__ import annotations

import logging
import re
import time
from email.utils import formatdate
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy.exc import SQLAlchemyError

from mailfailover._message.raw_mime import raw_header, split_raw, without_headers
from mailfailover._values.ulid import new_id
from mailfailover.errors import ConfigurationError, InvalidMessage, SendError
from mailfailover.relay.loops import Loops
from mailfailover.relay.reading import read_mail, received
from mailfailover.service.accepting import accept
from mailfailover.service.problems import Problem
from mailfailover.service.reading import Post

if TYPE_CHECKING:
    from collections.abc import Callable

    from mailfailover.relay.envelope import Wishes
    from mailfailover.relay.submissions import Submissions
    from mailfailover.service.parts import Service
    from mailfailover.service.rules import Caller

__all__ = ["Desk", "Given"]

_LOG = logging.getLogger(__name__)
_LONE = re.compile(rb"(?<!\r)\n|\r(?!\n)")
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
    What a client gave: the mail, its envelope, and how it came.
    """

    content: bytes
    sender: str
    recipients: tuple[str, ...]
    wishes: Wishes
    caller: Caller
    peer: str
    helo: str
    protocol: str


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

    def take(self, given: Given) -> str:
        """
        Store a mail and return the reply to its data; a 250 means that it is on the disk.
        """
        if _LONE.search(given.content):
            return _BARE
        mail_id = new_id()
        try:
            if self._loops.is_loop(raw_header(given.content, "message-id"), given.recipients):
                return _LOOP
            return self._store(given, mail_id)
        except InvalidMessage as exc:
            return f"550 5.6.0 {_line(exc)}"
        except Problem as exc:
            details = "; ".join(f"{one.field} {one.detail}" for one in exc.errors)
            return f"{_REPLIES.get(exc.kind, '451 4.3.0')} {_line(details or exc.detail)}"
        except (ConfigurationError, SendError) as exc:
            return f"550 5.6.0 {_line(exc)}"
        except SQLAlchemyError as exc:
            _LOG.error("a mail could not be stored: %s", type(exc).__name__)
            return _LATER

    def _store(self, given: Given, mail_id: str) -> str:
        when = formatdate(localtime=False)
        message = read_mail(
            given.content,
            given.sender,
            given.recipients,
            trace=received(given.peer, given.helo, given.protocol, mail_id, when),
            keep_vendors="provider_options" in given.caller.rules.grants,
        ).bound(id=mail_id)
        if given.sender:
            # Before the mail itself: a bounce is not lost if this process dies in between.
            header = without_headers(split_raw(given.content)[0], self._is_hidden)
            self._submissions.add(mail_id, given.sender, given.wishes, header)
        try:
            accept(self._service, given.caller, Post(message))
        except BaseException:
            if given.sender:
                self._submissions.finish(mail_id)
            raise
        return f"250 2.0.0 Ok: queued as {mail_id}"

    def _is_hidden(self, name: str) -> bool:
        """
        Tell whether a header is no business of whoever reads a bounce, or the database.
        """
        if self._is_sealed:
            return name != "auto-submitted"  # Mails are encrypted at rest: so is their header.
        return name in ("bcc", "resent-bcc") or name.startswith("x-mf-")


def _line(text: object) -> str:
    """
    Write *text* as one line of a reply, in ASCII.
    """
    words = " ".join(str(text).split())
    return words.encode("ascii", "replace").decode()[:400]
