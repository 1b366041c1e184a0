"""
One bounce is evidence, the second one a sentence.
"""

from __future__ import annotations

import pickle
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from mailfailover import Accepted, Mailer, RecipientStatus, RejectReason
from mailfailover.deliveries import Cell, CellState
from mailfailover.errors import RecipientRejected, RecipientSuppressed
from mailfailover.suppression import Reason, Suppression, SuppressionList
from mailfailover.tracking import Tracking
from tests.chains import MAIL, Scripted, World
from tests.suppression.telling import DAY, HOUR, NO_SUCH_USER, Vendors

if TYPE_CHECKING:
    from sqlalchemy import Engine

ANN = "ann@example.org"
BOB = "bob@example.org"


@pytest.fixture
def vendors(world: World, suppressions: SuppressionList) -> Vendors:
    """
    Those that tell a list in SQLite.
    """
    return Vendors(world, suppressions)


@pytest.fixture
def any_vendors(world: World, any_suppressions: SuppressionList) -> Vendors:
    """
    Those that tell a list in any database.
    """
    return Vendors(world, any_suppressions)


def send(vendors: Vendors, *answers: Any, mail: Any = MAIL) -> Any:
    """
    Send a mail as an application does; return its end.
    """
    mailer = Mailer(
        vendors.world.chain(Scripted("a", *answers)),
        suppressions=vendors.suppressions,
        observers=[vendors.suppressions],
    )
    try:
        return mailer.send(mail)
    except RecipientSuppressed as exc:
        return exc
    except RecipientRejected as exc:
        return exc


def test_the_first_bounce_of_a_known_address_holds_it(any_vendors: Vendors) -> None:
    """
    For a week, after which it gets mail again without anybody's doing.
    """
    any_vendors.delivered(ANN)
    any_vendors.wait(DAY)
    any_vendors.bounced(ANN)

    (entry,) = any_vendors.suppressions.list()
    found = any_vendors.suppressions.find(MAIL)
    any_vendors.wait(7 * DAY - HOUR)
    before = any_vendors.suppressions.find(MAIL)
    any_vendors.wait(HOUR)

    assert entry == Suppression(
        email=ANN,
        reason=Reason.BOUNCED,
        state="held",  # type: ignore[arg-type]  # it is a StrEnum
        source="a",
        detail=NO_SUCH_USER,
        created=any_vendors.now() - 7 * DAY,
        expires=any_vendors.now(),
    )
    assert ({ANN: "held"}, {ANN: "held"}) == (found, before)
    assert found[ANN].retry_after == timedelta(days=7).total_seconds()  # type: ignore[attr-defined]  # of Held
    assert {} == any_vendors.suppressions.find(MAIL)


def test_the_second_bounce_after_the_hold_suppresses(any_vendors: Vendors) -> None:
    """
    For ever, and the hold is no more.
    """
    any_vendors.delivered(ANN)
    any_vendors.wait(DAY)
    any_vendors.bounced(ANN)
    any_vendors.wait(7 * DAY)
    any_vendors.bounced(ANN)

    (entry,) = any_vendors.suppressions.list()

    assert ("suppressed", None) == (entry.state, entry.expires)
    assert {ANN: "bounced"} == any_vendors.suppressions.find(MAIL)


def test_a_mail_on_its_way_is_no_second_bounce(vendors: Vendors) -> None:
    """
    Whatever bounces while the address is held was sent before that.
    """
    vendors.delivered(ANN)
    vendors.wait(DAY)
    vendors.bounced(ANN)
    vendors.wait(2 * DAY)
    vendors.bounced(ANN)

    assert {ANN: "held"} == vendors.states()


def test_two_vendors_settle_it_sooner(vendors: Vendors) -> None:
    """
    With three days between their bounces, which one vendor alone cannot.
    """
    vendors.delivered(ANN, BOB)
    vendors.wait(DAY)
    vendors.bounced(ANN, BOB)
    vendors.wait(HOUR)
    vendors.bounced(ANN, provider="b")
    early = vendors.states()
    vendors.wait(3 * DAY)
    vendors.bounced(ANN, provider="b")
    vendors.bounced(BOB)

    assert {ANN: "held", BOB: "held"} == early
    assert {ANN: "suppressed", BOB: "held"} == vendors.states()


