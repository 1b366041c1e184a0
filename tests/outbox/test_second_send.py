"""
Mails that are not delivered in time go once more through another link, and never twice more.
"""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, datetime, timedelta
from threading import Event, Thread
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from mailfailover import Capabilities, DeliveryEvent, EventType, Mailer, Message
from mailfailover.deliveries import Cell, CellState, DeliveryHealth
from mailfailover.deliveries._cell_rows import read_cells, write_cells
from mailfailover.errors import (
    ConnectionFailed,
    OutcomeUnknown,
    ProviderUnavailable,
)
from mailfailover.outbox import Ending, Outbox, OutboxWorker, State
from mailfailover.outbox._watches import LONGEST, LOOK_SECONDS
from mailfailover.plugin import EVERYTHING, Feature
from mailfailover.tracking import Tracking
from tests.chains import Scripted, World
from tests.outbox.working import PATIENCE, calls, found

WITHIN = 120.0
KEY = b64encode(bytes(32)).decode()
ILL = Cell(CellState.LATE, 1000.0, "3 of 20 were delivered")
TOLD = "sent once more: a did not deliver it within 120 s"


class Scene:
    """
    An outbox, what is known of deliveries, and providers ``a`` and ``b``.
    """

    def __init__(self, outbox: Outbox, world: World, database: Any) -> None:
        self.outbox = outbox
        self.world = world
        self.a, self.b = Scripted("a"), Scripted("b")
        self.told: list[object] = []
        self.endings: list[Ending] = []
        self.tracking = Tracking(database, clock=world.wall)
        self.tracking.init()
        self.deliveries = DeliveryHealth(self.tracking, every=None)
        self.deliveries.init()
        self.worker = self.make_worker(self.a, self.b)

    def make_worker(self, *providers: Any, **settings: Any) -> OutboxWorker:
        """
        A worker with a mailer of its own.
        """
        mailer = Mailer(
            self.world.chain(*providers),
            observers=[self.tracking, self.told.append],
            deliveries=self.deliveries,
            **settings,
        )
        return OutboxWorker(self.outbox, mailer, observers=[self.endings.append])

    def send(self, to: str = "ann@gmail.com", **fields: Any) -> str:
        """
        Send a mail through the outbox, as far as a provider that accepts it.
        """
        plain: dict[str, Any] = {"deliver_within": WITHIN, "from_email": "shop@example.com"}
        mail_id = self.outbox.add(Message(to, text="1234", **plain | fields))
        self.worker.run_once()
        self.endings.clear()
        return mail_id

    def fall_ill(self, *places: tuple[str, str]) -> None:
        """
        Let these cells, and no others, be ill from now on.
        """
        with self.deliveries.engine.begin() as connection:
            before, _ = read_cells(connection)
            write_cells(connection, before, dict.fromkeys(places, ILL), {})
        self.deliveries.begin()

    def tell(self, mail_id: str, kind: EventType, recipient: str = "ann@gmail.com") -> None:
        """
        Let ``a`` tell what became of a mail.
        """
        at = datetime.fromtimestamp(self.world.wall(), UTC)
        self.tracking(
            DeliveryEvent(
                type=kind, provider="a", mail_id=mail_id, recipient=recipient, timestamp=at
            )
        )

    def wait(self, seconds: float = WITHIN) -> None:
        """
        Let so much time go by, and the worker look at what is due then.
        """
        self.world.clock.advance(seconds)
        self.worker.run_once()


@pytest.fixture
def scene(outbox: Outbox, world: World) -> Scene:
    """
    All in one SQLite file.
    """
    return Scene(outbox, world, outbox.engine)


def test_a_late_mail_goes_once_more(scene: Scene) -> None:
    """
    Where the link that has it reaches its receiver badly; everywhere it says so.
    """
    mail_id = scene.send()
    scene.fall_ill(("a", "gmail"))

    scene.wait()

    mail, status = found(scene.outbox, mail_id), scene.tracking.status(mail_id)
    assert (State.SENT, True, TOLD, "b", "b-id") == (
        mail.state,
        mail.possible_duplicate,
        mail.reason,
        mail.provider,
        mail.provider_message_id,
    )
    assert [("a", "accepted"), ("b", "accepted")] == calls(mail)
    assert status
    assert (True, ["a", "b"]) == (
        status.possible_duplicate,
        [one["provider"] for one in status.attempts],
    )
    assert [Ending(mail_id, State.SENT, "b", "b-id", TOLD)] == scene.endings


def test_it_goes_no_third_time(scene: Scene) -> None:
    """
    However long it is not delivered, and whichever link is ill by then.
    """
    scene.send()
    scene.fall_ill(("a", "gmail"))
    scene.wait()
    scene.fall_ill(("b", "gmail"))

    for _ in range(3):
        scene.wait(LOOK_SECONDS)
    scene.wait(LONGEST.total_seconds())

    assert (1, 1) == (len(scene.a.mails), len(scene.b.mails))


