"""
Messages and their parts: what they take, what they refuse, and that they never change.
"""

from __future__ import annotations

import json
import pickle
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailfailover import Address, Attachment, Feature, InvalidMessage, Message
from mailfailover.testing import SAMPLES
from tests.samples import each

if TYPE_CHECKING:
    from pathlib import Path

TO = "ann@example.org"

REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"to": 1}, "to", "to must be a str, an Address or an iterable of them"),
    ({"to": [1]}, "to", "to must be a str, an Address or an iterable of them"),
    ({"to": "ann"}, "to", "it is not of the form local@domain"),
    ({"to": "ann@localnet"}, "to", "its domain has no dot"),
    ({"to": "ann@[192.0.2.1]"}, "to", "its domain is an IP literal"),
    ({"to": "ann..b@example.org"}, "to", "a character or dot that is not allowed"),
    ({"to": "ann@exa mple.org"}, "to", "its domain is not a valid domain name"),
    ({"to": "ann@\u2488com.example"}, "to", "its domain is not a valid international name"),
    ({"to": "a" * 65 + "@example.org"}, "to", "longer than 64 bytes"),
    ({"to": "ann@" + "a" * 64 + ".org"}, "to", "its domain is too long"),
    ({"to": "Doe, Ann <ann@example.org>"}, "to", "it is not of the form local@domain"),
    ({"to": "Ann ann@example.org>"}, "to", "its angle brackets do not match"),
    ({"to": "A;B <ann@example.org>"}, "to", "a special character outside quotes"),
    ({"to": '"Ann <ann@example.org>, bob@example.org'}, "to", "is not closed"),
    ({"to": "ann@example.org,"}, "to", "it is not of the form local@domain"),
    ({"to": "evil@example.com<ann@example.org>"}, "to", "outside quotes"),
    ({"to": "ann@example.org\r\nBcc: eve@example.org"}, "to", "the control character U+000D"),
    ({"from_email": 1}, "from_email", "from_email must be a str or an Address"),
    ({"subject": None}, "subject", "subject must be a str, not NoneType"),
    ({"subject": "a\nb"}, "subject", "the control character U+000A at position 1"),
    ({"subject": "a\u2028b"}, "subject", "U+2028"),
    ({"subject": "=?UTF-8?Q?=0A?=Bcc: x@y.example"}, "subject", "hidden in an RFC 2047"),
    ({"subject": "=?utf-8?b?x?="}, "subject", "a broken RFC 2047 encoded word"),
    ({"text": b"x"}, "text", "text must be a str, not bytes"),
    ({"text": "a\0b"}, "text", "a NUL character"),
    ({"html": "a\ud800"}, "html", "a lone surrogate at position 1"),
    ({"headers": 1}, "headers", "headers must be a mapping, not int"),
    ({"headers": {"X A": "b"}}, "headers", "not a valid header name"),
    ({"headers": {"X-A\r\nBcc": "b"}}, "headers", "not a valid header name"),
    ({"headers": {"Bcc": "b"}}, "headers", "'Bcc' cannot be set by hand"),
    ({"headers": {"Content-Type": "b"}}, "headers", "cannot be set by hand"),
    ({"headers": {"X-A": "a", "x-a": "b"}}, "headers", "given twice in different case"),
    ({"headers": {"X-A": ()}}, "headers", "has no value"),
    ({"headers": {"Message-ID": ("<a@b.c>", "<d@e.f>")}}, "headers", "more than once"),
    ({"headers": {"X-A": "a\r\nb"}}, "headers", "U+000D"),
    ({"attachments": ["a"]}, "attachments", "must hold Attachment objects, not str"),
    ({"attachments": 1}, "attachments", "attachments must be a list, not int"),
    (
        {"attachments": [Attachment("a.png", b"", content_id="x")] * 2},
        "attachments",
        "the same content_id",
    ),
    ({"tags": ["a", ""]}, "tags", "tags contains an empty string"),
    ({"tags": ["a\n"]}, "tags", "U+000A"),
    ({"metadata": {"": "a"}}, "metadata", "a key of metadata is empty"),
    ({"metadata": {"a\r": "a"}}, "metadata", "U+000D"),
    ({"track_opens": 1}, "track_opens", "must be True, False or None, not int"),
    ({"send_at": datetime(2026, 1, 1)}, "send_at", "must be an aware datetime"),  # noqa: DTZ001
    ({"send_at": datetime(9999, 1, 1, tzinfo=UTC)}, "send_at", "outside the years 1 to 9998"),
    ({"template_id": 5}, "template_id", "template_id must be a str, not int"),
    ({"template_data": {"a": {1}}}, "template_data", "is not JSON-safe"),
    ({"provider_options": {"a": 1}}, "provider_options", "must be a mapping, not int"),
    ({"unsubscribe": "http://example.com"}, "unsubscribe", "must be an https:// URL"),
    (
        {"unsubscribe": "https://example.com", "headers": {"List-Unsubscribe": "<x>"}},
        "unsubscribe",
        "are both given",
    ),
    ({"stream": ""}, "stream", "stream is empty"),
    ({"envelope_from": "x"}, "envelope_from", "not of the form local@domain"),
    ({"droppable": 1}, "droppable", "droppable must be a Feature, not int"),
    ({"droppable": Feature.TEMPLATES}, "droppable", "droppable names TEMPLATES"),
    ({"id": "a b"}, "id", "id must be 1 to 64 letters"),
    ({"merge_data": {TO: {}}, "cc": "b@example.org"}, "cc", "cannot go with per-recipient data"),
    ({"merge_data": {"x@example.org": {}}}, "merge_data", "who is not in to"),
    ({"merge_data": {TO: {}}, "text": "{{a}}"}, "merge_data", "has no 'a' for recipient 1 of 1"),
    (
        {"merge_data": {TO: {"a": "\n"}}, "subject": "{{a}}"},
        "merge_data",
        "filled into the subject or a header",
    ),
    ({"merge_data": {TO: {}}, "to": [TO, TO]}, "to", "names a recipient twice"),
]


