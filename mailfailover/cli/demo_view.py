"""
The demo, drawn: a live timeline in a terminal, one line a mail anywhere else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.console import Console, Group
from rich.live import Live
from rich.padding import Padding
from rich.panel import Panel
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from mailfailover.cli.demo import Sent
from mailfailover.cli.demo_words import changes_of, notes, way_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rich.console import RenderableType

    from mailfailover._health.breaker import ProviderHealth
    from mailfailover._mailer.mailer import Mailer
    from mailfailover.cli.demo import Event, Playing, Scene
    from mailfailover.cli.demo_count import Count
    from mailfailover.errors import SendError

_MARKS = {
    "accepted": ("●", "bold green"),
    "failed": ("✗", "bold red"),
    "unknown": ("?", "bold yellow"),
    "not called": ("·", "bright_black"),
}


class LineView:
    """
    A line for each mail, for pipes, files and dumb terminals.
    """

    def __init__(self, console: Console) -> None:
        self._console = console

    def watch(self, plays: Iterable[Playing], mailer: Mailer) -> list[Sent]:
        """
        Print what happens as it happens; return the mails.
        """
        mails = []
        self._print(f"Three vendors on this machine; one mailer: {mailer.chain.strategy!r}")
        for number, scene, events in plays:
            self._print(f"\n{number}. {scene.title}. {scene.story}")
            for mail in events:
                if isinstance(mail, Sent):
                    mails.append(mail)
                    self._print(f"  mail {mail.number}: {way_of(mail)}")
                    for line in changes_of(mail):
                        self._print(f"    {line}")
        return mails

    def show(self, count: Count) -> None:
        """
        Print the balance.
        """
        self._print("\nCounted at the vendors:")
        for vendor, accepted in count.accepted.items():
            self._print(f"  {vendor} accepted {accepted}")
        for line in count.lines():
            self._print(f"  {line}")

    def _print(self, line: str) -> None:
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)


class LiveView:
    """
    A lane for each provider, a column for each mail, drawn while they are sent.
    """

    def __init__(self, console: Console) -> None:
        self._console = console

    def watch(self, plays: Iterable[Playing], mailer: Mailer) -> list[Sent]:
        """
        Draw what happens as it happens; return the mails.
        """
        mails: list[Sent] = []
        self._console.print(_title(mailer))
        for number, scene, events in plays:
            lanes = Lanes(mailer, number, scene)
            with Live(console=self._console, refresh_per_second=12, transient=True) as live:
                for event in events:
                    lanes.take(event)
                    live.update(lanes.draw())
            self._console.print(lanes.draw())  # the picture as it stays
            mails += lanes.mails
        return mails

    def show(self, count: Count) -> None:
        """
        Draw the balance.
        """
        table = Table(box=box.SIMPLE_HEAD, title_justify="left")
        table.add_column("counted at the vendor")
        table.add_column("mails accepted", justify="right")
        for vendor, accepted in count.accepted.items():
            table.add_row(vendor, str(accepted))
        first, *rest = count.lines()
        style = "green" if count.is_clean else "red"
        lines = [Text(first, style=f"bold {style}"), *map(Text, rest)]
        self._console.print(
            Panel(Group(table, *lines), title="The balance", title_align="left", border_style=style)
        )


class Lanes:
    """
    The picture of one scene: lanes, how the providers stand now, and what is worth a word.
    """

    def __init__(self, mailer: Mailer, number: int, scene: Scene) -> None:
        self.mails: list[Sent] = []
        self._mailer = mailer
        self._number = number
        self._scene = scene
        self._current: int | None = None
        """The mail that is on its way."""
        self._spinner = Spinner("dots", style="cyan")

    def take(self, event: Event) -> None:
        """
        Take in what happened.
        """
        if isinstance(event, Sent):
            self.mails.append(event)
            self._current = None
        else:
            self._current = event.number

    def draw(self) -> RenderableType:
        """
        Return the picture as it is now.
        """
        heading = Text(f"{self._number}  {self._scene.title}", style="bold")
        story = Text(self._scene.story, style="dim")
        words = Table.grid(padding=(0, 2))
        words.add_column(justify="right", style="cyan", no_wrap=True)
        words.add_column()
        for numbers, line in notes(self.mails):
            words.add_row(numbers, Text(line, style="" if numbers else "magenta"))
        body = Padding(Group(story, "", self._grid(), "", words), (0, 0, 1, 3))
        return Group(heading, body)

    def _grid(self) -> Table:
        grid = Table.grid(padding=(0, 1))
        grid.add_column(min_width=10)
        numbers = [mail.number for mail in self.mails]
        for _ in range(self._scene.mails):
            grid.add_column(justify="right", min_width=2)
        grid.add_column()
        if self._current is not None:
            numbers.append(self._current)
        blank = [""] * (self._scene.mails - len(numbers))
        grid.add_row(Text("mail", "dim"), *[Text(str(n), "dim") for n in numbers], *blank, "")
        health: Mapping[str, ProviderHealth] = self._mailer.health.snapshot()
        for key in self._mailer.chain.keys:
            cells: list[RenderableType] = [_mark(mail, key) for mail in self.mails]
            if self._current is not None:
                cells.append(self._spinner)
            grid.add_row(Text(key, "bold"), *cells, *blank, _state(health.get(key)))
        return grid


def _title(mailer: Mailer) -> RenderableType:
    text = Text.assemble(
        "Three vendors on sockets of this machine, and one mailer:\n",
        (repr(mailer.chain.strategy), "bold"),
        "\n\n",
        *[part for name, mark in _MARKS.items() for part in (mark, f" {name}   ")],
    )
    return Panel(text, title="mailfailover demo", title_align="left", border_style="cyan")


def _mark(mail: Sent, key: str) -> Text:
    errors: Sequence[SendError | None] = [a.error for a in mail.attempts if a.provider == key]
    if not errors:
        name = "not called"
    elif errors[-1] is None:
        name = "accepted"
    else:
        name = "unknown" if errors[-1].verdict.value == "unknown" else "failed"
    symbol, style = _MARKS[name]
    return Text(symbol, style=style, justify="right")


def _state(health: ProviderHealth | None) -> Text:
    if health is None or health.state == "closed":
        return Text("  in use", "green")
    left = f", {health.seconds_left:.0f} s left" if health.seconds_left else ""
    return Text(f"  passed by ({health.state}{left})", "yellow")


def choose_view(console: Console) -> LineView | LiveView:
    """
    Return the live view where the console can draw it.
    """
    can_draw = console.is_terminal and not console.is_dumb_terminal
    return (
        LiveView(console) if can_draw and console.encoding.startswith("utf") else LineView(console)
    )
