"""
What the judge finds in ledgers that a test wrote, without any chance.
"""

from __future__ import annotations

from itertools import cycle

import pytest

from mailfailover.deliveries import CellState
from mailfailover.deliveries._counts import HOUR, SLICE, Key
from tests.deliveries.ledgers import NOW, Book

LATER = NOW + HOUR


def slices(begin: int, end: int) -> range:
    """
    The slices between two times from now on.
    """
    return range(NOW + begin, NOW + end, SLICE)


def test_a_week_in_which_all_was_well() -> None:
    """
    Nothing is ill, and each cell knows its usual hour.
    """
    book = Book({"one": 20, "two": 2}, until=HOUR)

    verdicts = book.judge(LATER)

    assert (set(), {}) == (book.ill(), verdicts.silent)


def test_words_that_mean_the_sender_block_a_cell() -> None:
    """
    Of one link at one receiver; the others stay as they are.
    """
    book = Book({"one": 20, "two": 2}, until=SLICE)
    book.ledger.add(book_key("one", "gmail", NOW, "blocked"), 19)

    book.judge(NOW + 60)

    assert {"one/gmail"} == book.ill()
    cell = book.cells["one", "gmail"]
    assert (CellState.BLOCKED, NOW + 60, 19) == (cell.state, cell.since, cell.blocked)


@pytest.mark.parametrize("number", [4, 6], ids=["too few", "a small part"])
def test_a_few_refusals_do_not(number: int) -> None:
    """
    Some mails are always refused as a sender's.
    """
    book = Book({"one": 40, "two": 2}, until=SLICE)
    book.ledger.add(book_key("one", "gmail", NOW, "blocked"), number)

    book.judge(NOW + 60)

    assert set() == book.ill()


def test_addresses_that_never_existed_are_no_outage() -> None:
    """
    A receiver that says so is well: the list is old.
    """
    book = Book({"one": 20, "two": 2})
    for start in slices(0, HOUR):
        for receiver in ("gmail", "microsoft", "yahoo"):
            book.add("one", receiver, start, 40, within_300=20, nobody=18)

    book.judge(LATER)

    assert set() == book.ill()


def test_addresses_that_existed_yesterday_are_one() -> None:
    """
    Gmail, December 2020.
    """
    book = Book({"one": 20, "two": 2}, until=SLICE)
    book.ledger.add(book_key("one", "gmail", NOW, "bounced"), 20)

    book.judge(NOW + 60)

    assert {"one/gmail"} == book.ill()


def test_a_fifth_that_is_stuck_makes_a_link_late() -> None:
    """
    As a whole, since it is so at all receivers.
    """
    book = Book({"one": 100, "two": 4})
    for start in slices(0, HOUR):
        for receiver in ("gmail", "microsoft", "yahoo"):
            book.add("one", receiver, start, 100, within_300=76)
            book.add("two", receiver, start, 4)

    book.judge(LATER)

    assert "one/*" in book.ill()
    assert CellState.LATE is book.cells["one", "*"].state


def test_slices_of_uneven_mails_delay_no_finding() -> None:
    """
    Half an hour in which a fifth is stuck, and each slice has a few mails more or less.
    """
    book = Book({"one": 160, "two": 4})
    for start, mails in zip(slices(0, 2700), cycle((163, 159, 158, 177, 156, 161)), strict=False):
        for receiver in ("gmail", "microsoft", "yahoo"):
            book.add("one", receiver, start, mails, within_300=round(0.76 * mails))
            book.add("two", receiver, start, 4)

    book.judge(NOW + 2699)

    assert "one/*" in book.ill()


def test_a_link_that_tells_of_nothing_is_silent() -> None:
    """
    While another one goes on telling.
    """
    book = Book({"one": 40, "two": 8})
    for start in slices(0, HOUR):
        for receiver in ("gmail", "microsoft", "yahoo"):
            book.add("one", receiver, start, 40, within_300=0)
            book.add("two", receiver, start, 8)

    book.judge(LATER)

    assert CellState.SILENT is book.cells["one", "*"].state


def test_a_link_that_is_alone_is_silent_while_it_tells_other_things() -> None:
    """
    Openings of older mails show that our webhooks work.
    """
    book = Book({"one": 40})
    for start in slices(0, HOUR):
        for receiver in ("gmail", "microsoft", "yahoo"):
            book.add("one", receiver, start, 40, within_300=0)
        book.ledger.add(book_key("one", "", start, "heard"), 5)

    book.judge(LATER)

    assert CellState.SILENT is book.cells["one", "*"].state


def test_no_link_tells_of_anything() -> None:
    """
    Then it is our webhooks: it is said, and nothing is ill, then nor later.
    """
    book = Book({"one": 40, "two": 8})
    for start in slices(0, HOUR):
        for receiver in ("gmail", "microsoft", "yahoo"):
            book.add("one", receiver, start, 40, within_300=0)
            book.add("two", receiver, start, 8, within_300=0)
    during = book.judge(LATER)
    for start in slices(HOUR, 3 * HOUR):
        for receiver in ("gmail", "microsoft", "yahoo"):
            book.add("one", receiver, start, 40)
            book.add("two", receiver, start, 8)
    after = book.judge(NOW + 3 * HOUR)

    assert ({"*"}, set(), {}) == (set(during.silent), book.ill(), after.silent)


def test_all_links_fall_short_at_one_receiver() -> None:
    """
    The receiver is down; no link as a whole is.
    """
    book = Book({"one": 40, "two": 30})
    for start in slices(0, HOUR):
        for link, number in (("one", 40), ("two", 30)):
            book.add(link, "gmail", start, number, within_300=2)
            book.add(link, "microsoft", start, number)
            book.add(link, "yahoo", start, number)

    book.judge(LATER)

    assert {"*/gmail"} == book.ill()


