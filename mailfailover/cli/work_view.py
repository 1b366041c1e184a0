"""
A worker's progress, drawn on a terminal.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from rich.console import Group
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from mailfailover._sql.database import DATABASE_ERRORS
from mailfailover.cli.output import printable
from mailfailover.outbox import OutboxStats, State

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console, RenderableType

    from mailfailover.outbox import OutboxWorker

_COLORS = {
    State.PENDING: "cyan",
    State.LEASED: "cyan",
    State.SENDING: "cyan",
    State.SENT: "green",
    State.UNKNOWN: "yellow",
    State.DEAD: "red",
}
_STATS_SECONDS = 1.0
_STATS_SHARE = 20
"""Counting takes at most a twentieth of the time, however many mails there are."""


class WorkView:
    """
    Draws how the outbox stands, how fast it is emptied, and what went wrong last.
    """

    def __init__(self, worker: OutboxWorker, console: Console) -> None:
        self.worker = worker
        self.handler: _Lately = _Lately()
        self._stats = OutboxStats()
        self._next_stats = 0.0
        self._samples = deque([(time.monotonic(), 0)], maxlen=6)
        """When how many were sent, lately."""

        self._console = console

    @contextmanager
    def shown(self) -> Iterator[None]:
        """
        Draw it again and again, and wipe it away in the end.
        """
        with Live(
            console=self._console, get_renderable=self.draw, refresh_per_second=4, transient=True
        ):
            yield

    def draw(self) -> RenderableType:
        """
        Return the picture as it is now.
        """
        self._count()
        mails = Table.grid(padding=(0, 2))
        mails.add_column(justify="right", min_width=9)
        mails.add_column()
        for state, count in self._stats.counts.items():
            style = _COLORS[state] if count else "bright_black"
            own = self.worker.counts[state]
            note = (
                f"{own} by this worker, {self._rate():.1f}/s" if own and state is State.SENT else ""
            )
            mails.add_row(Text(f"{count:,}", style), Text(str(state), style), Text(note, "dim"))
        parts: list[RenderableType] = [mails]
        if self._stats.oldest is not None:
            age = time.time() - self._stats.oldest.timestamp()
            parts.append(Text(f"{self._stats.ready:,} wait, the oldest for {age:.0f} s", "dim"))
        parts += [Text(line, "yellow") for line in self._passed_by()]
        parts += [
            Text(printable(line), "bright_black", no_wrap=True, overflow="ellipsis")
            for line in self.handler.lines
        ]
        if self.worker.stopping:
            parts.append(Text("stopping: finishing what is being sent", "bold magenta"))
        title = f"mailfailover worker: {', '.join(self.worker.mailer.chain.keys)}"
        return Panel(Group(*parts), title=title, title_align="left", border_style="cyan")

    def summary(self) -> str:
        """
        The work so far, in one line.
        """
        counts = ", ".join(f"{count} {state}" for state, count in self.worker.counts.items())
        return f"mailfailover worker: {counts or 'nothing was to do'}"

    def _count(self) -> None:
        now = time.monotonic()
        if now < self._next_stats:
            return
        with suppress(*DATABASE_ERRORS):  # the picture stays as it was; the worker logs it
            self._stats = self.worker.outbox.stats()
        self._samples.append((now, self.worker.counts[State.SENT]))
        took = time.monotonic() - now
        self._next_stats = now + max(_STATS_SECONDS, took * _STATS_SHARE)

    def _rate(self) -> float:
        (since, before), (now, sent) = self._samples[0], self._samples[-1]
        return (sent - before) / max(now - since, _STATS_SECONDS)

    def _passed_by(self) -> Iterator[str]:
        for key, health in self.worker.mailer.health.snapshot().items():
            if health.state != "closed":
                left = f", {health.seconds_left:.0f} s left" if health.seconds_left else ""
                yield f"{key} is passed by ({health.state}{left})"


class _Lately(logging.Handler):
    """
    Keeps the last warnings.
    """

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: deque[str] = deque(maxlen=5)

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record).partition("\n")[0])
