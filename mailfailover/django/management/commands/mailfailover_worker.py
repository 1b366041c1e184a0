"""
``manage.py mailfailover_worker``: sends the mails of the outbox.
"""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError

from mailfailover.django.worker import get_worker
from mailfailover.errors import ConfigurationError

if TYPE_CHECKING:
    from argparse import ArgumentParser

__all__ = ["Command"]


class Command(BaseCommand):
    """
    The command.
    """

    help = "Sends the mails of the outbox, until it is stopped."
    requires_system_checks: tuple[str, ...] = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """
        Say what the command takes.
        """
        parser.add_argument("--mailer", help="an alias of MAILERS")
        parser.add_argument("--threads", type=int, default=4, help="mails sent at the same time")
        parser.add_argument("--once", action="store_true", help="send what is due now, then end")

    def handle(self, *, mailer: str | None, threads: int, once: bool, **_: Any) -> None:
        """
        Work.
        """
        try:
            worker = get_worker(mailer, threads=threads)
        except ConfigurationError as exc:
            raise CommandError(str(exc)) from exc
        if once:
            self.stdout.write(f"Mails taken: {worker.run_once()}")
            return
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: worker.stop())
        worker.run()