def test_it_goes_through_the_other_link_as_the_same_mail(scene: Scene) -> None:
    """
    With its id, so that a receiver that has both can see that they are one.
    """
    mail_id = scene.send()
    scene.fall_ill(("a", "gmail"))
    scene.wait()

    (again,) = scene.b.mails
    assert (mail_id, "1234") == (again.id, again.text)


@pytest.mark.parametrize(
    "kind",
    [
        EventType.DELIVERED,
        EventType.OPENED,
        EventType.BOUNCED,
        EventType.REJECTED,
        EventType.COMPLAINED,
    ],
)
def test_an_event_that_settles_it_ends_the_wait(scene: Scene, kind: EventType) -> None:
    """
    It was delivered, or never will be; then its message is forgotten too.
    """
    mail_id = scene.send()
    scene.tell(mail_id, kind)
    scene.fall_ill(("a", "gmail"))

    scene.wait()

    assert [] == scene.b.mails
    assert found(scene.outbox, mail_id).message is None


def test_an_event_that_settles_nothing_does_not(scene: Scene) -> None:
    """
    A deferred mail is a late one.
    """
    mail_id = scene.send()
    scene.tell(mail_id, EventType.DEFERRED)
    scene.fall_ill(("a", "gmail"))

    scene.wait()

    assert 1 == len(scene.b.mails)


def test_where_the_cell_is_well_it_stays(scene: Scene) -> None:
    """
    Its receiver is slow by itself, or its server greylists.
    """
    scene.send()
    scene.fall_ill(("a", "yahoo"), ("b", "gmail"))

    scene.wait()

    assert [] == scene.b.mails


def test_where_the_cell_falls_ill_later_it_goes_then(scene: Scene) -> None:
    """
    A silent outage is known only after some mails are late.
    """
    mail_id = scene.send()
    scene.wait()
    scene.wait(1200)
    before = len(scene.b.mails), found(scene.outbox, mail_id).message is not None
    scene.fall_ill(("a", "*"))

    scene.wait(1)

    assert ((0, True), 1) == (before, len(scene.b.mails))


def test_while_the_receiver_is_down_nobody_is_asked(scene: Scene) -> None:
    """
    No other link reaches it either.
    """
    scene.send()
    scene.fall_ill(("a", "gmail"), ("*", "gmail"))

    scene.wait()

    assert [] == scene.b.mails


def test_it_does_not_go_after_it_expired(scene: Scene) -> None:
    """
    Nobody wants the code any more.
    """
    mail_id = scene.send(expires=scene.outbox.now() + timedelta(seconds=WITHIN + 60))
    scene.wait()
    scene.fall_ill(("a", "gmail"))

    scene.wait(61)

    assert [] == scene.b.mails
    assert found(scene.outbox, mail_id).message is None


def test_a_mail_that_expires_before_is_not_watched(scene: Scene) -> None:
    """
    Its message is forgotten when it is sent.
    """
    mail_id = scene.send(expires=scene.outbox.now() + timedelta(seconds=WITHIN))

    assert found(scene.outbox, mail_id).message is None


def test_after_a_day_nobody_waits_for_it(scene: Scene) -> None:
    """
    What says nothing within a day, such as a vendor without webhooks, is left alone.
    """
    mail_id = scene.send()
    scene.wait()
    scene.wait(LONGEST.total_seconds())
    scene.fall_ill(("a", "gmail"))

    scene.wait(LOOK_SECONDS)

    assert [] == scene.b.mails
    assert found(scene.outbox, mail_id).message is None


def test_a_stream_has_a_time_of_its_own(scene: Scene) -> None:
    """
    For mails that say none themselves.
    """
    scene.worker = scene.make_worker(scene.a, scene.b, deliver_within={"codes": 30})
    scene.send(deliver_within=None, stream="codes")
    scene.send(deliver_within=None)
    scene.fall_ill(("a", "gmail"))

    scene.wait(31)

    assert ["codes"] == [one.stream for one in scene.b.mails]


def test_a_merge_of_such_a_stream_is_not_watched(scene: Scene) -> None:
    """
    It keeps nothing, and goes nowhere else.
    """
    scene.worker = scene.make_worker(scene.a, scene.b, deliver_within={"codes": 30})
    merge = {"ann@gmail.com": {"name": "Ann"}}
    mail_id = scene.send(deliver_within=None, stream="codes", merge_data=merge)

    assert found(scene.outbox, mail_id).message is None


