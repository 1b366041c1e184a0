from __future__ import annotations

import unicodedata
from email.header import decode_header, make_header
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailfailover._message.address import Address
from mailfailover._message.message import Message
from mailfailover._message.validation import (
    check_body,
    check_header_name,
    check_text,
    invalid,
    normalize_email,
)
from mailfailover.errors import InvalidMessage
from tests.samples import each
from tests.strategies import addresses, emails, lines

CONTROLS = [*map(chr, range(32)), *map(chr, range(0x7F, 0xA0)), "\u2028", "\u2029", "\ud800"]
SYNTAX = st.text(alphabet='ab1ü@. "<>,\\;:()[]=?\r\n\0_-', max_size=40)
WORD_PIECES = st.lists(
    st.sampled_from(
        [
            "=?utf-8?q?",
            "=?UTF-8?B?",
            "=?utf-7?q?",
            "=?x?q?",
            "?=",
            "=0A",
            "=0d",
            "Cg==",
            "DQo",
            "+AAo-",
        ]
    )
    | st.sampled_from([" ", "a", "=", "?", "_"]),
    max_size=8,
).map("".join)


@each("character", CONTROLS, ids=[f"{ord(one):04X}" for one in CONTROLS])
def test_controls_are_refused(character: str) -> None:
    """
    Whatever some parser takes for the end of a line is no part of a line.
    """
    with pytest.raises(InvalidMessage) as raised:
        check_text("subject", f"ab{character}c")

    assert str(raised.value) == (
        f"subject contains the control character U+{ord(character):04X} at position 2: "
        "remove it (a header value is one line)"
    )


@given(WORD_PIECES)
def test_no_control_hides_in_encoded_words(value: str) -> None:
    """
    What is accepted has no control character after decoding either.
    """
    try:
        check_text("subject", value)
    except InvalidMessage:
        return

    decoded = "".join(
        raw if isinstance(raw, str) else raw.decode(charset or "ascii", "replace")
        for raw, charset in decode_header(value)
        if charset != "x"
    )
    assert not any(unicodedata.category(one) == "Cc" for one in decoded)


@given(lines)
def test_any_line_of_unicode_is_accepted(value: str) -> None:
    """
    Nothing but controls is refused.
    """
    assert value == check_text("subject", value)


def test_encoded_words_of_honest_text_are_accepted() -> None:
    """
    A text that quotes one, or was encoded by its writer, is text.
    """
    value = "=?utf-8?q?=C3=BC?= =?iso-8859-1?q?=FC?= ="

    assert value == check_text("subject", value)
    assert "üü =" == str(make_header(decode_header(value)))


@each(
    "value",
    ["=?x-no?q?=0A?=", "=?undefined?q?=0A?=", "=?a\u20acb?q?=0A?=", "=?utf-8?q?=0A?=\u20ac"],
)
def test_unknown_charsets_hide_nothing(value: str) -> None:
    """
    A charset nobody knows is read as bytes.
    """
    with pytest.raises(InvalidMessage, match="U\\+000A hidden in an RFC 2047 encoded word"):
        check_text("subject", value)


@each(
    ("value", "problem"),
    [
        (None, "text must be a str, not NoneType"),
        ("a\0", "text contains a NUL character: remove it, or attach the data as a file"),
        ("a\udcff", "text contains a lone surrogate at position 1, as if decoded wrongly: decode"),
    ],
)
def test_bodies(value: Any, problem: str) -> None:
    """
    Text of many lines may hold all that UTF-8 can carry but NUL.
    """
    with pytest.raises(InvalidMessage) as raised:
        check_body("text", value)

    assert str(raised.value).startswith(problem)
    assert "a\tü\r\n\x1b" == check_body("text", "a\tü\r\n\x1b")


@each("name", ["X-A", "List-ID", "message-id", "x!#$%&'*+-.^_`|~1"])
def test_header_names(name: str) -> None:
    """
    Any name of RFC 5322 that no field of the message sets.
    """
    assert name == check_header_name(name)


@each("name", ["", "X A", "X-A:", "X-Ä", "X-A\r\nBcc", 5, None])
def test_broken_header_names(name: Any) -> None:
    """
    A name with a line end in it would be another header.
    """
    with pytest.raises(InvalidMessage, match="is not a valid header name: use") as raised:
        check_header_name(name)

    assert "headers" == raised.value.field


@each(
    "name",
    ["To", "BCC", "Sender", "Date", "Content-ID", "X-Mailgun-Tag", "X-MC-Track", "X-SMTPAPI"],
)
def test_header_names_with_a_meaning(name: str) -> None:
    """
    What a field sets, and what commands a vendor, is no custom header.
    """
    with pytest.raises(InvalidMessage, match="cannot be set by hand: use the message's own field"):
        check_header_name(name)


