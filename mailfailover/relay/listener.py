"""
The listener: the ports of the relay, in a thread of their own.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from threading import Thread
from typing import TYPE_CHECKING, Any

from mailfailover._values.face import published_in
from mailfailover.bounces import BounceIntake
from mailfailover.errors import ConfigurationError
from mailfailover.relay.desk import Desk
from mailfailover.relay.gate import Gate
from mailfailover.relay.handler import Handler
from mailfailover.relay.session import Session
from mailfailover.relay.submissions import Submissions
from mailfailover.relay.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailfailover.relay.certificates import Certificates
    from mailfailover.service.parts import Service

__all__ = ["Address", "Relay"]

IDLE_TIMEOUT = 300.0
MAX_BYTES = 40 * 1024 * 1024
MAX_CONNECTIONS = 200
MAX_OF_ONE_PEER = 50
WRITERS = 8
REFRESH_EVERY = 10.0
ANSWERING = 0.05
_BUSY = b"421 4.7.0 Too many connections, try again later\r\n"


@published_in("mailfailover.relay")
@dataclass(frozen=True, slots=True)
class Address:
    """
    Where a port listens; with implicit TLS, or with STARTTLS where there is a certificate.
    """

    host: str
    port: int
    tls: bool = False

    @classmethod
    def parse(cls, text: str, *, tls: bool = False) -> Address:
        """
        Read ``HOST:PORT``.

        Raises:
            ConfigurationError: If it is something else.
        """
        host, colon, port = text.rpartition(":")
        host = host.strip("[]")
        if not colon or not host or not port.isdecimal() or int(port) > 65535:  # noqa: PLR2004 -- ports
            message = f"{text!r} is not of the form HOST:PORT, such as 127.0.0.1:2525"
            raise ConfigurationError(message)
        return cls(host, int(port), tls)


@published_in("mailfailover.relay")
class Relay:
    """
    Takes mails by SMTP for the outbox of a service.

    Args:
        service: Its mailer, outbox and keys; :mod:`mailfailover.service` makes it.

        addresses: Where to listen.

        certificates: For TLS; without them only clients on this machine may log in.

        idle_timeout: Seconds that a client may be silent, or take for one mail.

        max_bytes: The largest mail.

        max_connections: How many clients may be connected at once.

    .. versionadded:: 0.1.0
    """

    def __init__(
        self,
        service: Service,
        addresses: Sequence[Address],
        *,
        certificates: Certificates | None = None,
        idle_timeout: float = IDLE_TIMEOUT,
        max_bytes: int = MAX_BYTES,
        max_connections: int = MAX_CONNECTIONS,
    ) -> None:
        if certificates is None and any(address.tls for address in addresses):
            raise ConfigurationError("a port with TLS needs --tls-cert and --tls-key")
        self.submissions: Submissions = Submissions(service.outbox.engine)
        self.ports: list[int] = []
        self._addresses = addresses
        self._certificates = certificates
        self._max_connections = max_connections
        self._gate = Gate(service.keys)
        self._executor = ThreadPoolExecutor(WRITERS, thread_name_prefix="mailfailover-smtp")
        desk = Desk(service, self.submissions)
        self._writer = Writer(desk, self._executor)
        bounces = _intake(service)
        self._handler = Handler(self._gate, desk, self._writer, bounces, self._executor)
        self._options: dict[str, Any] = {
            "authenticator": self._gate.log_in,
            "data_size_limit": max_bytes,
            "enable_SMTPUTF8": True,
            "hostname": "mailfailover",
            "ident": "ESMTP mailfailover",
            "timeout": idle_timeout,
        }
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="mailfailover-relay", daemon=True)
        self._open: Counter[str] = Counter()

    def start(self) -> None:
        """
        Listen.

        Raises:
            ConfigurationError: If a port cannot be had.
        """
        # aiosmtpd logs every address that it hears.
        logging.getLogger("mail.log").setLevel(logging.CRITICAL)
        self.submissions.init()
        self._thread.start()
        self._servers = []
        for address in self._addresses:
            self._servers.append(self._call(self._listen(address)))
            self.ports.append(self._servers[-1].sockets[0].getsockname()[1])
        self._loop.call_soon_threadsafe(self._refresh)

    def stop(self) -> None:
        """
        Listen no more, and wait until the mails that are being taken are stored.
        """
        self._call(self._close())
        self._executor.shutdown()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _call(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    async def _listen(self, address: Address) -> asyncio.Server:
        context = self._certificates.context if self._certificates else None
        try:
            return await self._loop.create_server(
                lambda: self._session(address),
                address.host,
                address.port,
                ssl=context if address.tls else None,
                backlog=256,
            )
        except OSError as exc:
            where = f"port {address.port} of {address.host}"
            message = f"{where} cannot be had ({exc.strerror}): give another"
            raise ConfigurationError(message) from exc

    def _session(self, address: Address) -> Session:
        context = self._certificates.context if self._certificates and not address.tls else None
        return _Counted(
            self._handler,
            is_tls=address.tls,
            tls_context=context,
            loop=self._loop,
            count=self._open,
            most=self._max_connections,
            **self._options,
        )

    def _refresh(self) -> None:
        if self._certificates:
            self._certificates.refresh()
        self._loop.call_later(REFRESH_EVERY, self._refresh)

    async def _close(self) -> None:
        for server in self._servers:
            server.close()
        await self._writer.end()
        await asyncio.sleep(ANSWERING)  # The sessions of the last mails write their replies.
        for task in asyncio.all_tasks(self._loop) - {asyncio.current_task()}:
            task.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await task


def _intake(service: Service) -> BounceIntake:
    known: list[Any] = [service.outbox.get]
    if service.tracking is not None:
        known.append(service.tracking.status)
    return BounceIntake(service.mailer, known=known)


class _Counted(Session):
    """
    A session that counts among those of its peer, and is turned away if there are too many.
    """

    def __init__(self, handler: Any, *, count: Counter[str], most: int, **options: Any) -> None:
        super().__init__(handler, **options)
        self._count = count
        self._most = most
        self._counted = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if self.transport is not None or self._counted:  # STARTTLS: the same client
            super().connection_made(transport)
            return
        peer = transport.get_extra_info("peername") or ("",)
        self._counted = str(peer[0]) or "-"
        self._count[self._counted] += 1
        one = MAX_OF_ONE_PEER if self._counted not in ("127.0.0.1", "::1") else self._most
        if self._count.total() > self._most or self._count[self._counted] > one:
            transport.write(_BUSY)  # type: ignore[attr-defined]  # a transport of a socket
            transport.close()
            self._release()
            return
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._release()
        if self.session is not None:
            super().connection_lost(error)

    def _release(self) -> None:
        if self._counted:
            self._count[self._counted] -= 1
            if not self._count[self._counted]:
                del self._count[self._counted]
            self._counted = ""
