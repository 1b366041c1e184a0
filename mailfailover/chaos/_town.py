"""
The town: which vendor a request is for.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mailfailover.chaos._providers import HTTP_VENDORS, hosts

if TYPE_CHECKING:
    from mailfailover.testing import RecordedRequest

__all__ = ["addressed", "vendor_of_host"]


def vendor_of_host(host: str) -> str | None:
    """
    The vendor whose own host it is, or whose name is its first label: ``mailgun.localhost``.
    """
    name, dot, _ = host.partition(".")
    if dot and name in HTTP_VENDORS and host not in hosts():
        return name
    return hosts().get(host)


def addressed(request: RecordedRequest) -> tuple[str | None, RecordedRequest]:
    """
    The vendor of a request by its host, else by the first part of its path, which is cut off.
    """
    host = request.header("Host").partition(":")[0].lower()
    if vendor := vendor_of_host(host):
        return vendor, request
    first, slash, rest = request.path.removeprefix("/").partition("/")
    if slash and first in HTTP_VENDORS:
        return first, replace(request, path=f"/{rest}")
    return None, request
