"""
Writes the museum: each incident of the package, played against a reference chain.

Playing takes a minute or two, so a page that was made by the same code is kept.
"""

from __future__ import annotations

import hashlib
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import mailfailover.drill
from mailfailover.drill import load_incidents, run
from mailfailover.drill.outcome import in_words, rows, share_of
from mailfailover.drill.picture import picture
from mailfailover.drill.view import loads, thinning

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from mailfailover.drill import Incident, Report

LINKS = {
    "brevo": "brevo://KEY@default",
    "mailchannels": "mailchannels://KEY@default",
    "mailersend": "mailersend://TOKEN@default",
    "mailgun": "mailgun://KEY:mg.example.com@default",
    "mandrill": "mandrill://KEY@default",
    "postmark": "postmark://TOKEN@default",
    "resend": "resend://KEY@default",
    "sendgrid": "sendgrid://KEY@default",
    "ses": "ses://ID:KEY@default?region=us-east-1",
    "sparkpost": "sparkpost://KEY@default",
}
SMTP = {
    "mandrill": "smtp://USER:KEY@smtp.mandrillapp.com",
    "postmark": "smtp://TOKEN:TOKEN@smtp.postmarkapp.com",
}
STANDBYS = ("postmark", "sendgrid", "mailgun")
SHARE = 0.1


def write(path: Path) -> None:
    """
    Write the museum to *path*, unless it is there as this code makes it.
    """
    mark = f"% {_fingerprint()}"
    if path.exists() and path.read_text("utf-8").startswith(mark):
        return
    path.parent.mkdir(exist_ok=True)
    with ProcessPoolExecutor() as pool:
        reports = list(pool.map(_play, load_incidents().values()))
    path.write_text("\n".join([mark, "", *_lines(reports)]) + "\n", "utf-8")


def chain_for(incident: Incident) -> str:
    """
    Return the reference chain: the vendor that failed, and two others with a share of the mails.
    """
    vendor = incident.vendor or "mailgun"
    is_smtp = all(phase.door == "smtp" for phase in incident.phases)
    first = SMTP[vendor] if is_smtp else LINKS[vendor]
    others = [name for name in STANDBYS if name != vendor][:2]
    return f"failover({first} {' '.join(f'{LINKS[one]}?share={SHARE}' for one in others)})"


def _play(incident: Incident) -> Report:
    return run(chain_for(incident), incident, deliveries=True)


def _fingerprint() -> str:
    """
    What the museum is made of, as a hash: the package and this file.
    """
    package = Path(mailfailover.__file__).parent
    files = sorted([*package.rglob("*.py"), *package.rglob("*.toml"), Path(__file__)])
    return hashlib.sha256(b"".join(one.read_bytes() for one in files)).hexdigest()


def _lines(reports: Sequence[Report]) -> Iterator[str]:
    yield from _balance(reports)
    yield from _overview(reports)
    for one in reports:
        yield from _room(one)


def _balance(reports: Sequence[Report]) -> Iterator[str]:
    names = [one.name for one in reports[0].outcomes]
    for place, name in enumerate(names):
        outcomes = [one.outcomes[place] for one in reports]
        well = sum(not one.lost for one in outcomes)
        lost = sum(share_of(one.lost, one) for one in outcomes) / len(outcomes)
        late = sum(share_of(one.late, one) for one in outcomes) / len(outcomes)
        yield (
            f"- **{name}** lost nothing in {well} of {len(reports)} incidents. On average "
            f"{lost:.1%} of the mails were lost, and {late:.1%} were late."
        )
    yield ""


def _overview(reports: Iterable[Report]) -> Iterator[str]:
    yield "| incident | first only: lost | retries: lost | chain: lost | late | told |"
    yield "|---|---|---|---|---|---|"
    for one in reports:
        first, retries, yours = (row[1] for row in rows(one.outcomes)[1:])
        late, told = rows([one.yours])[1][2], rows([one.yours])[1][7]
        name = one.incident.name
        yield f"| [{name}](#{name}) | {first} | {retries} | {yours} | {late} | {told} |"
    yield ""


def _room(report: Report) -> Iterator[str]:
    incident = report.incident
    yield f"({incident.name})=\n"
    yield f"## {incident.title}\n"
    who = incident.vendor or incident.receiver
    yield f"{incident.begin:%Y-%m-%d}, {who}, {in_words(incident.lasts)}. {incident.summary}\n"
    yield "```{raw} html"
    yield picture(report).strip()
    yield "```\n"
    head, *body = rows(report.outcomes)
    for line in (head, ["---"] * len(head), *body):
        yield f"| {' | '.join(line)} |"
    yield ""
    for key, load in report.yours.load.items():
        yield f"- `{key}` carried in an hour at most: {loads(load)}."
    for one in report.yours.notices[:2]:
        yield f"- Told after {in_words(one.seconds)} by {one.by}: {one.text}."
    yield f"- Played: {report.cast.text}; {thinning(report)}."
    links = ", ".join(f"[{one.title}]({one.url})" for one in incident.sources)
    yield f"- Sources: {links}."
    yield from (f"- Assumed: {one}" for one in incident.assumed)
    yield ""
