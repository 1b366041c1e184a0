from __future__ import annotations

import io
import tracemalloc
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from mailfailover.errors import ImportRefused, InvalidMessage
from mailfailover.suppression import Reason, Suppression, SuppressionList
from mailfailover.suppression._csv import COLUMNS, Entries
from mailfailover.suppression._tables import suppressions as table
from tests.chains import MAIL, NOW, World

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


DEFAULT = Suppression(email="x@example.com", reason=Reason.MANUAL, created=NOW)
ANN = "ann@example.org"


def lines(text: str) -> Iterator[str]:
    """
    As a file has them.
    """
    return iter(io.StringIO(text, newline=""))


def count(suppressions: SuppressionList) -> int:
    """
    How many entries there are.
    """
    with suppressions.engine.connect() as connection:
        return connection.scalar(select(func.count()).select_from(table)) or 0


def export(suppressions: SuppressionList) -> str:
    """
    All entries as text.
    """
    file = io.StringIO(newline="")
    suppressions.export_csv(file)
    return file.getvalue()


def test_what_is_exported_can_be_imported(any_suppressions: SuppressionList) -> None:
    """
    Every field of every entry comes back.
    """
    any_suppressions.add(ANN, "bounced", from_domain="example.com", detail='550 "no", he\nsays')
    any_suppressions.add("bob@example.org", "unsubscribed", stream="news, daily")
    any_suppressions.add(ANN, "complained", ttl=timedelta(days=1), source="a")
    before = set(any_suppressions.list())
    text = export(any_suppressions)
    with any_suppressions.engine.begin() as connection:
        connection.execute(table.delete())

    number = any_suppressions.import_csv(lines(text))

    assert (3, before) == (number, set(any_suppressions.list()))
    assert text.startswith(",".join(COLUMNS) + "\n")


def test_a_list_of_addresses_is_enough(any_suppressions: SuppressionList) -> None:
    """
    The arguments say the rest.
    """
    number = any_suppressions.import_csv(
        lines("Email\nANN@example.org\n\n bob@example.org \n"),
        reason="unsubscribed",
        stream="news",
        source="old service",
    )

    assert 2 == number
    assert {
        Suppression(
            email=email,
            reason=Reason.UNSUBSCRIBED,
            stream="news",
            source="old service",
            created=NOW,
        )
        for email in (ANN, "bob@example.org")
    } == set(any_suppressions.list())
    assert {ANN: "unsubscribed"} == any_suppressions.find(MAIL.replace(stream="news"))


def test_imports_hold_as_long_as_the_list_says(suppressions: SuppressionList, world: World) -> None:
    """
    Unless the lines say for how long.
    """
    day = timedelta(days=1)
    briefly = SuppressionList(suppressions.engine, ttl={"bounced": day}, clock=world.wall)
    text = "email,expires\nbob@example.org,\ncid@example.org,2030-01-01T00:00:00+00:00\n"

    briefly.import_csv(lines("email\nann@example.org\n"), reason="bounced")
    briefly.import_csv(lines(text), reason="bounced")

    assert {(ANN, 2026), ("bob@example.org", None), ("cid@example.org", 2030)} == {
        (one.email, one.expires and one.expires.year) for one in briefly.list()
    }


