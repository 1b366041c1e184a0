from __future__ import annotations

import dataclasses
import os
import socket
from threading import Thread
from typing import TYPE_CHECKING

import pytest
from werkzeug.test import Client

from mailfailover import Mailer
from mailfailover.service.app import create_app
from mailfailover.service.own_requests import really_sends
from mailfailover.service.peer import Peer, find_peer, is_loopback
from tests.samples import each

if TYPE_CHECKING:
    from pathlib import Path

    from flask import Flask

    from mailfailover.service.parts import Service

OWN_PORT = 8000
EXTERNAL, LOOPBACK = "00000000:0050", "0100007F:0050"
CLIENT = "0100007F:C350"  # 127.0.0.1:50000
MAPPED = "0000000000000000FFFF00000100007F:C350"
US = "0100007F:1F40"
STRANGER = "0A00A8C0:D431"
LISTENING, ESTABLISHED = "0A", "01"
HEADER = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid inode\n"


class Machine:
    """
    A machine as the kernel tells of it.
    """

    def __init__(self, proc: Path) -> None:
        self.proc = proc
        (proc / "net").mkdir(parents=True)
        (proc / "net" / "tcp").write_text(HEADER)
        (proc / "self").mkdir()  # not every entry is a process
        self.inode = 0

    def run(self, pid: int, name: str, *sockets: tuple[str, str, str], table: str = "tcp") -> None:
        """
        Add a process with sockets: their end, the other end, their state.
        """
        fds = self.proc / str(pid) / "fd"
        fds.mkdir(parents=True)
        (self.proc / str(pid) / "comm").write_text(f"{name}\n")
        (fds / "0").symlink_to("/dev/null")
        path = self.proc / "net" / table
        lines = path.read_text() if path.exists() else HEADER
        for number, (local, remote, state) in enumerate(sockets, start=3):
            self.inode += 1
            (fds / str(number)).symlink_to(f"socket:[{self.inode}]")
            lines += f" 0: {local} {remote} {state} 0:0 0:0 0 0 0 {self.inode} 1\n"
        path.write_text(lines)

    def peer(self) -> Peer | None:
        """
        Find who has the client's end.
        """
        return find_peer("127.0.0.1", "50000", str(OWN_PORT), self.proc)


@pytest.fixture(name="machine")
def _machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path / "proc")


def test_plain_client_is_none(machine: Machine) -> None:
    """
    A program with a connection to us, and to whomever else it likes, serves nobody.
    """
    machine.run(7, "curl", (CLIENT, US, ESTABLISHED), ("0100007F:9999", STRANGER, ESTABLISHED))

    assert Peer("curl", is_server=False) == machine.peer()


def test_client_may_use_ipv6(machine: Machine) -> None:
    """
    Java and Node write IPv4 addresses as those of IPv6.
    """
    machine.run(7, "java", (MAPPED, US, ESTABLISHED), table="tcp6")

    assert Peer("java", is_server=False) == machine.peer()


def test_listener_on_the_network_is_a_server(machine: Machine) -> None:
    """
    What listens for others may pass on what they ask.
    """
    machine.run(7, "node", (CLIENT, US, ESTABLISHED), (EXTERNAL, "0:0", LISTENING))

    assert Peer("node", is_server=True) == machine.peer()


def test_listener_for_this_machine_is_a_client(machine: Machine) -> None:
    """
    A debugger, or a test that plays the vendor, makes no proxy.
    """
    machine.run(7, "python", (CLIENT, US, ESTABLISHED), (LOOPBACK, "0:0", LISTENING))

    assert Peer("python", is_server=False) == machine.peer()


def test_connection_from_a_client_tells_a_server(machine: Machine) -> None:
    """
    Whoever holds a connection that a listener accepted is serving now, also as its child.
    """
    machine.run(6, "parent", (EXTERNAL, "0:0", LISTENING))
    machine.run(7, "child", (CLIENT, US, ESTABLISHED), (LOOPBACK, STRANGER, ESTABLISHED))

    assert Peer("child", is_server=True) == machine.peer()


