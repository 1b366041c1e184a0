"""
The vendors, played on this machine until the command is told to end.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from mailfailover.cli.listening import wait_for_the_end
from mailfailover.cli.output import say, write_json
from mailfailover.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from mailfailover.chaos import Chaos

_LOOPBACK = ("127.", "localhost")
_OPEN = (
    "Everybody who reaches this port can make vendors fail, read the mails, and have events "
    "posted to any address. Use it in a network of your own."
)


def run_chaos(
    *,
    listen: str,
    smtp: str,
    anywhere: bool,
    own_ports: bool,
    names: Sequence[str],
    tls_cert: Path | None,
    tls_key: Path | None,
    ca_out: Path | None,
    webhooks: Sequence[str],
    incident: str,
    speed: float,
    keep: int,
    print_dsn: bool,
    tls: bool,
    as_json: bool,
) -> None:
    """
    Play the vendors until told to end.

    Raises:
        ConfigurationError: If an option is wrong, or a port cannot be had.
    """
    from mailfailover.chaos import Chaos

    host, port = _address("--listen", listen, anywhere=anywhere)
    smtp_host, smtp_port = _address("--smtp", smtp, anywhere=anywhere)
    if smtp_host != host:
        raise ConfigurationError("--smtp and --listen must name the same host")
    if bool(tls_cert) != bool(tls_key):
        raise ConfigurationError("TLS needs both --tls-cert and --tls-key")
    chaos = Chaos(
        host=host,
        port=port,
        smtp_port=smtp_port,
        own_ports=own_ports,
        names=names,
        certificate=(tls_cert, tls_key) if tls_cert and tls_key else None,
        keep=keep,
    )
    with _started(chaos):
        for webhook in webhooks:
            vendor, _, url = webhook.partition("=")
            chaos.webhook(vendor, url)
        if ca_out:
            ca_out.write_bytes(chaos.ca_pem)
        if incident:
            chaos.play(incident, speed)
        dsns = {name: chaos.dsn(name, tls=tls) for name in chaos.vendors}
        if as_json:
            write_json({"url": chaos.url, "dsns": dsns})
        elif print_dsn:
            for dsn in dsns.values():
                say(dsn)
        if host != "127.0.0.1":
            say(_OPEN, err=True)
        say(f"chaos: {chaos.url}  (Ctrl-C ends it)", err=True)
        say(f"smtp: {chaos.url_of('smtp')}", err=True)
        wait_for_the_end()


@contextmanager
def _started(chaos: Chaos) -> Iterator[None]:
    try:
        chaos.start()
    except OSError as exc:
        text = f"the ports cannot be had ({exc.strerror}): give another --listen or --smtp"
        raise ConfigurationError(text) from exc
    try:
        yield
    finally:
        chaos.close()


def _address(option: str, text: str, *, anywhere: bool) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isdecimal() or int(port) > 65535:  # noqa: PLR2004 -- ports
        raise ConfigurationError(f"{option} must be HOST:PORT, such as 127.0.0.1:9000, not {text}")
    if not host.startswith(_LOOPBACK) and not anywhere:
        text = f"{option} {text} can be reached by others: add --anywhere if that is meant"
        raise ConfigurationError(text)
    return host, int(port)
