from __future__ import annotations

import dataclasses
from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy.exc import SQLAlchemyError

from mailfailover import (
    Accepted,
    AttemptMade,
    DeliveryEvent,
    EventType,
    Mailer,
    MailFailoverError,
    Message,
    ProviderUp,
    RecipientStatus,
    RejectReason,
)
from mailfailover._sql.database import open_engine
from mailfailover.errors import (
    ConfigurationError,
    MessageRejected,
    OutcomeUnknown,
    RecipientRejected,
    RecipientSuppressed,
)
from mailfailover.tracking import MailStatus, Origin, RecipientState, RecipientTrack, Tracking
from mailfailover.unsubscribe import PROVIDER
from tests.chains import MAIL, NOW, Scripted, World

if TYPE_CHECKING:
    from pathlib import Path

ANN = "ann@example.org"
BOB = "bob@example.org"


def told(type_: str, recipient: str = ANN, minute: int = 1, **fields: Any) -> DeliveryEvent:
    """
    What a vendor tells of the mail m1, so many minutes after noon.
    """
    given: dict[str, Any] = {
        "event_id": f"{type_}-{recipient}-{minute}",
        "type": EventType(type_),
        "provider": "a",
        "provider_message_id": "a-id",
        "mail_id": "m1",
        "recipient": recipient,
        "timestamp": NOW + timedelta(minutes=minute),
    }
    return DeliveryEvent(**{**given, **fields})


def send(tracking: Tracking, world: World, *providers: Any, mail: Message = MAIL) -> Any:
    """
    Send *mail* through *providers*; return how it ended.
    """
    mailer = Mailer(world.chain(*providers), observers=[tracking])
    try:
        return mailer.send(mail, on_unknown="raise")
    except MailFailoverError as exc:
        return exc


def status(tracking: Tracking, mail_id: str = "m1") -> MailStatus:
    """
    What is known of a mail that something is known of.
    """
    found = tracking.status(mail_id)
    assert found is not None
    return found


def states(tracking: Tracking, mail_id: str = "m1") -> dict[str, str]:
    """
    How each recipient stands.
    """
    return {one.email: str(one.state) for one in status(tracking, mail_id).recipients}


def test_a_mail_that_was_sent(any_tracking: Tracking, world: World) -> None:
    """
    Which way it went, under which id, with every attempt, and what was told since.
    """
    down = Scripted("down", MessageRejected("no"))
    receipt = send(any_tracking, world, Scripted("a", "a-id"), mail=MAIL)
    event = told("delivered", mta_response="250 ok", raw={"some": ["thing", None]})
    any_tracking(event)

    assert down.mails == []
    assert status(any_tracking) == MailStatus(
        mail_id="m1",
        outcome="accepted",
        provider="a",
        provider_message_id="a-id",
        recorded=NOW,
        stream="transactional",
        sender="shop@example.com",
        attempts=(receipt.attempts[0].to_dict(),),
        recipients=(
            RecipientTrack(
                email=ANN,
                state=RecipientState.DELIVERED,
                provider="a",
                provider_message_id="a-id",
                since=NOW + timedelta(minutes=1),
            ),
        ),
        events=(event,),
        content={"subject": "Hi", "text": "Hello", "html": ""},
    )


def test_nothing_is_known_of_a_stranger(any_tracking: Tracking) -> None:
    """
    Neither sent nor told of.
    """
    assert any_tracking.status("m1") is None


def test_content_is_kept_only_when_asked_for(tracking: Tracking, world: World) -> None:
    """
    What mails say is nobody's business by default.
    """
    send(Tracking(tracking.engine), world, Scripted("a"))

    assert status(tracking).content is None


