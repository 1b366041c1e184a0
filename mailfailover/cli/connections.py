"""
Connections of a server: how many there may be, how long one may idle, how slowly one may send.

waitress reads requests in one loop and gives a thread to a whole request only, so a connection
that idles or drips costs a thread nothing. But it takes no more than so many connections, and
counts a single byte as a sign of life.
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.server import TcpWSGIServer
from waitress.task import WSGITask

if TYPE_CHECKING:
    import socket

__all__ = ["ConnectionLimits", "Server"]


_TAKE = "mailfailover.take_connection"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionLimits:
    """
    Limits for the connections of a server.

    Attributes:
        most: The number of open connections. A further one closes the one idle for longest.

        first: Seconds for the first byte of a connection.

        idle: Seconds between two requests of a connection.

        grace: Seconds for a request to come in, however small it is.

        rate: Bytes a second that a larger request must bring after that.

        look: Seconds between two looks at all connections.
    """

    most: int = 1000
    first: float = 15.0
    idle: float = 75.0
    grace: float = 20.0
    rate: float = 1024.0
    look: float = 2.0


class Task(WSGITask):
    """
    A request whose application may take the connection, and answer without a thread of ours.
    """

    channel: Channel

    def get_environment(self) -> dict[str, Any]:
        """
        Offer a second handle of the connection.
        """
        environ: dict[str, Any] = super().get_environment()
        handle = self.channel.socket
        if handle is not None and not self.channel.total_outbufs_len:  # nothing is left to write
            environ[_TAKE] = handle.dup
        return environ

    def service(self) -> None:
        """
        Close our handle without a word where the connection was taken.
        """
        try:
            super().service()
        except BrokenPipeError:
            if self.wrote_header:
                raise
            self.close_on_finish = True


class Channel(HTTPChannel):
    """
    A connection that knows since when its request has been coming in.
    """

    task_class = Task
    server: Server
    begun: float = 0.0
    size: int = 0
    is_new: bool = True

    @property
    def since(self) -> float:
        """
        When it began to do what it does now.
        """
        return self.begun if self.request is not None else float(self.last_activity)

    @property
    def deadline(self) -> float:
        """
        When it has taken too long.
        """
        limits = self.server.limits
        if self.request is not None:
            return self.begun + limits.grace + self.size / limits.rate
        return self.since + (limits.first if self.is_new else limits.idle)

    def received(self, data: bytes) -> bool:
        """
        Count what comes in for one request.
        """
        if self.request is None:
            self.begun, self.size = time.time(), 0
        self.is_new = False
        self.size += len(data)
        return bool(super().received(data))


class Server(TcpWSGIServer):
    """
    A server of waitress whose connections have *limits*.

    Args:
        app: The WSGI application.

        bound: The socket at which it listens.

        limits: Of its connections.

        options: Of waitress.
    """

    channel_class = Channel
    active_channels: dict[int, Channel]  # type: ignore[assignment]  # the stubs are mistaken

    def __init__(
        self, app: Any, bound: socket.socket, limits: ConnectionLimits, **options: Any
    ) -> None:
        self.limits = limits
        _allow_files(2 * limits.most)
        settings = Adjustments(
            sockets=[bound],
            asyncore_use_poll=True,  # select() knows 1,024 files at most
            connection_limit=4 * limits.most,  # ours is lower: waitress accepts none at its own
            cleanup_interval=limits.look,
            **options,
        )
        info = (bound.family, bound.type, bound.proto, bound.getsockname())
        super().__init__(app, _sock=bound, adj=settings, sockinfo=info, bind_socket=False)

    def handle_accept(self) -> None:
        """
        Accept a connection; if there are too many, close the one idle for longest.
        """
        super().handle_accept()
        if len(self.active_channels) > self.limits.most:
            waiting = [one for one in self.active_channels.values() if _is_waiting(one)]
            if waiting:
                min(waiting, key=_since).will_close = True

    def maintenance(self, now: float) -> None:
        """
        End the connections that have taken too long.
        """
        for channel in self.active_channels.values():
            if _is_waiting(channel) and channel.deadline < now:
                channel.will_close = True


def _is_waiting(channel: Channel) -> bool:
    """
    Tell whether we wait for it, and not it for us.
    """
    return not channel.requests and not channel.will_close


def _since(channel: Channel) -> float:
    return channel.since


def _allow_files(wanted: int) -> None:
    """
    Raise the limit of open files towards *wanted*, as far as this process may.
    """
    try:
        import resource
    except ModuleNotFoundError:  # Windows has no such limit
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, most), hard))