BAD = {
    "no such column": ("email,phone\n", 1, "its column 'phone' is unknown; known: email, reason,"),
    "no email": (
        "reason\nbounced\n",
        1,
        "it must name the columns, and email is not among them; known: email,",
    ),
    "empty": ("", 1, "it must name the columns, and email is not among them"),
    "twice": ("email,email\n", 1, "it names a column twice"),
    "no header": ("ann@example.org\n", 1, "it must name the columns, and email is not among them"),
    "address": ("email\nann\n", 2, "email is not a valid address: it is not of the form"),
    "no address": ("email,reason\n,bounced\n", 2, "email is not a valid address"),
    "reason": ("email,reason\nann@x.org,sad\n", 2, "its reason is not one of complained, unsub"),
    "domain": ("email,from_domain\nann@x.org,a b\n", 2, "its from_domain is no domain"),
    "time": ("email,expires\nann@x.org,soon\n", 2, "one of its times is not of the form 2027"),
    "zone": ("email,created\nann@x.org,2027-01-01\n", 2, "one of its times is not of the form"),
    "too few": ("email,stream\nann@x.org\n", 2, "it has 1 fields, the first line has 2"),
    "too many": ("email\nann@x.org,x\n", 2, "it has 2 fields, the first line has 1"),
    "quotes": ('email\n"ann"x@x.org\n', 2, "it is no CSV: "),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_line_is_named(suppressions: SuppressionList, case: str) -> None:
    """
    With what is wrong with it, and nothing is imported.
    """
    text, number, problem = BAD[case]

    with pytest.raises(ImportRefused) as caught:
        suppressions.import_csv(lines(text + "good@example.org\n"))

    assert number == caught.value.lines[0][0]
    assert problem in caught.value.lines[0][1]
    assert f"  line {number}: {problem}" in str(caught.value)
    assert 0 == count(suppressions)


def test_all_bad_lines_are_named(any_suppressions: SuppressionList) -> None:
    """
    The first ones in words; what came before them is not there either.
    """
    good = "".join(f"r{number}@example.org\n" for number in range(1200))
    bad = "".join(f"x{number}\n" for number in range(25))

    with pytest.raises(ImportRefused) as caught:
        any_suppressions.import_csv(lines(f"email\n{good}{bad}{good}"))

    assert [*range(1202, 1227)] == [number for number, _ in caught.value.lines]
    assert str(caught.value).startswith("nothing was imported, because of bad lines:\n  line 1202:")
    assert str(caught.value).endswith(
        "\n  line 1221: " + caught.value.lines[0][1] + "\n  and 5 more"
    )
    assert 0 == count(any_suppressions)


@pytest.mark.parametrize(
    ("errors", "line", "problem"),
    [
        ("strict", 1, "it is not UTF-8; nothing was read on"),
        ("surrogateescape", 3, "it is not UTF-8"),
    ],
)
def test_what_is_not_utf8_is_named(
    suppressions: SuppressionList, tmp_path: Path, errors: str, line: int, problem: str
) -> None:
    """
    By its line, where the file is read so that the line can be known.
    """
    file = tmp_path / "old.csv"
    file.write_bytes(b"email,detail\nann@example.org,x\nbob@example.org,\xff\n")

    with file.open(encoding="utf-8", errors=errors) as text, pytest.raises(ImportRefused) as caught:
        suppressions.import_csv(text)

    assert ((line, problem),) == caught.value.lines
    assert 0 == count(suppressions)


def test_an_import_adds_to_what_is_there(any_suppressions: SuppressionList) -> None:
    """
    Of two that are alike the longer one stays, in the file as well.
    """
    any_suppressions.add(ANN, ttl=timedelta(days=1))
    any_suppressions.add("bob@example.org")
    text = (
        "email,expires\n"
        "ann@example.org,\n"
        "bob@example.org,2027-01-01T00:00:00+00:00\n"
        "cid@example.org,2027-01-01T00:00:00+00:00\n"
        "cid@example.org,2028-01-01T00:00:00+00:00\n"
        "cid@example.org,2026-12-01T00:00:00+00:00\n"
    )

    any_suppressions.import_csv(lines(text))

    assert {(ANN, None), ("bob@example.org", None), ("cid@example.org", 2028)} == {
        (one.email, one.expires and one.expires.year) for one in any_suppressions.list()
    }


def test_imports_and_exports_are_streams(suppressions: SuppressionList) -> None:
    """
    Ten times as many entries need no more memory, within reason.
    """

    class Nowhere(io.StringIO):
        def write(self, text: str) -> int:
            return len(text)

    def peak(number: int) -> int:
        tracemalloc.start()
        source = ("email\n" if n == 0 else f"r{n}@example.org\n" for n in range(number + 1))
        suppressions.import_csv(source)
        suppressions.export_csv(Nowhere())
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    peak(500)
    few, many = peak(500), peak(5000)

    assert many < 2 * few
    assert 5000 == count(suppressions)


@given(text=st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    """
    No file crashes it.
    """
    entries = Entries(lines(f"email,reason,created\n{text}"), DEFAULT)

    assert all(isinstance(one, Suppression) for one in entries)
    assert all(number > 1 and problem for number, problem in entries.bad)


def test_no_address_is_in_an_errors_text() -> None:
    """
    Whatever is wrong with its line.
    """
    text = "email,reason\nsecret@example.org,x\nsecret@@example.org,bounced\nsecret@x.org\n"

    entries = Entries(lines(text), DEFAULT)

    assert [] == list(entries)
    assert 3 == len(entries.bad)
    assert "secret" not in repr(entries.bad)


def test_wrong_defaults_are_refused(suppressions: SuppressionList) -> None:
    """
    Before anything is read.
    """
    with pytest.raises(InvalidMessage):
        suppressions.import_csv(lines("email\n"), from_domain="a b")
