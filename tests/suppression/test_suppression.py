from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from mailfailover import (
    Accepted,
    AllProvidersFailed,
    DeliveryEvent,
    EventType,
    InvalidMessage,
    Mailer,
    MailFailoverError,
    Message,
    ProviderUp,
    RecipientStatus,
    RejectReason,
)
from mailfailover.errors import (
    ConfigurationError,
    MessageRejected,
    RecipientRejected,
    RecipientSuppressed,
)
from mailfailover.suppression import Reason, Suppression, SuppressionList
from mailfailover.unsubscribe import STREAM, UnsubscribeLinks
from tests.chains import MAIL, NOW, Scripted, World

if TYPE_CHECKING:
    from pathlib import Path

ANN = "ann@example.org"
BOB = "bob@example.org"
DAY = timedelta(days=1)
NEWS = MAIL.replace(stream="news", id="n1")


def told(type_: str, reason: RejectReason | None = None, **fields: Any) -> DeliveryEvent:
    """
    What a vendor tells of Ann and the mail m1.
    """
    given: dict[str, Any] = {
        "type": EventType(type_),
        "provider": "a",
        "mail_id": "m1",
        "recipient": ANN,
        "timestamp": NOW,
        "reject_reason": reason,
    }
    return DeliveryEvent(**{**given, **fields})


def send(suppressions: SuppressionList, world: World, *providers: Any, mail: Message = MAIL) -> Any:
    """
    Send *mail* as an application with a list does; return how it ended.
    """
    mailer = Mailer(
        world.chain(*(providers or [Scripted("a", "a-id")])),
        suppressions=suppressions,
        observers=[suppressions.tracking, suppressions],  # type: ignore[list-item]  # it is a Tracking
    )
    try:
        return mailer.send(mail)
    except MailFailoverError as exc:
        return exc


def entry(**fields: Any) -> Suppression:
    """
    One of Ann, told by the provider *a*.
    """
    given: dict[str, Any] = {
        "email": ANN,
        "reason": Reason.BOUNCED,
        "from_domain": "example.com",
        "source": "a",
        "created": NOW,
    }
    return Suppression(**{**given, **fields})


def test_a_bounce_holds_for_the_from_domain(
    any_suppressions: SuppressionList, world: World
) -> None:
    """
    Whatever the stream, at every provider; other domains may write.
    """
    send(any_suppressions, world)
    any_suppressions(told("bounced", RejectReason.INVALID, mta_response="550 no such user"))

    assert (entry(detail="550 no such user"),) == any_suppressions.list()
    assert {ANN: "bounced"} == any_suppressions.find(MAIL)
    assert {ANN: "bounced"} == any_suppressions.find(NEWS)
    assert {} == any_suppressions.find(MAIL.replace(from_email="shop@other.example"))
    assert {} == any_suppressions.find(MAIL.replace(to=BOB))


def test_an_unsubscription_holds_for_the_stream(
    any_suppressions: SuppressionList, world: World
) -> None:
    """
    Who wants no news still gets his new password.
    """
    send(any_suppressions, world, mail=NEWS)
    any_suppressions(told("unsubscribed", mail_id="n1"))

    assert {ANN: "unsubscribed"} == any_suppressions.find(NEWS)
    assert {} == any_suppressions.find(MAIL)
    other = NEWS.replace(from_email="shop@other.example")
    assert {ANN: "unsubscribed"} == any_suppressions.find(other)


def test_a_complaint_holds_for_the_from_domain(suppressions: SuppressionList, world: World) -> None:
    """
    And is told before a bounce or an unsubscription.
    """
    send(suppressions, world)
    for type_ in ("complained", "bounced", "unsubscribed"):
        suppressions(told(type_))

    assert {ANN: "complained"} == suppressions.find(MAIL)


@pytest.mark.parametrize(
    ("type_", "reason", "expected"),
    [
        ("bounced", None, "bounced"),
        ("bounced", RejectReason.OTHER, "bounced"),
        ("bounced", RejectReason.BOUNCED, "bounced"),
        ("bounced", RejectReason.UNSUBSCRIBED, "unsubscribed"),
        ("bounced", RejectReason.BLOCKED, None),
        ("bounced", RejectReason.SPAM, None),
        ("bounced", RejectReason.TIMED_OUT, None),
        ("rejected", RejectReason.BOUNCED, "bounced"),
        ("rejected", RejectReason.INVALID, "bounced"),
        ("rejected", RejectReason.UNSUBSCRIBED, "unsubscribed"),
        ("rejected", RejectReason.SPAM, None),
        ("rejected", None, None),
        ("complained", None, "complained"),
        ("deferred", RejectReason.INVALID, None),
        ("failed", RejectReason.INVALID, None),
        ("delivered", None, None),
        ("unknown", None, None),
    ],
)
def test_what_suppresses(
    suppressions: SuppressionList, type_: str, reason: RejectReason | None, expected: str | None
) -> None:
    """
    Only what is about the address, and for good.
    """
    suppressions(told(type_, reason))

    assert ([] if expected is None else [expected]) == [one.reason for one in suppressions.list()]