def test_a_standby_without_a_past_is_judged_by_others() -> None:
    """
    By what is usual at the receiver: so a receiver that is down is known for what it is.
    """
    book = Book({"one": 40})
    for start in slices(0, HOUR):
        for link in ("one", "two"):
            book.add(link, "gmail", start, 40, within_300=2)
        book.add("one", "microsoft", start, 40)
        book.add("one", "yahoo", start, 40)

    book.judge(LATER)

    assert {"*/gmail"} == book.ill()


def test_a_hiccup_of_minutes_is_no_outage() -> None:
    """
    A quarter of an hour in which deliveries are late.
    """
    book = Book({"one": 40, "two": 8})
    for start in slices(0, HOUR):
        late = start < NOW + 900
        for receiver in ("gmail", "microsoft", "yahoo"):
            book.add("one", receiver, start, 40, **{"within_300": 4, "900": 34} if late else {})
            book.add("two", receiver, start, 8)
    for second in range(900, HOUR, 60):
        book.judge(NOW + second)

    assert set() == book.ill()


# The mails that three links deliver in time at one receiver, in each slice of an hour, while the
# receiver is quick and in the last twenty minutes, while it is slow. The quick slices of the third
# link fall short by chance: 10 of 12 mails.
_QUICK, _SLOW = {"one": 55, "two": 28, "three": 10}, {"one": 10, "two": 4, "three": 3}


def slow_hour(book: Book, receiver: str, *, others: bool) -> None:
    """
    An hour in which the third link falls short, and the others too if *others*.
    """
    for number, start in enumerate(slices(0, HOUR)):
        for link, mails in (("one", 58), ("two", 30), ("three", 12)):
            is_slow = number >= 8 and (others or link == "three")
            in_time = _SLOW[link] if is_slow else _QUICK[link]
            book.add(link, receiver, start, mails, within_300=in_time)


def test_a_receiver_that_is_slow_for_all_blames_no_link() -> None:
    """
    Though only the link with few mails looks, by chance, as if it fell short all the time.
    """
    book = Book({"one": 58, "two": 30, "three": 12})
    slow_hour(book, "gmail", others=True)

    book.judge(LATER + 3 * SLICE)

    assert set() == book.ill()


def test_a_link_that_is_slow_while_others_are_not_is_late() -> None:
    """
    The same mails of the same link make its cell late.
    """
    book = Book({"one": 58, "two": 30, "three": 12})
    slow_hour(book, "gmail", others=False)

    book.judge(LATER + 3 * SLICE)

    assert {"three/gmail"} == book.ill()


@pytest.mark.parametrize("mails", [0, 30], ids=["few mails", "silent webhooks"])
def test_a_link_that_shows_nothing_excuses_no_other(mails: int) -> None:
    """
    A link with hardly any mails, or whose webhooks are silent.
    """
    book = Book({"two": 30, "three": 12})
    for number, start in enumerate(slices(0, HOUR + 3 * SLICE)):
        book.add("three", "gmail", start, 12, within_300=10 if number < 8 else 3)
        book.ledger.add(book_key("two", "gmail", start, "sent"), mails)
        book.ledger.add(book_key("two", "", start, "refused"), mails)

    book.judge(LATER + 3 * SLICE)

    assert {"three/gmail"} == book.ill()


def test_probes_that_arrive_heal_a_block() -> None:
    """
    A few are enough, and what was before does not make it ill again.
    """
    book = Book({"one": 20, "two": 2})
    book.add("one", "gmail", NOW, 20, within_300=0, blocked=19)
    book.judge(NOW + 60)
    book.add("one", "gmail", NOW + SLICE, 20, within_300=0, blocked=20)
    book.judge(NOW + 2 * SLICE - 1)
    still = book.ill()
    book.add("one", "gmail", NOW + 2 * SLICE, 4, within_300=4)

    book.judge(NOW + 3 * SLICE)

    assert ({"one/gmail"}, set()) == (still, book.ill())


def test_a_cell_without_mails_is_forgiven() -> None:
    """
    After six hours in which nobody tried.
    """
    book = Book({"one": 20, "two": 2})
    book.add("one", "gmail", NOW, 20, within_300=0, blocked=19)
    book.judge(NOW + 60)

    book.judge(NOW + 7 * HOUR)

    assert set() == book.ill()


def test_receivers_too_small_to_be_told_apart_are_never_ill() -> None:
    """
    What one of them says means nothing for the next one.
    """
    book = Book({"one": 20}, receivers=("other",), until=SLICE)
    book.ledger.add(book_key("one", "other", NOW, "blocked"), 19)

    book.judge(NOW + 60)

    assert set() == book.ill()


def test_a_secret_that_is_wrong_is_told() -> None:
    """
    Of the link that it belongs to.
    """
    book = Book({"one": 40, "two": 8})
    for start in slices(0, HOUR):
        book.add("two", "gmail", start, 8)
        for receiver in ("gmail", "microsoft", "yahoo"):
            book.ledger.add(book_key("one", receiver, start, "sent"), 40)
        book.ledger.add(book_key("one", "", start, "refused"), 100)

    verdicts = book.judge(LATER)

    assert ({"one"}, set()) == (set(verdicts.silent), book.ill())


def book_key(link: str, receiver: str, start: int, what: str) -> Key:
    """
    The key of a count.
    """
    return Key(start, link, receiver, what)
