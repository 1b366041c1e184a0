"""
Healthy vendors, and transports that are closed again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mailfailover.testing import FaultServer, SMTPFaultServer
from mailfailover.transports.http import HTTPTransport
from mailfailover.transports.smtp import SMTPTransport
from tests.transports.smtp_requests import BAD, NO_SUCH_USER

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def vendor() -> Iterator[FaultServer]:
    """
    A vendor over plain HTTP.
    """
    with FaultServer() as server:
        yield server


@pytest.fixture
def tls_vendor() -> Iterator[FaultServer]:
    """
    A vendor over HTTPS.
    """
    with FaultServer(tls=True) as server:
        yield server


@pytest.fixture
def ca_file(tls_vendor: FaultServer, tmp_path: Path) -> str:
    """
    The certificate that proves the vendor over HTTPS.
    """
    assert tls_vendor.certificates is not None
    path = tmp_path / "ca.pem"
    path.write_bytes(tls_vendor.certificates.ca_pem)
    return str(path)


@pytest.fixture
def transport() -> Iterator[HTTPTransport]:
    """
    A transport with nothing configured.
    """
    made = HTTPTransport()
    yield made
    made.close()


@pytest.fixture
def relay() -> Iterator[SMTPFaultServer]:
    """
    A mail server without TLS that does not know BAD.
    """
    with SMTPFaultServer(recipients={BAD: NO_SUCH_USER}) as server:
        yield server


@pytest.fixture
def smtp() -> Iterator[SMTPTransport]:
    """
    A transport for SMTP with nothing configured.
    """
    made = SMTPTransport()
    yield made
    made.close()
