"""
The picture of a report: a strip of columns for each way of sending, as SVG.

Colors are variables of the page that it stands in, with values of their own for where there are
none, so that it is readable on light and on dark pages.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from mailfailover.drill.outcome import in_words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailfailover.drill.outcome import Outcome
    from mailfailover.drill.report import Report

WIDTH = 760
STRIP, GAP, TOP, BOTTOM, LEFT, RIGHT = 54, 26, 34, 40, 4, 4
IN_TIME, LATE, LOST = "#1a8f5f", "#d98e00", "#c0362c"  # told apart by all eyes
_COLORS = (("in-time", IN_TIME), ("late", LATE), ("lost", LOST))
_STYLE = (
    "<style>"
    "text{font:13px system-ui,sans-serif;fill:var(--ink,#666)}"
    ".quiet{fill:var(--quiet,#888);font-size:11px}"
    "</style>"
)


def picture(report: Report) -> str:
    """
    Draw what became of the mails of each way of sending, over the time of the play.
    """
    height = TOP + len(report.outcomes) * (STRIP + GAP) + BOTTOM
    title = f"{report.incident.title}: mails in time, late and lost"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">',
        f"<title>{escape(title)}</title>{_STYLE}",
        *_span(report, height),
    ]
    for number, outcome in enumerate(report.outcomes):
        parts += _strip(report, outcome, TOP + number * (STRIP + GAP))
    parts += _legend(height)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _x(report: Report, seconds: float) -> float:
    width = WIDTH - LEFT - RIGHT
    return LEFT + width * (seconds - report.begin) / (report.end - report.begin)


def _span(report: Report, height: int) -> Iterator[str]:
    """
    Shade the time of the incident.
    """
    begin, end = _x(report, 0.0), _x(report, report.played)
    yield (
        f'<rect x="{begin:.1f}" y="{TOP - 6}" width="{end - begin:.1f}" '
        f'height="{height - TOP - BOTTOM + 6}" fill="#888" fill-opacity=".14"/>'
    )
    text = f"{report.incident.begin:%d %b %Y, %H:%M} UTC, {in_words(report.incident.lasts)}"
    if report.played < report.incident.lasts:
        text += f", its first {in_words(report.played)}"
    yield f'<text class="quiet" x="{begin + 4:.1f}" y="{TOP - 12}">{escape(text)}</text>'


def _strip(report: Report, outcome: Outcome, top: float) -> Iterator[str]:
    yield f'<text x="{LEFT + 2}" y="{top + 14}">{escape(outcome.name)}</text>'
    base, height = top + STRIP + 16, STRIP - 4
    most = max((sum(one) for one in outcome.curve), default=1) or 1
    width = (WIDTH - LEFT - RIGHT) / max(len(outcome.curve), 1)
    for place, counts in enumerate(outcome.curve):
        y = float(base)
        for (name, color), number in zip(_COLORS, counts, strict=True):
            if number:
                tall = height * number / most
                y -= tall
                yield (
                    f'<rect x="{LEFT + place * width:.1f}" y="{y:.1f}" width="{width - 1:.1f}" '
                    f'height="{tall:.1f}" fill="var(--{name},{color})"/>'
                )
    if (told := outcome.told) is None:
        return
    text = f"told after {in_words(told.seconds)}, by {told.by}"
    yield (
        f'<text class="quiet" x="{WIDTH - RIGHT}" y="{top + 14}" text-anchor="end">'
        f"{escape(text)}</text>"
    )
    x = _x(report, min(told.seconds, report.end))
    yield (
        f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{top + 18}" y2="{base}" '
        f'stroke="var(--ink,#666)" stroke-width="1.5" stroke-dasharray="3 2"/>'
    )


def _legend(height: int) -> Iterator[str]:
    words = ("in time", "later than a minute", "lost")
    x = LEFT + 2.0
    for (name, color), word in zip(_COLORS, words, strict=True):
        fill = f"var(--{name},{color})"
        yield f'<rect x="{x}" y="{height - 20}" width="12" height="12" fill="{fill}"/>'
        yield f'<text class="quiet" x="{x + 17}" y="{height - 10}">{word}</text>'
        x += 40 + 7 * len(word)
