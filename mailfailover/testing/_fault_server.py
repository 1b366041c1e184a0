"""
A vendor on the loopback interface that answers like any provider and fails on command.
"""

from __future__ import annotations

import ssl
import time
import urllib.parse
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from mailfailover._values.face import published_in
from mailfailover.testing._certificates import Certificates, certificates
from mailfailover.testing._dialect import Dialect
from mailfailover.testing._dialects import find_dialect
from mailfailover.testing._fault import Fault, Phase
from mailfailover.testing._faults import BY_NAME, ok
from mailfailover.testing._http_exchange import HTTPExchange
from mailfailover.testing._http_wire import CannedResponse, RecordedRequest, read_request, render
from mailfailover.testing._log import Log
from mailfailover.testing._loopback import LoopbackServer
from mailfailover.testing._plan import Plan, Rule

if TYPE_CHECKING:
    from mailfailover.testing._channel import Channel

__all__ = ["FaultServer"]

_TOO_LATE = {Phase.LISTEN, Phase.CONNECT}

Match = Callable[[RecordedRequest], bool]


@published_in("mailfailover.testing")
class FaultServer(LoopbackServer):
    """
    An HTTP vendor on a real socket of 127.0.0.1.

    Healthy, it answers sends and pings as the vendor does; `fail`, `script` and
    `stop` make it fail. What it counted is the truth about a mail, whatever the
    client believes. Safe for any number of client threads; its own threads are
    daemons, and closing it ends every connection at once.

    .. code-block:: python

        with FaultServer("mailgun") as vendor:
            vendor.fail("unavailable", times=2)
            vendor.fail(faults.accept_then(faults.reset_after_read()), after=10)

    Args:
        dialect: Whose answers it gives: a provider's name such as ``"mailgun"``,
            ``"generic"``, a `Dialect`, or a function from the request to the answer
            for a mail that is accepted.

        tls: Speak HTTPS: with a certificate made by trustme, or with a context of your own.

        record_bodies: False keeps the records small; `accepted_ids` then knows nothing.

        receive_buffer: Bytes that the kernel takes in unread, so that a client's write stalls.

    .. versionadded:: 0.1.0
    """

    def __init__(
        self,
        dialect: str | Dialect | Callable[[RecordedRequest], CannedResponse] = "generic",
        *,
        tls: bool | ssl.SSLContext = False,
        port: int = 0,
        record_bodies: bool = True,
        receive_buffer: int | None = None,
    ) -> None:
        super().__init__(port=port, receive_buffer=receive_buffer)
        self.dialect: Dialect = _find_dialect(dialect)
        self.certificates: Certificates | None = certificates() if tls is True else None
        self._context = tls if isinstance(tls, ssl.SSLContext) else None
        if self.certificates:
            self._context = self.certificates.server_context
        self._record_bodies = record_bodies
        self._plan: Plan[RecordedRequest] = Plan()
        self._requests: Log[RecordedRequest] = Log()
        self._accepted: Log[RecordedRequest] = Log()
        self._struck: Log[Fault] = Log()

    @property
    def url(self) -> str:
        """
        Scheme, host and port, as a provider's ``base_url`` has them.
        """
        if not self.port:
            raise RuntimeError("the server has no port yet: enter it with `with`, or call start()")
        return f"{'https' if self._context else 'http'}://{self.host}:{self.port}"

    @property
    def requests(self) -> tuple[RecordedRequest, ...]:
        """
        Every request that was read whole, in order.
        """
        return self._requests.entries()

    @property
    def accepted(self) -> tuple[RecordedRequest, ...]:
        """
        The requests whose mail was accepted, whether or not the client was told.
        """
        return self._accepted.entries()

    @property
    def struck(self) -> tuple[Fault, ...]:
        """
        The faults that have struck, in order.
        """
        return self._struck.entries()

    def accepted_ids(self) -> Counter[str]:
        """
        How often each mail was accepted, by our id in the request.
        """
        return Counter(key for mail in self.accepted for key in self.dialect.mail_ids(mail))

    def accepted_recipients(self) -> Counter[str]:
        """
        How many accepted mails each address was to get.
        """
        return Counter(key for mail in self.accepted for key in self.dialect.recipients(mail))

    def wait_for(
        self, count: int, timeout: float = 5.0, *, accepted: bool = False
    ) -> tuple[RecordedRequest, ...]:
        """
        Block until *count* requests, or accepted mails, have come; all of them.

        Raises:
            TimeoutError:
                If they have not come after *timeout* seconds.
        """
        if accepted:
            return self._accepted.wait_for(count, timeout, "accepted mails")
        return self._requests.wait_for(count, timeout, "requests")

    def clear(self) -> None:
        """
        Forget what was recorded.
        """
        for log in (self._requests, self._accepted, self._struck):
            log.clear()

    def fail(
        self,
        fault: Fault | str,
        *,
        times: int | None = None,
        after: int = 0,
        match: Match | str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """
        Fail from now on. A later call comes before an earlier one.

        Args:
            fault: From `mailfailover.testing.faults`; or the name of one; or of an error in
                the vendor's own form: ``"unavailable"``, ``"internal"``, ``"rate_limited"``,
                ``"auth"``, ``"payment"``, ``"forbidden"``, ``"sender"``, ``"quota"``,
                ``"bad_recipient"``, ``"too_large"``, ``"not_found"``, ``"bad_gateway"``,
                ``"gateway_timeout"``.

            times: How often; always if None.

            after: How many requests are spared first.

            match: Which requests; a text is looked for in path and body.

            headers: Added to a named error's answer, such as ``{"Retry-After": "60"}``.

        Raises:
            ValueError:
                If *fault* is unknown here, or cannot be counted or matched.
        """
        made = self._find_fault(fault, headers)
        if made.phase is not Phase.REQUEST and match is not None:
            raise ValueError(f"{made.name} strikes before a request is read: leave out `match`")
        if made.phase is Phase.LISTEN:
            if times is not None or after:
                raise ValueError("refuse closes the port: it lasts until heal(), uncounted")
            self._struck.append(made)
            self.stop()
            return
        wanted = _contains(match) if isinstance(match, str) else match
        self._plan.add(Rule(fault=made, times=times, after=after, match=wanted))

    def script(self, entries: Iterable[Fault | str | None]) -> None:
        """
        Answer the next requests with *entries*, one each; None is a healthy answer.

        They come before whatever `fail` set. A TLS fault waits for a new connection.
        """
        made = [ok() if entry is None else self._find_fault(entry) for entry in entries]
        if any(fault.phase is Phase.LISTEN for fault in made):
            raise ValueError("refuse closes the port: no request can come; use fail() or stop()")
        self._plan.extend(made)

    def heal(self) -> None:
        """
        Be healthy: no faults, and listening.
        """
        self._plan.clear()
        self.start()

    def serve(self, channel: Channel) -> None:
        """
        Answer one connection's requests.
        """
        plan = self._plan
        if fault := plan.next_scripted(Phase.CONNECT) or plan.next_ruled(Phase.CONNECT):
            self._strike(fault, channel, None)
        elif self._context:
            channel.start_tls(self._context)
        while channel.open and channel.arrived():
            fault = plan.next_scripted(Phase.ARRIVAL, Phase.REQUEST)
            fault = fault or plan.next_ruled(Phase.ARRIVAL)
            if fault and fault.phase is Phase.ARRIVAL:
                self._strike(fault, channel, None)
                return
            request = read_request(channel)
            self._requests.append(self._kept(request))
            if fault := fault or plan.next_ruled(Phase.REQUEST, request):
                self._strike(fault, channel, request)
            else:
                channel.send(render(self._take(request)))
            if request.header("Connection").lower() == "close":
                return

    def _strike(self, fault: Fault, channel: Channel, request: RecordedRequest | None) -> None:
        if fault.name != "ok":
            self._struck.append(fault)
        request = request or RecordedRequest("", "", (), b"", time.monotonic(), channel.number)
        fault.run(HTTPExchange(channel, request, self._take, self._refusal, self._find_fault))

    def _take(self, request: RecordedRequest) -> CannedResponse:
        line = f"{request.method} {request.path.partition('?')[0]}"
        if self.dialect.ping.search(line):
            return self.dialect.ping_answer
        if self.dialect.mail.search(line):
            if refusal := self.dialect.refusal(request):
                return self._refusal(refusal, request)
            answer = self.dialect.accept(request)
            self._accepted.append(self._kept(request))
            return answer
        return self._refusal("not_found", request)

    def _refusal(self, name: str, request: RecordedRequest) -> CannedResponse:
        answer = self.dialect.errors[name]
        return answer if isinstance(answer, CannedResponse) else answer(request)

    def _kept(self, request: RecordedRequest) -> RecordedRequest:
        return request if self._record_bodies else replace(request, body=b"")

    def _find_fault(self, fault: Fault | str, headers: Mapping[str, str] | None = None) -> Fault:
        named = isinstance(fault, str) and fault in self.dialect.errors
        if headers and not named:
            raise ValueError("`headers` is for an error given by name; faults.status() has its own")
        if isinstance(fault, str):
            if named:
                return _named(fault, headers or {})
            if fault not in BY_NAME:
                known = ", ".join(sorted({*BY_NAME, *self.dialect.errors}))
                raise ValueError(
                    f"fault {fault!r} is unknown to {self.dialect.name}; known: {known}"
                )
            fault = BY_NAME[fault]()
        if fault.phase is Phase.CONNECT and not self._context:
            raise ValueError(f"{fault.name} needs TLS: FaultServer(tls=True)")
        if fault.then is not None and self._find_fault(fault.then).phase in _TOO_LATE:
            raise ValueError(f"{fault} cannot be: the second fault comes before any request")
        return fault


def _find_dialect(dialect: str | Dialect | Callable[[RecordedRequest], CannedResponse]) -> Dialect:
    if isinstance(dialect, Dialect):
        return dialect
    if callable(dialect):
        return replace(find_dialect("generic"), name="custom", accept=dialect)
    return find_dialect(dialect)


def _named(name: str, headers: Mapping[str, str]) -> Fault:
    return Fault(
        name,
        "answered",
        Phase.REQUEST,
        tuple(headers.items()),
        run=lambda exchange: exchange.refuse(name, headers),
    )


def _contains(text: str) -> Match:
    wanted = text.encode()
    quoted = urllib.parse.quote_plus(text).encode()
    return lambda request: text in request.path or wanted in request.body or quoted in request.body
