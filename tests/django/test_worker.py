from __future__ import annotations

import io
import os
import signal
from threading import Timer

import pytest
from django.core.mail import send_mail
from django.core.management import CommandError, call_command
from django.db import connections
from django.test import override_settings

from mailfailover import ConfigurationError
from mailfailover.django import get_outbox
from mailfailover.django.joined_engine import joined_engine
from mailfailover.django.worker import open_own_engine
from mailfailover.outbox import State
from mailfailover.providers.memory import Memory


def _states() -> list[State]:
    return [mail.state for mail in get_outbox().list()]


def test_the_command_sends_what_is_due(database: str) -> None:
    """
    With ``--once`` it ends when nothing is left to do.
    """
    said, memory = io.StringIO(), Memory()
    with override_settings(MAILFAILOVER={"CHAIN": memory, "OUTBOX": True}):
        send_mail("Hi", "Hello", "shop@example.com", ["ann@example.org"])

        call_command("mailfailover_worker", once=True, stdout=said)

        assert [State.SENT] == _states()
    assert ("Mails taken: 1\n", 1) == (said.getvalue(), len(memory.messages))


def test_the_command_works_until_it_is_stopped(database: str) -> None:
    """
    A signal ends it after the mails that are being sent.
    """
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    memory = Memory()
    with override_settings(MAILFAILOVER={"CHAIN": memory, "OUTBOX": True}):
        send_mail("Hi", "Hello", "shop@example.com", ["ann@example.org"])
        Timer(1.0, os.kill, (os.getpid(), signal.SIGTERM)).start()
        try:
            call_command("mailfailover_worker", threads=1)
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    assert 1 == len(memory.messages)


def test_the_command_says_what_is_missing() -> None:
    """
    Without an outbox it is an error of the command, not a traceback.
    """
    with (
        override_settings(MAILFAILOVER={"CHAIN": "null://"}),
        pytest.raises(CommandError, match="has no outbox"),
    ):
        call_command("mailfailover_worker", once=True)


def test_a_mailer_that_is_not_there_is_told() -> None:
    """
    The error names the alias.
    """
    with pytest.raises(CommandError, match="no mailer 'bulk'"):
        call_command("mailfailover_worker", mailer="bulk", once=True)


def test_a_database_in_memory_has_no_worker() -> None:
    """
    No other connection can see it, so the error asks for a file.
    """
    connections.settings["fleeting"] = connections.configure_settings(
        {
            "default": {},
            "fleeting": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"},
        }
    )["fleeting"]
    try:
        with pytest.raises(ConfigurationError, match="'fleeting' is in memory"):
            open_own_engine("fleeting")
    finally:
        connections["fleeting"].close()
        del connections.settings["fleeting"], connections["fleeting"]


def test_migrating_twice_keeps_mails(database: str) -> None:
    """
    Going back leaves the tables, in which mails may wait.
    """
    with override_settings(MAILFAILOVER={"CHAIN": "null://", "OUTBOX": True}):
        send_mail("Hi", "Hello", "shop@example.com", ["ann@example.org"])

        call_command("migrate", "mailfailover", "zero", verbosity=0)
        call_command("migrate", "mailfailover", verbosity=0)

        assert [State.PENDING] == _states()


def test_no_migration_is_missing() -> None:
    """
    The model and its migration say the same.
    """
    joined_engine.cache_clear()

    call_command("makemigrations", "mailfailover", check=True, dry_run=True, verbosity=0)
