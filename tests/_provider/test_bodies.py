from __future__ import annotations

import json
import re
from email import message_from_bytes
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailfailover._message.attachment import Attachment
from mailfailover._message.boundary import boundary_for
from mailfailover._message.message import Message
from mailfailover._provider.bodies import (
    WrittenJSON,
    basic_auth,
    body_size,
    json_body,
    merge_options,
    multipart_body,
)
from mailfailover._values.wire import Base64, File
from mailfailover.errors import InvalidMessage, UnsupportedFeature
from mailfailover.testing._wire_text import body_bytes
from tests.samples import each
from tests.strategies import texts, words

if TYPE_CHECKING:
    from pathlib import Path

MESSAGE = Message(id="m1")


@given(st.dictionaries(texts, texts | st.lists(texts)))
def test_json_without_files_is_plain_bytes(data: dict[str, Any]) -> None:
    """
    UTF-8, as any JSON parser reads it.
    """
    body = json_body(data)

    assert isinstance(body, bytes)
    assert data == json.loads(body)


def test_files_in_json_are_parts_of_their_own() -> None:
    """
    Contents are encoded while they are written, and never copied into the document.
    """
    first, second = Base64(memoryview(b"abc")), Base64(b"x")

    body = json_body({"a": "ü", "files": [first, second], "z": 1})

    assert [first, second] == [part for part in body if isinstance(part, Base64)]
    assert {"a": "ü", "files": ["YWJj", "eA=="], "z": 1} == json.loads(body_bytes(body))


def test_planted_place_of_a_file_is_refused() -> None:
    """
    Nobody can move a file's content to another field.
    """
    with pytest.raises(InvalidMessage, match="contains a NUL character: remove it"):
        json_body({"a": "\0part\0", "file": Base64(b"x")})


def test_what_is_no_json_is_a_mistake_of_the_provider() -> None:
    """
    The type is named, the value is not.
    """
    with pytest.raises(TypeError, match=r"^bytes is not JSON-safe$"):
        json_body({"a": b"secret"})


def read_form(content_type: str, body: bytes) -> list[tuple[str | None, str | None, bytes]]:
    """
    Read a form with the standard library: name, file name and content of each field.
    """
    form = message_from_bytes(f"Content-Type: {content_type}\r\n\r\n".encode() + body)
    found: list[tuple[str | None, str | None, bytes]] = []
    for part in form.get_payload():
        assert not isinstance(part, str)
        name = part.get_param("name", header="content-disposition")
        assert isinstance(name, str)
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes)
        found.append((name, part.get_filename(), content))
    return found


def test_form() -> None:
    """
    Text and files, each under its name; an inline image under its Content-ID.
    """
    content_type, body = multipart_body(
        MESSAGE,
        [
            ("to", "a@b.example"),
            ("text", "one\r\ntwo"),
            ("attachment", Attachment('a"b.pdf', b"%PDF\r\n")),
            ("inline", Attachment("l.png", b"\x00\xff", content_id="logo")),
            ("last", "x"),
        ],
    )

    assert [
        ("to", None, b"a@b.example"),
        ("text", None, b"one\r\ntwo"),
        ("attachment", "a%22b.pdf", b"%PDF\r\n"),
        ("inline", "logo", b"\x00\xff"),
        ("last", None, b"x"),
    ] == read_form(content_type, body_bytes(body))


def test_form_without_files_is_plain_bytes() -> None:
    """
    The usual mail is one write.
    """
    content_type, body = multipart_body(MESSAGE, [("a", "b")])

    assert isinstance(body, bytes)
    assert [("a", None, b"b")] == read_form(content_type, body)


@given(words, texts)
def test_form_name_starts_no_header(name: str, value: str) -> None:
    """
    A key of metadata becomes a name, and nothing but a name.
    """
    _, body = multipart_body(MESSAGE, [(f"v:{name}\r\n", value)])

    head = body_bytes(body).partition(b"\r\n\r\n")[0].decode()

    quoted = name.replace('"', "%22")
    assert head.endswith(f'form-data; name="v:{quoted}%0D%0A"')


def test_same_message_same_form() -> None:
    """
    Every attempt sends the same bytes.
    """
    fields = [("a", "b")]

    assert multipart_body(MESSAGE, fields) == multipart_body(MESSAGE, fields)


def test_files_are_read_when_they_are_written(tmp_path: Path) -> None:
    """
    A path stays a path in the body.
    """
    path = tmp_path / "a.bin"
    path.write_bytes(b"abc")

    _, body = multipart_body(MESSAGE, [("file", Attachment.from_path(path))])

    assert File(path, 3) in body


