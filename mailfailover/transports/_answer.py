"""
A sans-IO reader of HTTP answers: the caller receives the bytes and feeds them.

The only reader of HTTP here, for threads, event loops and the tunnels of proxies.
"""

from __future__ import annotations

import re
from http import HTTPStatus
from http.client import IncompleteRead, RemoteDisconnected
from typing import TYPE_CHECKING

from mailfailover._values.frozen import EMPTY, FrozenDict
from mailfailover._values.wire import response_of
from mailfailover.transports._answer_body import unpack_body
from mailfailover.transports._answer_head import (
    MAX_HEAD,
    LazyFields,
    UnreadableAnswerError,
    check_line_ends,
    is_chunked,
    is_usual,
    read_fields,
    read_length,
    read_status_line,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mailfailover._values.wire import Response

_CHUNK = re.compile(r"([0-9A-Fa-f]{1,20})(?:;[\t\x20-\x7e\x80-\xff]*)?[ \t]*\r\n")
_NO_BODY = frozenset({101, 204, 304})


class Answer:
    """
    The answer to one call, as far as it has arrived.

    Attributes:
        status: Its status, 0 as long as none arrived.

        headers: Its fields by their names in lower case.

        is_whole: Whether all of it is here.

        is_last: Whether the connection is of no use after it.

        rest: Bytes beyond the end of the answer, which no request asked for.

    Args:
        answered: Called with the status as soon as it is there.

        limit: The largest body in bytes, on the wire and as many unpacked.

        method: The request's method, which decides whether a body follows.
    """

    __slots__ = (
        "_answered",
        "_left",
        "_limit",
        "_method",
        "_parts",
        "_searched",
        "_size",
        "_step",
        "headers",
        "is_last",
        "is_whole",
        "rest",
        "status",
    )

    def __init__(self, answered: Callable[[int], object], limit: int, method: str = "POST") -> None:
        self.status = 0
        self.headers: Mapping[str, str] = EMPTY
        self.is_whole = False
        self.is_last = True
        self.rest = bytearray()
        self._answered = answered
        self._limit = limit
        self._method = method
        self._parts: list[bytes | bytearray] = []
        self._size = 0
        self._left = 0
        self._searched = 0
        self._step = Answer._read_head

    @property
    def body(self) -> bytes:
        """
        The body as far as it has arrived.
        """
        return b"".join(self._parts)

    def feed(self, data: bytes | memoryview) -> bool:
        """
        Take what arrived; return whether the answer is whole now.

        Raises:
            HTTPException: If it is no answer of HTTP/1.
            UnreadableAnswerError: If it is malformed or too large, or not what its fields say.
        """
        if not (self.rest or self.status) and self._read_at_once(data):
            return True
        self.rest += data
        while self._step(self) and not self.is_whole:
            pass
        return self.is_whole

    def end(self) -> None:
        """
        Take it that nothing more will arrive.

        Raises:
            RemoteDisconnected: If nothing has arrived at all.
            IncompleteRead: If it broke off.
            UnreadableAnswerError: If its body is not what its headers say.
        """
        if self._step is Answer._read_to_end:
            self._finish()
        elif not self.is_whole:
            raise IncompleteRead(b"") if self.status or self.rest else RemoteDisconnected("")

    def response(self) -> Response:
        """
        Return what there is of it.
        """
        return response_of(self.status, self.headers, self.body)

    def _tell(self, status: int) -> bool:
        """
        Note *status* if it is the final one; return whether it is.
        """
        if status < HTTPStatus.OK and status != HTTPStatus.SWITCHING_PROTOCOLS:
            return False
        if not self.status:
            self.status = status
            self._answered(status)
        return True

    def _begin_body(self, minor: str, fields: dict[str, str]) -> None:
        self.headers = FrozenDict(fields)
        length, chunked = read_length(fields), is_chunked(fields)
        wishes = [wish.strip() for wish in fields.get("connection", "").lower().split(",")]
        # Of two lengths, one is wrong: the chunks count, and nothing after them (6.3).
        is_doubtful = chunked and (length is not None or minor == "0")
        self.is_last = is_doubtful or (
            "keep-alive" not in wishes if minor == "0" else "close" in wishes
        )
        if self._has_no_body():
            self.is_last = self.is_last or self.status == HTTPStatus.SWITCHING_PROTOCOLS
            self._finish()
        elif chunked:
            self._step = Answer._read_size
        elif length is not None:
            self._left = length
            self._step = Answer._read_sized
        else:
            self.is_last = True
            self._step = Answer._read_to_end

    def _has_no_body(self) -> bool:
        if self.status in _NO_BODY or self._method == "HEAD":
            return True
        return self._method == "CONNECT" and self.status < HTTPStatus.MULTIPLE_CHOICES

    def _take(self, size: int) -> bytearray:
        taken = self.rest[:size]
        del self.rest[:size]  # which moves nothing: a bytearray may begin anywhere
        return taken

    def _keep(self, size: int) -> None:
        """
        Take the next *size* bytes, or as many as there are, for the body.
        """
        part = self._take(size)
        self._size += len(part)
        if self._size > self._limit:
            raise UnreadableAnswerError(f"it is larger than {self._limit} bytes")
        self._parts.append(part)

    def _keep_left(self) -> bool:
        """
        Take what is left of the body or chunk; return whether that was all of it.
        """
        arrived = len(self.rest)
        self._keep(self._left)
        self._left -= min(self._left, arrived)
        return not self._left

    def _find(self, mark: bytes) -> int:
        """
        Return where *mark* ends in what arrived, 0 as long as it is not there.
        """
        start = self.rest.find(mark, max(self._searched - len(mark), 0))
        if start < 0:
            return 0
        self._searched = 0
        return start + len(mark)

    def _wait(self) -> None:
        """
        Check that what arrived can still become a line or a head, and need not be searched again.
        """
        check_line_ends(self.rest, self._searched)
        self._searched = len(self.rest)
        if self._searched > MAX_HEAD:
            raise UnreadableAnswerError("a line or head of it is too long")

    def _take_line(self) -> str:
        """
        Take a line with its end, "" as long as it is not whole.
        """
        end = self._find(b"\r\n")
        if not end:
            self._wait()
        return str(self._take(end), "iso-8859-1")

    def _finish(self) -> None:
        encoding = self.headers.get("content-encoding")
        if encoding is not None:
            self._parts = [unpack_body(self.body, encoding, self._limit)]
        self.is_whole = True
        self.is_last = self.is_last or bool(self.rest)

    def _read_at_once(self, data: bytes | memoryview) -> bool:
        """
        Read the usual answer: it arrives whole, sized, and neither packed nor the last.

        Whatever is unusual about *data* is left to the steps below.
        """
        text = str(data, "iso-8859-1")
        end = text.find("\r\n\r\n")
        if end < 0 or self._method != "POST":
            return False
        minor, status, start = read_status_line(text)
        size = len(text) - end - 4
        if (
            status < HTTPStatus.OK
            or status in _NO_BODY
            or minor == "0"
            or size > self._limit
            or not is_usual(text[start - 2 : end + 2], size)
        ):
            return False
        self._tell(status)
        self.headers = LazyFields(text[start : end + 2])
        self._parts = [bytes(data[end + 4 :])]
        self.is_last = False
        self.is_whole = True
        return True

    # The steps through an answer: each does what can be done with what arrived, names the
    # next step, and returns False where it must wait for more.

    def _read_head(self) -> bool:
        end = self._find(b"\r\n\r\n")
        if not end:
            self._tell_early()
            self._wait()
            return False
        text = str(self._take(end)[:-2], "iso-8859-1")
        minor, status, start = read_status_line(text)
        is_final = self._tell(status)
        fields = read_fields(text[start:])
        if is_final:
            self._begin_body(minor, fields)
        return True

    def _tell_early(self) -> None:
        """
        Tell of a status whose fields are still to come.
        """
        if not self.status:
            end = self.rest.find(b"\r\n", max(self._searched - 1, 0)) + 2
            if end >= 2:  # noqa: PLR2004 -- CR LF
                self._tell(read_status_line(str(self.rest[:end], "iso-8859-1"))[1])

    def _read_sized(self) -> bool:
        if not self._keep_left():
            return False
        self._finish()
        return True

    def _read_to_end(self) -> bool:
        self._keep(len(self.rest))
        return False

    def _read_size(self) -> bool:
        line = self._take_line()
        if not line:
            return False
        found = _CHUNK.fullmatch(line)
        if found is None:
            raise UnreadableAnswerError("a chunk of it has no size")
        self._left = int(found[1], 16)
        self._step = Answer._read_chunk if self._left else Answer._read_trailer
        return True

    def _read_chunk(self) -> bool:
        if not self._keep_left():
            return False
        self._step = Answer._read_chunk_end
        return True

    def _read_chunk_end(self) -> bool:
        end = self.rest[:2]
        if not b"\r\n".startswith(bytes(end)):
            raise UnreadableAnswerError("a chunk of it is longer than its size")
        if len(end) < 2:  # noqa: PLR2004 -- CR LF
            return False
        self._take(2)
        self._step = Answer._read_size
        return True

    def _read_trailer(self) -> bool:
        line = self._take_line()
        if not line:
            return False
        if line == "\r\n":
            self._finish()
        else:
            read_fields(line)  # which tells nothing of the mail
        return True
