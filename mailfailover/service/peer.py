"""
The peer of a connection within this machine: which process it is, and whether it serves others.

A proxy need not say that it is one: nginx with a bare ``proxy_pass`` adds no header, and sends
the Host of the upstream. But the kernel knows which process opened the connection (Linux, in
``/proc``), and a proxy is a server itself: it listens, or holds the connection of its client.
"""

from __future__ import annotations

import os
import re
import sys
from contextlib import suppress
from ipaddress import IPv6Address, ip_address
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from ipaddress import IPv4Address

__all__ = ["Peer", "find_peer", "is_loopback"]

_PROC = Path("/proc")
_TABLES = ("net/tcp", "net/tcp6")
_LISTEN = "0A"

_LOOKS = 3
"""Looks at the kernel's table, which may miss a line while other connections come and go."""

# A forwarder that listens on a loopback address only is told by its name.
_FORWARDERS = re.compile(
    r"3proxy|angie|apache2|bore|caddy|chisel|cloudflared|consul|docker-proxy|dropbear|envoy"
    r"|freenginx|frp[cs]|gost|gvproxy|h2o|haproxy|hitch|httpd|inetd|kube-proxy|kubectl|lighttpd"
    r"|linkerd2-proxy|mitm(dump|proxy|web)|nginx|ngrok|openresty|pasta|passt|pilot-agent|pound"
    r"|privoxy|redir|rinetd|rootlesskit|rootlessport|slirp4netns|socat|sockd|sozu|squid|ssh"
    r"|sshd|sshd-session|stunnel4?|systemd-socket-|tailscaled|tengine|tinyproxy|traefik"
    r"|varnishd|xinetd"
)
"""The names of forwarders, as the kernel cuts them to 15 bytes."""


class Peer(NamedTuple):
    """
    The process at the other end of a connection.

    Attributes:
        name: What the process is called.

        is_server: Whether it may be passing on what others ask.
    """

    name: str
    is_server: bool


class _Socket(NamedTuple):
    local: str
    remote: str
    state: str
    inode: str

    @property
    def port(self) -> str:
        return self.local.rpartition(":")[2]

    @property
    def is_loopback(self) -> bool:
        return is_loopback(_bytes(self.local.rpartition(":")[0]))


def find_peer(address: str, port: str, own_port: str, proc: Path = _PROC) -> Peer | None:
    """
    Find the process of this machine that connected to us from *address* and *port*.

    Args:
        address, port: Of its end of the connection.

        own_port: The port at which we listen.

        proc: Where the kernel tells about processes.

    Returns:
        None where no process that we may look at has this end: it belongs to another user or to
        another container.

    Raises:
        OSError: If this system does not tell about connections.
    """
    ends = _forms(address, int(port))
    for _ in range(_LOOKS):
        sockets = tuple(_sockets(proc))
        inodes = {one.inode for one in sockets if one.local in ends and one.state != _LISTEN}
        if holders := {pid: held for pid, held in _holders(proc) if held & inodes}:
            return _describe(sockets, holders, int(own_port), proc)
    return None


def _describe(
    sockets: Collection[_Socket], holders: Mapping[str, set[str]], own_port: int, proc: Path
) -> Peer:
    ours = _inodes(proc / str(os.getpid()))
    own_ends = {one.local for one in sockets if one.inode in ours}
    served = {one.port for one in sockets if one.state == _LISTEN}
    for pid, held in holders.items():
        name = _name(proc / pid)
        theirs = [one for one in sockets if one.inode in held]
        if pid == str(os.getpid()):  # a client in our own process: what we serve is no proxy
            theirs = [one for one in theirs if one.port != f"{own_port:04X}"]
        if _FORWARDERS.fullmatch(name) or any(_serves(one, served, own_ends) for one in theirs):
            return Peer(name, is_server=True)
    return Peer(name, is_server=False)


def read_address(address: str | bytes) -> IPv4Address | IPv6Address:
    """
    Read an IP address; one of IPv4 within IPv6 is that of IPv4.

    Raises:
        ValueError: If it is none.
    """
    found = ip_address(address)
    return getattr(found, "ipv4_mapped", None) or found


def is_loopback(address: str | bytes) -> bool:
    """
    Tell whether an address, as text or as bytes, is one of this machine for itself.
    """
    try:
        return read_address(address).is_loopback
    except ValueError:
        return False


def _serves(one: _Socket, served: Collection[str], own_ends: Collection[str]) -> bool:
    """
    Tell whether a socket makes its process a server for others.

    A listener on a loopback address does not, or no program with a debugger, and no test with a
    vendor of its own, could be a client. A connection that such a listener accepted does, unless
    we made it ourselves.
    """
    if one.state == _LISTEN:
        return not one.is_loopback
    return one.port in served and one.remote not in own_ends


def _sockets(proc: Path) -> Iterator[_Socket]:
    for name in _TABLES:
        table = proc / name
        if name != _TABLES[0] and not table.exists():
            continue  # a kernel without IPv6
        for line in table.read_text("ascii").splitlines()[1:]:
            fields = line.split()
            yield _Socket(fields[1], fields[2], fields[3], fields[9])


def _holders(proc: Path) -> Iterator[tuple[str, set[str]]]:
    """
    Yield each process that we may look at, with the inodes of its sockets.
    """
    for directory in proc.iterdir():
        if directory.name.isdigit():
            yield directory.name, _inodes(directory)


def _inodes(process: Path) -> set[str]:
    found = set()
    with suppress(OSError):  # the process ended, or belongs to another user
        for entry in os.scandir(process / "fd"):
            with suppress(OSError):
                target = os.readlink(entry.path)  # noqa: PTH115 -- thousands of them, quickly
                if target.startswith("socket:["):
                    found.add(target[len("socket:[") : -1])
    return found


def _name(process: Path) -> str:
    with suppress(OSError):
        return (process / "comm").read_text("utf-8", "replace").strip()
    return ""


def _forms(address: str, port: int) -> set[str]:
    """
    Return the forms in which the kernel writes an address: IPv4, or IPv4 within IPv6, too.
    """
    found = read_address(address)
    forms = {_hex(found.packed)}
    if not isinstance(found, IPv6Address):
        forms.add(_hex(IPv6Address(f"::ffff:{found}").packed))
    return {f"{form}:{port:04X}" for form in forms}


def _hex(packed: bytes) -> str:
    # The kernel prints each word of four bytes as a number of this machine.
    words = (packed[start : start + 4] for start in range(0, len(packed), 4))
    return "".join(f"{int.from_bytes(word, sys.byteorder):08X}" for word in words)


def _bytes(text: str) -> bytes:
    words = (text[start : start + 8] for start in range(0, len(text), 8))
    return b"".join(int(word, 16).to_bytes(4, sys.byteorder) for word in words)
