"""
An SMTP server on the loopback interface that fails on command, at any step.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from mailfailover._values.face import published_in
from mailfailover.testing._certificates import Certificates, certificates
from mailfailover.testing._fault import Fault, Phase
from mailfailover.testing._log import Log
from mailfailover.testing._loopback import LoopbackServer
from mailfailover.testing._plan import Plan, Rule
from mailfailover.testing._smtp_exchange import SMTPExchange, find_smtp_fault
from mailfailover.testing._smtp_session import Session
from mailfailover.testing._smtp_wire import RecordedMail, Reply, Settings

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping

    from mailfailover.testing._channel import Channel

__all__ = ["SMTPFaultServer"]

_STEPS = (
    "connect",
    "banner",
    "ehlo",
    "helo",
    "starttls",
    "handshake",
    "auth",
    "mail",
    "rcpt",
    "data",
    "dot",
    "rset",
    "noop",
    "quit",
)
_OUR_ID = re.compile(rb"^Message-ID:\s*<([^<>@\s]+)@", re.IGNORECASE | re.MULTILINE)


@published_in("mailfailover.testing")
class SMTPFaultServer(LoopbackServer):
    """
    A small SMTP server on a real socket of 127.0.0.1.

    .. code-block:: python

        with SMTPFaultServer(recipients={"bad@example.com": (550, "5.1.1 No such user")}) as smtp:
            smtp.fail("mail", (451, "4.3.0 Try later"), times=1)
            smtp.fail("dot", faults.accept_then(faults.close_after_read()))

    Args:
        tls: None, ``"starttls"`` or ``"implicit"``.

        context: The server's side of TLS; made by trustme if None.

        size: What SIZE announces and enforces; None leaves it out.

        extensions: Announced as they are, after EHLO.

        credentials: Passwords by user, for AUTH PLAIN and LOGIN. With these or *tokens*,
            mail is refused before authentication, which STARTTLS must precede.

        tokens: Bearer tokens by user, for AUTH XOAUTH2.

        recipients: The replies to RCPT for some addresses; the others are accepted.

    .. versionadded:: 0.1.0
    """

    def __init__(
        self,
        *,
        tls: str | None = None,
        context: ssl.SSLContext | None = None,
        size: int | None = 26_214_400,
        extensions: tuple[str, ...] = ("8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES", "PIPELINING"),
        credentials: Mapping[str, str] | None = None,
        tokens: Mapping[str, str] | None = None,
        recipients: Mapping[str, Reply] | None = None,
        port: int = 0,
    ) -> None:
        super().__init__(port=port)
        if tls not in {None, "starttls", "implicit"}:
            raise ValueError(f"tls is {tls!r}; it must be None, 'starttls' or 'implicit'")
        self.certificates: Certificates | None = None
        if tls and context is None:
            self.certificates = certificates()
            context = self.certificates.server_context
        self._implicit = context if tls == "implicit" else None
        self._settings = Settings(
            hostname="localhost",
            size=size,
            extensions=extensions,
            tls=context if tls == "starttls" else None,
            credentials=dict(credentials or {}),
            tokens=dict(tokens or {}),
            recipients=dict(recipients or {}),
        )
        self._plan: Plan[str] = Plan()
        self._accepted: Log[RecordedMail] = Log()
        self._lines: Log[tuple[int, str]] = Log()

    @property
    def accepted(self) -> tuple[RecordedMail, ...]:
        """
        The mails that were accepted, whether or not the client was told.
        """
        return self._accepted.entries()

    @property
    def transcripts(self) -> dict[int, tuple[str, ...]]:
        """
        The lines that each connection's client sent, mail data left out.
        """
        lines = defaultdict(list)
        for number, line in self._lines.entries():
            lines[number].append(line)
        return {number: tuple(sent) for number, sent in lines.items()}

    def accepted_ids(self) -> Counter[str]:
        """
        How often each mail was accepted, by the part of its Message-ID before the @.
        """
        return Counter(key for mail in self.accepted if (key := _mail_id(mail.data)))

    def accepted_recipients(self) -> Counter[str]:
        """
        How many accepted mails each address was to get.
        """
        return Counter(address for mail in self.accepted for address in mail.rcpt_tos)

    def wait_for(self, count: int, timeout: float = 5.0) -> tuple[RecordedMail, ...]:
        """
        Block until *count* mails are accepted; all of them.

        Raises:
            TimeoutError:
                If they are not after *timeout* seconds.
        """
        return self._accepted.wait_for(count, timeout, "accepted mails")

    def clear(self) -> None:
        """
        Forget what was recorded.
        """
        self._accepted.clear()
        self._lines.clear()

    def fail(
        self, step: str, fault: Fault | str | Reply, *, times: int | None = None, after: int = 0
    ) -> None:
        """
        Fail at *step* from now on. A later call comes before an earlier one.

        Args:
            step: ``"connect"`` (before TLS and banner), ``"banner"``, ``"handshake"`` (of
                STARTTLS), a command in lower case, or ``"dot"`` (all data has come).

            fault: A reply as code and text; or a fault (or its name) of
                `mailfailover.testing.faults` that is not HTTP's own.

            times: How often; always if None.

            after: How often the step is spared first.

        Raises:
            ValueError:
                If there is no such step, or *fault* does not fit.
        """
        if step not in _STEPS:
            raise ValueError(f"step {step!r} is unknown; known: {', '.join(_STEPS)}")
        made = find_smtp_fault(fault)
        self._plan.add(Rule(fault=made, times=times, after=after, match=lambda at: at == step))

    def heal(self) -> None:
        """
        Be healthy: no faults, and listening.
        """
        self._plan.clear()
        self.start()

    def serve(self, channel: Channel) -> None:
        """
        Hold one conversation.
        """
        session = Session(
            channel,
            self._settings,
            log=lambda line: self._lines.append((channel.number, line)),
            interrupt=self._interrupt,
            accept=self._accepted.append,
        )
        if self._interrupt(session, "connect"):
            return
        if self._implicit:
            channel.start_tls(self._implicit)
        session.run()

    def _interrupt(self, session: Session, step: str) -> bool:
        fault = self._plan.next_ruled(Phase.REQUEST, step)
        if fault is None:
            return False
        exchange = SMTPExchange(session)
        fault.run(exchange)
        return not exchange.spared


def _mail_id(data: bytes) -> str:
    found = _OUR_ID.search(data.partition(b"\r\n\r\n")[0])
    return found[1].decode("ascii", "replace") if found else ""