@pytest.mark.parametrize(
    ("error", "outcome", "state"),
    [
        (OutcomeUnknown("?"), "unknown", "unknown"),
        (MessageRejected("no"), "failed", "failed"),
        (RecipientRejected("no"), "failed", "invalid"),
        (RecipientSuppressed("no"), "failed", "suppressed"),
    ],
)
def test_a_mail_that_was_not_accepted(
    any_tracking: Tracking, world: World, error: MailFailoverError, outcome: str, state: str
) -> None:
    """
    With what the send ended in.
    """
    send(any_tracking, world, Scripted("a", error))

    found = status(any_tracking)
    assert (outcome, False, "") == (found.outcome, found.is_settled, found.provider)
    assert found.error.startswith(f"{type(error).__name__}: ")
    assert [("a", type(error).__name__)] == [(a["provider"], a["outcome"]) for a in found.attempts]
    assert {ANN: state} == states(any_tracking)


def test_a_refusal_concerns_whom_it_names(tracking: Tracking, world: World) -> None:
    """
    The others got nothing either, but not by a fault of theirs.
    """
    error = RecipientRejected("no", recipients=[BOB, "other@example.org"])

    send(tracking, world, Scripted("a", error), mail=MAIL.replace(to=[ANN, BOB]))

    assert {ANN: "failed", BOB: "invalid"} == states(tracking)


def test_each_status_of_a_receipt_is_kept(tracking: Tracking, world: World) -> None:
    """
    A queued recipient is as good as accepted.
    """
    to = {f"{status}@example.org": status for status in RecipientStatus}
    accepted = Accepted("a-id", to, {"queued@example.org": "own-id"})

    send(tracking, world, Scripted("a", accepted), mail=MAIL.replace(to=list(to)))

    expected = {email: str(status) for email, status in to.items()}
    assert expected | {"queued@example.org": "accepted"} == states(tracking)
    ids = {one.email: one.provider_message_id for one in status(tracking).recipients}
    assert ("a-id", "own-id", "") == (
        ids["accepted@example.org"],
        ids["queued@example.org"],
        ids["refused@example.org"],
    )


@pytest.mark.parametrize(
    ("type_", "outcome", "state"),
    [("delivered", "accepted", "delivered"), ("rejected", "failed", "rejected")],
)
def test_an_event_settles_an_unknown_outcome(
    any_tracking: Tracking, world: World, type_: str, outcome: str, state: str
) -> None:
    """
    Whoever tells of it had it, whether he sent it on or not.
    """
    send(any_tracking, world, Scripted("a", OutcomeUnknown("?")))
    any_tracking(told(type_))

    found = status(any_tracking)
    assert (outcome, True, "a", "a-id") == (
        found.outcome,
        found.is_settled,
        found.provider,
        found.provider_message_id,
    )
    assert {ANN: state} == states(any_tracking)


def test_an_event_that_proves_nothing_settles_nothing(tracking: Tracking, world: World) -> None:
    """
    A kind that we do not know may be anything.
    """
    send(tracking, world, Scripted("a", OutcomeUnknown("?")))
    tracking(told("unknown"))

    found = status(tracking)
    assert ("unknown", False, 1) == (found.outcome, found.is_settled, len(found.events))


def test_a_click_on_our_own_link_does_not_tell_who_sent_it(
    tracking: Tracking, world: World
) -> None:
    """
    Its recipient has the mail; which provider took it is still open.
    """
    send(tracking, world, Scripted("a", OutcomeUnknown("?")))
    tracking(told("unsubscribed", provider=PROVIDER))

    assert ("unknown", {ANN: "delivered"}) == (status(tracking).outcome, states(tracking))


def test_an_event_may_come_before_its_mail(any_tracking: Tracking, world: World) -> None:
    """
    It is told by itself at first, and is there when the mail is recorded.
    """
    any_tracking(told("delivered"))

    alone = status(any_tracking)
    send(any_tracking, world, Scripted("a", "a-id"))

    assert ("accepted", True, None) == (alone.outcome, alone.is_settled, alone.recorded)
    assert [(ANN, "delivered")] == [(one.email, str(one.state)) for one in alone.recipients]
    both = status(any_tracking)
    assert ("accepted", False, NOW) == (both.outcome, both.is_settled, both.recorded)
    assert {ANN: "delivered"} == states(any_tracking)