def test_our_own_calls_make_nobody_a_server(machine: Machine) -> None:
    """
    A vendor on this machine has a connection from us, and may post to us all the same.
    """
    machine.run(os.getpid(), "mailfailover", ("0100007F:AAAA", LOOPBACK, ESTABLISHED))
    machine.run(
        7,
        "python",
        (CLIENT, US, ESTABLISHED),
        (LOOPBACK, "0:0", LISTENING),
        (LOOPBACK, "0100007F:AAAA", ESTABLISHED),
    )

    assert Peer("python", is_server=False) == machine.peer()


def test_client_in_our_own_process_is_no_proxy(machine: Machine) -> None:
    """
    What we serve ourselves does not count.
    """
    machine.run(
        os.getpid(),
        "python",
        (US, "0:0", LISTENING),
        (US, CLIENT, ESTABLISHED),
        (CLIENT, US, ESTABLISHED),
    )

    assert Peer("python", is_server=False) == machine.peer()


@pytest.mark.parametrize("name", ["nginx", "haproxy", "sshd", "systemd-socket-"])
def test_forwarder_is_known_by_its_name(name: str, machine: Machine) -> None:
    """
    One that listens in a way we do not see is a server, too.
    """
    machine.run(7, name, (CLIENT, US, ESTABLISHED))

    assert Peer(name, is_server=True) == machine.peer()


def test_connection_of_nobody_has_no_peer(machine: Machine) -> None:
    """
    Another user's program, or one in another container, is not found.
    """
    assert machine.peer() is None


def test_line_that_the_kernel_missed_is_looked_for_again(machine: Machine) -> None:
    """
    The table is no snapshot: it may lack a connection that is there.
    """
    machine.run(7, "curl", (CLIENT, US, ESTABLISHED))
    table = machine.proc / "net" / "tcp"
    whole = table.read_text()
    table.unlink()
    os.mkfifo(table)
    kernel = Thread(
        target=lambda: [table.write_text(text) for text in (HEADER, whole)], daemon=True
    )
    kernel.start()

    assert Peer("curl", is_server=False) == machine.peer()
    kernel.join()


def test_process_that_just_ended_is_passed_by(machine: Machine) -> None:
    """
    Between two looks a process and its files may vanish.
    """
    machine.run(7, "curl", (CLIENT, US, ESTABLISHED))
    (machine.proc / "8").mkdir()
    (machine.proc / "7" / "comm").unlink()

    assert Peer("", is_server=False) == machine.peer()


def test_this_process_is_found() -> None:
    """
    The kernel of this machine tells what the table of a real connection says.
    """
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as client,
    ):
        address, port = client.getsockname()

        found = find_peer(address, str(port), str(server.getsockname()[1]))

    assert found is not None


@each(
    ("address", "expected"),
    [
        ("127.9.9.9", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("192.0.2.1", False),
        ("", False),
    ],
)
def test_loopback_is_known_in_any_form(address: str, expected: bool) -> None:
    """
    IPv4 within IPv6 is IPv4.
    """
    assert expected is is_loopback(address)


@each(
    ("dsn", "expected"),
    [("null://", False), ("preview://", False), ("failover(null:// sendgrid://KEY@default)", True)],
)
def test_only_providers_for_development_keep_mails_here(dsn: str, expected: bool) -> None:
    """
    One provider that sends is enough.
    """
    assert expected is really_sends(Mailer(dsn))


def test_what_cannot_be_told_apart_is_closed(app: Flask, service: Service) -> None:
    """
    Under a server that tells no port, only a service that really sends is closed.
    """
    form = {"to": "a@example.com", "from_email": "b@example.com", "subject": "Hi", "text": "Hi"}
    client = Client(app)
    environ = {"REMOTE_ADDR": "127.0.0.1", "SERVER_SOFTWARE": "WSGIServer/0.2"}
    path = "/email/api/1.0/send"
    assert 202 == client.post(path, data=form, environ_base=environ).status_code

    really = dataclasses.replace(service, mailer=Mailer("sendgrid://KEY@default"))
    answer = Client(create_app(really)).post(path, data=form, environ_base=environ)

    assert 403 == answer.status_code
    assert "this system does not tell which program sent it" in answer.text


def test_peer_of_nobody_is_told(app: Flask) -> None:
    """
    The problem says why a request of this machine is not served.
    """
    environ = {"REMOTE_ADDR": "127.0.0.1", "REMOTE_PORT": "1"}

    answer = Client(app).get("/email/api/1.0/messages", environ_base=environ)

    assert "a program of another user or container" in answer.text
