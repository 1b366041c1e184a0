from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as StillWaiting
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, event, func, inspect, select, text
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlalchemy.orm import Session

from mailfailover import Attachment, IdempotencyConflict, InvalidMessage, Message
from mailfailover._sql.database import open_engine
from mailfailover.outbox import Outbox, OutboxMail, OutboxRecipient, OutboxStats, State, metadata
from mailfailover.outbox._intake import LIFETIME
from mailfailover.outbox._tables import METADATA, bodies, mails, recipients
from tests.chains import MAIL, NOW, World
from tests.databases import fresh_database
from tests.outbox.working import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sqlalchemy import Engine

LATER = NOW + timedelta(hours=1)


def count(outbox: Outbox) -> list[int]:
    """
    How many rows there are of mails, bodies and recipients.
    """
    with outbox.engine.connect() as connection:
        query = [select(func.count()).select_from(table) for table in (mails, bodies, recipients)]
        return [connection.scalar(one) or 0 for one in query]


def test_a_mail_is_there_when_add_returns(any_outbox: Outbox) -> None:
    """
    With its recipients, and its message as it was.
    """
    mail_id = any_outbox.add(MAIL)

    assert "m1" == mail_id
    assert any_outbox.get(mail_id) == OutboxMail(
        id="m1",
        state=State.PENDING,
        created=NOW,
        due=None,
        expires=NOW + LIFETIME,
        sender="shop@example.com",
        tries=0,
        recipients=(OutboxRecipient("ann@example.org", "pending"),),
        attempts=(),
        provider="",
        provider_message_id="",
        reason="",
        possible_duplicate=False,
        finished=None,
        idempotency_key="",
        message=MAIL,
    )


def test_a_mail_is_added_by_its_fields(outbox: Outbox) -> None:
    """
    Alone they make a mail; beside a message they replace its own.
    """
    plain = outbox.add(to="ann@example.org", subject="Hi", text="Hello", id="m2")
    changed = outbox.add(MAIL, subject="New", id="m3")

    stored = [found and found.message for found in map(outbox.get, (plain, changed))]
    expected = Message(to="ann@example.org", subject="Hi", text="Hello", id="m2")
    assert stored == [expected, MAIL.replace(subject="New", id="m3")]


def test_a_keyword_that_is_no_field_stores_nothing(outbox: Outbox) -> None:
    """
    The error names the field that was meant.
    """
    with pytest.raises(TypeError, match="no field 'body': did you mean text= or html="):
        outbox.add(to="ann@example.org", body="Hi")  # type: ignore[call-arg]  # the claim

    assert count(outbox) == [0, 0, 0]


def test_another_process_sees_it(outbox: Outbox) -> None:
    """
    It does not only lie in this one's memory.
    """
    outbox.add(MAIL)
    code = (
        "import sys; from mailfailover.outbox import Outbox;"
        "print(Outbox(sys.argv[1]).get('m1').message.subject)"
    )

    command = [sys.executable, "-c", code, str(outbox.engine.url)]
    found = subprocess.run(command, check=True, capture_output=True, text=True)

    assert "Hi\n" == found.stdout


def test_attachments_are_stored(outbox: Outbox, tmp_path: Path) -> None:
    """
    The file may change or go away afterwards.
    """
    path = tmp_path / "report.pdf"
    path.write_bytes(b"%PDF")
    outbox.add(MAIL.replace(attachments=[Attachment.from_path(path)]))
    path.unlink()

    found = outbox.get("m1")

    assert found is not None
    assert found.message is not None
    assert b"%PDF" == found.message.attachments[0].content


def test_send_at_is_the_schedule(outbox: Outbox) -> None:
    """
    The mail waits for its time; a time that is over is now.
    """
    outbox.add(MAIL.replace(send_at=LATER, id="later"))
    outbox.add(MAIL.replace(send_at=NOW, id="now"))

    assert [("now", None), ("later", LATER)] == [(one.id, one.due) for one in outbox.list()]


def test_every_recipient_has_a_row(outbox: Outbox) -> None:
    """
    To, Cc and Bcc, each address once.
    """
    outbox.add(MAIL.replace(cc="bob@example.org, ann@example.org", bcc="cy@example.org"))

    found = outbox.get("m1")

    assert found is not None
    assert ["ann@example.org", "bob@example.org", "cy@example.org"] == [
        one.email for one in found.recipients
    ]


