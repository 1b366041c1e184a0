"""
Faults before and in the TLS handshake: nothing of the mail has been sent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailfailover.testing._certificates import untrusted_context
from mailfailover.testing._fault import Fault, Phase
from mailfailover.testing._http_wire import CannedResponse, render

if TYPE_CHECKING:
    from mailfailover.testing._fault import Exchange

__all__ = ["plain_on_tls", "tls_bad_certificate", "tls_eof", "tls_hang", "tls_reset"]


def tls_hang() -> Fault:
    """
    Accept the connection, never shake hands. Not sent.
    """
    return Fault(
        "tls_hang", "not sent", Phase.CONNECT, http_only=False, run=lambda x: x.channel.drain()
    )


def tls_reset() -> Fault:
    """
    RST in the middle of the handshake. Not sent.
    """

    def run(exchange: Exchange) -> None:
        exchange.channel.arrived()
        exchange.channel.reset()

    return Fault("tls_reset", "not sent", Phase.CONNECT, http_only=False, run=run)


def tls_eof() -> Fault:
    """
    Close in the middle of the handshake. Not sent.
    """

    def run(exchange: Exchange) -> None:
        exchange.channel.read_some()
        exchange.channel.close()

    return Fault("tls_eof", "not sent", Phase.CONNECT, http_only=False, run=run)


def tls_bad_certificate() -> Fault:
    """
    Present a certificate of an untrusted CA. Not sent. Needs trustme.

    A client that does not verify the certificate is served, which exposes it.
    """
    context = untrusted_context()
    return Fault(
        "tls_bad_certificate",
        "not sent",
        Phase.CONNECT,
        http_only=False,
        run=lambda x: x.channel.start_tls(context),
    )


def plain_on_tls() -> Fault:
    """
    Answer in plain text where TLS is spoken. Not sent.
    """

    def run(exchange: Exchange) -> None:
        exchange.channel.read_some()
        exchange.channel.send(render(CannedResponse(400, b"plain HTTP here\n")))
        exchange.channel.close()

    return Fault("plain_on_tls", "not sent", Phase.CONNECT, http_only=False, run=run)