@each(
    ("value", "expected"),
    [
        ("a@b.example", "a@b.example"),
        ("A.b+c@B.Example", "A.b+c@b.example"),
        ("a@localhost", "a@localhost"),
        ("a@bücher.example", "a@xn--bcher-kva.example"),
        ("a@straße.example", "a@xn--strae-oqa.example"),
        ("a@ＢＣ.example", "a@bc.example"),
        ("ju\u0308@b.example", "jü@b.example"),
        ('"a"@b.example', "a@b.example"),
        ('"a b"@b.example', '"a b"@b.example'),
        (r'"a\b"@b.example', "ab@b.example"),
        (r'"a\"@\\b"@b.example', r'"a\"@\\b"@b.example'),
        ('"ju\u0308"@b.example', "jü@b.example"),
    ],
)
def test_addresses(value: str, expected: str) -> None:
    """
    One mailbox has one form, which goes everywhere.
    """
    assert expected == normalize_email(value)


@each(
    ("value", "problem"),
    [
        (None, "email must be a str, not NoneType"),
        ("", "it is not of the form local@domain"),
        ("a", "it is not of the form local@domain"),
        ("@b.example", "it is not of the form local@domain"),
        ("a@", "it is not of the form local@domain"),
        ("a@[192.0.2.1]", "its domain is an IP literal"),
        ("a@b", "its domain has no dot"),
        ("a@b..example", "its domain is not a valid domain name"),
        ("a@-b.example", "its domain is not a valid domain name"),
        ("a@b_c.example", "its domain is not a valid domain name"),
        ("a@b.example.", "its domain is not a valid domain name"),
        ("a@ü\u200b..example", "its domain is not a valid international name"),
        ("a@ü\uff20b.example", "its domain is not a valid international name"),
        ("a@ü b.example", "its domain is not a valid international name"),
        ("a b@c.example", "has a character or dot that is not allowed there"),
        (".a@b.example", "has a character or dot that is not allowed there"),
        ("a.@b.example", "has a character or dot that is not allowed there"),
        ("a@b@c.example", "has a character or dot that is not allowed there"),
        ('"a"b"@c.example', "has a character or dot that is not allowed there"),
        ("a" * 65 + "@b.example", "the part before the @ is longer than 64 bytes"),
        ("ü" * 33 + "@b.example", "the part before the @ is longer than 64 bytes"),
        ("a@" + "b" * 64 + ".example", "its domain is too long"),
        ("a@" + "b." * 126 + "example", "its domain is too long"),
        ("a@b.example\n", "email contains the control character U+000A"),
    ],
)
def test_broken_addresses(value: Any, problem: str) -> None:
    """
    The error says what is wrong and what to do, and does not quote the address.
    """
    with pytest.raises(InvalidMessage) as raised:
        normalize_email(value)

    assert problem in str(raised.value)
    assert "email" == raised.value.field
    assert "c.example" not in str(raised.value)


@given(emails)
def test_normal_form_is_final(email: str) -> None:
    """
    Normalizing twice changes nothing.
    """
    once = normalize_email(email)

    assert once == normalize_email(once)


@given(addresses)
def test_text_form_of_an_address_reads_back(address: Address) -> None:
    """
    ``str(address)`` is that address, alone or in a list of recipients.
    """
    assert address == Address.parse(str(address))
    assert (address, address) == Message(f"{address}, {address}").to


@given(SYNTAX | st.text(max_size=40))
def test_whatever_is_accepted_is_one_plain_mailbox(text: str) -> None:
    """
    No control characters, one way to split it, and the same in header and envelope.
    """
    try:
        (address,) = Message(text).to
    except (InvalidMessage, ValueError):
        return

    local, _, domain = address.email.rpartition("@")
    assert address.domain == domain
    assert domain.isascii()
    assert "@" not in local or local.startswith('"')
    assert not any(one in CONTROLS for one in str(address))
    assert address == Address.parse(str(address))
    assert address.email == Address.parse(address.email).email


@given(st.sampled_from(["subject", "tags", "stream", "id"]), st.text(max_size=20))
def test_no_field_takes_a_line_end(field: str, value: str) -> None:
    """
    Every string that may reach a header is checked, whichever field it is in.
    """
    fields: dict[str, Any] = {field: f"a{value}\r\nBcc: x"}

    with pytest.raises(InvalidMessage) as raised:
        Message(**fields)

    assert field == raised.value.field


@each(
    ("label", "field"),
    [
        ("to", "to"),
        ("headers['X-A']", "headers"),
        ("metadata key", "metadata"),
        ("merge_data, filled into", "merge_data"),
    ],
)
def test_field_of_an_error(label: str, field: str) -> None:
    """
    A program learns the field, a person which part of it.
    """
    error = invalid(label, "is wrong: correct it")

    assert (f"{label} is wrong: correct it", field) == (str(error), error.field)
