from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from mailfailover._chain.reduction import over_limits, without
from mailfailover._chain.requirements import estimate_size, required_features
from mailfailover._message.alternative import Alternative
from mailfailover._message.attachment import Attachment
from mailfailover._message.message import Message
from mailfailover._values.features import MAY_BE_LEFT_OFF, NO_FEATURES, PREFERENCES, Feature
from mailfailover.plugin import Capabilities
from tests.samples import each

NOW = datetime(2026, 11, 24, tzinfo=UTC)
BASIC: dict[str, Any] = {
    "to": "a@b.example",
    "from_email": "s@b.example",
    "subject": "s",
    "text": "t",
}
IMAGE = Attachment("a.png", b"", content_id="a")
FILE = Attachment("a.pdf", b"")
CALENDAR = Alternative("text/calendar; method=REQUEST", "BEGIN")
AMP = Alternative("text/x-amp-html", "<html>")
WATCH = Alternative("text/watch-html", "<b>")
RAW: dict[str, Any] = {"mime": b"From: s@b.example\n\nx", "subject": "", "text": ""}

TEMPLATE = Feature.TEMPLATES | Feature.TEMPLATE_FROM | Feature.TEMPLATE_SUBJECT

NEEDS: list[tuple[dict[str, Any], Feature]] = [
    ({}, NO_FEATURES),
    ({"html": "x"}, Feature.HTML),
    ({"text": ""}, Feature.EMPTY_BODY),
    ({"subject": ""}, Feature.EMPTY_SUBJECT),
    ({"to": (), "cc": "a@b.example"}, Feature.WITHOUT_TO),
    ({"reply_to": "a@b.example"}, Feature.REPLY_TO),
    ({"reply_to": "a@b.example, c@b.example"}, Feature.MULTIPLE_REPLY_TO),
    ({"headers": {"X-A": "1"}}, Feature.HEADERS),
    ({"headers": {"Message-ID": "<a@b.example>"}}, Feature.MESSAGE_ID),
    (
        {"headers": {"Message-ID": "<a@b.example>"}, "merge_data": {"a@b.example": {}}},
        NO_FEATURES,
    ),
    ({"headers": {"X-A": ("1", "2")}}, Feature.HEADERS | Feature.REPEATED_HEADERS),
    ({"unsubscribe": "https://b.example"}, Feature.HEADERS),
    ({"attachments": [FILE]}, Feature.ATTACHMENTS),
    ({"attachments": [IMAGE, FILE]}, Feature.ATTACHMENTS | Feature.INLINE_IMAGES),
    ({"alternatives": [CALENDAR]}, Feature.CALENDAR),
    ({"alternatives": [CALENDAR, AMP], "html": "x"}, Feature.CALENDAR | Feature.AMP | Feature.HTML),
    ({"alternatives": [WATCH], "text": ""}, Feature.ALTERNATIVES | Feature.EMPTY_BODY),
    (RAW, Feature.MIME),
    (RAW | {"tags": "a", "track_opens": True}, Feature.MIME | Feature.TAGS | Feature.TRACKING),
    ({"tags": "a"}, Feature.TAGS),
    ({"metadata": {"a": "b"}}, Feature.METADATA),
    ({"track_opens": False}, Feature.TRACKING),
    ({"track_clicks": True}, Feature.TRACKING),
    ({"send_at": NOW}, Feature.SEND_AT),
    ({"template_id": "t", "text": "", "subject": ""}, Feature.TEMPLATES | Feature.TEMPLATE_FROM),
    ({"template_id": "t", "text": ""}, TEMPLATE),
    ({"template_id": "t"}, TEMPLATE | Feature.TEMPLATE_OVERRIDE),
    ({"template_data": {"a": 1}}, Feature.TEMPLATES | Feature.TEMPLATE_OVERRIDE),
    ({"envelope_from": "b@b.example"}, Feature.ENVELOPE_FROM),
    ({"to": "ü@b.example"}, Feature.UNICODE_LOCAL_PART),
    ({"from_email": "ü@b.example"}, Feature.UNICODE_LOCAL_PART),
    ({"from_email": None}, NO_FEATURES),
    ({"envelope_from": "ü@b.example"}, Feature.UNICODE_LOCAL_PART | Feature.ENVELOPE_FROM),
]

WITHOUT: list[tuple[Feature, dict[str, Any], dict[str, Any]]] = [
    (Feature.HTML, {"html": "x"}, {"html": ""}),
    (Feature.REPLY_TO, {"reply_to": "a@b.example"}, {"reply_to": ()}),
    (Feature.MULTIPLE_REPLY_TO, {"reply_to": "a@b.example,c@b.example"}, {"reply_to": ()}),
    (
        Feature.HEADERS,
        {"headers": {"X-A": "1"}, "unsubscribe": "mailto:a@b.example"},
        {"headers": {}, "unsubscribe": ()},
    ),
    (
        Feature.MESSAGE_ID,
        {"headers": {"X-A": "1", "message-id": "<a@b.example>"}},
        {"headers": {"X-A": "1"}},
    ),
    (Feature.TEMPLATE_SUBJECT, {"template_id": "t"}, {"template_id": "t", "subject": ""}),
    (Feature.TEMPLATE_FROM, {"template_id": "t"}, {"template_id": "t"}),
    (Feature.ATTACHMENTS, {"attachments": [FILE, IMAGE]}, {"attachments": [IMAGE]}),
    (Feature.INLINE_IMAGES, {"attachments": [FILE, IMAGE]}, {"attachments": [FILE]}),
    (Feature.CALENDAR, {"alternatives": [CALENDAR, AMP]}, {"alternatives": [AMP]}),
    (Feature.AMP, {"alternatives": [AMP, WATCH]}, {"alternatives": [WATCH]}),
    (Feature.ALTERNATIVES, {"alternatives": [WATCH]}, {"alternatives": ()}),
    (Feature.TAGS, {"tags": ["a", "b"]}, {"tags": ()}),
    (Feature.METADATA, {"metadata": {"a": "1"}}, {"metadata": {}}),
    (
        Feature.TRACKING,
        {"track_opens": True, "track_clicks": False},
        {"track_opens": None, "track_clicks": None},
    ),
    (Feature.SEND_AT, {"send_at": NOW}, {"send_at": None}),
    (Feature.ENVELOPE_FROM, {"envelope_from": "b@b.example"}, {"envelope_from": ""}),
]


