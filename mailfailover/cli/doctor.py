"""
The doctor: looks for faults of a set-up and says how to mend them.
"""

from __future__ import annotations

import os
import re
import stat
from importlib.metadata import PackageNotFoundError, distribution
from typing import TYPE_CHECKING

from mailfailover._setup.registry import installed
from mailfailover._setup.variables import misspelt
from mailfailover.cli.doctor_accounts import examine_accounts
from mailfailover.cli.doctor_tracking import examine_tracking, last_deliveries
from mailfailover.cli.finding import NOTE, OK, PROBLEM, WARNING, Finding
from mailfailover.cli.source import name_source, open_mailer
from mailfailover.errors import ConfigurationError, ConnectionFailed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from mailfailover._chain.ping import Ping
    from mailfailover._mailer.mailer import Mailer

_REQUIREMENT = re.compile(r"""(?P<name>[\w.-]+).*extra\s*==\s*["'](?P<extra>[\w.-]+)["']""")
_PING_REMEDY = "give it ping() or build_ping(), or send a mail through it: mailfailover send --via"


def examine(
    dsn: str | None, config: Path | None, timeout: float, webhook_url: str = ""
) -> Iterator[Finding]:
    """
    Look at plugins, extras, deliveries and configuration, and ask each vendor about the account.

    Args:
        dsn, config: As given on the command line.

        timeout: Seconds for each call.

        webhook_url: The URL above the webhooks of all providers, "" if it is unknown.
    """
    yield from _plugins()
    yield from check_extras(distribution("mailfailover").requires or ())
    yield from _variables(os.environ)
    yield from examine_tracking()
    if config is not None:
        yield from _permissions(config)
    source = name_source(dsn, config)
    try:
        mailer = open_mailer(dsn, config)
    except ConfigurationError as exc:
        remedy = "correct it there; `mailfailover init` writes a commented example"
        yield Finding(PROBLEM, "configuration", f"{source}: {exc}", remedy)
        return
    with mailer:
        yield Finding(OK, "configuration", f"{source}: {mailer.chain.strategy!r}")
        yield from _chain(mailer)
        yield from _bounces(mailer)
        yield from _pings(mailer.ping(timeout=timeout).values())
        yield from examine_accounts(mailer, timeout, webhook_url)
        yield from last_deliveries(mailer.chain.keys)


def readiness(findings: Iterable[Finding]) -> dict[str, bool]:
    """
    Return for each link whether it is ready to take mails: nothing about it is a problem.
    """
    ready: dict[str, bool] = {}
    for one in findings:
        if one.link:
            ready[one.link] = ready.get(one.link, True) and one.severity != PROBLEM
    return ready


def _variables(environ: Iterable[str]) -> Iterator[Finding]:
    for name, meant in misspelt(environ).items():
        remedy = f"rename it to {meant}" if meant else "unset it, or correct its name"
        yield Finding(WARNING, f"variable {name}", "it is set, and means nothing", remedy)


def _plugins() -> Iterator[Finding]:
    found = installed()
    usable = [info for info in found if not info.broken]
    yield Finding(OK, "providers", f"{len(usable)} can be used: see `mailfailover providers`")
    for info in found:
        if info.broken:
            subject = f"provider {info.scheme or '?'} of {info.distribution}"
            remedy = f"repair, upgrade or remove {info.distribution}"
            yield Finding(WARNING, subject, info.broken, remedy)


def check_extras(requirements: Iterable[str]) -> Iterator[Finding]:
    """
    Find out which extras are installed.

    Args:
        requirements: The requirements in a distribution's metadata.
    """
    extras: dict[str, list[str]] = {}
    for requirement in requirements:
        found = _REQUIREMENT.match(requirement)
        if found and found["extra"] != "all":
            extras.setdefault(found["extra"], []).append(found["name"])
    for extra, names in extras.items():
        if missing := [name for name in names if not _has(name)]:
            remedy = f'pip install "mailfailover[{extra}]"'
            yield Finding(NOTE, f"extra {extra}", f"{', '.join(missing)} not installed", remedy)
        else:
            yield Finding(OK, f"extra {extra}", "installed")


def _has(name: str) -> bool:
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True


def _permissions(config: Path) -> Iterator[Finding]:
    try:
        mode = stat.S_IMODE(config.stat().st_mode)
    except OSError:
        return  # the code that reads the file reports this
    if mode & (stat.S_IRGRP | stat.S_IROTH):
        text = f"others may read {config} ({mode:o}), and it may hold keys"
        yield Finding(WARNING, "configuration", text, f"chmod 600 {config}")


def _chain(mailer: Mailer) -> Iterator[Finding]:
    if mailer.chain.is_alone:
        text = f"{mailer.chain.keys[0]} is alone: when it fails, there is nobody to fail over to"
        yield Finding(WARNING, "chain", text, "add a second provider")
    if mailer.from_email is None and any(link.from_email is None for link in mailer.chain.links):
        text = "no from_email is configured: each mail has to name its sender"
        yield Finding(NOTE, "sender", text, "set from_email, unless your mails have it")


def _bounces(mailer: Mailer) -> Iterator[Finding]:
    for link in mailer.chain.links:
        if getattr(link.provider, "bounce_addresses", link) is None:
            text = f"nobody hears of the bounces of {link.key}, so there are no events of its mails"
            yield Finding(NOTE, "bounces", text, "set bounce_address and bounce_secret")


def _pings(pings: Iterable[Ping]) -> Iterator[Finding]:
    pings = list(pings)
    for one in pings:
        subject = f"ping {one.provider}"
        took = f"{one.duration:.2f} s"
        if one.error is not None:
            text = f"{type(one.error).__name__} after {took}: {one.error}"
            yield Finding(PROBLEM, subject, text, one.error.advice, one.provider)
        elif one.ok is None:
            remedy = f"{_PING_REMEDY} {one.provider}"
            yield Finding(NOTE, subject, "it has no way to be asked", remedy, one.provider)
        else:
            yield Finding(OK, subject, f"answered in {took}", link=one.provider)
    if len(pings) > 1 and all(isinstance(one.error, ConnectionFailed) for one in pings):
        text = "no provider could be reached"
        yield Finding(PROBLEM, "network", text, "check this machine's network, DNS and firewall")
