"""
The certificate of a port, read again when its files change.
"""

from __future__ import annotations

import logging
import ssl
from pathlib import Path

from mailfailover.errors import ConfigurationError

__all__ = ["Certificates"]

_LOG = logging.getLogger(__name__)


class Certificates:
    """
    A context of TLS whose certificate follows its files.

    Args:
        certificate: A PEM file with the certificate and its chain.

        key: A PEM file with its key.

    Raises:
        ConfigurationError: If they cannot be read or do not belong together.
    """

    def __init__(self, certificate: str | Path, key: str | Path) -> None:
        self._files = Path(certificate), Path(key)
        self.context: ssl.SSLContext = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2
        self._read = self._state()
        try:
            self.context.load_cert_chain(*self._files)
        except (OSError, ssl.SSLError) as exc:
            message = (
                f"the certificate or its key cannot be used ({exc.strerror or exc}): check both"
            )
            raise ConfigurationError(message) from exc

    def refresh(self) -> None:
        """
        Read the files again if they changed; connections made from now on get the new one.
        """
        state = self._state()
        if state == self._read:
            return
        try:
            self.context.load_cert_chain(*self._files)
        except (OSError, ssl.SSLError) as exc:
            _LOG.error("the new certificate cannot be used, the old one stays: %s", exc)
            return
        self._read = state
        _LOG.info("the certificate was read again")

    def _state(self) -> tuple[tuple[int, int], ...]:
        try:
            return tuple(
                (found.st_mtime_ns, found.st_ino) for found in (one.stat() for one in self._files)
            )
        except OSError:
            return ()
