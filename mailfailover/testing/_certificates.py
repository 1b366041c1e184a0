"""
Certificates for loopback servers, made on the spot.
"""

from __future__ import annotations

import functools
import ssl
from dataclasses import dataclass, field

from mailfailover._values.face import published_in

__all__ = ["Certificates", "certificates", "untrusted_context"]


@published_in("mailfailover.testing")
@dataclass(frozen=True, slots=True)
class Certificates:
    """
    A CA of its own and a server certificate for ``localhost`` and ``127.0.0.1``.

    `ca_pem` is the CA's certificate, for clients that want a file.

    .. versionadded:: 0.1.0
    """

    server_context: ssl.SSLContext = field(repr=False)
    client_context: ssl.SSLContext = field(repr=False)
    ca_pem: bytes = field(repr=False)


def certificates(*names: str) -> Certificates:
    """
    Make a new CA, a certificate for *names*, and the contexts of both sides.

    Args:
        names: Host names and IP addresses; ``localhost`` and ``127.0.0.1`` if none is given.

    Raises:
        RuntimeError:
            If the package trustme is not installed.

    .. versionadded:: 0.1.0
    """
    try:
        import trustme  # optional, for TLS only
    except ImportError as exc:
        raise RuntimeError(
            "TLS here needs the package trustme: pip install trustme, or pass an ssl.SSLContext"
        ) from exc
    authority = trustme.CA()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*(names or ("localhost", "127.0.0.1"))).configure_cert(server)
    client = ssl.create_default_context()
    authority.configure_trust(client)
    return Certificates(server, client, authority.cert_pem.bytes())


@functools.cache
def untrusted_context() -> ssl.SSLContext:
    """
    A server's side of TLS whose CA no client trusts; made once for each process.
    """
    return certificates().server_context
