from __future__ import annotations

import gc
import socket
from typing import TYPE_CHECKING

from mailfailover.service.peer import Peer
from mailfailover.service.peer_memory import PeerMemory

if TYPE_CHECKING:
    from mailfailover.service.peer_memory import Environ

OWN = Peer("python", is_server=False)
PROXY = Peer("nginx", is_server=True)


class World:
    """
    A machine whose peer is found, and how often it was looked for.
    """

    def __init__(self) -> None:
        self.peer: Peer | None = OWN
        self.looks = 0
        self.now = 0.0
        self.memory = PeerMemory(self.look, lambda: self.now)

    def look(self, environ: Environ) -> Peer | None:
        self.looks += 1
        return self.peer


def test_connection_is_looked_at_once() -> None:
    """
    The second request of a connection does not go through the machine's processes again.
    """
    world = World()
    with socket.socket() as connection:
        environ = {"gunicorn.socket": connection}

        found = [world.memory.peer_of(environ) for _ in range(3)]

    assert ([OWN] * 3, 1) == (found, world.looks)


def test_each_connection_has_its_own_peer() -> None:
    """
    What was found for one connection says nothing about another one.
    """
    world = World()
    with socket.socket() as one, socket.socket() as other:
        world.memory.peer_of({"gunicorn.socket": one})
        world.peer = PROXY

        assert PROXY == world.memory.peer_of({"gunicorn.socket": other})


def test_peer_is_looked_at_again_after_a_while() -> None:
    """
    A process that has become a server since its connection began is found out.
    """
    world = World()
    with socket.socket() as connection:
        environ = {"gunicorn.socket": connection}
        world.memory.peer_of(environ)
        world.peer, world.now = PROXY, 10.0

        assert PROXY == world.memory.peer_of(environ)


def test_closed_connection_is_forgotten() -> None:
    """
    A connection that its server has let go leaves nothing behind.
    """
    world = World()
    connection = socket.socket()
    world.memory.peer_of({"gunicorn.socket": connection})
    connection.close()
    del connection
    gc.collect()

    assert 0 == len(world.memory._found)


def test_server_that_shows_no_connection_is_asked_each_time() -> None:
    """
    Without the server's own object a connection cannot be told from the next one.
    """
    world = World()

    found = [world.memory.peer_of({}) for _ in range(2)]

    assert ([OWN] * 2, 2) == (found, world.looks)