def test_an_event_may_come_before_its_mail(any_suppressions: SuppressionList, world: World) -> None:
    """
    Until the mail is known it holds for everything, and then for what it is about.
    """
    other = MAIL.replace(from_email="shop@other.example", stream="alerts")
    any_suppressions(told("bounced"))
    any_suppressions(told("unsubscribed", mail_id="n1", recipient=BOB))

    before = [any_suppressions.find(mail) for mail in (other, other.replace(to=BOB))]
    for mail in (MAIL, NEWS):
        mailer = Mailer(world.chain(Scripted("a")), observers=[any_suppressions.tracking])  # type: ignore[list-item]  # it is a Tracking
        mailer.send(mail)

    assert [{ANN: "bounced"}, {BOB: "unsubscribed"}] == before
    assert {ANN: "bounced"} == any_suppressions.find(MAIL)
    assert {BOB: "unsubscribed"} == any_suppressions.find(NEWS.replace(to=BOB))
    assert {} == any_suppressions.find(other)
    assert {} == any_suppressions.find(other.replace(to=BOB))
    assert {("example.com", ""), ("", "news")} == {
        (one.from_domain, one.stream) for one in any_suppressions.list()
    }


@pytest.mark.parametrize("mail_id", ["m1", ""])
def test_without_tracking_it_holds_for_everything(
    suppressions: SuppressionList, mail_id: str
) -> None:
    """
    Nobody knows the mail, and nobody will.
    """
    suppressions.tracking = None
    suppressions(told("bounced", mail_id=mail_id))
    suppressions(told("unsubscribed", recipient=BOB, mail_id=mail_id))

    assert {ANN: "bounced"} == suppressions.find(MAIL.replace(from_email="a@other.example"))
    assert {BOB: "unsubscribed"} == suppressions.find(MAIL.replace(to=BOB))


def test_a_click_on_our_own_link_names_its_stream(suppressions: SuppressionList) -> None:
    """
    No vendor and no tracking is needed to know it.
    """
    suppressions.tracking = None
    links = UnsubscribeLinks("https://example.com/unsubscribe", "secret-of-links-1234")
    token = links.url_for(ANN, "news").rpartition("/")[2]

    suppressions(links.read(token))

    assert {ANN: "unsubscribed"} == suppressions.find(NEWS)
    assert {} == suppressions.find(MAIL)


def test_a_subscription_takes_back_what_was_before(any_suppressions: SuppressionList) -> None:
    """
    Of its stream; neither a later unsubscription nor a bounce.
    """
    hour = timedelta(hours=1)
    for minutes, metadata in ((0, {STREAM: "news"}), (0, {STREAM: "offers"}), (0, {})):
        any_suppressions(
            told("unsubscribed", metadata=metadata, timestamp=NOW + minutes * hour, mail_id="")
        )
    any_suppressions(told("bounced", mail_id=""))
    any_suppressions(told("unsubscribed", metadata={STREAM: "late"}, timestamp=NOW + 2 * hour))

    any_suppressions(told("subscribed", metadata={STREAM: "news"}, timestamp=NOW + hour))
    some = {(one.reason, one.stream) for one in any_suppressions.list()}
    any_suppressions(told("subscribed", mail_id="", timestamp=NOW + hour))
    fewer = {(one.reason, one.stream) for one in any_suppressions.list()}
    any_suppressions(told("subscribed", mail_id="", timestamp=None))

    assert {("unsubscribed", "offers"), ("unsubscribed", "late"), ("bounced", "")} == some
    assert {("unsubscribed", "late"), ("bounced", "")} == fewer
    assert {"bounced"} == {one.reason for one in any_suppressions.list()}


@pytest.mark.parametrize("type_", ["bounced", "subscribed"])
def test_an_event_about_no_address(suppressions: SuppressionList, type_: str) -> None:
    """
    Concerns nobody.
    """
    suppressions(told(type_, recipient="nobody"))

    assert () == suppressions.list()


def test_other_events_are_no_matter_of_it(suppressions: SuppressionList) -> None:
    """
    An observer hears of much.
    """
    suppressions(ProviderUp("a"))

    assert () == suppressions.list()