def test_an_address_that_was_never_delivered_to(vendors: Vendors) -> None:
    """
    Is suppressed by its first bounce: it was mistyped.
    """
    vendors.bounced(ANN)

    assert {ANN: "suppressed"} == vendors.states()


def test_a_delivery_since_takes_the_evidence_away(any_vendors: Vendors) -> None:
    """
    The hold ends at once, and the next bounce is a first one.
    """
    any_vendors.delivered(ANN)
    any_vendors.wait(DAY)
    any_vendors.bounced(ANN)
    any_vendors.wait(HOUR)
    any_vendors.delivered(ANN, provider="b")
    after = any_vendors.states()
    any_vendors.wait(8 * DAY)
    any_vendors.bounced(ANN)

    assert {} == after
    assert {ANN: "held"} == any_vendors.states()


@pytest.mark.parametrize("is_bounce_first", [False, True])
def test_a_server_that_takes_mail_and_sends_it_back(
    vendors: Vendors, *, is_bounce_first: bool
) -> None:
    """
    Its deliveries prove nothing, in whatever order the events come.
    """
    for _ in range(2):
        pair = [
            vendors.event("delivered", ANN, provider_message_id="same"),
            vendors.event("bounced", ANN, provider_message_id="same"),
        ]
        for event in reversed(pair) if is_bounce_first else pair:
            vendors.suppressions(event)

    assert {ANN: "suppressed"} == vendors.states()


def test_a_delivery_that_is_told_twice_is_one(vendors: Vendors) -> None:
    """
    A bounce of its mail takes both back.
    """
    for _ in range(2):
        vendors.delivered(ANN, provider_message_id="same")
        vendors.wait(HOUR)
    vendors.bounced(ANN, provider_message_id="same")

    assert {ANN: "suppressed"} == vendors.states()


def test_dead_addresses_end_whose_server_takes_mail(vendors: Vendors) -> None:
    """
    By their second bounce too.
    """
    vendors.delivered(ANN)
    states = []
    for number in range(2):
        vendors.wait(8 * DAY)
        vendors.delivered(ANN, provider_message_id=f"m{number}")
        vendors.wait(HOUR)
        vendors.bounced(ANN, provider_message_id=f"m{number}")
        states.append(vendors.states())

    assert [{ANN: "held"}, {ANN: "suppressed"}] == states


def test_the_same_event_twice_is_one_bounce(any_vendors: Vendors) -> None:
    """
    Also where it comes again after the hold, and does not say when it happened.
    """
    any_vendors.delivered(ANN, BOB)
    any_vendors.wait(DAY)
    events = [
        any_vendors.event("bounced", ANN, timestamp=None),
        any_vendors.event("bounced", BOB, event_id="", timestamp=None),
    ]
    for _ in range(3):
        for event in events:
            any_vendors.suppressions(event)
        any_vendors.wait(8 * DAY)

    assert {ANN: "held", BOB: "held"} == any_vendors.states()
    assert {} == any_vendors.suppressions.find(MAIL)


def test_an_event_that_names_nothing(vendors: Vendors) -> None:
    """
    Is told from others by its day.
    """
    vendors.delivered(ANN)
    vendors.wait(DAY)
    nothing: dict[str, Any] = {"event_id": "", "provider_message_id": "", "timestamp": None}
    vendors.bounced(ANN, **nothing)
    vendors.wait(8 * DAY)
    vendors.bounced(ANN, **nothing)

    assert {ANN: "suppressed"} == vendors.states()


def test_events_out_of_order(vendors: Vendors) -> None:
    """
    A delivery that is told late was before the bounce all the same.
    """
    vendors.bounced(ANN)
    first = vendors.states()
    vendors.delivered(ANN, timestamp=vendors.now() - DAY)
    vendors.delivered(ANN, timestamp=vendors.now() - 2 * DAY)

    assert {ANN: "suppressed"} == first
    assert {ANN: "held"} == vendors.states()


def test_events_from_the_future(vendors: Vendors) -> None:
    """
    A vendor's clock that is years ahead neither holds for years nor makes a second bounce.
    """
    vendors.delivered(ANN)
    vendors.wait(DAY)
    vendors.bounced(ANN)
    vendors.bounced(ANN, timestamp=vendors.now() + 1000 * DAY)
    vendors.delivered(BOB, timestamp=vendors.now() + 1000 * DAY)

    assert {ANN: "held"} == vendors.states()
    vendors.wait(7 * DAY)
    assert {} == vendors.suppressions.find(MAIL)


