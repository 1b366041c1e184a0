from __future__ import annotations

import json
import logging
import os
import threading
import time
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from celery import Celery, signals
from celery.exceptions import SoftTimeLimitExceeded

from mailfailover import Mailer
from mailfailover.celery import OutboxTasks, waker
from mailfailover.celery._broker import depth
from mailfailover.outbox import State
from tests.chains import MAIL, Scripted

if TYPE_CHECKING:
    from collections.abc import Callable

    from mailfailover.outbox import Outbox


@pytest.fixture
def provider() -> Scripted:
    """
    Who sends.
    """
    return Scripted("a")


@pytest.fixture
def make(app: Celery, outbox: Outbox, provider: Scripted) -> Callable[..., OutboxTasks]:
    """
    Makes the tasks.
    """
    return lambda **options: OutboxTasks(app, outbox, Mailer(provider), **options)


def messages(app: Celery, queue: str = "mailfailover") -> list[Any]:
    """
    Takes all messages off the queue: their headers and bodies.
    """
    found = []
    with app.connection_for_write() as connection, connection.channel() as channel:
        while message := channel.basic_get(queue, no_ack=True):
            found.append((message.headers, json.loads(message.body)))
    return found


def until(condition: Callable[[], object]) -> None:
    """
    Wait for other threads.
    """
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_mail_that_is_added_wakes_a_task_by_its_id(
    app: Celery, outbox: Outbox, make: Callable[..., OutboxTasks]
) -> None:
    """
    The broker sees nothing else of the mail.
    """
    tasks = make()

    mail_id = outbox.add(MAIL)
    assert tasks.wake.flush()

    ((headers, (args, kwargs, _)),) = messages(app)
    assert ("mailfailover.send", [mail_id], {}) == (headers["task"], args, kwargs)
    assert headers["ignore_result"]
    assert "example" not in json.dumps(headers)


def test_a_program_without_tasks_can_wake_them(app: Celery, outbox: Outbox) -> None:
    """
    By an application or by a URL alone.
    """
    for broker in (app, "memory://"):
        wake = waker(broker, queue="mine")
        wake("m1")
        assert wake.flush()

    assert ["m1", "m1"] == [args[0] for _, (args, _, _) in messages(app, "mine")]


