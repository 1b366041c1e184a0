"""
A vendor's answer, read with mistrust.
"""

from __future__ import annotations

import pytest

from mailfailover import plugin
from mailfailover.errors import OutcomeUnknown
from mailfailover.plugin import Accepted, Message, Response
from mailfailover.testing import PLAIN, SAMPLES
from tests.samples import each

OK = Response(200, {}, b"{}")
SHARED = PLAIN.replace(to=("ann@example.org", "bob@example.net"), cc="cat@example.edu")
MERGE = SAMPLES["merge"]


def test_an_id_is_a_text() -> None:
    """
    A success that names no mail is unknown: the mail may have left.
    """
    assert Accepted("1") == plugin.accepted(OK, "1")
    for mail_id in "", 1, None, ["1"]:
        with pytest.raises(OutcomeUnknown):
            plugin.accepted(OK, mail_id)


@each(
    ("value", "kind", "code"),
    [
        ("invalid_key-1", str, "invalid_key-1"),
        ("ann@example.org", str, ""),
        ("two words", str, ""),
        (12, str, ""),
        (12, int, "12"),
        (True, int, ""),
        ("12", int, ""),
    ],
)
def test_a_code_is_a_word_or_a_number(value: object, kind: type, code: str) -> None:
    """
    What could be an address or a key never becomes the code of an error.
    """
    assert code == plugin.as_code(value, kind)


def test_other_values_are_empty() -> None:
    """
    Nothing is raised for a value of another type than the vendor's manual says.
    """
    assert ("x", "") == (plugin.as_words("x"), plugin.as_words(1))
    assert ({"a": 1}, {}) == (plugin.as_object({"a": 1}), plugin.as_object([1]))
    assert ([{"a": 1}], []) == (plugin.as_objects([{"a": 1}, 2]), plugin.as_objects("no"))


def test_one_answer_for_each_mail() -> None:
    """
    An answer that does not speak of every mail tells nothing of any.
    """
    assert [{"a": 1}, {}] == plugin.one_each(OK, [{"a": 1}, "odd"], 2)
    for entries in [{"a": 1}], "ab", None:
        with pytest.raises(OutcomeUnknown):
            plugin.one_each(OK, entries, 2)


def test_recipients_are_matched_in_whatever_case() -> None:
    """
    The result has the addresses of the mail, and nobody who is not among its recipients.
    """
    said = [("BOB@example.net", 1), ("eve@example.com", 2), (None, 3)]

    assert {"bob@example.net": 1} == plugin.by_recipient(said, SHARED.recipients)


def test_recipients_named_in_words() -> None:
    """
    A sentence may end with an address, and quote another.
    """
    text = "Inactive: 'CAT@example.edu', <eve@example.com>; ann@example.org."

    assert ("ann@example.org", "cat@example.edu") == plugin.recipients_in(text, SHARED.recipients)


@each(
    ("place", "message", "emails"),
    [
        ("to[1].email", SHARED, ("bob@example.net",)),
        ("Cc[0].Email", SHARED, ("cat@example.edu",)),
        ("to[7].email", SHARED, ()),
        ("personalizations.0.to.1.email", SHARED, ("bob@example.net",)),
        ("personalizations.3.to.1.email", SHARED, ()),
        ("subject", SHARED, ()),
        ("1.to.0", MERGE, (MERGE.to[1].email,)),
        ("1.to.1", MERGE, ()),
        ("1.cc.0", MERGE, ()),
        ("9.to.0", MERGE, ()),
        ("to.0", MERGE, ()),
    ],
)
def test_the_recipient_at_a_place(place: str, message: Message, emails: tuple[str, ...]) -> None:
    """
    The place in our request tells whose address it is; in a merge the number of the mail does.
    """
    assert emails == plugin.recipients_at(place, message)
