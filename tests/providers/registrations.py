"""
What each vendor's own tests registered, found through the entry points: new vendors join.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.util import find_spec
from itertools import chain
from typing import TYPE_CHECKING, Any

from mailfailover._setup.registry import find, installed
from mailfailover.testing import ProviderContract, WebhookContract
from tests.providers.round_trip import RoundTrip

if TYPE_CHECKING:
    from collections.abc import Iterator

Contract = type[ProviderContract]


@cache
def vendors() -> dict[str, Contract]:
    """
    The contract of each built-in provider that calls somebody, by its name.
    """
    return {name: next(_registered(name, ProviderContract)) for name in _names()}


def http_vendors() -> dict[str, Contract]:
    """
    Those of :func:`vendors` that are called over HTTP.
    """
    return {name: one for name, one in vendors().items() if hasattr(one.provider, "base_url")}


@cache
def webhook_vendors() -> dict[str, type[WebhookContract]]:
    """
    The contract of the webhooks of each built-in provider that has some, by its name.
    """
    found = {name: next(_registered(name, WebhookContract), None) for name in _names()}
    return {name: one for name, one in found.items() if one is not None}


def unread_vendors() -> list[str]:
    """
    Those of :func:`vendors` whose requests no test reads back.
    """
    return [name for name in vendors() if next(_registered(name, RoundTrip), None) is None]


def _names() -> list[str]:
    classes = (find(info.scheme) for info in installed() if info.builtin)
    return sorted({one.name for one in classes if hasattr(one, "build_request")})  # type: ignore[attr-defined]  # a provider


def _registered(name: str, kind: type) -> Iterator[Any]:
    """
    The subclasses of *kind* in the vendor's test modules.
    """
    modules = (f"tests.providers.test_{name}{end}" for end in ("", "_webhooks"))
    found = (vars(import_module(one)).values() for one in modules if find_spec(one))
    for one in chain.from_iterable(found):
        if isinstance(one, type) and issubclass(one, kind) and one is not kind:
            yield one