def test_a_mail_to_several_goes_again_only_if_nobody_has_it(scene: Scene) -> None:
    """
    Those who have it would get it twice.
    """
    both = "ann@gmail.com, bob@gmail.com"
    scene.tell(scene.send(both, id="m1"), EventType.DELIVERED, "bob@gmail.com")
    scene.send(both, id="m2")
    scene.fall_ill(("a", "gmail"))

    scene.wait()

    assert ["m2"] == [one.id for one in scene.b.mails]


def test_via_holds_for_the_second_send_too(scene: Scene) -> None:
    """
    A mail that may go through one link only is not sent again.
    """
    mail_id = scene.send(via="a")
    scene.fall_ill(("a", "gmail"))

    scene.wait()

    assert [("a", "accepted")] == calls(found(scene.outbox, mail_id))


def test_it_goes_by_the_ramp_of_the_other_link(scene: Scene) -> None:
    """
    A hundred in the first hour; what is beyond waits for the next.
    """
    for number in range(102):
        scene.outbox.add(
            Message(
                f"ann{number}@gmail.com", text="1234", deliver_within=WITHIN, from_email="a@b.com"
            )
        )
    scene.worker.run_once()
    scene.fall_ill(("a", "gmail"))
    with scene.deliveries.engine.begin() as connection:
        now = Cell(CellState.LATE, scene.world.wall(), "late")
        write_cells(connection, {}, {("a", "gmail"): now}, {})
    scene.deliveries.begin()

    scene.wait()
    first = len(scene.b.mails)
    scene.world.clock.advance(3600)
    scene.deliveries.begin()
    scene.worker.run_once()

    assert (100, 102) == (first, len(scene.b.mails))


def test_the_second_send_fails_over_as_any_other(outbox: Outbox, world: World) -> None:
    """
    Through the links that are left; each call is written down.
    """
    scene = Scene(outbox, world, outbox.engine)
    broken, last = Scripted("b", ConnectionFailed("refused")), Scripted("c")
    scene.worker = scene.make_worker(scene.a, broken, last)
    mail_id = scene.send()
    scene.fall_ill(("a", "gmail"))

    scene.wait()

    mail = found(outbox, mail_id)
    assert [("a", "accepted"), ("b", "ConnectionFailed"), ("c", "accepted")] == calls(mail)
    assert "c" == mail.provider


@pytest.mark.parametrize(
    ("error", "is_doubtful", "reason"),
    [
        (
            ProviderUnavailable("down"),
            False,
            "a did not deliver it within 120 s, and no other provider took it",
        ),
        (OutcomeUnknown("?"), True, TOLD),
    ],
    ids=["surely not sent", "may have been sent"],
)
def test_a_second_send_that_fails_is_not_repeated(
    scene: Scene, error: Exception, reason: str, *, is_doubtful: bool
) -> None:
    """
    The mail was accepted once; it may have gone twice only where nobody knows better.
    """
    scene.b.then(error)
    mail_id = scene.send()
    scene.fall_ill(("a", "gmail"))
    scene.wait()
    count = len(scene.b.mails)
    scene.b.then("b-id")

    scene.wait(LOOK_SECONDS)

    mail = found(scene.outbox, mail_id)
    assert count == len(scene.b.mails)
    assert (State.SENT, "a", is_doubtful, reason) == (
        mail.state,
        mail.provider,
        mail.possible_duplicate,
        mail.reason,
    )
    assert ("b", type(error).__name__) == calls(mail)[-1]


