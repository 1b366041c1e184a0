from __future__ import annotations

import json
from base64 import b64encode
from email.message import EmailMessage
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from mailfailover.plugin import (
    Attachment,
    Body,
    HTTPRequest,
    Message,
    SMTPRequest,
    basic_auth,
    json_body,
    multipart_body,
)
from mailfailover.testing import wire_text
from mailfailover.testing._wire_text import body_bytes
from tests.samples import each

if TYPE_CHECKING:
    from pathlib import Path

NEEDLE = 'née "dle" 日本'


def test_body_is_written_part_by_part(tmp_path: Path) -> None:
    """
    Bytes, views, files and base64 come out as a transport writes them.
    """
    path = tmp_path / "file.bin"
    path.write_bytes(b"file")
    attachment = Attachment.from_path(path)

    body: Body = (b"a", memoryview(b"b"), attachment.raw(), attachment.base64())

    assert b"abfile" + b64encode(b"file") == body_bytes(body)


def mime() -> bytes:
    """
    A mail with the needle in its subject, its text and the name of a file.
    """
    mail = EmailMessage()
    mail["Subject"] = NEEDLE
    mail.set_content(NEEDLE, cte="quoted-printable")
    mail.add_attachment(b"content", "application", "pdf", filename=NEEDLE)
    return mail.as_bytes()


WRITTEN: dict[str, HTTPRequest | SMTPRequest] = {
    "URL": HTTPRequest(url=f"https://api.example/{quote(NEEDLE)}"),
    "basic": HTTPRequest(headers={"Authorization": basic_auth("api", NEEDLE)}),
    "encoded word": HTTPRequest(
        headers={"X-Name": f"=?utf-8?b?{b64encode(NEEDLE.encode()).decode()}?="}
    ),
    "JSON header": HTTPRequest(headers={"X-Options": json.dumps({"name": NEEDLE})}),
    "text": HTTPRequest(body=NEEDLE.encode()),
    "JSON": HTTPRequest(body=json_body([1, {"a": [NEEDLE]}])),
    "JSON key": HTTPRequest(body=json_body({NEEDLE: 1})),
    "MIME in JSON": HTTPRequest(body=json_body({"raw": b64encode(mime()).decode()})),
    "form": HTTPRequest(body=urlencode({"a": "b", "name": NEEDLE}).encode()),
    "JSON in a form": HTTPRequest(body=urlencode({"a": json.dumps({"b": NEEDLE})}).encode()),
    "multipart": HTTPRequest(body=multipart_body(Message(), [("a", json.dumps([NEEDLE]))])[1]),
    "MIME": HTTPRequest(body=mime()),
    "SMTP": SMTPRequest("smtp.example", 25, data=mime()),
    "envelope": SMTPRequest("smtp.example", 25, recipients=(NEEDLE,)),
}


@each("form", WRITTEN)
def test_text_is_found_however_it_is_written(form: str) -> None:
    """
    Whatever the encoding, what a recipient would read is found.
    """
    assert NEEDLE in wire_text(WRITTEN[form])


@each("body", [b'{"id": "', b"=?broken", b"AAAAAAAAA", b"\xff\xfe\x00", b"a: b"])
def test_broken_text_is_read_as_it_stands(body: bytes) -> None:
    """
    What only looks like an encoding is no error.
    """
    assert body.decode("utf-8", "replace") in wire_text(HTTPRequest(body=body))
