"""
A call to a vendor: the host of its region, its secrets, and JSON to post.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from mailfailover._provider.bodies import json_body
from mailfailover._values.wire import HTTPRequest
from mailfailover.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

Secret = str | Callable[[], str]
"""A secret, or a callable that returns it for each call, so that it may change."""


class RegionalProvider(Protocol):
    """
    A provider whose vendor has a host for each region.
    """

    @property
    def name(self) -> str:
        """
        The name of the provider.
        """

    @property
    def region(self) -> str:
        """
        The region of the account.
        """

    @property
    def base_url(self) -> str:
        """
        The host that was configured, "" for that of the region.
        """


def regional_url(provider: RegionalProvider, hosts: Mapping[str, str]) -> str:
    """
    Return the ``base_url`` of a provider, that of its region where none is configured.

    Raises:
        ConfigurationError: If *hosts* do not know its region.
    """
    if provider.region not in hosts:
        known = ", ".join(map(repr, hosts))
        message = f"region of {provider.name} is {provider.region!r}: use {known}"
        raise ConfigurationError(message)
    return provider.base_url or hosts[provider.region]


def post_json(
    url: str, headers: Mapping[str, str], data: Any, *, idempotency_key: str = ""
) -> HTTPRequest:
    """
    Make a POST of *data* as JSON.

    Args:
        url: The whole URL.

        headers: The headers that identify us; Content-Type is added.

        data: As :func:`json_body` takes it.

        idempotency_key: Goes into the header Idempotency-Key where there is one.
    """
    added = {"Content-Type": "application/json"}
    if idempotency_key:
        added["Idempotency-Key"] = idempotency_key
    return HTTPRequest("POST", url, {**headers, **added}, json_body(data))


def host_header(url: str) -> str:
    """
    Return the Host header as it is sent: with the port only where it is not the scheme's own.
    """
    parts = urlsplit(url)
    return parts.netloc.lower().removesuffix(":443" if parts.scheme == "https" else ":80")