def test_an_event_may_have_the_vendors_id_only(any_tracking: Tracking, world: World) -> None:
    """
    It belongs to the mail that this provider took under that id, and to no other's.
    """
    for event in (
        told("delivered", mail_id=""),
        told("bounced", mail_id="", provider="b"),
        told("opened", mail_id="", provider_message_id="other"),
        told("clicked", mail_id="", provider_message_id=""),
    ):
        any_tracking(event)
    send(any_tracking, world, Scripted("a", "a-id"))

    assert {ANN: "delivered"} == states(any_tracking)


def test_many_mails_at_once(any_tracking: Tracking, world: World) -> None:
    """
    Each gets the events of its own, and a stranger has no entry.
    """
    other = Message(to=ANN, from_email="shop@example.com", subject="Hi", text="Hello", id="m2")
    send(any_tracking, world, Scripted("a", "one"))
    send(any_tracking, world, Scripted("a", "two"), mail=other)
    any_tracking(told("bounced", mail_id="", provider_message_id="one"))
    any_tracking(told("delivered", mail_id="m2", provider_message_id="two"))

    found = any_tracking.statuses(["m1", "m2", "stranger"])

    assert {"m1": any_tracking.status("m1"), "m2": any_tracking.status("m2")} == found
    assert [("bounced",), ("delivered",)] == [
        tuple(str(event.type) for event in one.events) for one in found.values()
    ]


def test_a_repeated_event_is_one(any_tracking: Tracking) -> None:
    """
    By its id, or, where it has none, by all it says.
    """
    bare = told("opened", event_id="", timestamp=None, raw={"n": 1})
    events = [told("delivered"), bare, dataclasses.replace(bare, raw={"n": 2})]

    for event in events * 2:
        any_tracking(event)

    assert ["delivered", "opened", "opened"] == [one.type for one in any_tracking.events()]


def test_one_id_may_stand_for_several_recipients(tracking: Tracking) -> None:
    """
    Vendors tell of several bounces in one event.
    """
    tracking(told("bounced", ANN, event_id="e1"))
    tracking(told("bounced", BOB, event_id="e1"))

    assert {ANN: "bounced", BOB: "bounced"} == states(tracking)


def test_a_bounce_may_follow_a_delivery(any_tracking: Tracking, world: World) -> None:
    """
    It comes with what the server said, and is not undone by a late opening.
    """
    send(any_tracking, world, Scripted("a", "a-id"))
    for event in (
        told("opened", minute=3),
        told("bounced", minute=9, mta_response="550 no such user", description="gone"),
        told("delivered", minute=2),
    ):
        any_tracking(event)

    found = status(any_tracking)
    assert ["delivered", "opened", "bounced"] == [event.type for event in found.events]
    assert found.recipients == (
        RecipientTrack(
            email=ANN,
            state=RecipientState.BOUNCED,
            provider="a",
            provider_message_id="a-id",
            since=NOW + timedelta(minutes=9),
            reason="550 no such user",
        ),
    )


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"description": "mailbox full"}, "mailbox full"),
        ({"reject_reason": RejectReason.SPAM}, "spam"),
        ({}, ""),
    ],
)
def test_the_best_reason_is_told(tracking: Tracking, fields: dict[str, Any], reason: str) -> None:
    """
    In whatever words there are.
    """
    tracking(told("rejected", **fields))

    assert [reason] == [one.reason for one in status(tracking).recipients]


def test_addresses_have_no_case(tracking: Tracking, world: World) -> None:
    """
    Vendors write them as they like.
    """
    send(tracking, world, Scripted("a"), mail=MAIL.replace(to="Ann@example.org"))
    tracking(told("delivered", "ANN@Example.ORG"))

    assert {"Ann@example.org": "delivered"} == states(tracking)
    assert 1 == len(tracking.events(recipient="Ann@example.org"))


