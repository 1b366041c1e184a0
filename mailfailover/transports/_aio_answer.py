"""
An answer that arrives in pieces, read without any IO: whoever gets the pieces feeds them.
"""

from __future__ import annotations

import re
from contextlib import suppress
from http import HTTPStatus
from http.client import HTTPException, IncompleteRead, RemoteDisconnected
from typing import TYPE_CHECKING

from mailfailover._values.wire import Response
from mailfailover.transports._answer_body import UnreadableBodyError, unpack_body
from mailfailover.transports._answer_head import read_fields

if TYPE_CHECKING:
    from collections.abc import Generator

    from mailfailover.transports._progress import Progress

    Steps = Generator[None, None, None]

MAX_HEAD = 64 * 1024
"""The largest head of an answer, and the longest line within a chunked body."""

_STATUS = re.compile(rb"HTTP/1\.(?P<minor>[01]) +(?P<code>[1-9][0-9]{2})(?: .*)?\r?")
_LINE_END = re.compile(rb"\n")
_HEAD_END = re.compile(rb"\n\r?\n")
_SIZE = re.compile(rb"[0-9A-Fa-f]{1,15}(?=[ \t\r\n;])")
_EMPTY = re.compile(rb"\r?\n")
_ANYTHING = re.compile(rb".*")
_BODILESS = (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)


class Answer:
    """
    What has arrived of the answer to one call.

    Attributes:
        status: Its status, 0 as long as none arrived.

        is_last: Whether the connection is of no use after it.

    Args:
        is_head: Whether the request's method was HEAD.

        limit: The largest body in bytes, on the wire and as many unpacked.

        progress: Told of the status as soon as it is there.
    """

    def __init__(self, progress: Progress, limit: int, *, is_head: bool = False) -> None:
        self.status = 0
        self.is_last = True
        self._headers: dict[str, str] = {}
        self._body = b""
        self._progress = progress
        self._limit = limit
        self._is_head = is_head
        self._buffer = bytearray()
        self._steps = self._read()
        next(self._steps)

    def feed(self, data: bytes | memoryview) -> bool:
        """
        Take what arrived; return whether the answer is whole now.

        Raises:
            HTTPException: If it is no answer.
            UnreadableBodyError: If its body is too large, or is not what its headers say.
        """
        self._buffer += data
        return next(self._steps, self) is self

    def end(self) -> None:
        """
        Take it that nothing more will arrive.

        Raises:
            RemoteDisconnected: If nothing has arrived at all.
            IncompleteRead: If it broke off.
            UnreadableBodyError: If its body is not what its headers say.
        """
        try:
            with suppress(StopIteration):
                self._steps.throw(EOFError())
        except EOFError:
            is_any = self.status or self._buffer
            raise IncompleteRead(b"") if is_any else RemoteDisconnected("") from None

    def response(self) -> Response:
        """
        Return what there is of it.
        """
        return Response(self.status, self._headers, self._body)

    def _read(self) -> Steps:
        """
        Go through the answer; each yield waits for more bytes, or for EOFError.
        """
        yield from self._read_head()
        yield from self._read_body()
        encoding = self._headers.get("content-encoding", "")
        self._body = unpack_body(self._body, encoding, self._limit)
        self.is_last = self.is_last or bool(self._buffer)

    def _read_head(self) -> Steps:
        while True:
            line_end = yield from self._find(_LINE_END, 0)
            found = _STATUS.fullmatch(self._buffer, 0, line_end - 1)
            if found is None:
                raise HTTPException("no status line")
            minor, status = found["minor"], int(found["code"])
            is_final = status >= HTTPStatus.OK or status == HTTPStatus.SWITCHING_PROTOCOLS
            if is_final:
                self.status = status
                self._progress.answered(status)
            end = yield from self._find(_HEAD_END, line_end - 1)
            head = self._taken(end)[line_end:]
            if is_final:
                self._headers = read_fields(head)
                wishes = self._headers.get("connection", "").lower()
                self.is_last = "close" in wishes or (minor == b"0" and "keep-alive" not in wishes)
                return

    def _read_body(self) -> Steps:
        length = self._headers.get("content-length", "").partition(",")[0]
        if self.status in _BODILESS or self.status < HTTPStatus.OK or self._is_head:
            return
        if self._headers.get("transfer-encoding", "").lower() == "chunked":
            yield from self._read_chunks()
        elif length.isascii() and length.isdecimal():
            yield from self._keep(int(length))
        else:
            self.is_last = True
            yield from self._keep_all()

    def _read_chunks(self) -> Steps:
        while size := int((yield from self._match_line(_SIZE)), 16):
            yield from self._keep(size)
            yield from self._match_line(_EMPTY)
        while (yield from self._match_line(_ANYTHING)).strip():
            pass  # trailers tell nothing of the mail

    def _match_line(self, pattern: re.Pattern[bytes]) -> Generator[None, None, bytes]:
        line = self._taken((yield from self._find(_LINE_END, 0)))
        found = pattern.match(line)
        if found is None:
            raise HTTPException("no chunk")
        return found[0]

    def _find(self, pattern: re.Pattern[bytes], start: int) -> Generator[None, None, int]:
        """
        Wait for *pattern*; return where it ends.
        """
        while (found := pattern.search(self._buffer, start)) is None:
            if len(self._buffer) > MAX_HEAD:
                raise HTTPException("a line or head is too long")
            start = max(start, len(self._buffer) - 2)
            yield
        return found.end()

    def _keep(self, size: int) -> Steps:
        """
        Take the next *size* bytes for the body.
        """
        while size:
            if not self._buffer:
                yield
            part = self._taken(size)
            size -= len(part)
            self._add(part)

    def _keep_all(self) -> Steps:
        while True:
            self._add(self._taken(len(self._buffer)))
            try:
                yield
            except EOFError:
                return

    def _add(self, part: bytes) -> None:
        self._body += part
        if len(self._body) > self._limit:
            raise UnreadableBodyError(f"it is larger than {self._limit} bytes")

    def _taken(self, size: int) -> bytes:
        part = bytes(self._buffer[:size])
        del self._buffer[:size]
        return part
