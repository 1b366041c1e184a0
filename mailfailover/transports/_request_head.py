"""
The head of a request as it goes out (RFC 9112, 3 and 5).
"""

from __future__ import annotations

import re
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
    if not (_VISIBLE.fullmatch(method) and _VISIBLE.fullmatch(path)):
        raise ValueError("the method or the path is not visible ASCII")
    if "" in headers or not _NAMES.fullmatch("".join(headers)):
        raise ValueError("a header has a name that is none")
    head = "\r\n".join(
        [
            f"{method} {path} HTTP/1.1",
            *[f"{name}: {value}" for name, value in headers.items()],
            "\r\n",
        ]
    )
    ends = len(headers) + 2
    if head.count("\r") != ends or head.count("\n") != ends or "\0" in head:
        raise ValueError("a header has a value of more than one line")
    return head.encode("iso-8859-1")
