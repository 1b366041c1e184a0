from __future__ import annotations

import pytest

from mailfailover._message.mailboxes import split_header, split_list, split_mailbox
from mailfailover.errors import InvalidMessage
from tests.samples import each


@each(
    ("text", "expected"),
    [
        ("a@b.c", ["a@b.c"]),
        ("a@b.c, d@e.f", ["a@b.c", " d@e.f"]),
        ('"a, b" <c@d.e>,f@g.h', ['"a, b" <c@d.e>', "f@g.h"]),
        (r'"a\", b" <c@d.e>', [r'"a\", b" <c@d.e>']),
        ('<"a,b"@c.d>', ['<"a,b"@c.d>']),
        ("a <b,c@d.e>", ["a <b,c@d.e>"]),
    ],
)
def test_lists(text: str, expected: list[str]) -> None:
    """
    A comma separates only outside quotes and brackets.
    """
    assert expected == list(split_list(text, "to"))


@each(
    ("text", "expected"),
    [
        (" a@b.c ", ("", "a@b.c")),
        ("Jane <a@b.c>", ("Jane", "a@b.c")),
        ("<a@b.c>", ("", "a@b.c")),
        ('"Doe, Jane" <a@b.c>', ("Doe, Jane", "a@b.c")),
        (r'"a \"b\" \\" <a@b.c>', (r'a "b" \ '.rstrip(), "a@b.c")),
        ('x <"a>b"@c.d>', ("x", '"a>b"@c.d')),
        ("J. Q. Doe <a@b.c>", ("J. Q. Doe", "a@b.c")),
        ('"a>b"@c.d', ("", '"a>b"@c.d')),
    ],
)
def test_mailbox(text: str, expected: tuple[str, str]) -> None:
    """
    The name is atoms or one quoted string, the address is left as it is.
    """
    assert expected == split_mailbox(text)


@each(
    ("value", "expected"),
    [
        ("", []),
        ("a@b.c", [("", "a@b.c", "")]),
        ("a@b.c,, d@e.f,", [("", "a@b.c", ""), ("", "d@e.f", "")]),
        ("root (Cron Daemon)", [("", "root", "Cron Daemon")]),
        ("a@b.c (x (y) \\))", [("", "a@b.c", "x (y) )")]),
        ("(x) Jane (y) <a@b.c>", [("Jane", "a@b.c", "y")]),
        ('"(x)" <a@b.c>', [("(x)", "a@b.c", "")]),
        ('"Jane" Q. "Doe" <a@b.c>', [("Jane Q. Doe", "a@b.c", "")]),
        ("undisclosed-recipients:;", []),
        (
            "g: a@b.c, Jo <d@e.f>; , h@i.j",
            [("", "a@b.c", ""), ("Jo", "d@e.f", ""), ("", "h@i.j", "")],
        ),
        ("=?utf-8?q?J=C3=B6?= <a@b.c>", [("=?utf-8?q?J=C3=B6?=", "a@b.c", "")]),
    ],
)
def test_header(value: str, expected: list[tuple[str, str, str]]) -> None:
    """
    What senders write: comments, groups, phrases and a comma too many.
    """
    assert expected == list(split_header(value, "to"))


@each(
    ("value", "problem"),
    [
        ('"a <b@c.d>', "a quote is not closed"),
        ("a <b@c.d", "an angle bracket or a group is not closed"),
        ("g: a@b.c", "an angle bracket or a group is not closed"),
        ("a@b.c (x", "a comment in parentheses is not closed"),
        ("Doe @ home <a@b.c>", "a special character outside quotes"),
        ("a@evil.c <b@c.d>", "a special character outside quotes"),
    ],
)
def test_broken_header_is_refused(value: str, problem: str) -> None:
    """
    Nothing is repaired: what is unclear could be read as another recipient.
    """
    with pytest.raises(InvalidMessage, match=f"^to is not a valid address: .*{problem}") as raised:
        list(split_header(value, "to"))

    assert "to" == raised.value.field


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("<a@b.c", "an angle bracket is not closed"),
        ('"a@b.c', "a quote is not closed"),
    ],
)
def test_broken_list_is_refused(text: str, problem: str) -> None:
    """
    A list with an open quote or bracket has no sure end.
    """
    with pytest.raises(InvalidMessage, match=problem):
        list(split_list(text, "to"))


@each(
    ("text", "problem"),
    [
        ("a@b.c>", "its angle brackets do not match"),
        ("<<a@b.c>", "its angle brackets do not match"),
        ("a@evil.c<b@c.d>", "a special character outside quotes"),
        ('"a" b <c@d.e>', "a special character outside quotes"),
    ],
)
def test_broken_mailbox_is_refused(text: str, problem: str) -> None:
    """
    Two addresses in one are none.
    """
    with pytest.raises(InvalidMessage, match=problem):
        split_mailbox(text, "cc")


def test_semicolon_is_no_separator() -> None:
    """
    Outlook's separator stays in the text, where the address parser refuses it.
    """
    assert [("", "a@b.c; d@e.f", "")] == list(split_header("a@b.c; d@e.f", "to"))
