from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connections, transaction
from django.test import override_settings
from sqlalchemy import text

from mailfailover import ConfigurationError, IdempotencyConflict, Message
from mailfailover.django.joined_engine import joined_engine
from mailfailover.outbox import Outbox, State

MAIL = Message(
    to="ann@example.org", from_email="shop@example.com", subject="Hi", text="Hello", id="m1"
)


class _RolledBack(Exception):
    pass


def _mails(alias: str) -> list[str]:
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT id FROM outbox_mails ORDER BY number")
        return [row[0] for row in cursor.fetchall()]


def test_a_mail_is_there_if_django_commits(database: str) -> None:
    """
    What is added inside a block is part of it, and stays when it ends well.
    """
    outbox = Outbox(joined_engine(database))

    with transaction.atomic(using=database):
        outbox.add(MAIL)

    assert ["m1"] == _mails(database)


def test_a_mail_is_gone_if_django_rolls_back(database: str) -> None:
    """
    No mail is left of a block that failed, nor is anybody woken for it.
    """
    woken: list[Any] = []
    outbox = Outbox(joined_engine(database), on_add=[woken.append])

    with pytest.raises(_RolledBack), transaction.atomic(using=database):
        outbox.add(MAIL)
        raise _RolledBack

    assert [] == _mails(database)


def test_an_inner_block_alone_can_fail(database: str) -> None:
    """
    A savepoint of Django that is rolled back takes its own mails with it, and no others.
    """
    outbox = Outbox(joined_engine(database))

    with transaction.atomic(using=database):
        outbox.add(MAIL)
        with pytest.raises(_RolledBack), transaction.atomic(using=database):
            outbox.add(MAIL.replace(id="m2"))
            raise _RolledBack

    assert ["m1"] == _mails(database)


def test_a_refused_mail_leaves_the_transaction_usable(database: str) -> None:
    """
    An id that belongs to another mail is an error, after which Django goes on writing.
    """
    outbox = Outbox(joined_engine(database))

    with transaction.atomic(using=database):
        outbox.add(MAIL)
        with pytest.raises(IdempotencyConflict):
            outbox.add(MAIL.replace(subject="Another"))
        outbox.add(MAIL.replace(id="m2"))

    assert ["m1", "m2"] == _mails(database)


def test_without_a_block_a_mail_is_committed_at_once(database: str) -> None:
    """
    In autocommit mode the mail is there for others when ``add`` returns.
    """
    Outbox(joined_engine(database)).add(MAIL)

    connections[database].close()
    assert ["m1"] == _mails(database)


def test_the_connection_stays_djangos(database: str) -> None:
    """
    It is open, and in autocommit mode, as it was before.
    """
    connection = connections[database]
    connection.ensure_connection()
    before = connection.connection

    Outbox(joined_engine(database)).add(MAIL)

    assert (before, True) == (connection.connection, connection.get_autocommit())


def test_times_are_read_as_they_were_written(database: str) -> None:
    """
    A mail reads the same through Django's connection as through one of SQLAlchemy.
    """
    due = datetime(2036, 5, 1, 12, 30, 1, 250, tzinfo=UTC)
    outbox = Outbox(joined_engine(database), clock=lambda: 1_800_000_000.0)

    outbox.add(MAIL.replace(send_at=due))

    found = outbox.get("m1")
    assert found is not None
    assert (due, datetime(2027, 1, 15, 8, tzinfo=UTC)) == (found.due, found.created)


def test_the_whole_outbox_works_there(database: str) -> None:
    """
    Lists, counts, cancelling and retrying need nothing else.
    """
    outbox = Outbox(joined_engine(database))
    outbox.add(MAIL)

    assert outbox.cancel("m1")
    assert [State.DEAD] == [mail.state for mail in outbox.list()]
    assert outbox.retry("m1")
    assert ("m1",) == outbox.waiting()
    assert {State.PENDING: 1} == {s: n for s, n in outbox.stats().counts.items() if n}


def test_errors_show_no_parameters(database: str) -> None:
    """
    What is written is addresses and texts, so an error does not quote it.
    """
    with (
        pytest.raises(Exception, match="nowhere") as caught,
        joined_engine(database).begin() as connection,
    ):
        connection.execute(text("INSERT INTO nowhere VALUES (:x)"), {"x": "ann@example.org"})

    assert "ann@example.org" not in str(caught.value)


def test_an_unknown_database_is_told() -> None:
    """
    The error names the alias and where to set it.
    """
    with pytest.raises(ConfigurationError, match="OUTBOX names the database 'nowhere'"):
        joined_engine("nowhere")


def test_a_database_that_cannot_be_joined_is_told() -> None:
    """
    The error says which databases can.
    """
    with override_settings():
        connections.settings["dummy"] = connections.configure_settings(
            {"default": {}, "dummy": {"ENGINE": "django.db.backends.dummy"}}
        )["dummy"]
        try:
            with pytest.raises(ConfigurationError, match="cannot join transactions of unknown"):
                joined_engine("dummy")
        finally:
            del connections.settings["dummy"], connections["dummy"]
