"""
A wrong day can be taken back.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from mailfailover import RejectReason
from mailfailover.errors import ConfigurationError
from tests.chains import MAIL
from tests.suppression.telling import DAY, HOUR, NO_SUCH_USER, Vendors

if TYPE_CHECKING:
    from mailfailover.suppression import SuppressionList
    from tests.chains import World

ANN = "ann@gmail.com"
BOB = "bob@googlemail.com"
CID = "cid@yahoo.com"


@pytest.fixture
def vendors(world: World, any_suppressions: SuppressionList) -> Vendors:
    """
    Those that tell a list in any database.
    """
    return Vendors(world, any_suppressions)


def emails(found: Any) -> list[str]:
    """
    Of entries.
    """
    return [one.email for one in found]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"domain": "gmail"}, [ANN, BOB]),
        ({"domain": "GoogleMail.com"}, [BOB]),
        ({"response": "5.1.1 the EMAIL"}, [ANN, BOB, CID]),
        ({"response": "5.1.1", "domain": "yahoo.com"}, [CID]),
        ({"response": "5.2.2"}, []),
        ({"since": timedelta(0)}, [CID]),
        ({"until": timedelta(0)}, [ANN, BOB]),
        ({"since": -2 * DAY, "until": -DAY}, []),
    ],
)
def test_what_it_takes_back(vendors: Vendors, wanted: dict[str, Any], expected: list[str]) -> None:
    """
    What all of its arguments mean; the entries are returned as they were, and gone.
    """
    vendors.bounced(ANN, BOB)
    vendors.wait(HOUR)
    vendors.bounced(CID)
    before = {one.email: one for one in vendors.suppressions.list()}
    given: dict[str, Any] = {
        name: vendors.now() + value if isinstance(value, timedelta) else value
        for name, value in wanted.items()
    }

    tried = vendors.suppressions.undo(**given, dry_run=True)
    untouched = set(vendors.suppressions.list())
    done = vendors.suppressions.undo(**given)

    assert tuple(before[email] for email in expected) == tried == done
    assert set(before.values()) == untouched
    assert sorted(before.keys() - set(expected)) == sorted(emails(vendors.suppressions.list()))


def test_what_is_no_bounce_stays(vendors: Vendors) -> None:
    """
    Complaints, unsubscriptions, and what was added by hand.
    """
    vendors.bounced(ANN)
    vendors.tell("complained", ANN)
    vendors.tell("unsubscribed", ANN)
    vendors.suppressions.add(ANN)

    (lifted,) = vendors.suppressions.undo(domain="gmail.com")

    assert "bounced" == lifted.reason
    assert {"complained", "unsubscribed", "manual"} == {
        one.reason for one in vendors.suppressions.list()
    }


def test_entries_without_a_log_are_taken_back(vendors: Vendors) -> None:
    """
    Those of an import, and of versions that did not write bounces down.
    """
    vendors.suppressions.import_csv(
        ["email,reason,detail", f"{ANN},bounced,{NO_SUCH_USER}", f"{BOB},bounced,full"]
    )

    done = vendors.suppressions.undo(domain="gmail", response="5.1.1")

    assert [ANN] == emails(done)
    assert [BOB] == emails(vendors.suppressions.list())


def test_a_sentence_that_rests_on_a_wrong_day(vendors: Vendors) -> None:
    """
    Becomes a hold, since one bounce is left.
    """
    vendors.delivered(ANN)
    vendors.wait(DAY)
    wrong = vendors.now()
    vendors.bounced(ANN)
    vendors.wait(8 * DAY)
    vendors.bounced(ANN)

    (lifted,) = vendors.suppressions.undo(since=wrong, until=wrong + DAY)

    assert "suppressed" == lifted.state
    assert {ANN: "held"} == vendors.states()


def test_what_was_lifted_counts_no_more(vendors: Vendors) -> None:
    """
    Neither for a later bounce, nor by a vendor's list that still repeats it.
    """
    vendors.delivered(ANN)
    vendors.wait(DAY)
    vendors.bounced(ANN)
    vendors.suppressions.undo(domain="gmail")
    vendors.wait(8 * DAY)
    vendors.tell("rejected", ANN, reject_reason=RejectReason.BOUNCED)
    listed = vendors.suppressions.find(MAIL.replace(to=ANN))
    vendors.bounced(ANN)

    assert {} == listed
    assert {ANN: "held"} == vendors.states()


def test_many_are_taken_back_at_once(vendors: Vendors) -> None:
    """
    More than a statement can name.
    """
    many = [f"u{number}@gmail.com" for number in range(1200)]
    vendors.suppressions.import_csv(["email", *many], reason="bounced")

    assert sorted(many) == emails(vendors.suppressions.undo(domain="gmail"))
    assert () == vendors.suppressions.list()


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({}, "give domain, since or response"),
        ({"since": "naive"}, "since has no time zone"),
        ({"until": "naive"}, "until has no time zone"),
        ({"since": DAY, "until": DAY}, "since must be before until"),
    ],
)
def test_what_means_nothing_is_refused(
    vendors: Vendors, wanted: dict[str, Any], message: str
) -> None:
    """
    Before anything is taken back.
    """
    now = vendors.now()
    given: dict[str, Any] = {
        name: now.replace(tzinfo=None) if value == "naive" else now + value
        for name, value in wanted.items()
    }

    with pytest.raises(ConfigurationError, match=message):
        vendors.suppressions.undo(**given)
