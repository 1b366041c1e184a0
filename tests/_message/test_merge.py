from __future__ import annotations

from html import unescape
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailfailover._message.address import Address
from mailfailover._message.merge import (
    all_variables,
    fill,
    for_recipient,
    merge_features,
    part_for,
    part_of,
    rewrite,
    variables,
)
from mailfailover._message.message import Message
from mailfailover._values.features import Feature
from mailfailover._values.frozen import FrozenDict
from mailfailover.errors import InvalidMessage
from tests.samples import each
from tests.strategies import lines, texts

ANN, BOB = Address("ann@b.example", "Ann"), Address("bob@b.example")
SHARED: dict[str, Any] = {
    "to": [ANN, BOB],
    "subject": "Hi {{name}}",
    "text": "{{ name }}, {{code}} {{other thing}} { {name} }",
    "html": "<p>{{name}} {{code}}",
    "headers": {"X-A": "{{code}}", "X-B": ("1", "{{name}}")},
    "unsubscribe": "https://b.example/?c={{code}}",
    "metadata": {"all": "1", "own": "0"},
    "merge_data": {
        ANN.email: {"name": "Ann & Co", "code": "a/b"},
        BOB.email: {"name": "Bob", "code": 7},
    },
    "merge_metadata": {ANN.email: {"own": "ann"}},
    "merge_headers": {BOB.email: {"X-C": "{{code}}!", "X-A": "own"}},
    "id": "m1",
}
MESSAGE = Message(**SHARED)


def test_mail_of_one_recipient() -> None:
    """
    Everything is filled in, escaped where it is HTML and quoted where it is a URL.
    """
    assert Message(
        to=ANN,
        subject="Hi Ann & Co",
        text="Ann & Co, a/b {{other thing}} { {name} }",
        html="<p>Ann &amp; Co a/b",
        headers={"X-A": "a/b", "X-B": ("1", "Ann & Co")},
        unsubscribe="https://b.example/?c=a%2Fb",
        metadata={"all": "1", "own": "ann"},
        id="m1",
    ).bound(part=part_of(ANN)) == for_recipient(MESSAGE, ANN)


@given(st.dictionaries(st.sampled_from(["name", "code"]), lines, min_size=2), lines)
def test_mail_of_one_recipient_needs_no_check(data: dict[str, str], own: str) -> None:
    """
    All that can be wrong with it was found in the merge: another check changes nothing.
    """
    fields = SHARED | {
        "merge_data": {ANN.email: data, BOB.email: data},
        "merge_metadata": {ANN.email: {"own": own}},
        "template_id": "welcome",
        "template_data": {"shop": [1]},
    }
    mail = for_recipient(Message(**fields), ANN)

    assert mail == mail.replace().bound(part=mail.part)


def test_own_headers_take_precedence() -> None:
    """
    A header of one recipient replaces the shared one, and is filled in too.
    """
    found = for_recipient(MESSAGE, BOB)

    assert {"X-A": "own", "X-B": ("1", "Bob"), "X-C": "7!"} == found.headers


def test_data_goes_to_a_stored_template() -> None:
    """
    The vendor's template is filled in with what is the recipient's.
    """
    message = Message(
        ANN, template_id="t", template_data={"a": 1}, merge_data={ANN.email: {"b": "2"}}
    )

    assert {"a": 1, "b": "2"} == for_recipient(message, ANN).template_data


@given(texts, lines)
def test_fill_inserts_values_as_they_are(value: str, other: str) -> None:
    """
    A value is data: what looks like a placeholder in it stays.
    """
    data = {"a": value, "b": other}

    assert f"<{value}|{other}>" == fill("<{{a}}|{{ b }}>", data)


@given(texts)
def test_fill_escapes_in_html(value: str) -> None:
    """
    No value can become markup.
    """
    found = fill("{{a}}", {"a": value}, html=True)

    assert value == unescape(found) or "&" in value
    assert not set(found) & set("<>\"'")


@given(lines)
def test_values_in_a_url_are_quoted(value: str) -> None:
    """
    A value is one parameter of the URL, whatever is in it.
    """
    message = Message(
        ANN, unsubscribe="https://b.example/?a={{a}}", merge_data={ANN.email: {"a": value}}
    )

    (url,) = for_recipient(message, ANN).unsubscribe

    assert value == unquote(url.removeprefix("https://b.example/?a="))


@given(st.dictionaries(st.from_regex(r"[a-z_][a-z0-9_]{0,8}", fullmatch=True), texts, min_size=1))
def test_rewritten_text_and_its_variables_say_the_same(data: dict[str, str]) -> None:
    """
    What a vendor fills in is what would be filled in here.
    """
    text = " ".join(f"{{{{{name}}}}}" for name in data)
    message = Message(ANN, text=text, html=text, merge_data={ANN.email: data})
    found = variables(message, ANN.email)

    written = rewrite(text, lambda name: f"%{name}%"), rewrite(text, "%{}%".format, html=True)

    assert written == (
        " ".join(f"%{name}%" for name in data),
        " ".join(f"%{name}__html%" for name in data),
    )
    assert fill(text, data) == " ".join(found[name] for name in data)
    assert fill(text, data, html=True) == " ".join(found[f"{name}__html"] for name in data)


