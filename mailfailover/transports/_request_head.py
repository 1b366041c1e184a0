"""
The head of a request as it goes out (RFC 9112, 3 and 5).

The names of a head's headers, and its path, are the same from mail to mail: they are checked
once. The values are checked each time.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAMES = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VISIBLE = re.compile(r"[!-~]+")


def authority(host: str, port: int) -> str:
    """
    Return host and port as they stand in a head.
    """
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def write_head(method: str, path: str, headers: Mapping[str, str]) -> bytes:
    """
    Write the request line and *headers*.

    Raises:
        ValueError: If one of them cannot be written as one line, or as Latin-1.
        TypeError: If one is no str.
    """
    _check_names(tuple(headers))
    head = "\r\n".join(
        [
            _request_line(method, path),
            *[f"{name}: {value}" for name, value in headers.items()],
            "\r\n",
        ]
    )
    written = head.encode("iso-8859-1")
    if len(written.translate(None, b"\r\n\0")) != len(written) - 2 * (len(headers) + 2):
        raise ValueError("a header has a value of more than one line")
    return written


@lru_cache(maxsize=1024)
def _request_line(method: str, path: str) -> str:
    if not (_VISIBLE.fullmatch(method) and _VISIBLE.fullmatch(path)):
        raise ValueError("the method or the path is not visible ASCII")
    return f"{method} {path} HTTP/1.1"


@lru_cache(maxsize=1024)
def _check_names(names: tuple[str, ...]) -> None:
    if not all(map(_NAMES.fullmatch, names)):
        raise ValueError("a header has a name that is none")
