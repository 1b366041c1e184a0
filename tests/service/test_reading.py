from __future__ import annotations

import io
import json
from typing import Any

import pytest
from flask import Flask, request
from hypothesis import given
from hypothesis import strategies as st

from mailfailover.plugin import Address, Attachment, Message
from mailfailover.service.problems import FieldError, Problem
from mailfailover.service.reading import POSTED, Post, read_post
from mailfailover.testing import SAMPLES
from tests.samples import each

URL = "/email/api/1.0/send"
OLD: dict[str, Any] = {
    "to": "ann@example.com",
    "from_email": "shop@example.com",
    "subject": "Hi",
    "text": "Hello",
}
APP = Flask(__name__)


def read_all(sender: Address | None = None, **body: Any) -> Post:
    """
    Read one request.
    """
    with APP.test_request_context(URL, method="POST", **body):
        return read_post(request, sender)


def read(sender: Address | None = None, **body: Any) -> Message:
    """
    Read the mail of one request.
    """
    return read_all(sender, **body).message


def refusal(sender: Address | None = None, **body: Any) -> Problem:
    """
    Return the problem in which reading a request ends.
    """
    with pytest.raises(Problem) as caught:
        read(sender, **body)
    return caught.value


def fields(message: Message) -> dict[str, Any]:
    """
    What a client can say of a mail.
    """
    return {name: getattr(message, name) for name in POSTED}


def test_old_clients_are_understood() -> None:
    """
    The four fields of a form make a mail.
    """
    assert fields(Message(**OLD)) == fields(read(data=OLD))


@each("name", SAMPLES)
def test_json_says_everything(name: str) -> None:
    """
    Whatever a message has can be posted as JSON.
    """
    message = SAMPLES[name].replace(subject="Hi", text="Hello")
    data = message.to_dict()
    del data["id"], data["created"]

    assert fields(message) == fields(read(json=data))


def test_form_says_what_a_message_has() -> None:
    """
    Lists are repeated fields, mappings are JSON, files are attachments.
    """
    found = read(
        data={
            "to": ['"Doe, Ann" <ann@example.com>, bob@example.com', "cat@example.com"],
            "cc": "dan@example.com",
            "bcc": "eve@example.com",
            "reply_to": "help@example.com",
            "from_email": "Shop <shop@example.com>",
            "subject": "Hi",
            "html": "<p>Hi</p>",
            "tags": ["a", "b"],
            "metadata": '{"order": "7"}',
            "track_opens": "yes",
            "track_clicks": "0",
            "send_at": "2027-01-31T09:00:00+00:00",
            "stream": "bulk",
            "text": "",
            "attachments": [(io.BytesIO(b"one"), "a.txt"), (io.BytesIO(b"two"), "b.bin")],
            "inline": (io.BytesIO(b"png"), "logo.png"),
            "file": (io.BytesIO(), ""),
        }
    )

    expected = Message(
        to=[Address("ann@example.com", "Doe, Ann"), "bob@example.com", "cat@example.com"],
        cc="dan@example.com",
        bcc="eve@example.com",
        reply_to="help@example.com",
        from_email="Shop <shop@example.com>",
        subject="Hi",
        html="<p>Hi</p>",
        tags=["a", "b"],
        metadata={"order": "7"},
        track_opens=True,
        track_clicks=False,
        send_at=found.send_at,
        stream="bulk",
        attachments=[
            Attachment("a.txt", b"one", "text/plain"),
            Attachment("b.bin", b"two", "application/octet-stream"),
            Attachment("logo.png", b"png", "image/png", "logo.png"),
        ],
    )
    assert fields(expected) == fields(found)


@pytest.mark.parametrize(
    ("given", "expected"),
    [("welcome", "welcome"), ('{"mailgun": "one"}', {"mailgun": "one"})],
)
def test_template_is_a_name_or_one_for_each_provider(given: str, expected: Any) -> None:
    """
    A template needs neither subject nor text.
    """
    form = {"to": "ann@example.com", "from_email": "a@example.com", "template_id": given}

    assert expected == read(data=form).template_id