def test_a_mail_to_nobody_is_refused(outbox: Outbox) -> None:
    """
    At once, where the program can still do something about it.
    """
    with pytest.raises(InvalidMessage, match="name at least one recipient"):
        outbox.add(MAIL.replace(to=()))

    assert [0, 0, 0] == count(outbox)


def test_an_attachment_that_cannot_be_read_is_refused(outbox: Outbox, tmp_path: Path) -> None:
    """
    Nothing of the mail is stored.
    """
    gone = Attachment("gone.pdf", tmp_path / "gone.pdf")

    with pytest.raises(InvalidMessage, match="cannot be read"):
        outbox.add(MAIL.replace(attachments=[gone]))

    assert [0, 0, 0] == count(outbox)


def test_the_same_key_and_mail_is_the_first(any_outbox: Outbox) -> None:
    """
    A program that does not know whether it added the mail adds it again.
    """
    again = MAIL.replace(id="m2")

    assert "m1" == any_outbox.add(MAIL, idempotency_key="order-7")
    assert "m1" == any_outbox.add(again, idempotency_key="order-7")

    assert [1, 1, 1] == count(any_outbox)


def test_the_same_key_and_another_mail_is_a_conflict(any_outbox: Outbox) -> None:
    """
    The error names the mail that has the key, and nothing is stored.
    """
    any_outbox.add(MAIL, idempotency_key="order-7")

    with pytest.raises(IdempotencyConflict, match="key 'order-7' belongs to another") as caught:
        any_outbox.add(MAIL.replace(id="m2", text="Bye"), idempotency_key="order-7")

    assert "m1" == caught.value.mail_id
    assert [1, 1, 1] == count(any_outbox)


def test_the_same_id_and_mail_is_the_first(any_outbox: Outbox) -> None:
    """
    An id of the program's own does without a key.
    """
    any_outbox.add(MAIL)

    assert "m1" == any_outbox.add(MAIL)

    assert [1, 1, 1] == count(any_outbox)


def test_the_same_id_and_another_mail_is_a_conflict(any_outbox: Outbox) -> None:
    """
    Two mails of one id could not be told apart.
    """
    any_outbox.add(MAIL)

    with pytest.raises(IdempotencyConflict, match="id 'm1' belongs to another mail"):
        any_outbox.add(MAIL.replace(text="Bye"))


def test_ids_and_keys_are_compared_letter_by_letter(any_outbox: Outbox) -> None:
    """
    Also where the database would rather not.
    """
    any_outbox.add(MAIL, idempotency_key="Order")

    assert "M1" == any_outbox.add(MAIL.replace(id="M1", text="Bye"), idempotency_key="order")


def test_mails_without_a_key_do_not_meet(outbox: Outbox) -> None:
    """
    The same words may be sent twice.
    """
    outbox.add(MAIL)
    outbox.add(MAIL.replace(id="m2"))

    assert [2, 2, 2] == count(outbox)


@pytest.mark.parametrize("key", ["", "x" * 256], ids=["empty", "long"])
def test_a_key_that_cannot_be_stored_is_refused(outbox: Outbox, key: str) -> None:
    """
    It would be cut off, and meet others.
    """
    with pytest.raises(ValueError, match="1 to 255 characters"):
        outbox.add(MAIL, idempotency_key=key)


@pytest.mark.parametrize("commit", [True, False], ids=["commit", "rollback"])
def test_a_mail_is_sent_if_the_transaction_is(any_outbox: Outbox, commit: bool) -> None:
    """
    With the caller's connection it is part of what the caller does.
    """
    with any_outbox.engine.connect() as connection:
        any_outbox.add(MAIL, connection)
        if commit:
            connection.commit()

    assert commit is (any_outbox.get("m1") is not None)


@pytest.mark.parametrize("commit", [True, False], ids=["commit", "rollback"])
def test_a_session_is_as_good(any_outbox: Outbox, commit: bool) -> None:
    """
    The ORM's unit of work.
    """
    with Session(any_outbox.engine) as session:
        any_outbox.add(MAIL, session)
        if commit:
            session.commit()

    assert commit is (any_outbox.get("m1") is not None)


