"""
Tools for tests of mail: vendors on real sockets that fail on command, and the providers' contract.

Nothing is imported before it is used, and the servers need the standard library only (trustme
where they make certificates).
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mailfailover.testing import _faults as faults
    from mailfailover.testing._certificates import Certificates, certificates
    from mailfailover.testing._clock import FakeClock
    from mailfailover.testing._contract import ProviderContract
    from mailfailover.testing._contract_webhooks import WebhookContract
    from mailfailover.testing._dialect import Dialect
    from mailfailover.testing._fault import Fault
    from mailfailover.testing._fault_server import FaultServer
    from mailfailover.testing._http_wire import CannedResponse, RecordedRequest
    from mailfailover.testing._proxy import FaultProxy
    from mailfailover.testing._samples import PLAIN, RICH, SAMPLES
    from mailfailover.testing._smtp_server import SMTPFaultServer
    from mailfailover.testing._smtp_wire import RecordedMail
    from mailfailover.testing._transport import FakeTransport
    from mailfailover.testing._wire_text import wire_text

__all__ = [
    "PLAIN",
    "RICH",
    "SAMPLES",
    "CannedResponse",
    "Certificates",
    "Dialect",
    "FakeClock",
    "FakeTransport",
    "Fault",
    "FaultProxy",
    "FaultServer",
    "ProviderContract",
    "RecordedMail",
    "RecordedRequest",
    "SMTPFaultServer",
    "WebhookContract",
    "certificates",
    "faults",
    "wire_text",
]

# The module of each name; `faults` is a module itself.
_HOMES = {
    "PLAIN": "_samples",
    "RICH": "_samples",
    "SAMPLES": "_samples",
    "CannedResponse": "_http_wire",
    "Certificates": "_certificates",
    "Dialect": "_dialect",
    "FakeClock": "_clock",
    "FakeTransport": "_transport",
    "Fault": "_fault",
    "FaultProxy": "_proxy",
    "FaultServer": "_fault_server",
    "ProviderContract": "_contract",
    "RecordedMail": "_smtp_wire",
    "RecordedRequest": "_http_wire",
    "SMTPFaultServer": "_smtp_server",
    "WebhookContract": "_contract_webhooks",
    "certificates": "_certificates",
    "faults": "_faults",
    "wire_text": "_wire_text",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = importlib.import_module(f"{__name__}.{_HOMES[name]}")
    value = home if name == "faults" else getattr(home, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