def test_sender_of_the_service_is_the_default() -> None:
    """
    A mail that names no sender has that of the mailer.
    """
    form = {name: value for name, value in OLD.items() if name != "from_email"}

    assert Address("own@example.com") == read(Address("own@example.com"), data=form).from_email


@each("missing", OLD)
def test_missing_field_is_named(missing: str) -> None:
    """
    A mail without one of the four fields is refused, and the problem says which.
    """
    form = {name: value for name, value in OLD.items() if name != missing}

    problem = refusal(data=form)

    assert 400 == problem.status
    assert [missing] == [error.field for error in problem.errors]


def test_all_that_is_wrong_is_named_at_once() -> None:
    """
    Nobody has to correct a mail field by field.
    """
    problem = refusal(
        json={
            "to": "no address",
            "cc": "two@@example.com",
            "subject": "Hi\r\nBcc: eve@example.com",
            "tags": [1],
            "speed": "fast",
            "text": "Hello",
            "merge_data": {"eve@example.com": {}},
        }
    )

    assert {"to", "cc", "from_email", "speed", "subject", "tags"} == {
        error.field for error in problem.errors
    }
    assert "eve@example.com" not in str(problem.to_dict) + problem.detail


def test_fields_that_disagree_are_named() -> None:
    """
    What is right alone and wrong together is refused, too.
    """
    problem = refusal(
        json=OLD
        | {"unsubscribe": "mailto:a@example.com", "headers": {"List-Unsubscribe": "<mailto:b@b.c>"}}
    )

    assert ["unsubscribe"] == [error.field for error in problem.errors]


@each("name", ["id", "created", "part", "idempotency_key"])
def test_what_is_ours_cannot_be_posted(name: str) -> None:
    """
    A client neither chooses the id of a mail nor its time.
    """
    problem = refusal(json=OLD | {name: "x"})

    assert (FieldError(name, "is no field of a mail that can be posted"),) == problem.errors


@each(
    ("form", "error"),
    [
        ({"subject": ["a", "b"]}, FieldError("subject", "is given more than once")),
        ({"track_opens": "perhaps"}, FieldError("track_opens", "must be true or false")),
        ({"metadata": "{"}, FieldError("metadata", "must be JSON")),
        ({"metadata": "[" * 100_000}, FieldError("metadata", "must be JSON")),
        (
            {"picture": (io.BytesIO(b"x"), "a.png")},
            FieldError(
                "picture",
                "is no field for files: use attachment, attachments, file, files, inline",
            ),
        ),
    ],
)
def test_wrong_form_is_refused(form: dict[str, Any], error: FieldError) -> None:
    """
    What a field cannot mean is an error of that field.
    """
    assert (error,) == refusal(data=OLD | form).errors


def test_file_with_a_wrong_name_is_refused() -> None:
    """
    A file is checked as the rest of the mail is.
    """
    problem = refusal(data=OLD | {"inline": (io.BytesIO(b"x"), "my logo.png")})

    assert ["inline"] == [error.field for error in problem.errors]


def test_two_inline_files_of_one_name_are_refused() -> None:
    """
    Nobody could tell which of them the HTML shows.
    """
    files = [(io.BytesIO(b"1"), "logo.png"), (io.BytesIO(b"2"), "logo.png")]

    problem = refusal(data=OLD | {"inline": files})

    assert ["attachments"] == [error.field for error in problem.errors]


@pytest.mark.parametrize("path", ["/etc/passwd", "https://example.com/a.pdf"])
def test_attachments_are_never_fetched(path: str) -> None:
    """
    Neither a path nor a URL becomes an attachment.
    """
    for file in (path, {"filename": "a", "path": path}, {"filename": "a", "content": path}):
        problem = refusal(json=OLD | {"attachments": [file]})

        assert ["attachments"] == [error.field for error in problem.errors]


@each("body", ["", "{", "[" * 100_000, '{"to": NaN}', b"\xff\xfe\xff", b"\x00"])
def test_what_is_no_json_is_refused(body: str | bytes) -> None:
    """
    A broken document is told as one.
    """
    problem = refusal(data=body, content_type="application/json")

    assert (400, "unreadable-request") == (problem.status, problem.kind)