def test_what_a_provider_says_at_once_counts(
    any_suppressions: SuppressionList, world: World
) -> None:
    """
    Of single recipients in a receipt: then no other provider mails them later.
    """
    statuses = {
        "invalid@example.org": RecipientStatus.INVALID,
        "known@example.org": RecipientStatus.SUPPRESSED,
        "odd@example.org": RecipientStatus.REFUSED,
    }
    mail = MAIL.replace(to=[ANN, *statuses])
    second = Scripted("b", "b-id")

    send(any_suppressions, world, Scripted("a", Accepted("a-id", statuses)), mail=mail)
    receipt = send(any_suppressions, world, second, mail=mail.replace(id="m2"))

    assert [[ANN, "odd@example.org"]] == [[one.email for one in sent.to] for sent in second.mails]
    assert {"invalid@example.org": "suppressed", "known@example.org": "suppressed"} == (
        receipt.rejected
    )
    assert {
        ("invalid@example.org", "bounced", "example.com", "a"),
        ("known@example.org", "suppressed", "example.com", "a"),
    } == {(one.email, one.reason, one.from_domain, one.source) for one in any_suppressions.list()}


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (RecipientSuppressed("inactive"), [(ANN, "suppressed", "a")]),
        (RecipientRejected("no such user"), [(ANN, "bounced", "a")]),
        (MessageRejected("too long"), []),
    ],
)
def test_what_an_error_says_of_a_recipient_counts(
    suppressions: SuppressionList,
    world: World,
    error: MailFailoverError,
    expected: list[tuple[str, str, str]],
) -> None:
    """
    And nothing is asked of a provider the second time.
    """
    send(suppressions, world, Scripted("a", error))

    found = [(one.email, one.reason, one.source) for one in suppressions.list()]
    again = Scripted("b")
    send(suppressions, world, again)
    assert (expected, [] if expected else [MAIL]) == (found, again.mails)


def test_an_error_counts_for_whom_it_names(suppressions: SuppressionList, world: World) -> None:
    """
    Of several recipients, none is suspected.
    """
    both = MAIL.replace(to=[ANN, BOB])

    send(suppressions, world, Scripted("a", RecipientRejected("one of them")), mail=both)
    unnamed = suppressions.list()
    send(suppressions, world, Scripted("a", RecipientRejected("he", recipients=[BOB])), mail=both)

    assert () == unnamed
    assert [BOB] == [one.email for one in suppressions.list()]


def test_whom_we_left_out_is_not_told_again(suppressions: SuppressionList, world: World) -> None:
    """
    Our own word is no provider's: an unsubscription does not grow.
    """
    suppressions.add(ANN, "unsubscribed", stream="news")
    before = suppressions.list()

    send(suppressions, world, mail=NEWS.replace(to=[ANN, BOB]))
    alone = send(suppressions, world, mail=NEWS)

    assert isinstance(alone, RecipientSuppressed)
    assert before == suppressions.list()


def test_a_mail_whose_from_is_the_links(suppressions: SuppressionList, world: World) -> None:
    """
    Has no domain yet, so each entry may be about it, and what it tells is about every one.
    """
    bare = Message(to=[ANN, BOB], subject="Hi", text="Hi", id="m3")
    suppressions.add(ANN, "bounced", from_domain="example.com")

    found = suppressions.find(bare)
    send(
        suppressions,
        world,
        Scripted("a", Accepted("", {BOB: RecipientStatus.INVALID})),
        mail=bare.replace(to=[BOB, "cid@example.org"], from_email=None),
    )

    assert {ANN: "bounced"} == found


def test_adding_and_removing_by_hand(any_suppressions: SuppressionList, world: World) -> None:
    """
    For everything, or for a stream or a domain, for ever or for a while.
    """
    all_ = any_suppressions.add("ANN@Example.org", detail="asked us", source="support")
    some = any_suppressions.add(ANN, "complained", from_domain="EXAMPLE.com", ttl=DAY)

    assert (
        Suppression(
            email=ANN, reason=Reason.MANUAL, source="support", detail="asked us", created=NOW
        ),
        Suppression(
            email=ANN,
            reason=Reason.COMPLAINED,
            from_domain="example.com",
            created=NOW,
            expires=NOW + DAY,
        ),
    ) == (all_, some)
    assert {ANN: "complained"} == any_suppressions.find(MAIL)
    world.clock.advance(DAY.total_seconds())
    assert {ANN: "manual"} == any_suppressions.find(MAIL)
    assert 0 == any_suppressions.remove(ANN, reason="bounced")
    assert 1 == any_suppressions.remove(ANN, stream="", from_domain="")
    assert {} == any_suppressions.find(MAIL)
    assert [some] == [*any_suppressions.list()]
    assert (1, 0) == (any_suppressions.purge(), any_suppressions.purge())
    assert () == any_suppressions.list()