def test_an_event_without_a_recipient(tracking: Tracking, world: World) -> None:
    """
    It is about the one there is; of several it is about nobody.
    """
    send(tracking, world, Scripted("a"))
    send(tracking, world, Scripted("a"), mail=MAIL.replace(to=[ANN, BOB], id="m2"))
    tracking(told("opened", ""))
    tracking(told("opened", "", mail_id="m2", event_id="other"))

    assert {ANN: "opened"} == states(tracking)
    assert {ANN: "accepted", BOB: "accepted"} == states(tracking, "m2")


def test_a_mail_sent_again_keeps_what_is_known(any_tracking: Tracking, world: World) -> None:
    """
    Unknown at first, then accepted: it may be a duplicate. What then fails takes nothing back.
    """
    send(any_tracking, world, Scripted("a", OutcomeUnknown("?")))
    world.clock.advance(60)
    send(any_tracking, world, Scripted("b", "b-id"), mail=MAIL.replace(to=[ANN, BOB]))
    world.clock.advance(60)
    send(any_tracking, world, Scripted("c", MessageRejected("no")), mail=MAIL.replace(to=[ANN]))

    found = status(any_tracking)
    assert ("accepted", "b", "b-id", True, "") == (
        found.outcome,
        found.provider,
        found.provider_message_id,
        found.possible_duplicate,
        found.error,
    )
    assert ["a", "b", "c"] == [attempt["provider"] for attempt in found.attempts]
    assert {ANN: "accepted", BOB: "accepted"} == states(any_tracking)


def test_attempts_that_were_recorded_are_not_recorded_twice(
    tracking: Tracking, world: World
) -> None:
    """
    An outbox hands those of an earlier process on.
    """
    error = send(tracking, world, Scripted("a", OutcomeUnknown("?")))
    mailer = Mailer(world.chain(Scripted("b")), observers=[tracking])
    mailer.deliver(MAIL, error.attempts, mailer.policy)

    found = status(tracking)
    assert ["a", "b"] == [attempt["provider"] for attempt in found.attempts]
    assert found.possible_duplicate


def test_a_failed_mail_that_is_sent_later_is_no_duplicate(tracking: Tracking, world: World) -> None:
    """
    It was surely not sent at first.
    """
    send(tracking, world, Scripted("a", MessageRejected("no")))
    send(tracking, world, Scripted("a"))

    found = status(tracking)
    assert ("accepted", False) == (found.outcome, found.possible_duplicate)


def test_status_is_json_safe(tracking: Tracking, world: World) -> None:
    """
    With times as texts, and no data of the vendor.
    """
    send(tracking, world, Scripted("a", "a-id"))
    tracking(told("deferred", reject_reason=RejectReason.TIMED_OUT, raw={"x": 1}, tags=("t",)))

    data = status(tracking).to_dict()

    assert "2026-11-24T12:00:00+00:00" == data["recorded"]
    assert data["recipients"] == [
        {
            "email": ANN,
            "state": "deferred",
            "provider": "a",
            "provider_message_id": "a-id",
            "since": "2026-11-24T12:01:00+00:00",
            "reason": "timed_out",
        }
    ]
    assert data["events"] == [
        {
            "event_id": f"deferred-{ANN}-1",
            "type": "deferred",
            "provider": "a",
            "provider_message_id": "a-id",
            "mail_id": "m1",
            "recipient": ANN,
            "timestamp": "2026-11-24T12:01:00+00:00",
            "reject_reason": "timed_out",
            "tags": ["t"],
        }
    ]
    tracking(told("opened", mail_id="m9"))
    assert status(tracking, "m9").to_dict()["recorded"] is None


