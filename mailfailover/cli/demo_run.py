"""
The demo from its beginning to the balance.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console

from mailfailover.cli.demo import SCENES, Scene, Sent, play
from mailfailover.cli.demo_count import Count, take_count
from mailfailover.cli.demo_stage import Stage
from mailfailover.cli.demo_view import LiveView, choose_view
from mailfailover.cli.output import write_json

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mailfailover._mailer.mailer import Mailer
    from mailfailover.cli.demo import Playing

PACE = 0.08


class JSONView:
    """
    A JSON document at the end: the mails with their attempts, and the balance.
    """

    def __init__(self) -> None:
        self._mails: list[Sent] = []

    def watch(self, plays: Iterable[Playing], mailer: Mailer) -> list[Sent]:
        """
        Keep what happens; return the mails.
        """
        self._mails += (one for _, _, events in plays for one in events if isinstance(one, Sent))
        return self._mails

    def show(self, count: Count) -> None:
        """
        Write the document.
        """
        mails = [mail.to_dict() for mail in self._mails]
        write_json({"mails": mails, "count": count.to_dict()})


def run_demo(
    console: Console | None = None,
    scenes: tuple[Scene, ...] = SCENES,
    *,
    as_json: bool = False,
    pace: float = PACE,
) -> Count:
    """
    Play *scenes* before the reader's eyes, or as one JSON document at the end.

    Args:
        console: Where to draw; standard output if None.

        scenes: The scenes to play.

        as_json: Whether to write JSON instead.

        pace: Seconds between two mails of the living picture, so that one can watch.

    Returns:
        The balance, counted at the vendors.
    """
    view = JSONView() if as_json else choose_view(console or Console())
    with Stage() as stage:
        plays = play(stage, scenes, pace if isinstance(view, LiveView) else 0.0)
        mails = view.watch(plays, stage.mailer)
        accepted = {name: vendor.accepted_ids() for name, vendor in stage.vendors.items()}
    count = take_count(mails, accepted)
    view.show(count)
    return count