@pytest.mark.parametrize("days", [-400, 400])
def test_our_own_clock_jumps(vendors: Vendors, days: int) -> None:
    """
    For an hour, in which a bounce comes; the next one, an hour later, is no second one.
    """
    vendors.delivered(ANN)
    vendors.wait(DAY)
    right = vendors.world.wall
    vendors.suppressions.clock = lambda: right() + days * DAY.total_seconds()
    vendors.bounced(ANN)
    vendors.suppressions.clock = right
    vendors.wait(HOUR)
    vendors.bounced(ANN)

    assert "suppressed" not in vendors.states().values()


def test_an_event_without_a_zone(vendors: Vendors) -> None:
    """
    Counts as one that does not say when it was.
    """
    vendors.delivered(ANN, timestamp=vendors.now().replace(tzinfo=None))
    vendors.wait(DAY)
    vendors.bounced(ANN, timestamp=vendors.now().replace(tzinfo=None))

    assert {ANN: "held"} == vendors.states()


@pytest.mark.parametrize("email", ["", "nobody", "a@b@c", "\ud800@example.org"])
@pytest.mark.parametrize("type_", ["bounced", "delivered"])
def test_events_about_no_address(vendors: Vendors, type_: str, email: str) -> None:
    """
    Concern nobody.
    """
    vendors.tell(type_, email)

    assert {} == vendors.states()


def test_a_provider_that_refuses_at_once(vendors: Vendors) -> None:
    """
    Says the same as a bounce: of single recipients in a receipt, and as an error.
    """
    vendors.delivered(ANN, BOB)
    vendors.wait(DAY)
    refused = Accepted("", {BOB: RecipientStatus.INVALID})
    send(vendors, refused, mail=MAIL.replace(to=[ANN, BOB]))
    first = vendors.states()
    vendors.wait(7 * DAY)
    send(vendors, RecipientRejected("no such user"), mail=MAIL.replace(to=BOB, id="m2"))

    assert {BOB: "held"} == first
    assert {BOB: "suppressed"} == vendors.states()


def test_a_held_address_is_left_out(vendors: Vendors) -> None:
    """
    The error says for how long, after a pickle too, and is no evidence by itself.
    """
    vendors.delivered(ANN)
    vendors.wait(DAY)
    vendors.bounced(ANN)
    vendors.wait(5 * DAY)

    error = send(vendors)
    receipt = send(vendors, mail=MAIL.replace(to=[ANN, BOB]))

    assert str(error) == (
        "every recipient is on our own suppression list: nothing was sent; an address that is "
        "held after a bounce gets mail again in 2.0 days"
    )
    assert 2 * 86400 == pickle.loads(pickle.dumps(error)).retry_after  # noqa: S301 -- our own
    assert {ANN: "suppressed"} == receipt.rejected
    assert {ANN: "held"} == vendors.states()


def test_a_list_of_the_vendor_is_no_second_bounce_of_itself(vendors: Vendors) -> None:
    """
    It repeats what it says; a bounce after it counts.
    """
    vendors.delivered(ANN)
    states = []
    for type_ in ("rejected", "rejected", "bounced"):
        vendors.wait(8 * DAY)
        vendors.tell(type_, ANN, reject_reason=RejectReason.BOUNCED)
        states.append(vendors.states()[ANN])

    assert ["held", "held", "suppressed"] == states


def test_a_list_that_may_hold_complaints_is_heeded(vendors: Vendors) -> None:
    """
    A vendor that does not say why it left somebody out is believed, whatever was delivered.
    """
    vendors.delivered(ANN)
    vendors.wait(DAY)
    send(vendors, RecipientSuppressed("inactive"))
    vendors.wait(DAY)
    vendors.delivered(ANN, provider="b")

    assert {ANN: "suppressed"} == vendors.states()