def test_a_conflict_does_not_break_the_transaction(any_outbox: Outbox) -> None:
    """
    The caller may catch it and go on.
    """
    any_outbox.add(MAIL)

    with any_outbox.engine.begin() as connection:
        with pytest.raises(IdempotencyConflict):
            any_outbox.add(MAIL.replace(text="Bye"), connection)
        any_outbox.add(MAIL.replace(id="m2"), connection)

    assert [2, 2, 2] == count(any_outbox)


def test_a_commit_that_fails_is_an_error(outbox: Outbox) -> None:
    """
    What is not stored is not acknowledged.
    """

    def refuse(_connection: object) -> None:
        raise OSError("disk")

    event.listen(outbox.engine, "commit", refuse)

    with pytest.raises(OSError, match="disk"):
        outbox.add(MAIL)

    assert outbox.get("m1") is None


def test_a_database_without_tables_is_an_error(tmp_path: Path) -> None:
    """
    The check says what to run; an add raises whatever the database says.
    """
    outbox = Outbox(f"sqlite:///{tmp_path / 'empty.db'}")

    with pytest.raises(OperationalError, match="no such table"):
        outbox.add(MAIL)
    with pytest.raises(Exception, match="mailfailover outbox init"):
        outbox.check()

    outbox.close()


def test_an_error_tells_nothing_of_the_mail(outbox: Outbox) -> None:
    """
    Neither address nor body, which are parameters of the statement that fails.
    """
    with outbox.engine.begin() as connection:
        connection.execute(text("DROP TABLE outbox_recipients"))

    with pytest.raises(SQLAlchemyError) as caught:
        outbox.add(MAIL)

    assert "ann@example.org" not in str(caught.value)
    assert "Hello" not in str(caught.value)


def test_it_wakes_after_the_commit(outbox: Outbox) -> None:
    """
    Whoever is woken finds the mail.
    """
    found: list[object] = []
    outbox.on_add.append(lambda mail_id: found.append(outbox.get(mail_id)))

    outbox.add(MAIL)

    assert [outbox.get("m1")] == found


@pytest.mark.parametrize("make", [lambda engine: engine.connect(), Session], ids=["core", "orm"])
def test_it_wakes_after_the_callers_commit(
    any_outbox: Outbox, make: Callable[[object], Session]
) -> None:
    """
    Not before it, and once for each mail.
    """
    found: list[object] = []
    any_outbox.on_add.append(lambda mail_id: found.append(any_outbox.get(mail_id)))

    with make(any_outbox.engine) as connection:
        any_outbox.add(MAIL, connection)
        any_outbox.add(MAIL.replace(id="m2"), connection)
        assert [] == found
        connection.commit()

    assert [any_outbox.get("m1"), any_outbox.get("m2")] == found


def test_it_wakes_when_the_connection_begins_anew(outbox: Outbox) -> None:
    """
    A connection that is kept does not keep the wake-up.
    """
    found: list[str] = []
    outbox.on_add.append(found.append)

    with outbox.engine.connect() as connection:
        outbox.add(MAIL, connection)
        connection.commit()
        with connection.begin():
            assert ["m1"] == found


def test_it_wakes_nobody_after_a_rollback(outbox: Outbox) -> None:
    """
    Neither then nor with a later commit of that connection.
    """
    found: list[str] = []
    outbox.on_add.append(found.append)

    with outbox.engine.connect() as connection:
        outbox.add(MAIL, connection)
        connection.rollback()
        outbox.add(MAIL.replace(id="m2"), connection)
        connection.commit()

    assert ["m2"] == found


def test_it_wakes_nobody_for_a_savepoint_that_was_rolled_back(outbox: Outbox) -> None:
    """
    What was added before and after it is told when the transaction is committed.
    """
    found: list[str] = []
    outbox.on_add.append(found.append)

    with outbox.engine.begin() as connection:
        outbox.add(MAIL, connection)
        with connection.begin_nested() as savepoint:
            outbox.add(MAIL.replace(id="m2"), connection)
            savepoint.rollback()
        with connection.begin_nested():
            outbox.add(MAIL.replace(id="m3"), connection)

    assert ["m1", "m3"] == found