def test_a_mail_that_is_purged_meanwhile_is_no_accident(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    """
    What became of it cannot be written down, and the log says so.
    """
    mail_id = scene.send()
    scene.fall_ill(("a", "gmail"))

    def purge(_message: Message) -> str:
        scene.outbox.purge(timedelta(0))
        return "b-id"

    scene.b.then(purge)
    scene.wait()

    assert scene.outbox.get(mail_id) is None
    assert f"mail {mail_id}: its delivery cannot be looked at: LeaseLost" in caplog.text


def test_a_mail_that_is_not_tracked_stays(scene: Scene) -> None:
    """
    What is not known cannot be late.
    """
    mailer = Mailer(scene.world.chain(scene.a, scene.b), deliveries=scene.deliveries)
    scene.worker = OutboxWorker(scene.outbox, mailer)
    scene.send()
    scene.fall_ill(("a", "gmail"))

    scene.wait()

    assert [] == scene.b.mails


def test_of_two_workers_one_sends_it(any_outbox: Outbox, world: World, tmp_path: Any) -> None:
    """
    In every database, though both look at the same time.
    """
    scene = Scene(any_outbox, world, f"sqlite:///{tmp_path}/tracking.db")
    other = scene.make_worker(scene.a, scene.b)
    scene.send()
    scene.fall_ill(("a", "gmail"))
    world.clock.advance(WITHIN)

    for one in (scene.worker, other, scene.worker):
        one.sweep()

    assert 1 == len(scene.b.mails)
    scene.tracking.close()


def test_a_look_that_comes_too_late_calls_nobody(scene: Scene) -> None:
    """
    A worker that was stopped between its look and its call finds that another had the mail.
    """
    scene.send()
    scene.fall_ill(("a", "gmail"))
    other = scene.make_worker(scene.a, scene.b)
    is_owed = scene.deliveries.is_owed

    def stop(mail_id: str) -> bool | None:
        scene.deliveries.is_owed = is_owed  # type: ignore[method-assign]  # the claim
        scene.world.clock.advance(LOOK_SECONDS + 1)
        assert other._watchman is not None
        other._watchman.look()
        return True

    scene.deliveries.is_owed = stop  # type: ignore[method-assign]  # the claim

    scene.wait()

    assert 1 == len(scene.b.mails)


def test_a_link_that_cannot_carry_it_is_not_called(outbox: Outbox, world: World) -> None:
    """
    The mail stays as it is, and is no duplicate.
    """
    scene = Scene(outbox, world, outbox.engine)
    plain = Capabilities(EVERYTHING.features & ~Feature.HTML)
    scene.b = Scripted("b", capabilities=plain)
    scene.worker = scene.make_worker(scene.a, scene.b)
    mail_id = scene.send(html="<p>1234</p>")
    scene.fall_ill(("a", "gmail"))

    scene.wait()

    mail = found(outbox, mail_id)
    assert ([], False, "") == (scene.b.mails, mail.possible_duplicate, mail.reason)


def test_a_worker_that_runs_looks_by_itself(scene: Scene) -> None:
    """
    Beside its mails, until it is stopped.
    """
    scene.send()
    scene.fall_ill(("a", "gmail"))
    scene.world.clock.advance(WITHIN)
    mailer = scene.worker.mailer
    sent = Event()
    worker = OutboxWorker(scene.outbox, mailer, poll=0.01, observers=[lambda _: sent.set()])
    thread = Thread(target=worker.run)
    thread.start()

    is_sent = sent.wait(PATIENCE)
    worker.stop()
    thread.join(PATIENCE)

    assert (True, 1) == (is_sent, len(scene.b.mails))


def test_a_look_that_fails_is_followed_by_another(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    """
    A database that is away comes back.
    """
    watchman = scene.worker._watchman
    assert watchman is not None
    looks: list[int] = []
    again = Event()

    def look() -> int:
        looks.append(1)
        if len(looks) == 1:
            raise OperationalError("SELECT", {}, OSError())
        again.set()
        return 0

    watchman.look = look  # type: ignore[method-assign]  # the database of the claim
    with watchman.looking(0.001):
        is_again = again.wait(PATIENCE)

    assert is_again
    assert "late mails cannot be looked at now: OperationalError" in caplog.text


def test_a_mail_that_cannot_be_read_is_logged(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    """
    A worker without the key leaves it to one that has it.
    """
    keyed = Outbox(scene.outbox.engine, key=KEY, clock=scene.world.wall)
    scene.outbox = keyed
    scene.worker = scene.make_worker(scene.a, scene.b)
    mail_id = scene.send()
    scene.fall_ill(("a", "gmail"))
    with_key = scene.worker
    scene.outbox = Outbox(keyed.engine, clock=scene.world.wall)
    scene.worker = scene.make_worker(scene.a, scene.b)
    scene.wait()
    before = len(scene.b.mails)
    scene.worker = with_key

    scene.wait(LOOK_SECONDS)

    assert (0, 1) == (before, len(scene.b.mails))
    assert f"mail {mail_id}: its delivery cannot be looked at" in caplog.text


def test_kept_content_stays_as_long_as_it_should(outbox: Outbox, world: World) -> None:
    """
    A second send does not end *keep_content*.
    """
    outbox.keep_content = timedelta(days=2)
    scene = Scene(outbox, world, outbox.engine)
    mail_id = scene.send()
    scene.fall_ill(("a", "gmail"))
    scene.wait()
    scene.wait(86400)
    kept = found(outbox, mail_id).message is not None

    scene.wait(2 * 86400)

    assert (1, True, None) == (len(scene.b.mails), kept, found(outbox, mail_id).message)


def test_without_deliveries_nothing_is_watched(outbox: Outbox, world: World) -> None:
    """
    The message is forgotten as that of any mail, and nobody looks.
    """
    mail_id = outbox.add(
        Message("ann@gmail.com", text="1", deliver_within=1, from_email="shop@example.com")
    )
    worker = OutboxWorker(outbox, Mailer(world.chain(Scripted("a"), Scripted("b"))))

    worker.run_once()

    assert (None, None) == (found(outbox, mail_id).message, worker._watchman)
