"""
The digest of a body that a signature covers.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

import pytest

from mailfailover.errors import InvalidMessage
from mailfailover.plugin import Base64, Body, File, sha256_hex
from mailfailover.testing._wire_text import body_bytes
from tests.samples import each

if TYPE_CHECKING:
    from pathlib import Path

LARGE = bytes(range(256)) * 601


@each(
    "body",
    [
        b"",
        b"text",
        (b"text", memoryview(b"view")),
        (b'{"a":"', Base64(b"x"), b'","b":"', Base64(memoryview(LARGE)), b'"}'),
    ],
    ids=["empty", "bytes", "parts", "base64"],
)
def test_digest_of_what_is_written(body: Body) -> None:
    """
    The digest is that of the bytes that go out, whatever parts they are made of.
    """
    assert sha256(body_bytes(body)).hexdigest() == sha256_hex(body)


def test_digest_of_files(tmp_path: Path) -> None:
    """
    Files count as they are written: up to their size when the request was made.
    """
    path = tmp_path / "large.bin"
    path.write_bytes(LARGE)
    file = File(path, len(LARGE))
    body = (file, Base64(file))
    expected = sha256(body_bytes(body)).hexdigest()
    path.write_bytes(LARGE + b"more")

    assert expected == sha256_hex(body)


def test_digest_of_a_missing_file(tmp_path: Path) -> None:
    """
    A file that is gone is named, without its directory.
    """
    with pytest.raises(InvalidMessage, match=r"the file 'gone.bin' cannot be read \(No such file"):
        sha256_hex((File(tmp_path / "gone.bin", 1),))
