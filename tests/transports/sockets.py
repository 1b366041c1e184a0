"""
Loopback servers that do one odd thing which no vendor of ``mailfailover.testing`` does.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


@contextmanager
def server(serve: Callable[[socket.socket], None]) -> Iterator[int]:
    """
    Run *serve* with each connection, in a thread; gives the port.
    """

    def run(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            serve(connection)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listening.accept()
                threading.Thread(target=run, args=(connection,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        acceptor = threading.Thread(target=accept, daemon=True)
        acceptor.start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)
        acceptor.join(5)


@contextmanager
def answering(answer: bytes) -> Iterator[int]:
    """
    Give *answer* to whatever comes, then close; gives the port.
    """

    def serve(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(answer)

    with server(serve) as port:
        yield port


@contextmanager
def black_hole() -> Iterator[int]:
    """
    A port where no connection is ever made, as behind a firewall; gives the port.
    """
    with contextlib.ExitStack() as stack:
        listening = stack.enter_context(socket.socket())
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        for _ in range(4):  # fills the backlog: the next one's SYN is dropped
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listening.getsockname())
        yield listening.getsockname()[1]


def drain(connection: socket.socket) -> int:
    """
    Read a request of which nothing is kept; how many bytes its body had.
    """
    head = b""
    while b"\r\n\r\n" not in head:
        data = connection.recv(65536)
        if not data:  # else it would be asked for more for ever
            raise ConnectionError("the request ended within its head")
        head += data
    head, _, body = head.partition(b"\r\n\r\n")
    size = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
    left = size - len(body)
    buffer = bytearray(65536)
    while left:
        got = connection.recv_into(buffer, min(left, len(buffer)))
        if not got:
            break
        left -= got
    return size - left
