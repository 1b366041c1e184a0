"""
A vendor over SMTP: what each kind of trouble does at which step, and a port that speaks it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailfailover.chaos._doors import MAX_BYTES
from mailfailover.chaos._trouble import KINDS
from mailfailover.testing._faults import (
    accept_then,
    garbage,
    hang_after_read,
    reset_after_read,
    slow,
)
from mailfailover.testing._loopback import LoopbackServer
from mailfailover.testing._smtp_exchange import SMTPExchange, find_smtp_fault
from mailfailover.testing._smtp_session import Session
from mailfailover.testing._smtp_wire import Settings

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Mapping

    from mailfailover.chaos._trouble import Trouble
    from mailfailover.chaos._troubles import Troubles
    from mailfailover.testing import Fault, RecordedMail
    from mailfailover.testing._channel import Channel
    from mailfailover.testing._smtp_wire import Reply

__all__ = ["SMTP_KINDS", "SMTPDoor"]

_EXTENSIONS = ("8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES", "PIPELINING")

# The step at which a trouble strikes, and what happens there.
_STEPS: Mapping[str, tuple[str, Callable[[Trouble], Fault | Reply]]] = {
    "refuse": ("connect", lambda _: reset_after_read()),
    "hang": ("dot", lambda _: hang_after_read()),
    "slow": ("dot", lambda trouble: slow(trouble.seconds)),
    "cut": ("dot", lambda _: accept_then(reset_after_read())),
    "unreadable": ("dot", lambda _: accept_then(garbage())),
    "unavailable": ("banner", lambda _: (421, "4.3.2 Service not available")),
    "internal": ("dot", lambda _: (451, "4.3.0 Internal error")),
    "rate_limited": ("mail", lambda _: (421, "4.7.0 Too many messages, try again later")),
    "auth": ("auth", lambda _: (535, "5.7.8 Authentication credentials invalid")),
    "suspended": ("auth", lambda _: (535, "5.7.8 This account is suspended")),
    "quota": ("mail", lambda _: (550, "5.4.5 Daily sending quota exceeded")),
    "sender": ("mail", lambda _: (553, "5.7.1 Sender address rejected: not owned by user")),
    "bad_recipient": ("rcpt", lambda _: (550, "5.1.1 No such user")),
    "too_large": ("mail", lambda _: (552, "5.3.4 Message size exceeds the fixed maximum")),
}

SMTP_KINDS: Mapping[str, str] = {name: text for name, text in KINDS.items() if name != "edge"} | {
    name: "A reply of the server." for name in _STEPS if name not in KINDS
}
"""The kinds of trouble that a vendor over SMTP can have, in words."""


class SMTPDoor(LoopbackServer):
    """
    A port that speaks SMTP, with STARTTLS, and takes any user name and password.

    Args:
        accept: Called with each accepted mail.
    """

    def __init__(
        self,
        host: str,
        port: int,
        troubles: Troubles,
        accept: Callable[[RecordedMail], None],
        context: Callable[[], ssl.SSLContext] | None,
    ) -> None:
        super().__init__(host=host, port=port)
        self._troubles = troubles
        self._take_mail = accept
        self._context = context

    def serve(self, channel: Channel) -> None:
        """
        Hold one conversation.
        """
        settings = Settings(
            hostname="localhost",
            size=MAX_BYTES,
            extensions=_EXTENSIONS,
            tls=self._context() if self._context else None,
            credentials={},
            tokens={},
            recipients={},
            any_login=True,
        )
        session = Session(
            channel,
            settings,
            log=lambda _: None,
            interrupt=self._interrupt,
            accept=self._take_mail,
        )
        if not self._interrupt(session, "connect"):
            session.run()

    def _interrupt(self, session: Session, step: str) -> bool:
        kinds = [kind for kind, (at, _) in _STEPS.items() if at == step]
        trouble = self._troubles.strikes(kinds)
        if trouble is None:
            return False
        exchange = SMTPExchange(session)
        find_smtp_fault(_STEPS[trouble.kind][1](trouble)).run(exchange)
        return not exchange.spared
