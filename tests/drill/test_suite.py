from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest

from mailfailover.drill import Report, Suite, run_all
from mailfailover.drill.outcome import in_words
from mailfailover.drill.picture import picture
from mailfailover.drill.view import list_lines
from tests.drill.incidents import CHAIN, incident, play
from tests.samples import each

WELL = incident('fault = "refused"')
ILL = incident('fault = "lost"\nsure = false\nnote = "All of it."', vendor="postmark")


@pytest.fixture(scope="module")
def suite() -> Suite:
    """
    One incident that is survived, and one that is not.
    """
    return run_all(CHAIN, [WELL, ILL], most=60, rate=1.0)


def test_a_suite_tells_what_was_survived(suite: Suite) -> None:
    """
    And what was not, with its thresholds.
    """
    assert [ILL] == [one.incident for one in suite.losses]
    assert (1, 2) == (suite.to_dict()["survived"], suite.to_dict()["played"])
    assert [True, False] == [one["survived"] for one in suite.to_dict()["reports"]]


def test_thresholds_are_the_users() -> None:
    """
    What may be lost, and how late a mail may be.
    """
    assert () == run_all(CHAIN, [ILL], most=60, rate=1.0, max_lost=1.0).losses
    late = incident('fault = "queue"\ndelay = "10m"')
    assert 1 == len(run_all(CHAIN, [late], most=60, rate=1.0, max_late=300).losses)
    assert () == run_all(CHAIN, [late], most=60, rate=1.0, max_late=900).losses


def test_each_report_is_told_when_it_is_there() -> None:
    """
    So that a program can show it at once.
    """
    seen: list[Report] = []

    suite = run_all(CHAIN, [WELL], most=60, rate=1.0, on_report=seen.append)

    assert suite.reports == tuple(seen)


def test_a_suite_in_words(suite: Suite) -> None:
    """
    Findings, a table for each incident, and the balance.
    """
    text = "\n".join(suite.lines())

    assert text.startswith("Single points of failure:\n  - no webhooks are set up for")
    assert "2026-02-03  down  survived\n  It is down & out (30 min)\n" in text
    assert "2026-02-03  down  NOT SURVIVED\n" in text
    assert re.search(r"\n  this chain +0\.0% ", text)
    assert "sendgrid carried in an hour at most: " in text
    assert "  told after " in text
    assert text.endswith("\n1 of 2 incidents survived.")


def test_without_findings_there_is_no_heading(suite: Suite) -> None:
    """
    Nothing is said about nothing.
    """
    assert "Single points" not in "\n".join(Suite((), suite.reports).lines())
    assert "Single points" not in Suite((), suite.reports).to_html()


def test_the_page_needs_nothing_from_elsewhere(suite: Suite) -> None:
    """
    It is for light and dark, desk and phone, and names its sources.
    """
    page = suite.to_html()

    assert not re.search(r"<(script|link|img)|@import|url\(", page)
    assert "prefers-color-scheme:dark" in page
    assert 'name="viewport"' in page
    assert '<a href="https://example.com/down">Down</a>' in page
    assert "It is down &amp; out" in page
    assert "Assumed: All of it." in page
    assert 2 == page.count("<svg")


def test_a_page_of_nothing_is_a_page() -> None:
    """
    No incident, no picture.
    """
    assert "0 of 0 incidents survived" in Suite((), ()).to_html()


def test_a_picture_has_a_strip_for_each_way_of_sending(suite: Suite) -> None:
    """
    It is XML, and says when it was told.
    """
    drawn = picture(suite.reports[0])

    assert ET.fromstring(drawn).tag.endswith("svg")  # noqa: S314 -- ours
    assert {"first provider only", "three retries, then next", "this chain"} <= set(
        re.findall(r">([^<]+)</text>", drawn)
    )
    assert 2 == drawn.count("told after ")


def test_a_picture_of_a_long_incident_says_what_was_played() -> None:
    """
    Six hours of it.
    """
    from dataclasses import replace

    report = play('fault = "refused"')
    long = replace(report, incident=replace(report.incident, lasts=86400.0))

    assert "24 h, its first 30 min" in picture(long)
    assert "in the first 30 min" in "\n".join(Suite((), (long,)).lines())


@each(
    ("seconds", "words"),
    [(4.2, "4 s"), (59.4, "59 s"), (61, "1 min"), (3600, "1 h"), (5400, "1 h 30 min")],
)
def test_durations_read_as_people_say_them(seconds: float, words: str) -> None:
    """
    In minutes where seconds do not matter.
    """
    assert words == in_words(seconds)


def test_the_list_has_a_line_for_each_incident() -> None:
    """
    When, its name, who, and what.
    """
    receiver = incident(
        'fault = "receiver"\nreceiver = "gmail"\nreply = "451 later"', receiver="gmail"
    )

    assert ["2026-02-03", "down", "gmail", "It is down & out"] == re.split(
        r"  +", next(iter(list_lines([receiver])))
    )
