"""
The body of an answer: read to its end, but never more than is sane.
"""

from __future__ import annotations

import zlib
from http.client import HTTPException
from typing import TYPE_CHECKING

from urllib3.exceptions import HTTPError

if TYPE_CHECKING:
    from urllib3.response import BaseHTTPResponse

_EITHER = zlib.MAX_WBITS | 32  # a gzip or a zlib header
_PACKED = frozenset({"gzip", "x-gzip", "deflate"})


class UnreadableBodyError(Exception):
    """
    The body is too large, or is not what its headers say.

    Attributes:
        partial: What was read of it.
    """

    def __init__(self, message: str, partial: bytes = b"") -> None:
        super().__init__(message)
        self.partial = partial


def read_body(raw: BaseHTTPResponse, limit: int) -> bytes:
    """
    Read the whole body, of at most *limit* bytes on the wire and as many unpacked.

    We ask for no compression; a server that compresses nevertheless is understood.

    Raises:
        UnreadableBodyError: If it is larger, truncated, late, or not what its headers say.
    """
    return unpack_body(_read(raw, limit), raw.headers.get("content-encoding", ""), limit)


def unpack_body(body: bytes, encoding: str, limit: int) -> bytes:
    """
    Return *body*, unpacked where *encoding* says that it is packed.

    Raises:
        UnreadableBodyError: If it is larger than *limit* then, or not what *encoding* says.
    """
    encoding = encoding.strip().lower()
    if not body or encoding in ("", "identity"):
        return body
    if encoding not in _PACKED:
        raise UnreadableBodyError("its content encoding is not one we asked for")
    return _unpack(body, limit)


def _read(raw: BaseHTTPResponse, limit: int) -> bytes:
    body = b""
    raw.enforce_content_length = True  # type: ignore[attr-defined]  # urllib3 1.26 does not, by default
    try:
        while True:
            chunk = raw.read(limit + 1 - len(body), decode_content=False)
            body += chunk
            if len(body) > limit:
                raise UnreadableBodyError(f"it is larger than {limit} bytes", body)
            if not chunk or getattr(raw, "length_remaining", None) == 0:
                raw.release_conn()
                return body
    except BaseException as exc:
        raw.close()
        if isinstance(exc, (HTTPError, HTTPException, OSError)):
            raise UnreadableBodyError("it broke off", body) from exc
        raise


def _unpack(body: bytes, limit: int) -> bytes:
    unpacker = zlib.decompressobj(_EITHER)
    try:
        unpacked = unpacker.decompress(body, limit + 1)
    except zlib.error:
        raise UnreadableBodyError("it cannot be unpacked") from None
    if len(unpacked) > limit:
        raise UnreadableBodyError(f"it is larger than {limit} bytes when unpacked")
    if not unpacker.eof:
        raise UnreadableBodyError("it is packed and broke off", unpacked)
    return unpacked
