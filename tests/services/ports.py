"""
Ports of this machine: free ones for a server, and the wait until the server greets on one.
"""

from __future__ import annotations

import socket
import time
from contextlib import ExitStack


def free_ports(count: int) -> list[int]:
    """
    Find ports that nothing listens on.
    """
    with ExitStack() as held:
        sockets = [held.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [one.getsockname()[1] for one in sockets]


def greets(port: int, greeting: bytes) -> bool:
    """
    Tell whether the server at *port* begins with *greeting*; wait a moment if it does not.
    """
    try:
        with socket.create_connection(("127.0.0.1", port), 5) as connection:
            if connection.recv(100).startswith(greeting):
                return True
    except OSError:
        pass
    time.sleep(0.05)
    return False
