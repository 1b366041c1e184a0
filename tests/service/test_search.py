from __future__ import annotations

import dataclasses
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import insert, select, text, update

from mailfailover import Message
from mailfailover.outbox import OutboxWorker
from mailfailover.outbox._tables import attempts, mails
from mailfailover.service.accepting import accept
from mailfailover.service.headings import Heading, forget_posts, heading_of, read_headings
from mailfailover.service.keys import Keys
from mailfailover.service.reading import Post
from mailfailover.service.rules import LOCAL, Caller, Rules
from mailfailover.service.search import Search, read_search
from mailfailover.service.tables import posts
from mailfailover.service.wiring import assemble
from mailfailover.testing import PLAIN
from tests.databases import KINDS, fresh_engine

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flask.testing import FlaskClient
    from sqlalchemy import Engine

    from mailfailover.service.parts import Service

MESSAGES = "/email/api/1.0/messages"
HTML = {"Accept": "text/html"}


def post(service: Service, number: int = 0, caller: Caller = LOCAL, **fields: Any) -> str:
    """
    Post a mail.
    """
    message = PLAIN.replace(id=f"m{number}", **fields)
    return accept(service, caller, Post(message))


def ids(client: FlaskClient, **search: str) -> list[str]:
    """
    The mails that the API finds.
    """
    found = client.get(MESSAGES, query_string=search).get_json()["messages"]
    return [mail["id"] for mail in found]


@pytest.fixture(name="found")
def _found(service: Service) -> Service:
    """
    Three mails: one to Ann, one sent to Bob, and one that a program added yesterday.
    """
    post(service, 1, to="Ann <ann@example.com>", subject="Your 100% order")
    post(service, 2, to="bob@example.com", from_email="News <news@example.org>", subject="News")
    service.outbox.add(PLAIN.replace(id="m3", subject="Of a program"))
    yesterday = datetime.now(UTC) - timedelta(days=1)
    with service.outbox.engine.begin() as connection:
        change = update(mails).where(mails.c.id == "m3").values(created=yesterday)
        connection.execute(change)
        number = select(mails.c.number).where(mails.c.id == "m2").scalar_subquery()
        row = {
            "number": 1,
            "provider": "sendgrid",
            "started": yesterday,
            "stage": "response",
            "outcome": "ConnectionFailed",
            "in_doubt": False,
            "error": "",
            "provider_message_id": "",
        }
        connection.execute(insert(attempts).values(mail=number, **row))
    return service


@pytest.mark.parametrize(
    ("search", "expected"),
    [
        ({}, ["m3", "m2", "m1"]),
        ({"recipient": "ANN@"}, ["m3", "m1"]),
        ({"recipient": "nobody"}, []),
        ({"subject": "100% O"}, ["m1"]),
        ({"subject": "%"}, ["m1"]),
        ({"sender": "news"}, ["m2"]),
        ({"sender": "shop@example.com"}, ["m3", "m1"]),
        ({"provider": "sendgrid"}, ["m2"]),
        ({"state": "pending", "recipient": "bob"}, ["m2"]),
        ({"state": "sent"}, []),
        ({"until": "2000-01-01"}, []),
        ({"since": "2000-01-01T00:00:00+00:00"}, ["m3", "m2", "m1"]),
        ({"since": (datetime.now(UTC) - timedelta(hours=2)).isoformat()}, ["m2", "m1"]),
        ({"until": (datetime.now(UTC) - timedelta(hours=2)).isoformat()}, ["m3"]),
    ],
)
@pytest.mark.usefixtures("found")
def test_mails_are_found(search: dict[str, str], expected: list[str], client: FlaskClient) -> None:
    """
    By recipient, subject, sender, provider, state and time, in any case, and all together.
    """
    assert expected == ids(client, **search)


@pytest.mark.usefixtures("found")
def test_search_goes_on_where_it_ended(client: FlaskClient) -> None:
    """
    The next page of a search is of the same search.
    """
    first = client.get(MESSAGES, query_string={"limit": 1, "recipient": "example"}).get_json()

    second = client.get(first["next"]).get_json()

    assert ["m3"] == [mail["id"] for mail in first["messages"]]
    assert ["m2"] == [mail["id"] for mail in second["messages"]]
    assert "recipient=example" in second["next"]


def test_search_that_means_nothing_is_told(client: FlaskClient) -> None:
    """
    The field, what is wrong and what would be right; a person reads the labels of the page.
    """
    answer = client.get(MESSAGES, query_string={"state": "lost", "since": "now"})

    fields = [error["field"] for error in answer.get_json()["errors"]]
    assert (400, ["state", "since"]) == (answer.status_code, fields)
    page = client.get("/mails?since=now", headers=HTML)
    assert 400 == page.status_code
    assert '<a href="#since">Since</a>: Must be a time' in page.text


def test_last_day_of_a_search_belongs_to_it() -> None:
    """
    Until a day is to the end of it; a time without a zone is UTC, and a lost plus sign is one.
    """
    found = read_search({"since": "2027-01-31", "until": "2027-01-31"})
    exact = read_search({"since": "2027-01-31T10:00:00 01:00", "until": "2027-01-31T10:00"})

    assert (found.since, found.until) == (
        datetime(2027, 1, 31, tzinfo=UTC),
        datetime(2027, 2, 1, tzinfo=UTC),
    )
    assert (exact.since, exact.until) == (
        datetime(2027, 1, 31, 9, tzinfo=UTC),
        datetime(2027, 1, 31, 10, tzinfo=UTC),
    )