@pytest.mark.parametrize("url", ["amqp://127.0.0.1:1//", "redis://127.0.0.1:1"])
def test_adding_a_mail_does_not_mind_a_broker_that_is_away(
    outbox: Outbox, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """
    Each kind of broker: it is stored at once, and the log says what it waits for.
    """
    wake = waker(url)
    outbox.on_add.append(wake)
    start = time.monotonic()

    for number in range(10):
        outbox.add(MAIL.replace(id=f"m{number}"))

    assert time.monotonic() - start < 2
    until(lambda: "the broker is away (OperationalError)" in caplog.text)
    assert not wake.flush()
    wake._waiting.clear()  # which ends its thread


def test_a_task_sends_the_mail_whose_turn_it_is(
    outbox: Outbox, make: Callable[..., OutboxTasks], provider: Scripted
) -> None:
    """
    A task is a wake-up: senders keep their turns, whatever the order in the queue.
    """
    tasks = make()
    for sender, count in (("many@example.com", 3), ("one@example.com", 1)):
        for number in range(count):
            outbox.add(MAIL.replace(id=f"{sender[:3]}{number}", from_email=sender))

    for _ in range(2):
        tasks.send("man2")

    assert ["man0", "one0"] == [mail.id for mail in provider.mails]


def test_a_wake_up_for_nothing_does_no_harm(make: Callable[..., OutboxTasks]) -> None:
    """
    The mail was sent by another task.
    """
    make().send("gone")


def test_a_process_has_its_own_worker(make: Callable[..., OutboxTasks]) -> None:
    """
    A child does not go on with its parent's leases.
    """
    tasks = make(max_tries=5)
    mine = tasks.worker()
    child = os.fork()
    if not child:  # pragma: no cover -- runs in the child
        os._exit(0 if tasks.worker() is not mine else 1)

    assert 0 == os.waitpid(child, 0)[1]
    assert tasks.worker() is mine
    assert 5 == mine.rules.max_tries


def test_tasks_are_given_to_another_when_their_process_dies(
    app: Celery, make: Callable[..., OutboxTasks]
) -> None:
    """
    Acknowledged late, one at a time, and never repeated by Celery itself.
    """
    make()

    for name in ("mailfailover.send", "mailfailover.sweep"):
        task = app.tasks[name]
        options = (task.acks_late, task.reject_on_worker_lost, task.ignore_result)
        assert (True, True, True, 0) == (*options, task.max_retries)
    assert 1 == app.conf.worker_prefetch_multiplier
    assert app.conf.broker_connection_max_retries is None


def test_settings_of_the_application_stay(app: Celery, make: Callable[..., OutboxTasks]) -> None:
    """
    Only what it leaves open is set.
    """
    app.conf.worker_prefetch_multiplier = 3
    make()

    assert 3 == app.conf.worker_prefetch_multiplier


def test_the_sweeper_wakes_for_what_the_broker_lost(
    app: Celery, outbox: Outbox, make: Callable[..., OutboxTasks]
) -> None:
    """
    As many as are missing: what is in the queue already is not doubled.
    """
    tasks = make()
    for number in range(5):
        outbox.add(MAIL.replace(id=f"m{number}"))
    assert tasks.wake.flush()
    lost = messages(app)[:3]
    tasks.wake("m3")
    tasks.wake("m4")
    assert tasks.wake.flush()

    tasks.sweep()

    assert 3 == len(lost)
    assert 5 == depth(app, "mailfailover")
    tasks.sweep()
    assert 5 == depth(app, "mailfailover")


def test_the_sweeper_creates_the_queue(
    app: Celery, outbox: Outbox, make: Callable[..., OutboxTasks]
) -> None:
    """
    A broker that lost everything has none.
    """
    outbox.add(MAIL)
    tasks = make()

    assert 0 == depth(app, "mailfailover")
    tasks.sweep()

    assert 1 == len(messages(app))


def test_an_outbox_with_nothing_to_do_leaves_the_broker_alone(
    app: Celery, make: Callable[..., OutboxTasks]
) -> None:
    """
    It is not even asked.
    """
    tasks = make()
    app.conf.broker_url = "amqp://nobody.invalid"

    tasks.sweep()


def test_a_scheduled_mail_is_sent_in_time(
    app: Celery, outbox: Outbox, make: Callable[..., OutboxTasks]
) -> None:
    """
    Its schedule is the outbox's; the broker hears of it when it is due.
    """
    now = datetime.now(UTC)
    outbox.add(MAIL.replace(send_at=now + timedelta(hours=1)))
    tasks = make()
    tasks.sweep()
    assert [] == messages(app)

    outbox.clock = lambda: now.timestamp() + 3601
    tasks.sweep()

    assert 1 == len(messages(app))


class Consumer:
    """
    What takes from the queues in a worker, as far as it is looked at.
    """

    def __init__(self, app: Celery, *queues: str) -> None:
        self.app = app
        self.task_consumer = SimpleNamespace(queues=[SimpleNamespace(name=one) for one in queues])


def ready(app: Celery, *queues: str) -> None:
    """
    A worker of *app* begins to take from these queues.
    """
    signals.worker_ready.send(sender=Consumer(app, *queues))


def test_a_worker_sweeps_at_once_and_until_it_shuts_down(
    app: Celery, outbox: Outbox, make: Callable[..., OutboxTasks]
) -> None:
    """
    Mails of before it was there are woken for.
    """
    outbox.add(MAIL)
    make(sweep=0.01)

    ready(app, "others", "mailfailover")

    until(lambda: depth(app, "mailfailover") == 1)
    signals.worker_shutting_down.send(sender="")
    until(lambda: "mailfailover-sweeper" not in {one.name for one in threading.enumerate()})


def test_other_workers_do_not_sweep(
    app: Celery, outbox: Outbox, make: Callable[..., OutboxTasks]
) -> None:
    """
    Those of other queues and other applications: the outbox is no business of theirs.
    """
    outbox.add(MAIL)
    make(sweep=0.01)

    ready(app, "others")
    ready(Celery(set_as_current=False), "mailfailover")

    assert "mailfailover-sweeper" not in {one.name for one in threading.enumerate()}


def test_a_soft_time_limit_ends_the_task_not_the_mail(
    outbox: Outbox, make: Callable[..., OutboxTasks], provider: Scripted
) -> None:
    """
    The task's own error comes through, once it is written down that the mail may be sent.
    """
    provider.then(SoftTimeLimitExceeded())
    tasks = make()
    outbox.add(MAIL)

    with pytest.raises(SoftTimeLimitExceeded):
        tasks.send(MAIL.id)

    found = outbox.get(MAIL.id)
    assert found is not None
    assert State.UNKNOWN == found.state


@pytest.mark.parametrize(
    ("level", "expected"), [(logging.NOTSET, logging.INFO), (logging.ERROR, logging.ERROR)]
)
def test_celery_logs_each_mail(level: int, expected: int, make: Callable[..., OutboxTasks]) -> None:
    """
    Its command begins with WARNING, at which no mail is logged; a level that was set stays.
    """
    make()
    mails = logging.getLogger("mailfailover")
    before = mails.level
    mails.setLevel(level)
    try:
        signals.after_setup_logger.send(sender=None)
        found = mails.level
    finally:
        mails.setLevel(before)

    assert expected == found