@each(
    ("body", "name"),
    [
        ('{"to": "ann@example.com", "to": "bob@example.com"}', "to"),
        ('{"metadata": {"order": "1", "order": "2"}}', "order"),
    ],
)
def test_a_name_that_is_there_twice_is_refused(body: str, name: str) -> None:
    """
    JSON would drop the first value, and its recipients get no mail.
    """
    problem = refusal(data=body, content_type="application/json")

    assert (400, f"The name {name!r} is there twice.") == (problem.status, problem.detail)


@each("body", ["1", "[]", '"x"', "null", "true"])
def test_json_must_be_an_object(body: str) -> None:
    """
    A mail is an object.
    """
    assert (
        "The body must be a JSON object."
        == refusal(data=body, content_type="application/json").detail
    )


def test_null_is_not_given() -> None:
    """
    A field that is null counts as left out.
    """
    assert fields(Message(**OLD)) == fields(read(json=OLD | {"cc": None, "send_at": None}))


@each("kind", ["text/plain", "application/xml", ""])
def test_other_types_are_refused(kind: str) -> None:
    """
    The problem says what is read here.
    """
    problem = refusal(data=json.dumps(OLD), content_type=kind)

    assert 415 == problem.status
    assert "application/json" in problem.headers["Accept-Post"]


def test_callback_is_read() -> None:
    """
    Where to tell what becomes of a mail stands beside it.
    """
    url = "https://app.example.com/events"

    assert url == read_all(json=OLD | {"callback_url": url}).callback_url
    assert url == read_all(data=OLD | {"callback_url": url}).callback_url


@each("url", ["http://app.example.com/", "https://", "file:///a", 7, ["a"]])
def test_callback_must_be_safe(url: Any) -> None:
    """
    Nothing but https, and nothing that is no URL.
    """
    problem = refusal(json=OLD | {"callback_url": url})

    assert (FieldError("callback_url", "must be https, without a password in it"),) == (
        problem.errors
    )


@pytest.mark.parametrize("kind", ["json", "data"])
def test_link_is_asked_for(kind: str) -> None:
    """
    One word asks for an unsubscribe link of the service.
    """
    body: Any = {kind: OLD | {"unsubscribe": "link"}}

    found = read_all(**body)

    assert (True, ()) == (found.wants_link, found.message.unsubscribe)


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(POSTED) | st.text(max_size=8), VALUES, max_size=6))
def test_any_json_is_a_mail_or_a_problem(data: dict[str, Any]) -> None:
    """
    Nothing that a client sends ends in another error.
    """
    try:
        read(json=OLD | data)
    except Problem as problem:
        assert problem.status == 400  # noqa: PT017 -- either outcome is right
        assert problem.errors  # noqa: PT017


@given(
    st.dictionaries(st.sampled_from(POSTED), st.lists(st.text(max_size=30), max_size=3), max_size=6)
)
def test_any_form_is_a_mail_or_a_problem(data: dict[str, list[str]]) -> None:
    """
    The same for forms.
    """
    try:
        read(data=OLD | data)
    except Problem as problem:
        assert problem.status == 400  # noqa: PT017
        assert problem.errors  # noqa: PT017


def test_a_repetition_names_the_mail_before_it() -> None:
    """
    In a form the seconds of *deliver_within* are a text, in JSON a number.
    """
    more = {"after": "m1", "deliver_within": "120"}

    found = [read(data=OLD | more), read(json=OLD | more | {"deliver_within": 120})]

    assert [("m1", 120.0)] * 2 == [(one.after, one.deliver_within) for one in found]


@each("seconds", ["soon", "0", "-1", "nan", "inf"])
def test_seconds_that_are_none_are_refused(seconds: str) -> None:
    """
    With the name of their field.
    """
    problem = refusal(data=OLD | {"deliver_within": seconds})

    assert ["deliver_within"] == [one.field for one in problem.errors]
