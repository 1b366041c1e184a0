from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from mailfailover.drill import (
    Fault,
    Incident,
    Phase,
    Source,
    load_incident,
    load_incidents,
    read_incident,
)
from mailfailover.errors import ConfigurationError
from tests.samples import each

if TYPE_CHECKING:
    from pathlib import Path

HEAD = """
title = "It is down"
vendor = "mailgun"
begin = 2025-11-18T11:30:00+01:00
lasts = "1h30m"
summary = \"\"\"
It was down,
and came back.
\"\"\"

[[source]]
url = "https://example.com/down"
title = "Down"

[[phase]]
"""
REFUSED = f'{HEAD}fault = "refused"\n'


def test_a_file_is_read() -> None:
    """
    With all that a phase can say; times are in UTC, and a summary is one line.
    """
    text = f"""{HEAD}
        fault = "queue"
        from = "10m"
        until = "1h"
        delay = ["0s", "2h"]
        share = 0.5
        sure = false
        note = "The half is assumed."
    """

    assert read_incident(text, "down") == Incident(
        name="down",
        title="It is down",
        vendor="mailgun",
        receiver="",
        begin=datetime(2025, 11, 18, 10, 30, tzinfo=UTC),
        dated="minute",
        lasts=5400.0,
        summary="It was down, and came back.",
        sources=(Source("https://example.com/down", "Down"),),
        phases=(
            Phase(
                fault=Fault.QUEUE,
                begin=600.0,
                end=3600.0,
                delay=(0.0, 7200.0),
                share=0.5,
                sure=False,
                note="The half is assumed.",
            ),
        ),
    )


@each(
    ("text", "problem"),
    [
        ("title = ", "incident down: it is not valid TOML"),
        (REFUSED.replace("title", "tilte", 1), "incident down: tilte is unknown; known: title,"),
        (REFUSED.replace('title = "It is down"', "", 1), "incident down: title is missing: add it"),
        (REFUSED.replace('"It is down"', "1", 1), "title must be text in quotes, not 1"),
        (REFUSED.replace('vendor = "mailgun"', ""), "name either its vendor"),
        (REFUSED.replace("lasts", 'receiver = "gmail"\nlasts'), "name either its vendor"),
        (REFUSED.replace("+01:00", ""), "begin has no time zone: end it with Z"),
        (REFUSED.replace("1h30m", "90 min"), """lasts must be like "1h30m", not '90 min'"""),
        (REFUSED.replace("1h30m", ""), """lasts must be like "1h30m", not ''"""),
        (REFUSED.replace("1h30m", "0s"), "lasts must be longer than 0s"),
        (REFUSED.replace("lasts", 'dated = "year"\nlasts'), "dated must be one of minute, day"),
        (REFUSED.replace("[[source]]", "[[sauce]]"), "sauce is unknown"),
        (HEAD.replace("[[phase]]", ""), "phase is missing: add at least one [[phase]]"),
        (HEAD.replace("[[phase]]", "").replace("lasts", "phase = [1]\nlasts"), "phase 1: it is no"),
        (REFUSED.replace("https:", "ftp:"), "source 1: url must begin with https://"),
        (REFUSED.replace("refused", "gone"), "phase 1: fault must be one of dns, refused"),
        (REFUSED.replace("refused", "edge"), "phase 1: status is missing: the fault edge needs it"),
        (f'{REFUSED}until = "2h"', "phase 1: until must be after from, and not after"),
        (f'{REFUSED}from = "1h"\nuntil = "1h"', "phase 1: until must be after from"),
        (f"{REFUSED}share = 2", "phase 1: share must be between 0 and 1, not 2"),
        (f"{REFUSED}share = true", "phase 1: share must be a number, not True"),
        (f"{REFUSED}sure = false", "phase 1: note is missing: sure is false, so say what is"),
        (f'{REFUSED}on = "cloudflare"', "phase 1: on must be vendor, standby, all or what"),
        (f'{REFUSED}door = "back"', "phase 1: door must be one of api, smtp, not 'back'"),
        (f"{REFUSED}status = 200", "phase 1: status must be between 400 and 599, not 200"),
        (f'{REFUSED}reply = "no"', """phase 1: reply must be like "421 4.7.0 try again", not"""),
        (f'{REFUSED}rate = "often"', """phase 1: rate must be like "100/h", not 'often'"""),
        (f'{REFUSED}rate = "0/h"', """phase 1: rate must be like "100/h", not '0/h'"""),
        (f'{REFUSED}delay = ["1h"]', """phase 1: delay must be like "2h", or ["0s", "3h"]"""),
        (f"{REFUSED}delay = [1, 2]", """phase 1: delay must be like "2h", or ["0s", "3h"]"""),
        (f'{REFUSED}delay = "soon"', """phase 1: delay must be like "2h", or ["0s", "3h"]"""),
    ],
)
def test_an_error_names_field_problem_and_remedy(text: str, problem: str) -> None:
    """
    So that whoever writes a file of his own finds the line.
    """
    with pytest.raises(ConfigurationError, match=re.escape(problem)):
        read_incident(text, "down")


def test_a_rate_is_kept_by_the_hour() -> None:
    """
    Whatever unit it is written in.
    """
    text = f'{HEAD}fault = "limit"\nrate = "5/s"'

    assert [18000.0] == [phase.rate for phase in read_incident(text, "down").phases]


def test_a_file_of_the_user_is_named_after_its_file(tmp_path: Path) -> None:
    """
    It needs no entry anywhere.
    """
    path = tmp_path / "mine.toml"
    path.write_text(REFUSED)

    assert read_incident(REFUSED, "mine") == load_incident(str(path))


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("nothing", "incident 'nothing' is unknown: `mailfailover drill --list` names all"),
        ("nothing.toml", "incident nothing.toml: the file cannot be read (FileNotFoundError)"),
    ],
)
def test_an_incident_that_is_not_there_is_named(name: str, problem: str) -> None:
    """
    With what to do about it.
    """
    with pytest.raises(ConfigurationError, match=re.escape(problem)):
        load_incident(name)


def test_the_package_has_incidents_of_every_kind() -> None:
    """
    At least thirty, from 2013 to 2026, in the order in which they happened.
    """
    incidents = list(load_incidents().values())
    begins = [incident.begin for incident in incidents]

    assert len(incidents) >= 30
    assert begins == sorted(begins)
    assert (2013, 2026) == (begins[0].year, begins[-1].year)
    assert set(Fault) - {fault for incident in incidents for fault in incident.faults} == {
        Fault.RESET  # reported of no outage; for files of users
    }


def test_each_incident_says_where_it_is_from_and_what_is_assumed() -> None:
    """
    A phase whose numbers no source has says so.
    """
    for incident in load_incidents().values():
        assert incident is load_incident(incident.name)
        assert incident.summary, incident.name
        assert all(source.title for source in incident.sources), incident.name
        assert incident.assumed or all(phase.sure for phase in incident.phases), incident.name


def test_a_date_that_is_not_certain_is_among_what_is_assumed() -> None:
    """
    Beside the notes of its phases.
    """
    text = REFUSED.replace("lasts", 'dated = "day"\nlasts')

    assert ("its begin is known to the day only",) == read_incident(text, "down").assumed
