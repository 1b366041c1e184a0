from __future__ import annotations

from typing import Any

import pytest

from mailfailover import Alternative, Feature, InvalidMessage, Message
from mailfailover._message.merge import for_recipient
from tests.samples import each


@each(
    ("content_type", "kept"),
    [
        ("text/calendar; method=REQUEST", "text/calendar; method=REQUEST"),
        ("text/calendar; charset=utf-8; method=REQUEST", "text/calendar; method=REQUEST"),
        ('text/x-amp-html; Charset="UTF-8"', "text/x-amp-html"),
        ("application/ld+json", "application/ld+json"),
    ],
)
def test_content_type_keeps_its_parameters(content_type: str, kept: str) -> None:
    """
    Only the charset is left out, because the text goes out as UTF-8.
    """
    assert kept == Alternative(content_type, "x").content_type


@each(
    ("content_type", "feature"),
    [
        ("Text/Calendar; method=REQUEST", Feature.CALENDAR),
        ("text/x-amp-html", Feature.AMP),
        ("text/watch-html", Feature.ALTERNATIVES),
    ],
)
def test_feature_that_it_needs(content_type: str, feature: Feature) -> None:
    """
    Invitations and AMP have features of their own.
    """
    assert feature == Alternative(content_type, "x").feature


def test_bytes_are_decoded() -> None:
    """
    By their charset, or as UTF-8.
    """
    assert ["ü", "ü"] == [
        Alternative("text/calendar", "ü".encode()).content,
        Alternative("text/calendar; charset=iso-8859-1", b"\xfc").content,
    ]


def test_place_is_not_compared() -> None:
    """
    Two alternatives that say the same are equal, before and after the HTML.
    """
    assert Alternative("text/calendar", "x") == Alternative("text/calendar", "x", preferred=True)


def test_repr_shows_no_content() -> None:
    """
    What a mail says is in no log.
    """
    assert "Alternative('text/calendar')" == repr(Alternative("text/calendar", "secret"))


@each(
    ("content_type", "content", "problem"),
    [
        ("text/plain", "x", "is text/plain, which has a field of its own: use text"),
        ("TEXT/HTML; x=y", "x", "is text/html, which has a field of its own: use html"),
        ("message/rfc822", "x", "attach it as a file"),
        ("multipart/mixed", "x", "cannot be multipart"),
        ("calendar", "x", "is not of the form type/subtype"),
        ("text/calendar\n", "x", "contains the control character"),
        ("text/calendar", "a\0", "alternatives content contains a NUL"),
        ("text/calendar", b"\xff", "alternatives content does not fit its charset 'utf-8'"),
        ("text/calendar; charset=x-no", b"\xff", "has the unknown charset 'x-no'"),
        ("text/calendar", 7, "alternatives content must be a str, not int"),
    ],
)
def test_what_is_no_alternative_is_refused(
    content_type: str, content: str | bytes, problem: str
) -> None:
    """
    The error names the field, the problem and the remedy.
    """
    with pytest.raises(InvalidMessage) as raised:
        Alternative(content_type, content)

    assert problem in str(raised.value)
    assert "alternatives" == raised.value.field


def test_preferred_is_true_or_false() -> None:
    """
    A str of a form means neither.
    """
    with pytest.raises(InvalidMessage, match="preferred must be True or False, not str"):
        Alternative("text/calendar", "x", preferred="no")  # type: ignore[arg-type]  # on purpose


@each(
    ("alternatives", "problem"),
    [
        (["BEGIN:VCALENDAR"], "must hold Alternative objects, not str"),
        (
            [Alternative("text/calendar", "x"), Alternative("text/calendar", "y")],
            "two alternatives have the same content_type",
        ),
    ],
)
def test_wrong_alternatives_are_refused(alternatives: Any, problem: str) -> None:
    """
    The error names the field and the remedy.
    """
    with pytest.raises(InvalidMessage, match=problem) as caught:
        Message(to="ann@example.org", subject="Hi", text="Hi", alternatives=alternatives)

    assert "alternatives" == caught.value.field


def test_an_alternative_is_filled_in_for_each_recipient() -> None:
    """
    One without variables stays as it is.
    """
    message = Message(
        to="ann@example.org",
        from_email="shop@example.com",
        subject="Hi",
        text="Hi",
        alternatives=[
            Alternative("text/calendar", "SUMMARY:{{name}}"),
            Alternative("application/ld+json", "{}"),
        ],
        merge_data={"ann@example.org": {"name": "Ann"}},
    )

    one = for_recipient(message, message.to[0])

    assert ["SUMMARY:Ann", "{}"] == [found.content for found in one.alternatives]
