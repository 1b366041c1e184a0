"""
The body of an answer, unpacked: never more of it than is sane.
"""

from __future__ import annotations

import zlib

from mailfailover.transports._answer_head import UnreadableAnswerError

_EITHER = zlib.MAX_WBITS | 32  # a gzip or a zlib header
_PACKED = frozenset({"gzip", "x-gzip", "deflate"})


def unpack_body(body: bytes, encoding: str, limit: int) -> bytes:
    """
    Return *body*, unpacked where *encoding* says that it is packed.

    We ask for no compression; a server that compresses nevertheless is understood.

    Raises:
        UnreadableAnswerError: If it is larger than *limit* then, or not what *encoding* says.
    """
    encoding = encoding.strip().lower()
    if not body or encoding in ("", "identity"):
        return body
    if encoding not in _PACKED:
        raise UnreadableAnswerError("its content encoding is not one we asked for")
    return _unpack(body, limit)


def _unpack(body: bytes, limit: int) -> bytes:
    unpacker = zlib.decompressobj(_EITHER)
    try:
        unpacked = unpacker.decompress(body, limit + 1)
    except zlib.error:
        raise UnreadableAnswerError("it cannot be unpacked") from None
    if len(unpacked) > limit:
        raise UnreadableAnswerError(f"it is larger than {limit} bytes when unpacked")
    if not unpacker.eof:
        raise UnreadableAnswerError("it is packed and broke off")
    return unpacked
