"""
Bounces: who hears of what, and who never does.
"""

from __future__ import annotations

from datetime import UTC, datetime
from email import message_from_bytes, policy
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import delete, event

from mailfailover import Mailer, Message, errors
from mailfailover.outbox import Outbox, OutboxWorker
from mailfailover.outbox._tables import mails
from mailfailover.plugin import Accepted, RecipientStatus
from mailfailover.relay.envelope import Wishes
from mailfailover.relay.reports import Reporter
from mailfailover.relay.submissions import Submission, Submissions
from mailfailover.service.keys import Keys
from mailfailover.service.parts import Service
from tests.databases import fresh_engine

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAIL = Message(
    "good@example.org, bad@example.org",
    from_email="shop@example.com",
    subject="Größe",
    text="Hello",
)


class Picky:
    """
    Takes a mail for all but those whose address begins with bad.
    """

    name = "picky"

    def __init__(self) -> None:
        self.sent: list[Message] = []

    def send(self, message: Message) -> Accepted:
        """
        Refuse what is for bad ones only.
        """
        bad = [one.email for one in message.recipients if one.email.startswith("bad")]
        if len(bad) == len(message.recipients):
            text = "550 5.1.1 no such user"
            raise errors.RecipientRejected(text, recipients=tuple(bad))
        self.sent.append(message)
        return Accepted("1", dict.fromkeys(bad, RecipientStatus.INVALID))


@pytest.fixture(name="picky")
def _picky() -> Picky:
    return Picky()


@pytest.fixture(name="service")
def _service(tmp_path: Path, picky: Picky) -> Iterator[Service]:
    with fresh_engine("sqlite", tmp_path) as engine, Mailer(picky) as mailer:
        service = Service(mailer=mailer, outbox=Outbox(engine), keys=Keys(engine))
        service.outbox.init()
        Submissions(engine).init()
        yield service


def submit(
    service: Service,
    message: Message,
    sender: str = "shop@example.com",
    *,
    header: str = "",
    wishes: Wishes | None = None,
) -> None:
    """
    Put a mail into the outbox as the port does.
    """
    engine = service.outbox.engine
    row = Submission(message.id, sender, wishes or Wishes(), header, datetime.now(UTC))
    with engine.begin() as connection:
        service.outbox.add(message, connection)
        Submissions(engine).add([row], connection)


def report(service: Service, message: Message, **wishes: Any) -> list[Message]:
    """
    Send a mail that came to the port, and return the reports that are made of it.
    """
    submissions = Submissions(service.outbox.engine)
    header = message.as_bytes().partition(b"\r\n\r\n")[0] + b"\r\n"
    submit(service, message, header=header.decode(), wishes=Wishes(**wishes))
    worker = OutboxWorker(service.outbox, service.mailer)
    worker.run_once()
    reporter = Reporter(service, submissions)
    made = reporter.look()
    assert 0 == reporter.look()
    mails = [service.outbox.get(one.id) for one in service.outbox.list()]
    found = [one.message for one in mails if one and one.message and one.id != message.id]
    assert made == len(found)
    return found


def parts(bounce: Message) -> list[Any]:
    """
    The parts of a report as another parser reads them.
    """
    found = message_from_bytes(bounce.as_bytes(), policy=policy.default)
    assert "multipart/report" == found.get_content_type()
    assert "delivery-status" == found.get_param("report-type")
    assert "auto-replied" == found["Auto-Submitted"]
    return list(found.iter_parts())


def test_refused_recipient_is_reported(service: Service) -> None:
    """
    The report names the one who did not get it, with the header of the mail.
    """
    (bounce,) = report(
        service, MAIL, envid="e1", original={"bad@example.org": "rfc822;old@example.org"}
    )

    words, status, returned = parts(bounce)
    first, second = status.get_payload()
    assert ["shop@example.com"] == [one.email for one in bounce.to]
    assert "bad@example.org" in words.get_content()
    assert "good@" not in words.get_content()
    assert ("e1", "dns; mailfailover") == (first["Original-Envelope-Id"], first["Reporting-MTA"])
    assert ("rfc822; bad@example.org", "failed", "5.0.0", "rfc822;old@example.org") == (
        second["Final-Recipient"],
        second["Action"],
        second["Status"],
        second["Original-Recipient"],
    )
    assert "text/rfc822-headers" == returned.get_content_type()
    assert "Hello" not in bounce.as_bytes().decode()


