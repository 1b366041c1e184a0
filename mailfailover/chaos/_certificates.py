"""
The certificates that vendors show: a good one, an expired one, and one for another name.
"""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from functools import cached_property
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from mailfailover.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

__all__ = ["Certificates"]

_INSTALL = 'TLS here needs the package trustme: pip install "mailfailover[chaos]"'
_DAY = timedelta(days=1)


class Certificates:
    """
    Contexts of the server's side, made when they are first needed.

    Args:
        names: Host names and IP addresses of the good certificate.

        own: A certificate and its key to show instead of a self-made one.

        kind_for: The kind of certificate to show for a server name, None where the client
            sent none.
    """

    def __init__(
        self,
        names: Sequence[str],
        own: tuple[Path, Path] | None,
        kind_for: Callable[[str | None], str],
    ) -> None:
        self._names = names
        self._own = own
        self._kind_for = kind_for

    @cached_property
    def _authority(self) -> Any:
        try:
            import trustme
        except ImportError as exc:
            raise ConfigurationError(_INSTALL) from exc
        return trustme.CA(organization_name="mailfailover chaos")

    @property
    def can_be_made(self) -> bool:
        """
        Whether there is a certificate, or a package to make one.
        """
        return self._own is not None or find_spec("trustme") is not None

    @property
    def ca_pem(self) -> bytes:
        """
        The authority that clients must trust, in PEM.
        """
        pem: bytes = self._authority.cert_pem.bytes()
        return pem

    def context(self, vendor_kind: Callable[[], str] | None = None) -> ssl.SSLContext:
        """
        A context for one connection: its certificate is chosen when the client says hello.

        Args:
            vendor_kind: The kind to show on a vendor's own port, whatever name the client sends.
        """

        def choose(secured: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
            kind = vendor_kind() if vendor_kind else self._kind_for(name)
            if kind:
                secured.context = self._bad(kind)

        context = self._loaded(self._good)
        context.sni_callback = choose
        return context

    @cached_property
    def _good(self) -> Any:
        return None if self._own else self._authority.issue_cert(*self._names)

    @cached_property
    def _expired(self) -> ssl.SSLContext:
        now = datetime.now(UTC)
        leaf = self._authority.issue_cert(
            *self._names, not_before=now - 90 * _DAY, not_after=now - _DAY
        )
        return self._loaded(leaf)

    @cached_property
    def _wrong(self) -> ssl.SSLContext:
        return self._loaded(self._authority.issue_cert("another-name.example"))

    def _bad(self, kind: str) -> ssl.SSLContext:
        return self._expired if kind == "expired_certificate" else self._wrong

    def _loaded(self, leaf: Any) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        # A resumed session would skip the certificate.
        context.options |= ssl.OP_NO_TICKET
        context.num_tickets = 0
        if leaf is not None:
            leaf.configure_cert(context)
            return context
        assert self._own is not None  # noqa: S101 -- the only way to have no leaf
        try:
            context.load_cert_chain(*self._own)
        except (OSError, ssl.SSLError) as exc:
            text = f"--tls-cert and --tls-key are no certificate and its key: {exc}"
            raise ConfigurationError(text) from exc
        return context
