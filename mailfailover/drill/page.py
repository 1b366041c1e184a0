"""
The page of a suite: HTML that needs nothing from elsewhere, for light and dark, desk and phone.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from mailfailover.drill.outcome import in_words, rows
from mailfailover.drill.picture import picture
from mailfailover.drill.view import loads, thinning

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from mailfailover.drill.findings import Finding
    from mailfailover.drill.report import Report

_STYLE = """
:root{color-scheme:light dark;--ink:#1d2733;--quiet:#66717d;--paper:#fff;--line:#d9dee4;
--card:#f6f8fa;--in-time:#1a8f5f;--late:#d98e00;--lost:#c0362c}
@media(prefers-color-scheme:dark){:root{--ink:#e4e9ee;--quiet:#9aa5b1;--paper:#12171d;
--line:#2f3944;--card:#1a2129;--in-time:#3fb883;--late:#e8ab3a;--lost:#e5675c}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:62rem;padding:1rem;background:var(--paper);color:var(--ink);
font:16px/1.5 system-ui,sans-serif}
a{color:inherit}
article{border:1px solid var(--line);border-radius:.5rem;padding:1rem;margin:1.5rem 0;
background:var(--card)}
h2,h3{line-height:1.25;margin:.2rem 0 .6rem}
.quiet{color:var(--quiet);font-size:.9rem}
.verdict{font-weight:600}.verdict.no{color:var(--lost)}.verdict.yes{color:var(--in-time)}
.wide{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:.9rem}
th,td{padding:.35rem .6rem;border-bottom:1px solid var(--line);text-align:right;white-space:nowrap}
th:first-child,td:first-child{text-align:left}
svg{width:100%;height:auto;display:block;margin:.8rem 0}
"""


def page(findings: Sequence[Finding], reports: Sequence[Report], losses: Collection[Report]) -> str:
    """
    Return the page of *reports*, of which *losses* are those that were not survived.
    """
    lost = [one.incident.name for one in losses]
    well = len(reports) - len(lost)
    chain = " &rarr; ".join(map(escape, reports[0].chain)) if reports else ""
    body = [
        "<h1>What would have happened</h1>",
        f"<p>{well} of {len(reports)} incidents survived by <strong>{chain}</strong>.</p>",
        *_findings(findings),
        *_contents(reports, lost),
        *(part for one in reports for part in article(one, survived=one.incident.name not in lost)),
    ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>mailfailover drill</title><style>{_STYLE}</style></head>\n<body>\n"
        + "\n".join(body)
        + "\n</body></html>\n"
    )


def article(report: Report, *, survived: bool) -> Iterator[str]:
    """
    Yield the section of one incident.
    """
    incident = report.incident
    yield f'<article id="{escape(incident.name)}">'
    yield f"<h3>{escape(incident.title)}</h3>"
    verdict = "yes" if survived else "no"
    word = "survived" if survived else "not survived"
    yield (
        f'<p class="quiet">{incident.begin:%Y-%m-%d %H:%M} UTC, {in_words(incident.lasts)}, '
        f"{escape(incident.vendor or incident.receiver)}: "
        f'<span class="verdict {verdict}">{word}</span></p>'
    )
    yield f"<p>{escape(incident.summary)}</p>"
    yield picture(report)
    yield f'<div class="wide">{_table(rows(report.outcomes))}</div>'
    for key, load in report.yours.load.items():
        text = f"{key} carried in an hour at most: {loads(load)}"
        yield f'<p class="quiet">{escape(text)}</p>'
    yield f'<p class="quiet">Played: {escape(report.cast.text)}; {escape(thinning(report))}.</p>'
    links = ", ".join(
        f'<a href="{escape(one.url)}">{escape(one.title or one.url)}</a>'
        for one in incident.sources
    )
    yield f'<p class="quiet">Sources: {links}</p>'
    if incident.assumed:
        yield f'<p class="quiet">Assumed: {escape(" ".join(incident.assumed))}</p>'
    yield "</article>"


def _contents(reports: Sequence[Report], lost: Collection[str]) -> Iterator[str]:
    lines = [["incident", "begin", "lost", "late", "worst", "told", ""]]
    yield '<h2>Incidents</h2><div class="wide">'
    for one in reports:
        name, yours = one.incident.name, rows([one.yours])[1]
        lines.append(
            [
                f'<a href="#{escape(name)}">{escape(name)}</a>',
                f"{one.incident.begin:%Y-%m-%d}",
                yours[1],
                yours[2],
                yours[4],
                yours[7],
                "not survived" if name in lost else "survived",
            ]
        )
    yield _table(lines, is_safe=True)
    yield "</div>"


def _findings(findings: Sequence[Finding]) -> Iterator[str]:
    if not findings:
        return
    yield "<h2>Single points of failure</h2><ul>"
    for one in findings:
        source = f' <span class="quiet">{escape(one.source)}</span>' if one.source else ""
        yield f"<li>{escape(one.text)}. <em>{escape(one.remedy)}.</em>{source}</li>"
    yield "</ul>"


def _table(lines: Iterable[Sequence[str]], *, is_safe: bool = False) -> str:
    head, *body = [[one if is_safe else escape(one) for one in line] for line in lines]
    parts = ["<table><thead><tr>", *(f"<th>{one}</th>" for one in head), "</tr></thead><tbody>"]
    for line in body:
        parts += ["<tr>", *(f"<td>{one}</td>" for one in line), "</tr>"]
    return "".join([*parts, "</tbody></table>"])