@pytest.mark.parametrize(("email", "domain"), [("ann", ""), (ANN, "a b")])
def test_wrong_addresses_are_refused(
    suppressions: SuppressionList, email: str, domain: str
) -> None:
    """
    They would suppress nobody.
    """
    with pytest.raises(InvalidMessage):
        suppressions.add(email, from_domain=domain)


def test_lists_are_narrowed(suppressions: SuppressionList, world: World) -> None:
    """
    By address, reason and scope, the newest first, as many as are wanted.
    """
    suppressions.add(ANN, "bounced", from_domain="example.com")
    world.clock.advance(1)
    suppressions.add(ANN, "unsubscribed", stream="news")
    world.clock.advance(1)
    suppressions.add(BOB, "manual")

    def emails(*arguments: Any, **options: Any) -> list[tuple[str, str]]:
        return [(one.email, one.reason) for one in suppressions.list(*arguments, **options)]

    assert [(BOB, "manual"), (ANN, "unsubscribed"), (ANN, "bounced")] == emails()
    assert [(BOB, "manual")] == emails(limit=1)
    assert [(ANN, "unsubscribed"), (ANN, "bounced")] == emails("ANN@example.org")
    assert [(ANN, "bounced")] == emails(reason="bounced")
    assert [(ANN, "unsubscribed")] == emails(stream="news")
    assert [(ANN, "bounced")] == emails(from_domain="example.com")


def test_what_is_told_holds_as_long_as_the_list_says(
    suppressions: SuppressionList, world: World
) -> None:
    """
    By reason; of two the longer one.
    """
    briefly = SuppressionList(suppressions.engine, ttl={"bounced": DAY}, clock=world.wall)
    briefly(told("bounced"))
    first = briefly.list()[0].expires
    world.clock.advance(3600)
    briefly(told("bounced", timestamp=None))
    second = briefly.list()[0].expires
    suppressions.add(ANN, "bounced")
    briefly(told("bounced"))

    assert (NOW + DAY, NOW + DAY + timedelta(hours=1)) == (first, second)
    assert [None] == [one.expires for one in briefly.list()]


def test_addresses_are_told_as_the_mail_spells_them(suppressions: SuppressionList) -> None:
    """
    Their case is no matter, and one may be there twice.
    """
    suppressions.add(ANN)
    mail = MAIL.replace(to="Ann@example.org", cc="ANN@example.org", bcc=BOB)

    assert {"Ann@example.org": "manual", "ANN@example.org": "manual"} == suppressions.find(mail)


def test_a_thousand_recipients_are_looked_up(any_suppressions: SuppressionList) -> None:
    """
    In a few questions.
    """
    to = [f"r{number}@example.org" for number in range(1200)]
    for number in (0, 499, 500, 1199):
        any_suppressions.add(to[number])

    found = any_suppressions.find(MAIL.replace(to=to))

    assert {to[number]: "manual" for number in (0, 499, 500, 1199)} == found


def test_a_list_that_cannot_be_read_stops_the_mail(tmp_path: Path, world: World) -> None:
    """
    Nothing is sent, and the error says what to look at.
    """
    suppressions = SuppressionList(f"sqlite:///{tmp_path / 'new.db'}")
    a = Scripted("a")

    error = send(suppressions, world, a)

    assert (AllProvidersFailed, []) == (type(error), a.mails)
    assert str(error) == (
        "the list of suppressions could not be read (OperationalError), so nothing was sent: "
        "is its database up, and did `mailfailover suppressions init` run?"
    )
    with pytest.raises(ConfigurationError, match="run `mailfailover suppressions init`"):
        suppressions.check()
    suppressions.init()
    suppressions.check()
    assert 2 == suppressions.upgrade()
    assert {} == suppressions.find(MAIL)
    suppressions.close()
    assert "new.db" in repr(suppressions)


def test_an_entry_is_json_safe() -> None:
    """
    With times as texts.
    """
    assert entry(expires=NOW).to_dict() == {
        "email": ANN,
        "reason": "bounced",
        "state": "suppressed",
        "stream": "",
        "from_domain": "example.com",
        "source": "a",
        "detail": "",
        "created": "2026-11-24T12:00:00+00:00",
        "expires": "2026-11-24T12:00:00+00:00",
    }
    assert entry().to_dict()["expires"] is None
