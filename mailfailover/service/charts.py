"""
Charts as inline SVG, drawn by the server: a page needs no script to show them.

Colours are classes of the style sheet, so a chart is right by day and by night. What it shows is
said in words too, for those who do not see it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup

from mailfailover.service.outcomes import level_of, name_outcome

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from mailfailover.outbox import OutboxAttempt
    from mailfailover.service.activity import Slice

__all__ = ["draw_attempts", "draw_health", "draw_hours"]

WIDTH = 480
_STRIP = 22
_BARS = 96
_FOOT = 16
_NAMES = 135
_LEAST = 2.0
"""The least height of a bar that is not empty, so that one mail of thousands shows."""

_COMPARED = 2

_SERIES = (("accepted", "good"), ("unknown", "warn"), ("failed", "bad"))


def draw_health(key: str, slices: Sequence[Slice]) -> Markup:
    """
    Draw how a provider was in the last day: one cell for each half an hour.
    """
    step = WIDTH / len(slices)
    cells = Markup("").join(
        Markup('<rect class="{}" x="{:.1f}" y="0" width="{:.1f}" height="{}" rx="2">').format(
            one.level or "none", number * step + 1, step - 2, _STRIP
        )
        + Markup("<title>{}: {}</title></rect>").format(_clock(one.begin), _words(one))
        for number, one in enumerate(slices)
    )
    told = f"{key} in the last 24 hours: {_words(_total(slices))}"
    return _svg("strip-chart", told, _STRIP, cells)


def draw_hours(hours: Sequence[Slice]) -> Markup:
    """
    Draw how many calls there were in each hour, and how they ended, one bar on another.
    """
    step = WIDTH / len(hours)
    most = max((one.calls for one in hours), default=0) or 1
    parts = [
        Markup('<line class="axis" x1="0" x2="{}" y1="{}" y2="{}"/>').format(WIDTH, _BARS, _BARS)
    ]
    for number, one in enumerate(hours):
        left = number * step + 2
        parts.append(Markup("<g><title>{}: {}</title>").format(_clock(one.begin), _words(one)))
        parts.extend(_bar(one, left, step - 4, (_BARS - 8) / most))
        parts.append(Markup("</g>"))
        if number % 6 == 0:
            parts.append(
                Markup('<text x="{:.1f}" y="{}">{}</text>').format(
                    left, _BARS + _FOOT - 3, _clock(one.begin)
                )
            )
    told = f"Calls an hour in the last 24 hours: {_words(_total(hours))}"
    return _svg("hours-chart", told, _BARS + _FOOT, Markup("").join(parts))


def draw_attempts(attempts: Sequence[OutboxAttempt]) -> Markup:
    """
    Draw the calls for one mail, each a bar from its begin to its end, "" for fewer than two.
    """
    if len(attempts) < _COMPARED:
        return Markup("")
    begin = attempts[0].started
    ends = [(one.started - begin).total_seconds() + (one.duration or 0.0) for one in attempts]
    scale = (WIDTH - _NAMES - 90) / (max(ends) or 1.0)
    rows = []
    for number, (one, end) in enumerate(zip(attempts, ends, strict=True)):
        top = number * 26
        left = (one.started - begin).total_seconds() * scale
        rows.append(
            Markup(
                '<text x="0" y="{}">{}</text>'
                '<rect class="{}" x="{:.1f}" y="{}" width="{:.1f}" height="14" rx="3"/>'
                '<text class="end" x="{}" y="{}">{}</text>'
            ).format(
                top + 16, one.provider[:14],
                level_of(one.outcome) or "none", _NAMES + left, top + 5,
                max(end * scale - left, 4.0), WIDTH, top + 16, _seconds(one.duration),
            )
        )  # fmt: skip
    told = "Calls: " + "; ".join(
        f"{one.provider} {name_outcome(one.outcome)} after {_seconds(one.duration)}"
        for one in attempts
    )
    return _svg("calls-chart", told, 26 * len(attempts), Markup("").join(rows))


def _bar(one: Slice, left: float, width: float, scale: float) -> Iterator[Markup]:
    top = float(_BARS)
    for name, level in _SERIES:
        count = getattr(one, name)
        if count:
            height = max(count * scale, _LEAST)
            top -= height
            yield Markup(
                '<rect class="{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>'
            ).format(level, left, top, width, height)


def _svg(name: str, told: str, height: int, inside: Markup) -> Markup:
    return Markup(
        '<svg class="chart {}" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>'
    ).format(name, WIDTH, height, told, inside)


def _total(slices: Sequence[Slice]) -> Slice:
    first = slices[0]
    return type(first)(
        first.begin,
        *(sum(getattr(one, name) for one in slices) for name in ("accepted", "failed", "unknown")),
    )


def _words(one: Slice) -> str:
    if not one.calls:
        return "no calls"
    names = (("accepted", "accepted"), ("failed", "failed"), ("unknown", "without an answer"))
    return ", ".join(f"{getattr(one, name)} {word}" for name, word in names if getattr(one, name))


def _clock(moment: datetime) -> str:
    return f"{moment:%H:%M}"


def _seconds(duration: float | None) -> str:
    if duration is None:
        return "…"
    return f"{duration:.1f} s" if duration >= 1 else f"{duration * 1000:.0f} ms"