def test_boundaries_cannot_be_foreseen() -> None:
    """
    They are the same for one seed, and no function of the seed alone.
    """
    assert boundary_for("a") == boundary_for("a") != boundary_for("b")
    assert re.fullmatch("[0-9a-f]{40}", boundary_for("a"))


def test_options_are_laid_over_at_every_depth() -> None:
    """
    Mappings are merged, all else is replaced, and the provider's body stays as it is.
    """
    body = {"a": {"b": 1, "c": [1]}, "d": 2}

    merged = merge_options(body, {"a": {"c": [2]}, "d": {"e": 3}, "f": 4})

    assert {"a": {"b": 1, "c": [2]}, "d": {"e": 3}, "f": 4} == merged
    assert {"a": {"b": 1, "c": [1]}, "d": 2} == body


@each(
    ("options", "problem"),
    [
        ({"to": "x"}, "provider_options cannot set to: use the message's own field"),
        ({"message": {"to": "x"}}, "provider_options cannot set message.to"),
        ({"a\n": 1}, "provider_options have a control character at"),
        ({"headers": {"X-A": "a\nBcc: b"}}, "provider_options have a control character at"),
    ],
)
def test_options_that_could_do_harm_are_refused(options: dict[str, Any], problem: str) -> None:
    """
    Who gets the mail is never an option, and no header is started by one.
    """
    with pytest.raises(InvalidMessage) as raised:
        merge_options({}, options, reserved=("to", "message.to"))

    assert str(raised.value).startswith(problem)
    assert "provider_options" == raised.value.field


def test_basic_auth() -> None:
    """
    RFC 7617, in UTF-8.
    """
    assert "Basic YXBpOmvDvA==" == basic_auth("api", "kü")


def test_json_of_many_rows() -> None:
    """
    Rows are written piece by piece, and read as one list and one object.
    """
    rows = [{"number": number, "text": "é\n"} for number in range(1000)]
    body = json_body(
        {
            "list": WrittenJSON.of_items(iter(rows)),
            "object": WrittenJSON.of_pairs((f"k{row['number']}", row) for row in rows),
            "empty": [WrittenJSON.of_items(()), WrittenJSON.of_pairs(())],
        }
    )

    assert {
        "list": rows,
        "object": {f"k{row['number']}": row for row in rows},
        "empty": [[], {}],
    } == json.loads(body_bytes(body))


def test_files_in_rows_are_parts_of_their_own() -> None:
    """
    Their contents are not copied, however many mails have them.
    """
    file = Base64(memoryview(b"abc"))

    body = json_body([WrittenJSON.of_items({"n": n, "file": file} for n in range(70))])

    assert [file] * 70 == [part for part in body if isinstance(part, Base64)]
    assert [[{"n": n, "file": "YWJj"} for n in range(70)]] == json.loads(body_bytes(body))


def test_rows_have_no_more_bytes_than_they_may() -> None:
    """
    Of mails that are too large together it is told how many fit one call.
    """
    mails = [Base64(bytes(75))] * 40  # 100 bytes each, in quotes and with a comma 103

    assert 4121 == body_size(WrittenJSON.of_items(mails, most=4121).parts)
    for most, fitting in ((4120, 39), (4000, 38), (3000, 29)):
        with pytest.raises(UnsupportedFeature, match=f"about {fitting} of these") as caught:
            WrittenJSON.of_items(mails, most=most)
        assert (f"max_merge={fitting}",) == caught.value.features


def test_a_single_mail_may_be_too_large_for_rows() -> None:
    """
    Then it can go in a call of its own only.
    """
    with pytest.raises(UnsupportedFeature) as caught:
        WrittenJSON.of_items(["x" * 100], most=50)
    assert ("MERGE",) == caught.value.features


def test_rows_in_a_form() -> None:
    """
    They are a field of it; files in them stay parts.
    """
    file = Base64(b"abc")
    fields: list[tuple[str, Any]] = [
        ("a", "x"),
        ("rows", WrittenJSON.of_items(["é", file])),
        ("z", "y"),
    ]

    content_type, body = multipart_body(MESSAGE, fields)

    assert file in body
    assert [
        ("a", None, b"x"),
        ("rows", None, '["é","YWJj"]'.encode()),
        ("z", None, b"y"),
    ] == read_form(content_type, body_bytes(body))


def test_rows_show_no_data() -> None:
    """
    Addresses in them stay out of a log.
    """
    assert "WrittenJSON(19 bytes)" == repr(WrittenJSON.of_items(["ann@example.org"]))