def test_caller_finds_only_his_own(service: Service) -> None:
    """
    A search shows nobody what is not his.
    """
    mine = Caller("k1", "shop", Rules())
    post(service, 1)
    post(service, 2, mine)

    query = Search(recipient="example").query(mine)

    assert query is not None
    with service.outbox.engine.connect() as connection:
        assert ["m2"] == list(connection.scalars(query))


@pytest.mark.usefixtures("found")
def test_subject_and_sender_are_told(client: FlaskClient) -> None:
    """
    In the list, of one mail, and on both pages; of a program's mail the sender alone is known.
    """
    told = [
        (mail["subject"], mail["from_email"])
        for mail in client.get(MESSAGES).get_json()["messages"]
    ]

    assert [
        ("", "shop@example.com"),
        ("News", "News <news@example.org>"),
        ("Your 100% order", "The Shop <shop@example.com>"),
    ] == told
    assert "News" == client.get(f"{MESSAGES}/m2").get_json()["subject"]
    for path in ("/", "/mails", "/mails/m1"):
        assert "Your 100% order" in client.get(path, headers=HTML).text


def test_finished_mail_has_the_heading_of_its_header() -> None:
    """
    A mail that goes as it is says both itself.
    """
    raw = b"From: Shop <shop@example.com>\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n\r\nHello\r\n"

    found = heading_of(Message.from_mime(raw, to="ann@example.com"))

    assert Heading("Grüße", "Shop <shop@example.com>") == found


def test_subject_stays_after_the_mail_is_sent(client: FlaskClient, service: Service) -> None:
    """
    It is kept as long as the row; what the mail said is gone.
    """
    mail_id = post(service, subject="Kept")
    OutboxWorker(service.outbox, service.mailer).run_once()

    assert "Kept" == client.get(f"{MESSAGES}/{mail_id}").get_json()["subject"]


def test_operator_may_say_no(service: Service, tmp_path: Path) -> None:
    """
    Then neither subject nor name is kept.
    """
    kept = dataclasses.replace(service, keep_headings=False)
    mail_id = post(kept, subject="Secret")

    found = read_headings(service.outbox.engine, [mail_id])

    assert {mail_id: Heading("", "shop@example.com")} == found
    environ = {"MAILFAILOVER_KEEP_HEADINGS": "off"}
    url = f"sqlite:///{tmp_path}/other.db"
    assert not assemble(lambda **_: service.mailer, url, environ=environ).keep_headings


def test_post_is_forgotten_with_its_mail(service: Service) -> None:
    """
    Of what the outbox has forgotten, nothing is left.
    """
    kept, gone = post(service, 1), post(service, 2)
    with service.outbox.engine.begin() as connection:
        connection.execute(text("DELETE FROM outbox_mails WHERE id = 'm2'"))

    forget_posts(service.outbox.engine)

    with service.outbox.engine.connect() as connection:
        left = list(connection.scalars(text("SELECT mail FROM mailfailover_posts")))
    assert ([kept], "m2") == (left, gone)


def test_pages_lead_to_older_and_newer_mails(client: FlaskClient, service: Service) -> None:
    """
    Forth and back again, within the same search.
    """
    for number in range(120):
        post(service, number)

    def follow(path: str, rel: str) -> tuple[str, list[str]]:
        page = client.get(path, headers=HTML).text
        shown = re.findall(r'href="/mails/(m\d+)"', page)
        link = re.search(rf'rel="{rel}" href="([^"]+)"', page)
        return link[1].replace("&amp;", "&") if link else "", shown

    second, newest = follow("/mails?state=pending", "next")
    third, middle = follow(second, "next")
    end, oldest = follow(third, "next")
    back, _ = follow(third, "prev")
    top, again = follow(back, "prev")
    none, first = follow(top, "prev")

    assert (50, 50, 20) == (len(newest), len(middle), len(oldest))
    assert ("", "") == (end, none)
    assert (again, first) == (middle, newest)


@pytest.fixture(name="engine_of", params=KINDS)
def _engine_of(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    with fresh_engine(request.param, tmp_path) as engine:
        yield engine


def test_older_tables_are_upgraded(engine_of: Engine) -> None:
    """
    Mails that were posted before have no heading; everything else stays.
    """
    keys = Keys(engine_of)
    keys.init()
    key = keys.add("shop")
    with engine_of.begin() as connection:
        for column in ("subject", "from_email"):
            connection.execute(text(f"ALTER TABLE mailfailover_posts DROP COLUMN {column}"))
        connection.execute(text("DROP TABLE mailfailover_hooks"))
        change = "UPDATE mailfailover_schema SET version = 1 WHERE part = 'service'"
        connection.execute(text(change))

    assert 1 == keys.upgrade()

    keys.init()
    assert keys.check(key)
    with engine_of.begin() as connection:
        row = {"mail": "m", "key": "k", "callback_url": ""}
        connection.execute(insert(posts).values(row))
        assert "" == connection.scalar(select(posts.c.subject))