def test_variables_of_each_recipient() -> None:
    """
    They come in the order of the recipients, the same as one by one.
    """
    assert [variables(MESSAGE, one.email) for one in MESSAGE.to] == list(all_variables(MESSAGE))


def test_text_without_placeholders_is_left_alone() -> None:
    """
    Braces of other languages are text.
    """
    assert ("a {b}", "a {b}") == (fill("a {b}", {}), rewrite("a {b}", str))


@each(
    ("fields", "needed"),
    [
        ({"merge_data": {ANN.email: {"a": "1"}}}, Feature.MERGE),
        ({"merge_metadata": {ANN.email: {"a": "1"}}}, Feature.MERGE | Feature.MERGE_METADATA),
        (
            {"merge_headers": {ANN.email: {"X-A": "1"}}},
            Feature.MERGE | Feature.MERGE_HEADERS | Feature.MERGE_UNEVEN_HEADERS,
        ),
        (
            {"merge_headers": {ANN.email: {"X-A": "1"}, BOB.email: {"X-A": "2"}}},
            Feature.MERGE | Feature.MERGE_HEADERS,
        ),
        (
            {
                "merge_data": {ANN.email: {"a": "1"}, BOB.email: {"a": "2"}},
                "headers": {"X-A": "{{a}}"},
            },
            Feature.MERGE | Feature.MERGE_HEADERS,
        ),
    ],
)
def test_what_a_merge_needs(fields: dict[str, Any], needed: Feature) -> None:
    """
    A header that differs per recipient is one of their own.
    """
    assert needed == merge_features(Message([ANN, BOB], **fields))


def test_part_for_some() -> None:
    """
    A part of a merge holds the data of its recipients only, and stays frozen.
    """
    found = part_for(MESSAGE, (BOB,))

    assert (
        MESSAGE.bound(
            to=(BOB,),
            merge_data=FrozenDict({BOB.email: MESSAGE.merge_data[BOB.email]}),
            merge_metadata=FrozenDict(),
            merge_headers=MESSAGE.merge_headers,
            part=part_of(BOB),
        )
        == found
    )
    assert hash(found) == hash(part_for(MESSAGE, (BOB,)))


def test_part_names_tell_no_address() -> None:
    """
    A name is short, the same each time, and another for other recipients.
    """
    names = {part_of(ANN), part_of(BOB), part_of(ANN, BOB), part_of(ANN)}

    assert 3 == len(names)
    assert all(len(name) == 12 and name.isalnum() for name in names)


@each(
    ("fields", "field", "problem"),
    [
        ({"cc": "c@b.example"}, "cc", "cc and bcc cannot go with per-recipient data"),
        ({"bcc": "c@b.example"}, "bcc", "cc and bcc cannot go with per-recipient data"),
        ({"to": [ANN, BOB, ANN]}, "to", "to names a recipient twice in a merge: name each once"),
        ({"to": ANN}, "merge_data", "merge_data names a recipient who is not in to: add them"),
        ({"text": "{{no}}"}, "merge_data", "merge_data has no 'no' for recipient 1 of 2, but"),
        ({"html": "{{no}}"}, "merge_data", "merge_data has no 'no' for recipient 1 of 2, but"),
        (
            {"merge_headers": {BOB.email: {"X-C": "{{no}}"}}},
            "merge_data",
            "merge_data has no 'no' for recipient 2 of 2, but",
        ),
        (
            {"merge_headers": {ANN.email: {"x-a": "1"}}},
            "merge_headers",
            "merge_headers has 'x-a' in another case elsewhere: write it alike",
        ),
        (
            {"merge_headers": {ANN.email: {"List-Unsubscribe": "<https://b.example>"}}},
            "merge_headers",
            "merge_headers has 'List-Unsubscribe', and unsubscribe is given too: keep one",
        ),
        (
            {"merge_data": {ANN.email: {"name": "a\nBcc: x", "code": ""}, BOB.email: {}}},
            "merge_data",
            "merge_data, filled into the subject or a header of mail 1 of 2, contains the control",
        ),
        (
            {
                "subject": "=?utf-8?q?{{name}}",
                "merge_data": {
                    ANN.email: {"name": "=0ABcc?=", "code": ""},
                    BOB.email: {"name": "", "code": ""},
                },
            },
            "merge_data",
            "merge_data, filled into the subject or a header of mail 1 of 2, contains the control",
        ),
    ],
)
def test_merge_that_cannot_be_faithful_is_refused(
    fields: dict[str, Any], field: str, problem: str
) -> None:
    """
    A gap, a leak or a broken header is found before any call.
    """
    with pytest.raises(InvalidMessage) as raised:
        Message(**SHARED | fields)

    assert str(raised.value).startswith(problem)
    assert field == raised.value.field
