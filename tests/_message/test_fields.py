from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from mailfailover._message.attachment import Attachment
from mailfailover._message.message import Message
from mailfailover._provider.classify import mask
from mailfailover._provider.link import Link
from mailfailover.errors import ConfigurationError, InvalidMessage
from mailfailover.providers.null import Null
from tests.samples import each

EAST = timezone(timedelta(hours=14))


@each(
    ("fields", "field", "problem"),
    [
        ({"created": datetime(1, 1, 1, tzinfo=EAST)}, "created", "created is outside the years"),
        ({"send_at": "2027-01-31"}, "send_at", "send_at must be an aware datetime: give it"),
        ({"template_data": [1]}, "template_data", "template_data must be a mapping, not list"),
        (
            {"template_data": {1: "a"}},
            "template_data",
            "template_data is not JSON-safe (TypeError)",
        ),
        ({"template_data": {"a": float("nan")}}, "template_data", "template_data is not JSON-safe"),
        ({"template_data": {"a": "\ud800"}}, "template_data", "template_data is not JSON-safe"),
        ({"template_data": {"a": b""}}, "template_data", "template_data is not JSON-safe"),
        ({"template_id": {"a": "b\n"}}, "template_id", "template_id['a'] contains the control"),
        ({"provider_options": [1]}, "provider_options", "provider_options must be a mapping"),
        ({"metadata": {"a\n": "b"}}, "metadata", "metadata key contains the control character"),
        ({"metadata": {"a": None}}, "metadata", "metadata['a'] must be a str, not NoneType"),
        ({"metadata": {"a": True}}, "metadata", "metadata['a'] must be a str, not bool"),
        ({"merge_data": {"a": {}}}, "merge_data", "merge_data key is not a valid address"),
        ({"merge_headers": {"a": {}}}, "merge_headers", "merge_headers key is not a valid"),
        ({"tags": {"a": 1}}, "tags", "tags must be a list, not dict"),
        ({"via": b"a"}, "via", "via must be a list, not bytes"),
        ({"headers": {"X-A": ["1", "\n"]}}, "headers", "headers['X-A'] contains the control"),
        ({"headers": {"Date": "x"}}, "headers", "the header 'Date' cannot be set by hand"),
        ({"envelope_from": 5}, "envelope_from", "envelope_from must be a str, not int"),
    ],
)
def test_wrong_value(fields: dict[str, Any], field: str, problem: str) -> None:
    """
    The error names the field and begins with what of it is wrong.
    """
    with pytest.raises(InvalidMessage) as raised:
        Message("a@b.example", **fields)

    assert str(raised.value).startswith(problem)
    assert field == raised.value.field


def test_nested_too_deep_is_not_json_safe() -> None:
    """
    Data without an end is refused like any other.
    """
    data: dict[str, Any] = {}
    data["a"] = data

    with pytest.raises(InvalidMessage, match=r"template_data is not JSON-safe \(RecursionError\)"):
        Message(template_data=data)


def test_data_is_copied() -> None:
    """
    Whatever the caller changes later, the message stays as it was.
    """
    data = {"a": [1]}
    options = {"acme": {"b": [1]}}
    message = Message(template_data=data, provider_options=options)

    data["a"].append(2)
    options["acme"]["b"].append(2)

    assert ({"a": (1,)}, {"acme": {"b": (1,)}}) == (message.template_data, message.provider_options)


def test_empty_values_are_nothing() -> None:
    """
    Whichever way nothing is written, it is the same mail.
    """
    message = Message(template_data={}, via=(), envelope_from="", template_id={}, id="m1")

    assert Message(id="m1") == message


@each(
    ("arguments", "problem"),
    [
        (("a\n", b""), "attachments filename contains the control character U+000A"),
        (("a", b"", "a/b\n"), "attachments content_type contains the control character U+000A"),
        (("a", b"", "", "x\n"), "attachments content_id contains the control character U+000A"),
        (("a", b"", "multipart/mixed"), "content_type of an attachment cannot be multipart"),
        (("a", b"", "a/"), "content_type of an attachment is not of the form type/subtype"),
        ((5, b""), "attachments filename must be a str, not int"),
    ],
)
def test_wrong_attachment(arguments: tuple[Any, ...], problem: str) -> None:
    """
    Every error of an attachment is one of the field attachments.
    """
    with pytest.raises(InvalidMessage) as raised:
        Attachment(*arguments)

    assert str(raised.value).startswith(problem)
    assert "attachments" == raised.value.field


def test_base64_of_an_attachment_is_a_view() -> None:
    """
    Its bytes are not copied to be encoded later.
    """
    content = b"abc"

    part = Attachment("a", content).base64().content

    assert isinstance(part, memoryview)
    assert part.obj is content


def test_labels_must_be_labels() -> None:
    """
    A wrong type is a wrong set-up.
    """
    with pytest.raises(ConfigurationError, match="labels of 'null' must be a str or several"):
        Link(Null(), labels=5)  # type: ignore[arg-type]  # what the test is about


@each(
    ("words", "masked"),
    [
        ("to <a@b.example>: no", "to <<address>>: no"),
        ('"a b"@c.example, o\'brien@c.example', "<address>, <address>"),
        ("bounce+a=b.example@c.example", "<address>"),
        ("https://x.example/?to=a%40b.example&x", "https:<address>"),
        ("a\r\nb\x00c", "a b c"),
        ("x" * 201, "x" * 199 + "…"),
        ("no: " + "x" * 790 + "y@z.example", "no: "),
        ("no: " + " " * 790 + "secret@b.example", "no:"),
    ],
)
def test_masked_words(words: str, masked: str) -> None:
    """
    No address is left, also where a text was cut in the middle of one.
    """
    found = mask(words)

    assert masked.strip() == found
