"""
Which proxy a host is reached through.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import getproxies

from requests.utils import select_proxy, should_bypass_proxies

from mailfailover.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping


class Proxies:
    """
    The proxies that were given, and the environment's if it is trusted.

    Raises:
        ConfigurationError: If one is not of the form ``http://host:port``.
    """

    def __init__(self, given: Mapping[str, str], *, trust_env: bool) -> None:
        self._given = {key: _check(url) for key, url in given.items()}
        found = getproxies() if trust_env else {}
        self._environment = {
            key: _check(url) for key, url in found.items() if key in ("https", "all")
        }

    def find(self, url: str) -> str | None:
        """
        Return the proxy for *url*, or None for a direct connection.
        """
        if proxy := select_proxy(url, self._given):
            return proxy
        if self._environment and not should_bypass_proxies(url, no_proxy=None):
            return select_proxy(url, self._environment)
        return None


def _check(proxy: str) -> str:
    url = proxy if "://" in proxy else f"http://{proxy}"
    parts = urlsplit(url)
    if parts.scheme != "http" or not parts.hostname:
        raise ConfigurationError(
            "proxies: a proxy must be of the form http://[user:password@]host:port"
        )
    return url
