"""
A receiver that refuses many addresses that it took mail for before is ill itself.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import update

from mailfailover import RejectReason
from mailfailover.suppression import BouncesQuarantined, Quarantine
from mailfailover.suppression._bounce_rows import judge_again
from mailfailover.suppression._tables import bounces
from tests.chains import MAIL
from tests.suppression.telling import DAY, HOUR, NO_SUCH_USER, Vendors

if TYPE_CHECKING:
    from collections.abc import Collection

    from mailfailover.suppression import SuppressionList
    from tests.chains import World

LIVE = [f"live{number}@gmail.com" for number in range(300)]
DEAD = [f"dead{number}@gmail.com" for number in range(12)]
OTHERS = [f"other{number}@yahoo.com" for number in range(20)]


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


def mail_all(vendors: Vendors, emails: Collection[str], refused: Collection[str]) -> None:
    """
    Mail those whom the list lets through, one vendor after the other.
    """
    bad = set(refused)
    left_out = vendors.suppressions.find(MAIL.replace(to=emails))
    for number, email in enumerate(one for one in emails if one not in left_out):
        tell = vendors.bounced if email in bad else vendors.delivered
        tell(email, provider="ab"[number % 2])
        vendors.world.clock.advance(20)


def ill(vendors: Vendors, number: int = 6, domain: str = "gmail.com") -> list[str]:
    """
    Let a receiver refuse so many addresses that it took mail for the day before.
    """
    emails = [f"u{one}@{domain}" for one in range(number)]
    vendors.delivered(*emails)
    vendors.wait(DAY)
    vendors.bounced(*emails)
    return emails


def replay(vendors: Vendors, live: list[str]) -> list[set[str]]:
    """
    Two days on which Gmail answers that nobody exists, and two campaigns after them.

    Returns:
        Which states there were in these days, and who was left out after them.
    """
    half = len(live) // 2
    everybody = [*live[:half], *DEAD, *live[half:], *OTHERS]
    mail_all(vendors, everybody, [])
    vendors.wait(DAY)
    for _ in range(2):
        mail_all(vendors, everybody, {*live, *DEAD})
        vendors.wait(DAY - 2 * HOUR)
    during = set(vendors.states().values())
    mail_all(vendors, everybody, DEAD)
    after = set(vendors.suppressions.find(MAIL.replace(to=live)))
    vendors.wait(8 * DAY)
    mail_all(vendors, everybody, DEAD)
    return [during, after]


def test_gmail_in_december_2020(vendors: Vendors) -> None:
    """
    For two days it answered that 300 live addresses do not exist.

    None of them is suppressed or held after that, and the dead among them are suppressed by their
    second bounce.
    """
    found = replay(vendors, LIVE)

    assert [{"quarantined"}, set()] == found
    assert dict.fromkeys(DEAD, "suppressed") == vendors.states()


def test_the_same_in_any_database(any_vendors: Vendors) -> None:
    """
    With fewer addresses.
    """
    found = replay(any_vendors, LIVE[:30])

    assert [{"quarantined"}, set()] == found
    assert dict.fromkeys(DEAD, "suppressed") == any_vendors.states()


def test_observers_and_the_log_are_told_once(
    vendors: Vendors, caplog: pytest.LogCaptureFixture
) -> None:
    """
    Of a receiver, by numbers and without any address.
    """
    heard: list[object] = []
    vendors.suppressions.observers = (heard.append,)

    with caplog.at_level(logging.DEBUG):
        ill(vendors, 9)

    now = vendors.now()
    (quarantine,) = vendors.suppressions.quarantines()
    assert [BouncesQuarantined("gmail", now - HOUR, 5)] == heard
    assert Quarantine("gmail", now - HOUR, now, now + DAY, 5) == quarantine
    assert [str(heard[0])] == [one.message for one in caplog.records if one.levelname == "WARNING"]
    assert "@" not in caplog.text
    assert {"receiver", "since", "seen", "until", "addresses"} == quarantine.to_dict().keys()


def test_bounces_before_it_was_found_count_for_nothing(vendors: Vendors) -> None:
    """
    Those of new addresses too, and those of other receivers do.
    """
    vendors.bounced("new@gmail.com", "new@yahoo.com")

    emails = ill(vendors)[:3]
    vendors.bounced("newer@gmail.com")

    states = vendors.states()
    assert {"quarantined"} == {states[email] for email in [*emails, "newer@gmail.com"]}
    assert "suppressed" == states["new@yahoo.com"]


def test_it_ends_a_day_after_the_receiver_was_last_ill(vendors: Vendors) -> None:
    """
    Then a bounce is evidence again.
    """
    first, *_ = ill(vendors)
    vendors.wait(DAY)
    vendors.bounced(first)

    assert () == vendors.suppressions.quarantines()
    assert "held" == vendors.states()[first]


def test_it_goes_on_with_the_illness(vendors: Vendors) -> None:
    """
    But not for more than a week: a domain that is gone for good is not ill.
    """
    emails = [f"u{one}@gone.example" for one in range(100)]
    vendors.delivered(*emails)
    days = []
    for number in range(10):
        vendors.wait(DAY - HOUR)
        vendors.bounced(*emails[10 * number : 10 * number + 10])
        days.append(len(vendors.suppressions.quarantines()))

    assert [0, 1, 1, 1, 1, 1, 1, 1, 0, 0] == days
    assert "held" == vendors.states()[emails[-1]]


def test_a_domain_that_is_gone_ends(vendors: Vendors) -> None:
    """
    Its addresses bounce again and again, and no mail is taken.
    """
    emails = ill(vendors, 8, "gone.example")
    vendors.wait(8 * DAY)
    vendors.bounced(*emails)

    assert dict.fromkeys(emails, "suppressed") == vendors.states()


def test_a_quarantine_of_a_wrong_clock_ends_with_it(vendors: Vendors) -> None:
    """
    One that was begun a year ahead does not keep the next one from beginning.
    """
    right = vendors.world.wall
    vendors.suppressions.clock = lambda: right() + 365 * DAY.total_seconds()
    for type_ in ("delivered", "bounced"):
        for number in range(6):
            vendors.tell(type_, f"early{number}@gmail.com", timestamp=None)
    vendors.suppressions.clock = right

    emails = ill(vendors)

    assert {"quarantined"} == {vendors.states()[email] for email in emails}
    assert vendors.now() + DAY == vendors.suppressions.quarantines()[0].until


def test_a_receiver_that_came_back_can_fall_ill_again(vendors: Vendors) -> None:
    """
    With a quarantine of its own.
    """
    emails = ill(vendors)
    vendors.wait(3 * DAY)
    vendors.delivered(*emails)
    vendors.wait(DAY)
    vendors.bounced(*emails)

    (found,) = vendors.suppressions.quarantines()

    assert found.until == vendors.now() + DAY
    assert {"quarantined"} == set(vendors.states().values())


@pytest.mark.parametrize(("of", "bad"), [(40, 4), (200, 20)])
def test_a_list_that_was_not_mailed_for_long_is_no_illness(
    vendors: Vendors, of: int, bad: int
) -> None:
    """
    One address in ten died meanwhile, all the others get their mail.
    """
    emails = [f"u{one}@gmail.com" for one in range(of)]
    vendors.delivered(*emails)
    vendors.wait(365 * DAY)
    for number, email in enumerate(emails):
        (vendors.bounced if number % 10 == 7 else vendors.delivered)(email)
    states = list(vendors.states().values())

    assert () == vendors.suppressions.quarantines()
    assert ["held"] * bad == states


def test_many_dead_addresses_end(vendors: Vendors) -> None:
    """
    By their second bounce, though they look like an illness at first.
    """
    emails = [f"u{one}@gmail.com" for one in range(20)]
    states: list[set[str]] = []
    for _ in range(3):
        mail_all(vendors, emails, emails[:10] if states else [])
        states.append(set(vendors.states().values()))
        vendors.wait(8 * DAY)

    assert [set(), {"quarantined"}, {"suppressed"}] == states


@pytest.mark.parametrize("is_dead_first", [False, True])
def test_the_order_of_a_campaign_does_not_matter(vendors: Vendors, *, is_dead_first: bool) -> None:
    """
    Refusals are often told faster than deliveries.
    """
    emails = [f"u{one}@gmail.com" for one in range(50)]
    vendors.delivered(*emails)
    vendors.wait(300 * DAY)
    if is_dead_first:
        vendors.bounced(*emails[:12])
    vendors.delivered(*emails[12:])
    if not is_dead_first:
        vendors.bounced(*emails[:12])

    assert dict.fromkeys(emails[:12], "held") == vendors.states()


def test_a_part_of_all_addresses_is_mailed(vendors: Vendors) -> None:
    """
    The receiver refuses nearly all of those, for an hour.
    """
    emails = [f"u{one}@gmail.com" for one in range(80)]
    vendors.delivered(*emails)
    vendors.wait(8 * DAY)
    for email in emails[:12]:
        vendors.bounced(email)
        vendors.wait(HOUR / 20)

    assert dict.fromkeys(emails[:12], "quarantined") == vendors.states()


def test_some_are_refused_among_many_that_are_not(vendors: Vendors) -> None:
    """
    However long that goes on: the receiver is well, these addresses are not.
    """
    emails = [f"u{one}@gmail.com" for one in range(80)]
    vendors.delivered(*emails)
    vendors.wait(8 * DAY)
    for email, *others in zip(emails[:12], emails[12:36], emails[36:60], emails[60:], strict=False):
        vendors.bounced(email)
        vendors.delivered(*others)
        vendors.wait(HOUR / 20)

    assert dict.fromkeys(emails[:12], "held") == vendors.states()


def test_what_another_process_wrote_meanwhile_is_taken_in(vendors: Vendors) -> None:
    """
    A bounce that saw no quarantine, as that was just begun: at the next look.
    """
    first, second, *_ = ill(vendors)
    with vendors.suppressions.engine.begin() as connection:
        counted = update(bounces).where(bounces.c.email == first).values(standing="counted")
        connection.execute(counted)
        judge_again(connection, first)
    before = vendors.states()[first]
    vendors.wait(HOUR / 4)
    vendors.bounced(second)

    assert ("held", "quarantined") == (before, vendors.states()[first])


def test_bounces_of_before_are_told_late(vendors: Vendors) -> None:
    """
    They do not begin a second quarantine beside the one that there is.
    """
    late = [f"late{one}@gmail.com" for one in range(6)]
    vendors.delivered(*late)
    ill(vendors)
    vendors.bounced(*late, timestamp=vendors.now() - 5 * HOUR)

    assert 1 == len(vendors.suppressions.quarantines())
    assert {"held"} == {vendors.states()[email] for email in late}


def test_new_addresses_do_not_make_a_receiver_ill(vendors: Vendors) -> None:
    """
    A list that was bought is full of them.
    """
    emails = [f"u{one}@gmail.com" for one in range(50)]
    vendors.bounced(*emails)

    assert dict.fromkeys(emails, "suppressed") == vendors.states()


def test_a_vendors_list_of_that_day_is_no_evidence(vendors: Vendors) -> None:
    """
    The vendor goes on refusing whom the receiver refused: nobody is held for that.
    """
    emails = ill(vendors)
    vendors.wait(10 * DAY)
    for email in emails:
        vendors.tell("rejected", email, reject_reason=RejectReason.BOUNCED)

    assert {"quarantined"} == set(vendors.states().values())


def test_a_first_bounce_in_quarantine_and_a_second_after_a_week(vendors: Vendors) -> None:
    """
    Are two bounces: whoever lives got a mail in between.
    """
    first, second, *_ = ill(vendors)
    vendors.wait(2 * DAY)
    vendors.delivered(first)
    vendors.wait(7 * DAY)
    vendors.bounced(first, second)

    states = vendors.states()
    assert ("held", "suppressed") == (states[first], states[second])


def test_a_part_of_a_receiver_can_be_ill(vendors: Vendors) -> None:
    """
    Half of its addresses are refused, and half are not.
    """
    emails = [f"u{one}@gmail.com" for one in range(60)]
    vendors.delivered(*emails)
    vendors.wait(DAY)
    mail_all(vendors, emails, emails[::2])

    assert dict.fromkeys(emails[::2], "quarantined") == vendors.states()


def test_a_receiver_may_be_named_otherwise(vendors: Vendors) -> None:
    """
    By a table of the application, or by the DNS.
    """
    vendors.suppressions.receiver_of = lambda _domain: "all"
    for number in range(6):
        vendors.delivered(f"ann@d{number}.example")
    vendors.wait(DAY)
    for number in range(6):
        vendors.bounced(f"ann@d{number}.example", mta_response=NO_SUCH_USER)

    assert ["all"] == [one.receiver for one in vendors.suppressions.quarantines()]