@each(("fields", "field", "problem"), REFUSED)
def test_bad_input_names_field_and_problem(
    fields: dict[str, Any], field: str, problem: str
) -> None:
    """
    What is wrong is refused when the message is made, by the name of its field.
    """
    with pytest.raises(InvalidMessage) as caught:
        Message(**{"to": TO, "subject": "Hi", "text": "Hi", **fields})

    assert problem in str(caught.value)
    assert TO not in str(caught.value)
    if field:
        assert caught.value.field.partition("[")[0] == field


@each(
    ("to", "expected"),
    [
        ("ann@Example.ORG", [Address("ann@example.org")]),
        ("Ann Doe <ann@example.org>", [Address("ann@example.org", "Ann Doe")]),
        (
            '"Doe, Ann" <ann@example.org>, bob@example.org',
            [Address("ann@example.org", "Doe, Ann"), Address("bob@example.org")],
        ),
        ("ann@bücher.example", [Address("ann@xn--bcher-kva.example")]),
        ('"ann"@example.org', [Address("ann@example.org")]),
        ('"ann doe"@example.org', [Address('"ann doe"@example.org')]),
        (Address("ann@example.org"), [Address("ann@example.org")]),
        (("ann@example.org", "bob@example.org"), [Address("ann@example.org"), "bob@example.org"]),
    ],
)
def test_recipients(to: Any, expected: list[Any]) -> None:
    """
    A str is a strict list, a tuple is a sequence of recipients.
    """
    found = Message(to).to

    assert found == Message(expected).to


@given(st.text(max_size=60))
def test_what_is_accepted_reads_back_the_same(text: str) -> None:
    """
    Header and envelope come from the same parsed address, whatever the text.
    """
    try:
        address = Address.parse(text)
    except InvalidMessage:
        return

    assert Address.parse(str(address)) == address
    assert str(address).isprintable()


@given(st.text(alphabet='ann@. "<>,\\;:()[]=?Qé\r\n', max_size=40))
def test_likely_addresses_read_back_the_same(text: str) -> None:
    """
    The same for texts made of what addresses are made of.
    """
    test_what_is_accepted_reads_back_the_same.hypothesis.inner_test(text)  # type: ignore[attr-defined]  # the claim itself


def test_a_message_does_not_change() -> None:
    """
    Neither its fields nor what is in them.
    """
    headers = {"X-A": "a"}
    message = Message(TO, headers=headers, template_data={"a": [1, {"b": 2}]}, template_id="t")
    headers["X-A"] = "b"

    assert message.headers == {"X-A": "a"}
    assert message.template_data == {"a": (1, {"b": 2})}
    with pytest.raises(TypeError, match="a message is immutable"):
        message.headers["X-B"] = "c"  # type: ignore[index]  # the claim
    with pytest.raises(AttributeError):
        message.subject = "x"  # type: ignore[misc]  # the claim
    with pytest.raises(TypeError, match="a message has no field 'sbject': did you mean subject="):
        message.replace(sbject="x")  # type: ignore[call-arg]  # the claim


def test_its_id_stays() -> None:
    """
    A copy is the same mail, and a message without an id gets one of its own.
    """
    message = Message(TO, from_email="shop@example.com")

    assert len(message.id) == 26
    assert message.replace(subject="x").id == message.id
    assert message.id != Message(TO).id
    assert message.message_id == f"<{message.id}@example.com>"
    assert Message(TO, id="m").message_id == "<m@localhost>"
    assert Message(TO, headers={"Message-Id": "<own@x.y>"}).message_id == "<own@x.y>"


def test_a_sender_must_be_known() -> None:
    """
    Where it is needed at last, its absence is told.
    """
    with pytest.raises(InvalidMessage, match="from_email is missing"):
        _ = Message(TO).sender


