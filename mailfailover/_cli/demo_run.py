"""
The demo from its beginning to the balance.
"""

from __future__ import annotations

from rich.console import Console

from mailfailover._cli.demo import SCENES, Scene, Sent, Stage, play
from mailfailover._cli.demo_count import Count, take_count
from mailfailover._cli.demo_view import LiveView, choose_view
from mailfailover._cli.output import write_json

PACE = 0.08


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

        scenes: What to play.

        as_json: Whether to write JSON instead.

        pace: Seconds between two mails of the living picture, so that one can watch.

    Returns:
        The balance, counted at the vendors.
    """
    view = None if as_json else choose_view(console or Console())
    with Stage() as stage:
        plays = play(stage, scenes, pace if isinstance(view, LiveView) else 0.0)
        if view is None:
            mails = [one for _, _, events in plays for one in events if isinstance(one, Sent)]
        else:
            mails = view.watch(plays, stage.mailer)
        accepted = {name: vendor.accepted_ids() for name, vendor in stage.vendors.items()}
    count = take_count(mails, accepted)
    if view is None:
        write_json({"mails": [mail.to_dict() for mail in mails], "count": count.to_dict()})
    else:
        view.show(count)
    return count