def mail(**fields: Any) -> Message:
    """
    A mail that needs nothing but what *fields* ask.
    """
    return Message(**BASIC | {"id": "m1"} | fields)


@each(("fields", "needed"), NEEDS)
def test_what_a_mail_needs(fields: dict[str, Any], needed: Feature) -> None:
    """
    Each field asks for its feature and for no other.
    """
    assert needed == required_features(mail(**fields))


@each(("dropped", "fields", "left"), WITHOUT)
def test_leaving_off(dropped: Feature, fields: dict[str, Any], left: dict[str, Any]) -> None:
    """
    What cannot be expressed is left off, and nothing else.
    """
    found = without(mail(**fields), dropped, Capabilities())

    assert mail(**left) == found


def test_all_that_may_be_left_off_can_be() -> None:
    """
    The table above has every feature that a message may allow to drop.
    """
    assert set(MAY_BE_LEFT_OFF | PREFERENCES) == {dropped for dropped, _, _ in WITHOUT}


def test_one_reply_to_is_better_than_none() -> None:
    """
    A provider with room for one gets the first.
    """
    message = mail(reply_to="a@b.example, c@b.example")

    found = without(message, Feature.MULTIPLE_REPLY_TO, Capabilities(Feature.REPLY_TO))

    assert mail(reply_to="a@b.example") == found


def test_cut_to_the_limits() -> None:
    """
    Of tags and metadata as many stay as the provider takes.
    """
    message = mail(tags=["a", "b", "c"], metadata={"x": "1", "y": "2"})
    limits = Capabilities(Feature.TAGS | Feature.METADATA, max_tags=2, max_metadata=1)

    over = over_limits(message, limits)

    assert Feature.TAGS | Feature.METADATA == over
    assert mail(tags=["a", "b"], metadata={"x": "1"}) == without(message, over, limits)


METADATA_BYTES: list[tuple[dict[str, str], int, dict[str, str]]] = [
    ({"x": "1", "y": "2"}, 17, {"x": "1", "y": "2"}),
    ({"x": "1", "y": "2"}, 16, {"x": "1"}),
    ({"x": "1", "y": "22", "z": ""}, 17, {"x": "1"}),
    ({"x": "ü"}, 13, {}),
    ({"x": "ü"}, 14, {"x": "ü"}),
]


@each(("metadata", "most", "left"), METADATA_BYTES)
def test_metadata_are_cut_to_the_bytes(
    metadata: dict[str, str], most: int, left: dict[str, str]
) -> None:
    """
    The first of them stay, up to the one that is too much, counted as JSON in ASCII.
    """
    message = mail(metadata=metadata)
    limits = Capabilities(Feature.METADATA, max_metadata_bytes=most)

    over = over_limits(message, limits)

    assert over == (NO_FEATURES if left == metadata else Feature.METADATA)
    assert mail(metadata=left) == without(message, Feature.METADATA, limits)


@each(
    ("limits", "over"),
    [
        (Capabilities(max_metadata=2), NO_FEATURES),
        (Capabilities(max_metadata=1), Feature.METADATA),
        (Capabilities(max_metadata_bytes=17), NO_FEATURES),
        (Capabilities(max_metadata_bytes=16), Feature.METADATA),
    ],
)
def test_metadata_of_a_merge_add_to_those_of_all(limits: Capabilities, over: Feature) -> None:
    """
    Each mail has both, those of its own instead of others of the same name.
    """
    message = mail(
        to="a@b.example, c@b.example",
        metadata={"x": "1"},
        merge_metadata={"c@b.example": {"x": "3", "y": "2"}},
    )

    assert over == over_limits(message, limits)


@pytest.mark.parametrize(
    "limits",
    [Capabilities(), Capabilities(max_tags=3, max_metadata=2, max_metadata_bytes=17)],
    ids=["none", "wide"],
)
def test_within_the_limits(limits: Capabilities) -> None:
    """
    As many as allowed is not too many.
    """
    message = mail(tags=["a", "b", "c"], metadata={"x": "1", "y": "2"})

    assert NO_FEATURES == over_limits(message, limits)


def test_nothing_to_leave_off_changes_nothing() -> None:
    """
    The message itself comes back.
    """
    message = mail()

    assert message is without(message, NO_FEATURES, Capabilities())


def test_estimated_size_is_not_below_the_real_one() -> None:
    """
    A mail that is too large is noticed before it is written.
    """
    message = mail(
        text="ü" * 5000,
        html="x" * 5000,
        attachments=[Attachment("a.bin", bytes(100_000)), Attachment("b.bin", b"x")],
    )
    encoded_text = 2 * len(message.text)

    assert estimate_size(message) >= len(message.as_email_message().as_bytes()) - encoded_text
    assert estimate_size(message) <= 1.1 * len(message.as_email_message().as_bytes())
