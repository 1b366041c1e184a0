"""
Mails for the SMTP transport, and the server's view of them.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from mailfailover._values.wire import SMTPRequest
from tests.transports.sockets import server as loopback

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator
    from pathlib import Path

    from mailfailover.testing import SMTPFaultServer

DATA = b"Message-ID: <01JD@a.example>\r\nSubject: Hi\r\n\r\n.dotted\r\n.\r\n..twice\r\n"
ANN, BOB, BAD = "ann@b.example", "bob@b.example", "bad@b.example"
NO_SUCH_USER = (550, "5.1.1 No such user")


def to(server: SMTPFaultServer, **fields: Any) -> SMTPRequest:
    """
    A mail for *server*, without TLS.
    """
    return plain(server.port, **fields)


def plain(port: int, **fields: Any) -> SMTPRequest:
    """
    A mail for whoever listens on *port* of this machine, without TLS.
    """
    usual: dict[str, Any] = {
        "host": "127.0.0.1",
        "port": port,
        "tls": "none",
        "mail_from": "me@a.example",
        "recipients": (ANN,),
        "data": DATA,
    }
    return SMTPRequest(**(usual | fields))


def trusting(server: SMTPFaultServer, folder: Path, **fields: Any) -> SMTPRequest:
    """
    The same for a server with TLS, knowing its CA.
    """
    assert server.certificates is not None
    path = folder / "ca.pem"
    path.write_bytes(server.certificates.ca_pem)
    return to(server, ca_file=str(path), **fields)


def verbs(server: SMTPFaultServer) -> list[list[str]]:
    """
    The commands that came on each connection.
    """
    return [[line.split()[0] for line in lines] for lines in server.transcripts.values()]


@contextmanager
def scripted(*lines: bytes) -> Iterator[int]:
    """
    A port whose server says one of *lines* after the other, reading once in between, then closes.
    """

    def serve(connection: socket.socket) -> None:
        for line in lines:
            connection.sendall(line)
            connection.recv(65536)

    with loopback(serve) as port:
        yield port
