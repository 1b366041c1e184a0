"""
What one send costs: alone, over TLS, in threads and in an event loop.

Each contender has a process of its own, and they take turns, so that a busy machine slows them
alike. CPU ratios are the ones to judge by.
"""

from __future__ import annotations

import json
import ssl
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.benchmarks.table import Row, Spent
from tests.benchmarks.vendor import tls_vendor, vendor

if TYPE_CHECKING:
    from collections.abc import Iterator

ROUNDS = 5
MICRO = 1e6
_TLS = {"TLS 1.2": ssl.TLSVersion.TLSv1_2, "TLS 1.3": ssl.TLSVersion.TLSv1_3}
_OF_JSON = ("Mandrill", "Postmark", "Resend", "SendGrid")


def take_turns(sends: int, where: tuple[str, ...], *names: str) -> dict[str, Spent]:
    """
    Measure all in turns; the median of each.
    """
    runs: dict[str, list[Spent]] = {name: [] for name in names}
    for _ in range(ROUNDS):
        for name in names:
            runs[name].append(_measure(name, sends, where))
    return {name: Spent.median(spent) for name, spent in runs.items()}


def _measure(name: str, sends: int, where: tuple[str, ...]) -> Spent:
    command = [sys.executable, "-m", "tests.benchmarks.contenders", name, str(sends), *where]
    done = subprocess.run(command, capture_output=True, check=True)
    return Spent(*json.loads(done.stdout))


def rows() -> Iterator[Row]:
    """
    Measure it all.
    """
    with vendor() as url:
        yield from _one_send(url)
        yield from _overhead(url)
        yield from _at_once(url)
    for title, newest in _TLS.items():
        with tls_vendor(newest) as where:
            yield from _tls(title, where)


def _one_send(url: str) -> Iterator[Row]:
    ours = {"Mailgun": "mailer"} | {name: f"mailer_{name.lower()}" for name in _OF_JSON}
    spent = take_turns(1000, (url,), "raw", "post", "post_json", "hand", *ours.values())
    form = spent["post"]
    for vendor_name, name in ours.items():
        label = f"Mailer.send, chain of three, {vendor_name}"
        yield Row.of(f"{label}: CPU", spent[name].cpu, form.cpu, "x Session.post", 0.20)
    for label, name in (("provider and transport by hand", "hand"), ("a bare socket", "raw")):
        yield Row.of(f"{label}: CPU", spent[name].cpu, form.cpu, "x Session.post")
    yield Row.of(
        "Session.post(json): CPU", spent["post_json"].cpu, form.cpu, "x Session.post(data)"
    )
    wall = spent["mailer"].wall
    yield Row.of("Mailer.send, chain of three, Mailgun: wall", wall, form.wall, "x Session.post")
    yield Row("Session.post: CPU", form.cpu * MICRO, "µs")


def _overhead(url: str) -> Iterator[Row]:
    spent = take_turns(2000, (url,), "instant_mailer", "instant_hand", "post")
    cost = spent["instant_mailer"].cpu - spent["instant_hand"].cpu
    name = "chain, policy, health, receipt: CPU"
    yield Row.of(name, cost, spent["post"].cpu, "x Session.post", 0.03)


def _at_once(url: str) -> Iterator[Row]:
    names = ("post_32_threads", "mailer_32_threads", "mailer_128_threads", "send_many_32")
    in_loops = ("async_50", "uvloop_50", "instant_async")
    floors = ("raw", "raw_128_threads")
    spent = take_turns(1600, (url,), *names, "mailer", *in_loops, *floors)
    theirs, alone = spent["post_32_threads"].wall, spent["mailer"].wall
    for name, label, base, unit, goal in (
        ("mailer_32_threads", "Mailer.send in 32 threads", theirs, "requests, 32 threads", 2.2),
        ("send_many_32", "send_many, 32 workers", theirs, "requests, 32 threads", 2.2),
        ("mailer_128_threads", "Mailer.send in 128 threads", alone, "its own, 1 thread", 0.9),
        ("async_50", "AsyncMailer, 50 in flight", theirs, "requests, 32 threads", 3.5),
        ("uvloop_50", "AsyncMailer under uvloop", theirs, "requests, 32 threads", 4.5),
    ):
        yield Row(f"{label}: rate", base / spent[name].wall, f"x {unit}", goal, more=True)
        cpu = spent["post_32_threads"].cpu / spent[name].cpu
        yield Row(f"{label}: mails per CPU", cpu, "x requests, 32 threads")
    floor = spent["raw"].wall / spent["raw_128_threads"].wall
    yield Row("bare sockets in 128 threads: rate", floor, "x their own, 1 thread")
    yield Row("AsyncMailer without a vendor: CPU", spent["instant_async"].cpu * MICRO, "µs")


def _tls(title: str, where: tuple[str, ...]) -> Iterator[Row]:
    spent = take_turns(200, where, "tls_kept", "tls_new", "tls_bare", "tls_resumed")
    new, floor = spent["tls_new"].cpu, spent["tls_resumed"].cpu
    yield Row.of(f"{title}, a new connection: CPU", new, floor, "x a bare, resumed one", 1.2)
    for label, name in (("a bare one, not resumed", "tls_bare"), ("a kept-alive send", "tls_kept")):
        yield Row.of(f"{title}, {label}: CPU", spent[name].cpu, floor, "x resumed")