@each("name", SAMPLES)
def test_json_and_pickle_bring_it_back(name: str) -> None:
    """
    Every sample survives both, and its repr tells nothing of it.
    """
    message = SAMPLES[name]

    data = json.loads(json.dumps(message.to_dict()))

    assert Message.from_dict(data) == message
    assert Message.from_dict(data).created == message.created
    assert pickle.loads(pickle.dumps(message)) == message  # noqa: S301 -- our own
    assert repr(message) == f"Message(id={message.id!r}, recipients={len(message.recipients)})"


@each(
    ("data", "problem"),
    [
        ([], "must be"),
        ({"to": TO, "colour": "red"}, "colour"),
        ({"to": TO, "send_at": "soon"}, "send_at"),
        ({"to": TO, "send_at": 5}, "send_at"),
        ({"to": TO, "droppable": ["NOTHING"]}, "droppable"),
        ({"to": TO, "droppable": 5}, "droppable"),
        ({"to": TO, "attachments": [{"filename": "a", "path": "/etc/passwd"}]}, "attachments"),
        ({"to": TO, "attachments": [{"filename": "a", "content": "%"}]}, "attachments"),
        ({"to": TO, "attachments": [{"filename": "a", "content": 5}]}, "attachments"),
        ({"to": TO, "attachments": ["a"]}, "attachments"),
        ({"to": TO, "attachments": 5}, "attachments"),
    ],
)
def test_bad_json_is_refused(data: Any, problem: str) -> None:
    """
    An unknown field, a wrong value, a path to a file of ours: the field is named.
    """
    with pytest.raises(InvalidMessage, match=problem):
        Message.from_dict(data)


def test_attachments_of_all_kinds(tmp_path: Path) -> None:
    """
    Bytes and files, which are read anew each time.
    """
    path = tmp_path / "offer.pdf"
    path.write_bytes(b"one")
    attachment = Attachment.from_path(path)

    assert (attachment.filename, attachment.content_type) == ("offer.pdf", "application/pdf")
    assert (attachment.read(), attachment.size) == (b"one", 3)
    path.write_bytes(b"three")
    assert (attachment.read(), attachment.size) == (b"three", 5)
    path.unlink()
    for use in (attachment.read, attachment.raw):
        with pytest.raises(InvalidMessage, match=r"'offer\.pdf' cannot be read"):
            use()
    assert Attachment("a", bytearray(b"x")).content == b"x"
    assert Attachment("a", memoryview(b"x")).read() == b"x"
    assert Attachment("a", b"x").size == 1
    assert Attachment("a.tar.gz", b"").content_type == "application/octet-stream"
    assert Attachment("a.png", b"", content_id="<logo>").content_id == "logo"
    assert repr(Attachment("a.txt", b"secret")) == "Attachment('a.txt', 'text/plain')"


@each(
    ("arguments", "problem"),
    [
        (("a", "text"), "content of an attachment must be bytes or a Path, not str"),
        (("", b""), "filename of an attachment is empty"),
        (("a\r\n", b""), "U\\+000D"),
        (("a", b"", "text"), "not of the form type/subtype"),
        (("a", b"", "text/plain\r\nX: y"), "U\\+000D"),
        (("a", b"", "text/plain", "a b"), "content_id has a character"),
    ],
)
def test_bad_attachments(arguments: tuple[Any, ...], problem: str) -> None:
    """
    Each part is checked.
    """
    with pytest.raises(InvalidMessage, match=problem):
        Attachment(*arguments)


def test_an_attachment_that_is_no_file(tmp_path: Path) -> None:
    """
    It is told when the message is made, not when it is sent.
    """
    with pytest.raises(InvalidMessage, match="is not a file"):
        Attachment.from_path(tmp_path)


def test_the_headers_of_unsubscribing() -> None:
    """
    Both of RFC 8058 for an https URL, one for a mailto.
    """
    url, address = "https://example.com/u", "mailto:u@example.com"

    assert list(Message(TO, unsubscribe=[url, address]).header_items()) == [
        ("List-Unsubscribe", f"<{url}>, <{address}>"),
        ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
    ]
    assert list(Message(TO, unsubscribe=address).header_items()) == [
        ("List-Unsubscribe", f"<{address}>")
    ]


def test_options_of_several_names() -> None:
    """
    Those of the chain key take precedence over the provider's.
    """
    message = Message(TO, provider_options={"acme": {"a": 1, "b": 1}, "main": {"b": 2}})

    assert message.options("acme", "main") == {"a": 1, "b": 2}
    assert message.options("other") == {}


def test_events_have_one_vocabulary() -> None:
    """
    An event is a value, and unknown where nothing is told.
    """
    from mailfailover import DeliveryEvent, EventType, RejectReason

    event = DeliveryEvent(
        event_id="1", type=EventType.BOUNCED, reject_reason=RejectReason.BOUNCED, raw={"a": "b"}
    )

    assert (event.type, event.reject_reason, DeliveryEvent().type) == (
        "bounced",
        "bounced",
        EventType.UNKNOWN,
    )
    assert "raw" not in repr(event)
