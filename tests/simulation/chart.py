"""
Curves over time as SVG, readable on light and on dark pages.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 760, 340
LEFT, RIGHT, TOP, BOTTOM = 48, 12, 34, 84
COLORS = ("#0072b2", "#009e73", "#e69f00", "#cc79a7", "#d55e00")  # told apart by all eyes
_STYLE = "<style>text{font:13px sans-serif;fill:#777}line{stroke:#999;stroke-opacity:.4}</style>"


@dataclass(frozen=True, slots=True)
class Scale:
    """
    What the axes show.

    Attributes:
        step: Units of time between two values.

        tick: Units of time between two labels.

        unit: What they are called.

        most: Where the scale ends; higher values are drawn at its top.
    """

    step: int = 5
    tick: int = 60
    unit: str = "s"
    most: float = 3.2


def chart(
    title: str,
    curves: dict[str, list[float]],
    *,
    shade: tuple[float, float],
    scale: Scale = Scale(),
) -> str:
    """
    Draw *curves*, one value each step; *shade* marks the time of the trouble.
    """
    last = max(map(len, curves.values())) * scale.step
    width, height = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

    def x(time: float) -> float:
        return LEFT + width * time / last

    def y(value: float) -> float:
        return TOP + height * (1 - min(value, scale.most) / scale.most)

    begin, end = map(x, shade)
    shaded = f'x="{begin:.0f}" y="{TOP}" width="{end - begin:.0f}" height="{height}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
        f"<title>{escape(title)}</title>{_STYLE}",
        f'<text x="{LEFT}" y="18">{escape(title)}</text>',
        f'<rect {shaded} fill="#999" fill-opacity=".15"/>',
    ]
    for value in range(int(scale.most) + 1):
        parts.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(value)}" y2="{y(value)}"/>')
        parts.append(f'<text x="{LEFT - 20}" y="{y(value) + 4:.0f}">{value}</text>')
    parts += (
        f'<text x="{x(time) - 8:.0f}" y="{TOP + height + 18}">{time} {scale.unit}</text>'
        for time in range(0, last, scale.tick)
    )
    for number, (name, values) in enumerate(curves.items()):
        color = COLORS[number % len(COLORS)]
        points = " ".join(f"{x(n * scale.step):.1f},{y(v):.1f}" for n, v in enumerate(values))
        column, line = number % 2, number // 2
        left, top = LEFT + column * 300, HEIGHT - 44 + line * 18
        parts.append(
            f'<polyline points="{points}" fill="none" stroke="{color}" stroke-width="2"/>'
            f'<rect x="{left}" y="{top - 9}" width="14" height="4" fill="{color}"/>'
            f'<text x="{left + 20}" y="{top}">{escape(name)}</text>'
        )
    return "\n".join([*parts, "</svg>"]) + "\n"
