from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given

from mailfailover._message.alternative import Alternative
from mailfailover._message.attachment import Attachment
from mailfailover._message.message import Message
from mailfailover._values.features import NO_FEATURES, Feature
from mailfailover.errors import InvalidMessage
from tests.samples import each
from tests.strategies import messages

if TYPE_CHECKING:
    from pathlib import Path

CREATED = datetime(2026, 11, 24, 8, 30, tzinfo=UTC)


@given(messages)
def test_round_trip(message: Message) -> None:
    """
    What is written as JSON and read again is the same message, made at the same time.
    """
    copy = Message.from_dict(json.loads(json.dumps(message.to_dict())))

    assert (message, message.created) == (copy, copy.created)


def test_defaults_are_left_out() -> None:
    """
    A short mail makes a short document.
    """
    message = Message("a@b.example", text="x", id="m1", created=CREATED)

    assert {
        "to": ["a@b.example"],
        "text": "x",
        "id": "m1",
        "created": "2026-11-24T08:30:00+00:00",
    } == message.to_dict()


def test_every_kind_of_field() -> None:
    """
    Lists, mappings, times, features and files have one form each.
    """
    message = Message(
        "Jane <a@b.example>",
        headers={"X-A": ("1", "2")},
        attachments=[Attachment("a.png", b"abc", content_id="a")],
        track_opens=False,
        send_at=CREATED,
        template_id={"eu": "t1"},
        template_data={"a": [1, {"b": None}]},
        merge_data={"a@b.example": {"n": 1}},
        droppable=Feature.TAGS | Feature.HTML,
        id="m1",
        created=CREATED,
    )

    assert {
        "to": ["Jane <a@b.example>"],
        "headers": {"X-A": ["1", "2"]},
        "attachments": [
            {
                "filename": "a.png",
                "content": "YWJj",
                "content_type": "image/png",
                "content_id": "a",
            }
        ],
        "track_opens": False,
        "send_at": "2026-11-24T08:30:00+00:00",
        "template_id": {"eu": "t1"},
        "template_data": {"a": [1, {"b": None}]},
        "merge_data": {"a@b.example": {"n": "1"}},
        "droppable": ["HTML", "TAGS"],
        "id": "m1",
        "created": "2026-11-24T08:30:00+00:00",
    } == message.to_dict()


def test_nothing_droppable_is_no_default() -> None:
    """
    An empty set says something.
    """
    message = Message(droppable=NO_FEATURES)

    assert NO_FEATURES == Message.from_dict(message.to_dict()).droppable


def test_content_of_files_is_written(tmp_path: Path) -> None:
    """
    The document is whole by itself.
    """
    path = tmp_path / "a.txt"
    path.write_bytes(b"abc")
    message = Message(attachments=[Attachment.from_path(path)])

    copy = Message.from_dict(message.to_dict())

    assert (Attachment("a.txt", b"abc", "text/plain"),) == copy.attachments


def test_missing_times_are_defaults() -> None:
    """
    JSON's null is no time.
    """
    message = Message.from_dict({"send_at": None, "created": None})

    assert message.send_at is None
    assert message.created.tzinfo is UTC


def test_place_of_an_alternative_is_kept() -> None:
    """
    Only that which stands after the HTML says so.
    """
    message = Message(
        alternatives=[
            Alternative("text/x-amp-html", "<html>"),
            Alternative("text/calendar", "BEGIN", preferred=True),
        ]
    )

    data = message.to_dict()

    assert [
        {"content_type": "text/x-amp-html", "content": "<html>"},
        {"content_type": "text/calendar", "content": "BEGIN", "preferred": True},
    ] == data["alternatives"]
    assert [False, True] == [one.preferred for one in Message.from_dict(data).alternatives]


@each(
    ("data", "field", "problem"),
    [
        ([], "", "a message must be a mapping of its fields, not list"),
        ({"txt": "x"}, "txt", "'txt' is no field of a message: correct its name"),
        ({"part": "x"}, "part", "'part' is no field of a message"),
        ({1: "x"}, "1", "'1' is no field of a message"),
        ({"attachments": {}}, "attachments", "attachments must be a list of objects, not dict"),
        ({"attachments": ["a"]}, "attachments", "attachments[0] must be an object, not str"),
        (
            {"attachments": [{"filename": "a", "path": "/etc/passwd"}]},
            "attachments",
            "attachments[0] has the unknown field 'path': leave it out",
        ),
        (
            {"attachments": [{"filename": "a", "content": "%%%%"}]},
            "attachments",
            "content of attachments[0] is no base64: encode",
        ),
        (
            {"attachments": [{"filename": "a", "content": "ü"}]},
            "attachments",
            "content of attachments[0] is no base64",
        ),
        (
            {"attachments": [{"filename": "a"}]},
            "attachments",
            "content of attachments[0] is no base64",
        ),
        (
            {"attachments": [{"content": ""}]},
            "attachments",
            "filename of an attachment is empty: name it",
        ),
        ({"alternatives": {}}, "alternatives", "alternatives must be a list of objects, not dict"),
        ({"alternatives": [1]}, "alternatives", "alternatives[0] must be an object, not int"),
        (
            {"alternatives": [{"content_type": "text/calendar", "path": "x"}]},
            "alternatives",
            "alternatives[0] has the unknown field 'path': leave it out",
        ),
        (
            {"alternatives": [{"content_type": "text/calendar", "content": 7}]},
            "alternatives",
            "content of alternatives[0] must be a str, not int",
        ),
        ({"mime": "%"}, "mime", "mime is no base64: encode the message's bytes as base64"),
        ({"mime": 7}, "mime", "mime is no base64"),
        ({"droppable": "TAGS"}, "droppable", "droppable must be a list of feature names, not str"),
        ({"droppable": ["X"]}, "droppable", "droppable holds an unknown feature; known: HTML,"),
        ({"droppable": [[]]}, "droppable", "droppable holds an unknown feature"),
        ({"send_at": "tomorrow"}, "send_at", "send_at is no ISO 8601 time: write it as"),
        ({"send_at": 5}, "send_at", "send_at is no ISO 8601 time"),
        ({"send_at": "2026-11-24T08:30:00"}, "send_at", "send_at must be an aware datetime"),
        ({"text": 5}, "text", "text must be a str, not int"),
        ({"tags": 5}, "tags", "tags must be a list, not int"),
    ],
)
def test_wrong_data_is_refused(data: Any, field: str, problem: str) -> None:
    """
    The error names the field, the problem and the remedy.
    """
    with pytest.raises(InvalidMessage) as raised:
        Message.from_dict(data)

    assert str(raised.value).startswith(problem)
    assert field == raised.value.field