def test_a_wake_up_that_fails_harms_nobody(
    outbox: Outbox, caplog: pytest.LogCaptureFixture
) -> None:
    """
    The broker is away: the mail is stored, and found without it.
    """

    def fail(_mail_id: str) -> None:
        raise ConnectionError("no broker")

    outbox.on_add.append(fail)

    assert "m1" == outbox.add(MAIL)

    assert "ConnectionError" in caplog.text


def test_stats_count_the_states(outbox: Outbox, world: World) -> None:
    """
    All of them, those without a mail too; and since when the oldest waits for a worker.
    """
    outbox.add(MAIL)
    world.clock.advance(5)
    outbox.add(MAIL.replace(id="m2"))
    outbox.add(MAIL.replace(id="m3", send_at=LATER))

    expected = dict.fromkeys(State, 0) | {State.PENDING: 3}
    assert OutboxStats(expected, 2, NOW) == outbox.stats()
    assert outbox.stats().to_dict() == {
        "counts": {str(state): number for state, number in expected.items()},
        "ready": 2,
        "oldest": "2026-11-24T12:00:00+00:00",
        "held_back": 0,
    }


def test_the_list_goes_back_page_by_page(outbox: Outbox) -> None:
    """
    The newest first; a page begins before the last mail of the one before.
    """
    for number in range(5):
        outbox.add(MAIL.replace(id=f"m{number}"))

    pages = [
        [one.id for one in outbox.list(limit=2)],
        [one.id for one in outbox.list(limit=2, before="m3")],
        [one.id for one in outbox.list(State.PENDING, limit=2, before="m1")],
        outbox.list("dead"),
    ]

    assert [["m4", "m3"], ["m2", "m1"], ["m0"], []] == pages


def test_a_mail_as_data_tells_no_message(outbox: Outbox) -> None:
    """
    What the command line writes as JSON.
    """
    outbox.add(MAIL.replace(send_at=LATER), idempotency_key="order-7")
    found = outbox.get("m1")

    assert found is not None
    assert found.to_dict() == {
        "id": "m1",
        "state": "pending",
        "created": "2026-11-24T12:00:00+00:00",
        "due": "2026-11-24T13:00:00+00:00",
        "expires": "2026-11-29T13:00:00+00:00",
        "sender": "shop@example.com",
        "stream": "transactional",
        "tries": 0,
        "recipients": [
            {"email": "ann@example.org", "status": "pending", "provider_message_id": ""}
        ],
        "attempts": [],
        "provider": "",
        "provider_message_id": "",
        "reason": "",
        "possible_duplicate": False,
        "finished": None,
        "idempotency_key": "order-7",
        "held_back": [],
    }


def test_its_repr_tells_no_password() -> None:
    """
    Of the database.
    """
    outbox = Outbox("postgresql://me:secret@db.example/mails")

    assert "Outbox(postgresql+psycopg://me:***@db.example/mails)" == repr(outbox)


def test_many_mails_are_added_by_one_statement_a_table(any_outbox: Outbox) -> None:
    """
    They are there as if each had been added alone, in their turns.
    """
    mails_ = [MAIL.replace(id=f"m{number}", cc=f"c{number}@example.org") for number in range(5)]
    mails_.append(MAIL.replace(id="later", send_at=LATER))
    other = Outbox(any_outbox.engine, clock=any_outbox.clock)
    other.add(MAIL.replace(id="first"))

    added = other.add_many(mails_, idempotency_keys=[*map(str, range(5)), None])

    assert [one.id for one in mails_] == added
    assert mails_ == [other.get(one).message for one in added]  # type: ignore[union-attr]  # they are there
    assert ("first", *added[:5]) == other.waiting()
    assert LATER == other.get("later").due  # type: ignore[union-attr]  # it is there
    assert 12 == count(other)[2]


def test_all_of_many_are_added_or_none(any_outbox: Outbox) -> None:
    """
    One of them belongs to another mail.
    """
    any_outbox.add(MAIL.replace(id="taken"))

    with pytest.raises(IdempotencyConflict):
        any_outbox.add_many([MAIL, MAIL.replace(id="taken", subject="Other"), MAIL.replace(id="x")])

    assert ["taken"] == [one.id for one in any_outbox.list()]