def test_mail_that_dies_is_reported_whole(service: Service) -> None:
    """
    RET=FULL brings the mail back.
    """
    (bounce,) = report(service, MAIL.replace(to="bad@example.org"), returns="FULL")

    _, status, returned = parts(bounce)
    assert "failed" == status.get_payload(1)["Action"]
    assert "message/rfc822" == returned.get_content_type()
    assert "Größe" == returned.get_content()["Subject"]


def test_success_is_reported_where_it_is_asked_for(service: Service) -> None:
    """
    It was passed on to a provider, which says no more.
    """
    (bounce,) = report(
        service,
        MAIL,
        notify={"good@example.org": "SUCCESS,FAILURE", "bad@example.org": "NEVER"},
    )

    _, status, _ = parts(bounce)
    assert ("rfc822; good@example.org", "relayed") == (
        status.get_payload(1)["Final-Recipient"],
        status.get_payload(1)["Action"],
    )


@pytest.mark.parametrize(
    ("fields", "wishes"),
    [
        ({"to": "good@example.org"}, {}),
        ({}, {"notify": {"bad@example.org": "NEVER"}}),
        ({"headers": {"Auto-Submitted": "auto-generated"}}, {}),
    ],
    ids=["all went well", "not wanted", "a program wrote it"],
)
def test_nobody_is_told_who_need_not_be(
    service: Service, fields: dict[str, Any], wishes: dict[str, Any]
) -> None:
    """
    Bounces go where somebody reads them.
    """
    assert [] == report(service, MAIL.replace(**fields), **wishes)
    assert [] == Submissions(service.outbox.engine).open()


def test_bounce_is_never_bounced(service: Service, picky: Picky) -> None:
    """
    A bounce that cannot be delivered ends there.
    """
    submissions = Submissions(service.outbox.engine)
    message = MAIL.replace(to="bad@example.org")
    submit(service, message, "bad@example.com")
    worker, reporter = OutboxWorker(service.outbox, service.mailer), Reporter(service, submissions)

    made = []
    for _ in range(3):
        worker.run_once()
        made.append(reporter.look())

    assert [1, 0, 0] == made
    assert [] == picky.sent


def test_mail_that_still_waits_is_left_alone(service: Service) -> None:
    """
    There is nothing to tell yet.
    """
    submissions = Submissions(service.outbox.engine)
    submit(service, MAIL)

    assert 0 == Reporter(service, submissions).look()
    assert [MAIL.id] == [one.mail for one in submissions.open()]


def test_mail_that_the_outbox_has_forgotten_is_forgotten(service: Service) -> None:
    """
    Nobody knows any more what became of it.
    """
    submit(service, MAIL)
    with service.outbox.engine.begin() as connection:
        connection.execute(delete(mails))

    made = Reporter(service, Submissions(service.outbox.engine)).look()

    assert 0 == made
    assert [] == Submissions(service.outbox.engine).open()


def test_many_waiting_mails_cost_one_query(service: Service) -> None:
    """
    Only those whose fate is known are looked at.
    """
    for number in range(20):
        submit(service, MAIL.replace(to="good@example.org").bound(id=f"m{number}"))
    seen: list[str] = []

    @event.listens_for(service.outbox.engine, "before_cursor_execute")
    def _count(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        seen.append(statement)

    Reporter(service, Submissions(service.outbox.engine)).look()

    assert 1 == sum("FROM mailfailover_submissions" in one for one in seen)
    assert not any("outbox_bodies" in one for one in seen)
