from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from mailfailover import DeliveryEvent, EventType, RejectReason
from mailfailover.plugin import as_list, as_text, as_texts, as_time, dig, make_event
from tests.samples import each

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def test_whole_event() -> None:
    """
    Each thing a vendor says has its field; our id is taken out of the metadata.
    """
    raw = {"kind": "bounce"}

    assert DeliveryEvent(
        event_id="7",
        type=EventType.BOUNCED,
        provider_message_id="<1@example.com>",
        mail_id="01A",
        recipient="ann@example.org",
        timestamp=NOON,
        reject_reason=RejectReason.BOUNCED,
        mta_response="550 no",
        description="gone",
        tags=("a",),
        metadata={"order": "12"},
        click_url="https://example.com",
        user_agent="Browser",
        raw=raw,
    ) == make_event(
        raw,
        type=EventType.BOUNCED,
        event_id=7,
        provider_message_id="<1@example.com>",
        recipient=" ann@example.org ",
        timestamp="2026-11-24T12:00:00Z",
        reject_reason=RejectReason.BOUNCED,
        mta_response="550 no",
        description="gone",
        tags="a",
        metadata={"mailfailover-id": "01A", "order": 12},
        click_url="https://example.com",
        user_agent="Browser",
    )


def test_event_of_nonsense() -> None:
    """
    What has a wrong type is left out, and nothing raises.
    """
    odd: Any = [{"a": None}]
    names = ("event_id", "provider_message_id", "mail_id", "recipient", "timestamp", "metadata")
    more = ("mta_response", "description", "tags", "click_url", "user_agent")

    event = make_event({}, type=EventType.UNKNOWN, **dict.fromkeys((*names, *more), odd))

    assert DeliveryEvent(event_id=event.event_id) == event


def test_event_without_id_gets_one() -> None:
    """
    The same for the same data, whatever their order, and another for other data.
    """
    ids = [
        make_event(raw, type=EventType.OPENED).event_id
        for raw in ({"a": 1, "b": 2}, {"b": 2, "a": 1}, {"a": 1, "b": 3})
    ]

    assert ids[0] == ids[1] != ids[2]
    assert 32 == len(ids[0])


def test_own_id_may_travel_by_itself() -> None:
    """
    A vendor without metadata brings it back elsewhere.
    """
    assert "01A" == make_event({}, type=EventType.OPENED, mail_id="01A").mail_id


def test_dict_form() -> None:
    """
    An event can be written as JSON, without what it does not say.
    """
    event = make_event(
        {"a": {"b": [1]}},
        type=EventType.OPENED,
        event_id="7",
        timestamp=NOON,
        tags=["a"],
        metadata={"b": "c"},
    )

    assert {
        "event_id": "7",
        "type": "opened",
        "timestamp": "2026-11-24T12:00:00+00:00",
        "tags": ["a"],
        "metadata": {"b": "c"},
        "raw": {"a": {"b": [1]}},
    } == event.to_dict()


@each(
    ("path", "expected"),
    [
        (("a",), {"b": 1}),
        (("a", "b"), 1),
        (("a", "c"), None),
        (("a", "b", "c"), None),
        (("x", "y"), None),
    ],
)
def test_dig(path: tuple[str, ...], expected: object) -> None:
    """
    What is not there is None, at any depth.
    """
    assert expected == dig({"a": {"b": 1}}, *path)


@each(
    ("value", "expected"),
    [(" a ", "a"), (7, "7"), (1.5, "1.5"), (True, ""), (None, ""), ([], ""), ({}, "")],
)
def test_as_text(value: object, expected: str) -> None:
    """
    Texts and numbers.
    """
    assert expected == as_text(value)


def test_as_texts() -> None:
    """
    Metadata are texts, whatever JSON a vendor makes of them.
    """
    assert {"a": "b", "c": "1", "d": '["ä"]'} == as_texts({"a": "b", "c": 1, "d": ["ä"]})
    assert {} == as_texts([])


@each(
    ("value", "expected"), [("a", ("a",)), (["a", "", None, 1], ("a", "1")), (None, ()), ("", ())]
)
def test_as_list(value: object, expected: tuple[str, ...]) -> None:
    """
    Tags come as a list or as one.
    """
    assert expected == as_list(value)


@each(
    ("value", "expected"),
    [
        (NOON, NOON),
        (NOON.replace(tzinfo=None), NOON),
        (NOON.timestamp(), NOON),
        ("1795521600", NOON),
        ("2026-11-24T12:00:00.0000000Z", NOON),
        ("2026-11-24T14:00:00+02:00", NOON),
        ("2026-11-24 12:00:00", NOON),
        ("noon", None),
        ("", None),
        (None, None),
        (True, None),
        (10**400, None),
        (1e300, None),
        ("nan", None),
    ],
)
def test_as_time(value: object, expected: datetime | None) -> None:
    """
    Unix time and ISO 8601; whatever else is no time.
    """
    found = as_time(value)

    assert expected == found
    assert found is None or found.tzinfo is not None
