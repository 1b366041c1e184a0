"""
Workers of tests, and how they come to grief.
"""

from __future__ import annotations

from random import Random
from threading import Event
from typing import TYPE_CHECKING, Any

from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from mailfailover import Mailer
from mailfailover.outbox import Outbox, OutboxMail, OutboxWorker
from tests.chains import MAIL, Scripted, World

if TYPE_CHECKING:
    from collections.abc import Callable

    from mailfailover import Message


_MAILERS = ("on_unknown", "suppressions", "deliveries")
PATIENCE = 20.0
"""Seconds that a busy machine may take for what takes none."""


class Cable:
    """
    The connection to the database, which can be pulled: then nothing is written any more.
    """

    def __init__(self, outbox: Outbox) -> None:
        self.is_pulled = False
        event.listen(outbox.engine, "begin", self._begin)

    def pull(self, answer: Any = "late-id") -> Callable[[Message], Any]:
        """
        An answer of a provider, at which the worker is cut off, as if it had died there.
        """

        def cut(_message: Message) -> Any:
            self.is_pulled = True
            if isinstance(answer, BaseException):
                raise answer
            return answer

        return cut

    def _begin(self, _connection: object) -> None:
        if self.is_pulled:
            raise OperationalError("BEGIN", {}, OSError("the cable is pulled"))


class Hanging:
    """
    An answer that is waited for.
    """

    def __init__(self) -> None:
        self.begun = Event()
        self.go_on = Event()

    def __call__(self, _message: Any) -> str:
        self.begun.set()
        assert self.go_on.wait(PATIENCE)
        return "late-id"


def work(outbox: Outbox, world: World, *parts: Any, **settings: Any) -> OutboxWorker:
    """
    A worker over a chain of *parts*; of the settings the mailer takes those that are its own.
    """
    own = {name: settings.pop(name) for name in _MAILERS if name in settings}
    mailer = Mailer(world.chain(*(parts or (Scripted("a"),))), **own)
    return OutboxWorker(outbox, mailer, rng=Random(7), **settings)


def found(outbox: Outbox, mail_id: str = MAIL.id) -> OutboxMail:
    """
    The mail, which is there.
    """
    mail = outbox.get(mail_id)
    assert mail is not None
    return mail


def statuses(mail: OutboxMail) -> dict[str, str]:
    """
    How its recipients stand, by the part before the @.
    """
    return {one.email.partition("@")[0]: one.status for one in mail.recipients}


def calls(mail: OutboxMail) -> list[tuple[str, str]]:
    """
    Who was called for it, and how that ended.
    """
    return [(one.provider, one.outcome) for one in mail.attempts]
