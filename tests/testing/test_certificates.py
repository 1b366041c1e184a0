from __future__ import annotations

import sys

import pytest

import mailfailover.testing
from mailfailover.testing import FaultServer, certificates


def test_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Without trustme the error says what to install, or what to pass instead.
    """
    monkeypatch.setitem(sys.modules, "trustme", None)

    with pytest.raises(RuntimeError, match=r"pip install trustme, or pass an ssl\.SSLContext"):
        FaultServer(tls=True)


def test_certificate_is_a_pem() -> None:
    """
    Clients that want a file can write it themselves; a repr shows nothing.
    """
    made = certificates("mail.example.com")

    assert made.ca_pem.startswith(b"-----BEGIN CERTIFICATE-----")
    assert "Certificates()" == repr(made)


def test_all_names_exist() -> None:
    """
    Every public name is found, in the listing too, and no other.
    """
    names = mailfailover.testing.__all__

    assert set(names) <= set(dir(mailfailover.testing))
    assert all(getattr(mailfailover.testing, name) is not None for name in names)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = mailfailover.testing.nothing
