"""
The way of a bounce, from a mail that a real Postfix cannot deliver into the database.

Where no Postfix is installed these tests skip: what they need is a program on this machine.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mailfailover import DeliveryEvent, EventType, Mailer, Message, RejectReason
from mailfailover.outbox import Outbox
from mailfailover.relay import Address, Relay
from mailfailover.service.keys import Keys
from mailfailover.service.parts import Service
from mailfailover.service.rules import Rules
from mailfailover.tracking import Tracking
from tests.services import postfix

if TYPE_CHECKING:
    from collections.abc import Iterator

MISSING = postfix.why_not()
pytestmark = [
    pytest.mark.skip(reason=MISSING) if MISSING else pytest.mark.services,
    pytest.mark.xdist_group("postfix"),
]

ROOT = Path(__file__).parents[2]
SECRET = "sixteen-letters."
# It takes the mails for this domain, and finds only then that nobody is there (EX_NOUSER).
MAIN = """
transport_maps = inline:{ gone.example.org=gone:, %s }
relay_domains = gone.example.org
"""
GONE = "gone unix - n n - - pipe user=nobody argv=/bin/sh -c { exit 67 }\n"
PIPE = (
    "bounces unix - n n - - pipe flags=q user=nobody argv=/usr/bin/env PYTHONPATH=%s "
    "%s -m mailfailover bounce --to ${original_recipient} --dsn %s --database %s\n"
)


@pytest.fixture(name="folder")
def _folder() -> Iterator[Path]:
    """
    A folder of the user as whom Postfix runs its pipes.
    """
    with tempfile.TemporaryDirectory(prefix="mailfailover-bounces-") as name:
        folder = Path(name)
        shutil.chown(folder, "nobody")
        yield folder


def _dsn(server: postfix.Postfix | None = None) -> str:
    host = f"127.0.0.1:{server.submission}" if server else "mail.example.com"
    tls = "&tls=none" if server else ""
    options = f"bounce_address=bounces.example.com&bounce_secret={SECRET}{tls}"
    return f"smtp://{host}?{options}"


def _interpreter(path: str) -> str:
    """
    Return a Python that other users than root may run, and that finds what is installed here.
    """
    for one in (sys.executable, f"/usr/bin/python3.{sys.version_info.minor}"):
        command = [one, "-c", "import click, sqlalchemy, mailfailover.cli.bounce_run"]
        with suppress(OSError):
            done = subprocess.run(
                command, env={"PYTHONPATH": path}, user="nobody", cwd="/", check=False
            )
            if done.returncode == 0:
                return one
    pytest.skip("no user but root may run this Python")


def _wait(tracking: Tracking, server: postfix.Postfix, log: str) -> tuple[DeliveryEvent, ...]:
    """
    Wait until there is an event, and until Postfix has logged *log*.
    """
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if (found := tracking.events()) and log in server.log:
            return found
        time.sleep(0.1)
    raise AssertionError(f"no event came\n{server.log}")


def _send(server: postfix.Postfix, tracking: Tracking) -> Message:
    message = Message(
        "ann@gone.example.org", from_email="shop@example.com", subject="Hi", text="Hello"
    )
    with Mailer(_dsn(server), observers=[tracking]) as mailer:
        mailer.send(message)
    return message


def test_a_bounce_comes_through_the_pipe(folder: Path) -> None:
    """
    Postfix takes the mail, cannot deliver it, and pipes its report into the command.
    """
    database = f"sqlite:///{folder / 'mails.db'}"
    tracking = Tracking(database)
    tracking.init()
    shutil.chown(folder / "mails.db", "nobody")  # SQLite's other files have its owner, too
    tracking.close()
    path = f"{ROOT}:{sysconfig.get_path('purelib')}"
    main = MAIN % "bounces.example.com=bounces:"
    master = GONE + PIPE % (path, _interpreter(path), _dsn(), database)

    with postfix.running(main, master) as server:
        message = _send(server, tracking)
        (event,) = _wait(tracking, server, "status=sent (delivered via bounces service")

    assert (event.mail_id, event.recipient) == (message.id, "ann@gone.example.org")
    assert (event.type, event.reject_reason) == (EventType.BOUNCED, RejectReason.INVALID)
    tracking.close()


def test_a_bounce_comes_by_smtp(folder: Path) -> None:
    """
    Postfix brings it to the relay, which takes nothing else from it.
    """
    tracking = Tracking(f"sqlite:///{folder / 'mails.db'}")
    keys, outbox = Keys(tracking.engine), Outbox(tracking.engine)
    for part in (tracking, keys, outbox):
        part.init()
    keys.add("shop", Rules())
    with Mailer(_dsn(), on_event=[tracking]) as mailer:
        service = Service(mailer=mailer, outbox=outbox, keys=keys, tracking=tracking)
        relay = Relay(service, [Address("127.0.0.1", 0)])
        relay.start()

        main = MAIN % f"bounces.example.com=smtp:[127.0.0.1]:{relay.ports[0]}"
        with postfix.running(main, GONE) as server:
            message = _send(server, tracking)
            (event,) = _wait(tracking, server, "Ok: the report is taken")
        relay.stop()

    assert (event.mail_id, event.recipient) == (message.id, "ann@gone.example.org")
    assert outbox.list() == []
    tracking.close()