def test_what_is_there_already_is_added_once(any_outbox: Outbox) -> None:
    """
    Under its key, within the many too.
    """
    any_outbox.add(MAIL, idempotency_key="k")

    added = any_outbox.add_many(
        [MAIL.replace(id="again"), MAIL.replace(id="new"), MAIL.replace(id="new")],
        idempotency_keys=["k", None, None],
    )

    assert ["m1", "new", "new"] == added


def test_many_join_a_transaction(outbox: Outbox) -> None:
    """
    That of the caller, who gives it up here.
    """
    told: list[str] = []
    outbox.on_add.append(told.append)
    with outbox.engine.connect() as connection:
        outbox.add_many([MAIL.replace(id=str(number)) for number in range(3)], connection)
        connection.rollback()
    outbox.add_many([MAIL.replace(id=str(number)) for number in range(2)])

    assert ["0", "1"] == told
    assert 2 == len(outbox.list())
    assert [] == outbox.add_many([])


def test_keys_are_as_many_as_mails(outbox: Outbox) -> None:
    """
    Otherwise nobody knows which is whose.
    """
    with pytest.raises(ValueError, match="must be as many as the messages: 1, not 2"):
        outbox.add_many([MAIL], idempotency_keys=["a", "b"])


def test_seconds_until_it_expires_make_it_no_other_mail(outbox: Outbox) -> None:
    """
    They count from when it was made, which differs each time.
    """
    first, again = (
        Message(to="a@example.org", from_email="b@example.com", subject="Hi", text="x", expires=60)
        for _ in range(2)
    )

    assert outbox.add(first, idempotency_key="k") == outbox.add(again, idempotency_key="k")


@pytest.mark.services
def test_all_tables_lie_in_the_schema_that_the_url_names() -> None:
    """
    Beside those of the program, whose transaction they join.
    """
    with fresh_database("postgresql") as url:
        outbox, plain = Outbox(f"{url}?schema=mail"), open_engine(url)
        outbox.init()
        outbox.check()
        with plain.begin() as connection:
            connection.execute(text("CREATE TABLE orders (id INTEGER)"))
            outbox.add(MAIL, connection)
            connection.execute(
                Table("orders", MetaData(), Column("id", Integer)).insert(), {"id": 7}
            )
        found = inspect(plain).get_table_names()
        assert State.PENDING == outbox.list()[0].state
        outbox.close()
        plain.dispose()

    assert ["orders"] == found


def test_its_tables_can_be_made_by_migrations(tmp_path: Path) -> None:
    """
    As Alembic makes them, of what the module tells.
    """
    engine = open_engine(f"sqlite:///{tmp_path / 'own.db'}")
    metadata.create_all(engine)
    outbox = Outbox(engine)

    outbox.init()

    outbox.check()
    outbox.add(MAIL)
    outbox.close()


def test_first_mail_adds_no_listener(outbox: Outbox) -> None:
    """
    Another thread that begins a transaction meanwhile would fail: the listeners are there before.
    """
    before = [*outbox.engine.dispatch.begin]

    outbox.add(MAIL)

    assert before == [*outbox.engine.dispatch.begin]
    assert before


def test_a_mail_that_another_adds_at_this_moment_is_the_same(
    engines: Callable[[str], Engine], world: World
) -> None:
    """
    On a server two programs may add it at once: one of them waits, and finds it there.
    """
    engine = engines("postgresql")
    with engine.begin() as connection:
        for table in METADATA.sorted_tables:
            connection.execute(table.delete())
    outbox = Outbox(engine, clock=world.wall)
    both = [MAIL, MAIL.replace(id="m2")]
    with ThreadPoolExecutor(1) as pool, engine.connect() as other:
        with other.begin():
            outbox.add(MAIL, other)
            adding = pool.submit(outbox.add_many, both)
            with pytest.raises(StillWaiting):
                adding.result(0.5)
        added = adding.result(PATIENCE)

    assert ["m1", "m2"] == added
    assert 2 == outbox.stats().counts[State.PENDING]


def test_many_join_the_transaction_of_the_caller(outbox: Outbox) -> None:
    """
    They are there if and only if it is committed, whether or not anybody is woken.
    """
    with outbox.engine.begin() as connection:
        outbox.add_many([MAIL], connection)
    with outbox.engine.connect() as connection, connection.begin() as transaction:
        outbox.add_many([MAIL.replace(id="m2")], connection)
        transaction.rollback()

    assert ["m1"] == [one.id for one in outbox.list()]
