"""
A request's body on its way out: files are read and base64 is made while it is written.
"""

from __future__ import annotations

import os
from binascii import b2a_base64
from contextlib import ExitStack
from typing import TYPE_CHECKING, BinaryIO

from mailfailover._values.wire import Base64, File
from mailfailover.errors import InvalidMessage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Self

    from mailfailover._values.wire import Body, Part

_SMALL = 32 * 1024
_CHUNK = 48 * 1024
"""Bytes read at a time, a multiple of 3 so that base64 has no padding in between."""


def prepare_body(body: Body) -> tuple[bytes | PartsBody, int]:
    """
    Return *body* as it is written, and how many bytes that will be.

    Small parts in memory are joined; larger ones are never copied.
    """
    if isinstance(body, bytes):
        return body, len(body)
    streamed = PartsBody(body)
    if streamed.size <= _SMALL and not streamed.has_files:
        return b"".join(streamed), streamed.size
    return streamed, streamed.size


class PartsBody:
    """
    The parts of a body, gone through once while they are written.

    Used as a context manager, which holds the files open: from before anything is written
    until all is, so that a file that is moved or deleted meanwhile does no harm.
    """

    def __init__(self, parts: tuple[Part, ...]) -> None:
        self._parts = parts
        self._files: dict[int, BinaryIO] = {}
        self._opened = ExitStack()
        self.size = sum(map(_size, parts))
        self.has_files = any(isinstance(_inner(part), File) for part in parts)

    def __enter__(self) -> Self:
        """
        Open the files.

        Raises:
            InvalidMessage: If one cannot be read, or its size has changed.
        """
        with self._opened as opened:
            for position, part in enumerate(self._parts):
                content = _inner(part)
                if isinstance(content, File):
                    self._files[position] = opened.enter_context(_open(content))
            self._opened = opened.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def __iter__(self) -> Iterator[bytes | memoryview]:
        """
        Go through the bytes, as few copies of them as can be.

        Raises:
            InvalidMessage:
                If a file became shorter after it was opened. What was written then ends
                short of its Content-Length, in the middle of the mail: no vendor can take
                it for a whole request, so nothing was sent.
        """
        for position, part in enumerate(self._parts):
            content = _inner(part)
            chunks: Iterator[bytes | memoryview]
            if isinstance(content, File):
                chunks = _read(self._files[position], content)
            else:
                chunks = _cut(memoryview(content).cast("B"), whole=content is part)
            if isinstance(part, Base64):
                yield from (b2a_base64(chunk, newline=False) for chunk in chunks)
            else:
                yield from chunks


def _inner(part: Part) -> bytes | memoryview | File:
    return part.content if isinstance(part, Base64) else part


def _size(part: Part) -> int:
    if isinstance(part, (Base64, File)):
        return part.size
    return memoryview(part).nbytes


def _cut(view: memoryview, *, whole: bool) -> Iterator[memoryview]:
    if whole:
        yield view
        return
    for start in range(0, len(view), _CHUNK):
        yield view[start : start + _CHUNK]


def _read(stream: BinaryIO, file: File) -> Iterator[bytes]:
    left = file.size
    while left:
        try:
            chunk = stream.read(min(left, _CHUNK))
        except OSError as exc:
            raise _unreadable(file, exc) from exc
        if not chunk:
            raise _changed(file)
        left -= len(chunk)
        yield chunk


def _open(file: File) -> BinaryIO:
    try:
        stream = file.path.open("rb")
    except OSError as exc:
        raise _unreadable(file, exc) from exc
    if os.fstat(stream.fileno()).st_size != file.size:
        stream.close()
        raise _changed(file)
    return stream


def _unreadable(file: File, exc: OSError) -> InvalidMessage:
    return InvalidMessage(
        f"attachments: the file {file.path.name!r} cannot be read ({exc.strerror}): "
        "keep it in place until the mail is sent",
        field="attachments",
    )


def _changed(file: File) -> InvalidMessage:
    return InvalidMessage(
        f"attachments: the file {file.path.name!r} changed its size while the mail was sent: "
        "make the attachment anew",
        field="attachments",
    )