def test_the_last_events_are_listed(any_tracking: Tracking) -> None:
    """
    In the order in which they came, as many as are wanted, of one kind where that is wanted.
    """
    events = [
        told("delivered", minute=5),
        told("opened", BOB, minute=3),
        told("clicked", provider="b", mail_id="m2", minute=1),
    ]
    for event in events:
        any_tracking(event)

    assert tuple(events) == any_tracking.events()
    assert tuple(events[1:]) == any_tracking.events(limit=2)
    assert (events[0],) == any_tracking.events(type="delivered")
    assert (events[1],) == any_tracking.events(recipient=BOB)
    assert (events[2],) == any_tracking.events(provider="b", mail_id="m2")
    assert () == any_tracking.events(type=EventType.BOUNCED)


def test_an_event_without_a_time_has_that_of_its_coming(tracking: Tracking) -> None:
    """
    So that events have an order.
    """
    tracking(told("opened", timestamp=None))

    assert [NOW] == [event.timestamp for event in tracking.events()]


def test_whatever_a_vendor_writes_can_be_kept(any_tracking: Tracking) -> None:
    """
    Overlong ids, zero bytes and halves of characters harm nobody.
    """
    event = told(
        "opened",
        "a\0b@example.org",
        event_id="e\0",
        mail_id="m" * 100,
        provider_message_id="x" * 999,
        description="\ud83d \0",
        raw={"a\0": "\ud83d\0"},
        metadata={"k\0": "v\0"},
    )

    any_tracking(event)
    any_tracking(event)

    (kept,) = any_tracking.events()
    assert ("m" * 64, "x" * 255, "a?b@example.org") == (
        kept.mail_id,
        kept.provider_message_id,
        kept.recipient,
    )
    assert EventType.OPENED == kept.type


def test_the_origin_of_an_event(any_tracking: Tracking, world: World) -> None:
    """
    By our id or the vendor's: the stream and the From domain.
    """
    mail = MAIL.replace(stream="news", from_email="News <news@mail.example.com>")
    send(any_tracking, world, Scripted("a", "a-id"), mail=mail)

    origin = Origin("news", "mail.example.com")
    assert origin == any_tracking.origin(told("bounced"))
    assert origin == any_tracking.origin(told("bounced", mail_id=""))
    assert any_tracking.origin(told("bounced", mail_id="other")) is None
    assert any_tracking.origin(told("bounced", mail_id="", provider="b")) is None
    assert any_tracking.origin(told("bounced", mail_id="", provider_message_id="")) is None


def test_other_events_are_no_matter_of_it(tracking: Tracking) -> None:
    """
    An observer hears of much.
    """
    for event in (ProviderUp("a"), AttemptMade("m1", "x", None), object()):  # type: ignore[arg-type]  # not looked at
        tracking(event)

    assert tracking.status("m1") is None


def test_without_tables_it_says_what_to_do(tmp_path: Path) -> None:
    """
    The command makes them; a handler that fails lets the vendor repeat its events.
    """
    tracking = Tracking(f"sqlite:///{tmp_path / 'new.db'}")

    with pytest.raises(ConfigurationError, match="run `mailfailover tracking init`"):
        tracking.check()
    with pytest.raises(SQLAlchemyError):
        tracking(told("opened"))
    tracking.init()
    tracking.check()
    assert 1 == tracking.upgrade()
    tracking(told("opened"))
    tracking.close()
    assert 1 == len(tracking.events())
    assert "new.db" in repr(tracking)
    tracking.close()


def test_the_database_of_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    It is the one that all parts share.
    """
    url = f"sqlite:///{tmp_path / 'mine.db'}"
    monkeypatch.setenv("MAILFAILOVER_DATABASE", url)

    assert open_engine(url).url == Tracking().engine.url


def test_times_are_its_own(tracking: Tracking, world: World) -> None:
    """
    A simulation may move them.
    """
    world.clock.advance(3600)

    assert NOW + timedelta(hours=1) == tracking.now()
    assert UTC is tracking.now().tzinfo
