"""
Two hosts with a cable between them: network namespaces, for attempts from a foreign address.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

OURS, FOREIGN = "192.0.2.1", "192.0.2.2"  # of the network for documentation, RFC 5737


class Hosts:
    """
    The host of the server at `OURS`, and another one at `FOREIGN`.
    """

    def __init__(self) -> None:
        self._names = [f"mailfailover-{os.getpid()}-{side}" for side in ("ours", "foreign")]

    @property
    def ours(self) -> list[str]:
        """
        The words before a command that is to run on our host.
        """
        return ["ip", "netns", "exec", self._names[0]]

    @property
    def foreign(self) -> list[str]:
        """
        The words before a command that is to run on the other host.
        """
        return ["ip", "netns", "exec", self._names[1]]

    def make(self) -> None:
        """
        Make both hosts and the cable.

        Raises:
            subprocess.CalledProcessError: If this user or this system cannot have namespaces.
        """
        for name in self._names:
            _ip("netns", "add", name)
        ends = [("netns", name, "type", "veth", "peer") for name in self._names]
        _ip("link", "add", "cable", *ends[0], "name", "cable", *ends[1][:2])
        for name, address in zip(self._names, (OURS, FOREIGN), strict=True):
            _ip("-n", name, "addr", "add", f"{address}/24", "dev", "cable")
            _ip("-n", name, "link", "set", "cable", "up")
            _ip("-n", name, "link", "set", "lo", "up")

    def remove(self) -> None:
        """
        Remove what was made, even if only a part was.
        """
        for name in self._names:
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)


@contextmanager
def two_hosts() -> Iterator[Hosts]:
    """
    The hosts, or a skip where they cannot be made.
    """
    if shutil.which("ip") is None:
        pytest.skip("ip of iproute2 is not installed")
    hosts = Hosts()
    try:
        hosts.make()
    except subprocess.CalledProcessError as exc:
        hosts.remove()
        pytest.skip(f"network namespaces cannot be made here: {exc.stderr.decode().strip()}")
    try:
        yield hosts
    finally:
        hosts.remove()


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)
