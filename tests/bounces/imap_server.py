"""
An IMAP server that knows only what a test wants it to.
"""

from __future__ import annotations

import re
import socketserver
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from ssl import SSLContext

_UIDS = re.compile(rb"UID (\w+) (\S+) ?(.*)")


@dataclass(slots=True)
class Imap:
    """
    What a server holds, can and hears.

    Attributes:
        mails: The content of each mail of its folder by its number.

        can: Its capabilities.

        refuses: The first words of commands that it says NO to.

        breaks_at: The command at which it hangs up.

        tls: With what it speaks TLS: after STARTTLS if it can that, else from the first byte.

        said: The commands that it has heard.

        flags: What was stored of each mail.
    """

    mails: dict[int, bytes]
    can: str = ""
    refuses: tuple[str, ...] = ()
    breaks_at: str = "-"
    tls: SSLContext | None = None
    said: list[str] = field(default_factory=list)
    flags: dict[int, str] = field(default_factory=dict)
    port: int = 0


@contextmanager
def serving(imap: Imap, host: str = "127.0.0.1") -> Iterator[Imap]:
    """
    Let it listen on a free port.
    """

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            _talk(imap, self)

        def finish(self) -> None:
            super().finish()
            self.connection.close()  # that of TLS is another one

    with socketserver.ThreadingTCPServer((host, 0), Handler) as server:
        server.daemon_threads = True
        imap.port = server.server_address[1]
        thread = Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield imap
        finally:
            server.shutdown()
            thread.join()


def _secure(imap: Imap, stream: socketserver.StreamRequestHandler) -> None:
    assert imap.tls is not None
    stream.connection = imap.tls.wrap_socket(stream.connection, server_side=True)
    stream.rfile = stream.connection.makefile("rb")
    stream.wfile = stream.connection.makefile("wb", buffering=0)


def _talk(imap: Imap, stream: socketserver.StreamRequestHandler) -> None:
    if imap.tls is not None and "STARTTLS" not in imap.can:
        _secure(imap, stream)
    stream.wfile.write(b"* OK ready\r\n")
    while line := stream.rfile.readline():
        tag, _, command = line.rstrip().partition(b" ")
        imap.said.append(command.decode())
        if command.startswith(imap.breaks_at.encode()):
            return
        if command.startswith(tuple(map(str.encode, imap.refuses))):
            stream.wfile.write(tag + b" NO it quotes " + command + b"\r\n")
            continue
        if command.startswith(b"AUTHENTICATE"):
            stream.wfile.write(b"+ \r\n")
            imap.said.append(stream.rfile.readline().decode().strip())
        stream.wfile.write(_answer(imap, command) + tag + b" OK done\r\n")
        if command == b"STARTTLS":
            _secure(imap, stream)


def _answer(imap: Imap, command: bytes) -> bytes:
    if command == b"CAPABILITY":
        return b"* CAPABILITY IMAP4rev1 " + imap.can.encode() + b"\r\n"
    if command.startswith(b"SELECT"):
        return b"* %d EXISTS\r\n" % len(imap.mails)
    found = _UIDS.match(command)
    if found is None:
        return b""
    name, number, rest = found.groups()
    if name == b"SEARCH":
        return b"* SEARCH " + b" ".join(b"%d" % one for one in imap.mails) + b"\r\n"
    uid = int(number)
    if name == b"FETCH":
        raw = imap.mails[uid]
        return b"* 1 FETCH (UID %d BODY[]<0> {%d}\r\n%b)\r\n" % (uid, len(raw), raw) if raw else b""
    if name == b"STORE":
        imap.flags[uid] = imap.flags.get(uid, "") + rest.decode().partition(" ")[2]
    return b""