def test_a_list_that_repeats_what_was_lifted(vendors: Vendors) -> None:
    """
    Suppresses nobody, whether a vendor says so as an error or of one of several recipients.
    """
    vendors.delivered(ANN)
    vendors.wait(DAY)
    vendors.bounced(ANN)
    vendors.suppressions.undo(domain="example.org")
    send(vendors, RecipientSuppressed("inactive"))
    listed = Accepted("a-id", {ANN: RecipientStatus.SUPPRESSED})
    send(vendors, listed, mail=MAIL.replace(to=[ANN, BOB], id="m2"))

    assert {ANN: "quarantined"} == vendors.states()


def test_an_entry_by_hand_outlives_every_judgement(vendors: Vendors) -> None:
    """
    A hold beside it changes nothing, and neither does its end.
    """
    vendors.suppressions.add(ANN, "bounced")
    vendors.delivered(ANN)
    vendors.wait(DAY)
    vendors.bounced(ANN)
    both = sorted(str(one.state) for one in vendors.suppressions.list())
    vendors.wait(HOUR)
    vendors.delivered(ANN)

    assert ["held", "suppressed"] == both
    assert {ANN: "suppressed"} == vendors.states()
    assert {ANN: "bounced"} == vendors.suppressions.find(MAIL)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ({}, "held"),
        ({"reason": "bounced"}, "held"),
        ({"stream": "news"}, "suppressed"),
        ({"reason": "complained"}, "suppressed"),
        ({"from_domain": "other.example"}, "suppressed"),
    ],
)
def test_what_is_removed_by_hand_counts_no_more(
    any_vendors: Vendors, kind: dict[str, str], expected: str
) -> None:
    """
    The next bounce is a first one again, unless something else was removed.
    """
    any_vendors.delivered(ANN)
    any_vendors.wait(DAY)
    any_vendors.bounced(ANN)
    any_vendors.wait(8 * DAY)

    removed = any_vendors.suppressions.remove(ANN, **kind)
    any_vendors.bounced(ANN)

    assert (int(expected == "held"), expected) == (removed, any_vendors.states()[ANN])


def test_what_tracking_remembers_counts(engines: Any, world: World) -> None:
    """
    Addresses are known that were delivered to before the list heard of deliveries.
    """
    engine: Engine = engines("sqlite")
    tracking = Tracking(engine, clock=world.wall)
    vendors = Vendors(world, SuppressionList(engine, tracking=tracking, clock=world.wall))
    email = "kim@example.org"
    tracking(vendors.event("delivered", email, mail_id="old"))
    vendors.wait(DAY)

    vendors.bounced(email, mail_id="new")

    assert "held" == vendors.states()[email]


def test_bounces_of_a_receiver_that_is_down_count_for_nothing(vendors: Vendors) -> None:
    """
    Deliveries know that it is, or that it refuses one link as a sender.
    """
    ill = Cell(CellState.LATE, 1.0)
    blocked = Cell(CellState.BLOCKED, 1.0)

    class Down:
        def snapshot(self) -> dict[tuple[str, str], Cell]:
            return {("*", "example.org"): ill, ("b", "example.com"): blocked}

    vendors.suppressions.deliveries = Down()
    vendors.bounced(ANN)
    vendors.bounced("cid@example.com", provider="b")
    vendors.bounced("dan@example.com", provider="a")

    assert {
        ANN: "quarantined",
        "cid@example.com": "quarantined",
        "dan@example.com": "suppressed",
    } == vendors.states()
    assert {} == vendors.suppressions.find(MAIL)


def test_the_state_is_listed(vendors: Vendors) -> None:
    """
    And can be asked for.
    """
    vendors.delivered(ANN)
    vendors.wait(DAY)
    vendors.bounced(ANN, BOB)

    assert [ANN] == [one.email for one in vendors.suppressions.list(state="held")]
    assert [BOB] == [one.email for one in vendors.suppressions.list(state="suppressed")]


def test_what_is_old_is_forgotten(vendors: Vendors) -> None:
    """
    Holds when they have expired, bounces and deliveries after two years, sentences never.
    """
    vendors.delivered(ANN)
    vendors.wait(DAY)
    vendors.bounced(ANN, BOB)
    vendors.wait(8 * DAY)
    some = vendors.suppressions.purge()
    vendors.wait(730 * DAY)
    vendors.suppressions.purge()
    vendors.bounced(BOB, ANN)

    assert 1 == some
    assert {ANN: "suppressed", BOB: "suppressed"} == vendors.states()
