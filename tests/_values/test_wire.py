from __future__ import annotations

from pathlib import Path

from mailfailover._values.wire import (
    Base64,
    File,
    HTTPRequest,
    Response,
    SMTPReply,
    SMTPRequest,
    SMTPResponse,
)
from tests.samples import each


@each(
    ("content", "size"),
    [(b"", 0), (b"a", 4), (b"abc", 4), (memoryview(b"abcd"), 8), (File(Path("x"), 7), 12)],
    ids=["none", "one", "three", "view", "file"],
)
def test_size_of_base64(content: bytes | memoryview | File, size: int) -> None:
    """
    The size is known before anything is read or encoded.
    """
    assert size == Base64(content).size


def test_names_of_response_headers_are_lower_case() -> None:
    """
    HTTP does not tell their case apart.
    """
    assert {"retry-after": "3"} == Response(429, {"Retry-After": "3"}).headers


@each(("status", "ok"), [(199, False), (200, True), (204, True), (299, True), (300, False)])
def test_ok_is_2xx(status: int, ok: bool) -> None:
    """
    A redirect is no success.
    """
    assert (ok, ok) == (Response(status).ok, SMTPResponse(SMTPReply(status)).ok)


@each(
    ("body", "data", "found"),
    [
        (b'{"a": 1}', {"a": 1}, {"a": 1}),
        (b"[1]", [1], {}),
        (b"<html>", None, {}),
        (b"", None, {}),
        (b"\xff\xfe\xff", None, {}),
        (b"[" * 100_000, None, {}),
    ],
    ids=["object", "list", "html", "empty", "bytes", "nested"],
)
def test_json_never_raises(body: bytes, data: object, found: dict[str, object]) -> None:
    """
    Whatever a vendor answers, it is JSON or it is not.
    """
    response = Response(200, {}, body)

    assert (data, found) == (response.json(), response.json_object())


def test_nothing_of_a_mail_is_shown() -> None:
    """
    The text forms name neither keys nor addresses nor contents.
    """
    shown = [
        HTTPRequest("POST", "https://api.example/send", {"Authorization": "key"}, b"body"),
        SMTPRequest("smtp.example", 587, password="key", recipients=("a@b.example",)),
        Response(400, {"x": "key"}, b"body"),
        SMTPResponse(SMTPReply(250, "ok"), {"a@b.example": SMTPReply(550)}),
    ]

    assert [
        "HTTPRequest(POST https://api.example/send)",
        "SMTPRequest(smtp.example:587, recipients=1)",
        "Response(400, 4 bytes)",
        "SMTPResponse(250, refused=1)",
    ] == list(map(repr, shown))


def test_status_code_of_smtp_is_the_reply_code() -> None:
    """
    Whoever classifies asks both kinds of answers in one way.
    """
    assert 451 == SMTPResponse(SMTPReply(451)).status_code
