"""
Disks that are full, that fail, and that lose their power.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import OperationalError

from mailfailover import Attachment, Mailer
from mailfailover.outbox import Outbox, OutboxWorker, State
from tests.chains import MAIL

if TYPE_CHECKING:
    from collections.abc import Iterator

SLOW = "import sys; from tests.faults.test_outbox_disk import add_all; add_all(*sys.argv[1:])"
ROOT = Path(__file__).parents[2]


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    """
    An empty outbox.
    """
    outbox = Outbox(f"sqlite:///{tmp_path / 'mails.db'}")
    outbox.init()
    yield outbox
    outbox.close()


def add_all(url: str, count: str) -> None:
    """
    Add so many mails, and tell of each, as soon as it is so, whether it was acknowledged.
    """
    outbox = Outbox(url)
    for number in range(int(count)):
        mail_id = f"m{number}"
        try:
            outbox.add(MAIL.replace(id=mail_id))
        except OperationalError as exc:
            print(f"refused {mail_id}: {exc.orig}", flush=True)  # noqa: T201 -- to the test
        else:
            print(f"stored {mail_id}", flush=True)  # noqa: T201 -- to the test


def fill(outbox: Outbox) -> tuple[list[str], str]:
    """
    Add mails of 20 kB until one is refused; those that were acknowledged, and why it was.
    """
    stored = []
    for number in range(1000):
        big = MAIL.replace(id=f"m{number}", attachments=[Attachment("a.bin", b"\x07" * 20_000)])
        try:
            stored.append(outbox.add(big))
        except OperationalError as exc:
            return stored, str(exc.orig)
    raise AssertionError("the disk is never full")


def ids(outbox: Outbox) -> list[str]:
    """
    The mails that are there, in the order in which they were added.
    """
    return [mail.id for mail in reversed(outbox.list(limit=2000))]


def check_file(outbox: Outbox) -> None:
    """
    See that SQLite finds nothing wrong in the file.
    """
    with outbox.engine.connect() as connection:
        assert "ok" == connection.scalar(text("PRAGMA integrity_check"))


@contextmanager
def small_disk(directory: Path) -> Iterator[Path]:
    """
    A file system of four megabytes.
    """
    directory.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(directory)]
    if (
        shutil.which("mount") is None
        or subprocess.run(command, check=False, capture_output=True).returncode
    ):
        pytest.skip("this user cannot mount a file system")
    try:
        yield directory
    finally:
        subprocess.run(["umount", "-l", str(directory)], check=True)


def test_on_a_full_disk_add_raises(tmp_path: Path) -> None:
    """
    What was acknowledged is there, and when there is room again, all goes on.
    """
    with small_disk(tmp_path / "disk") as disk:
        stuffing = disk / "stuffing"
        outbox = Outbox(f"sqlite:///{disk / 'mails.db'}")
        outbox.init()
        stuffing.write_bytes(b"\0" * 3_000_000)

        stored, why = fill(outbox)

        assert stored
        assert why in ("database or disk is full", "disk I/O error")
        assert stored == ids(outbox)
        check_file(outbox)
        stuffing.unlink()
        outbox.add(MAIL.replace(id="late"))
        OutboxWorker(outbox, Mailer("null://")).run_once()
        assert len(stored) + 1 == outbox.stats().counts[State.SENT]
        outbox.close()


def test_in_a_full_file_add_raises(outbox: Outbox) -> None:
    """
    SQLite's own limit stands for the disk's where none can be mounted.
    """
    full = [True]

    def limit(connection: Any) -> None:
        pages = 200 if full[0] else 1_000_000
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")

    event.listen(outbox.engine, "begin", limit)

    stored, why = fill(outbox)

    assert "database or disk is full" == why
    assert stored == ids(outbox)
    check_file(outbox)
    full[0] = False
    outbox.add(MAIL.replace(id="late"))
    OutboxWorker(outbox, Mailer("null://")).run_once()
    assert len(stored) + 1 == outbox.stats().counts[State.SENT]


def strace(*options: str, url: str, count: int) -> list[str]:
    """
    What a process tells that adds mails under strace; skips where that cannot be.
    """
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    if subprocess.run(
        ["strace", "-o", "/dev/null", "true"], check=False, capture_output=True
    ).returncode:
        pytest.skip("strace may not trace here")
    command = ["strace", "-f", "-qq", *options, sys.executable, "-c", SLOW, url, str(count)]
    done = subprocess.run(
        command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT
    )
    return done.stdout.splitlines()


@pytest.mark.parametrize("when", [1, 3, 4])  # the second is of the directory, which SQLite forgives
def test_when_the_disk_fails_add_raises(outbox: Outbox, tmp_path: Path, when: int) -> None:
    """
    An fsync that fails is no acknowledgement; what was acknowledged is there.
    """
    outbox.close()

    told = strace(
        "-o",
        "/dev/null",
        "-e",
        "trace=fdatasync",
        "-e",
        f"inject=fdatasync:error=EIO:when={when}",
        url=str(outbox.engine.url),
        count=6,
    )

    (refused,) = (line for line in told if line.startswith("refused"))
    assert refused.endswith("disk I/O error")
    assert [line.split()[1] for line in told if line.startswith("stored")] == ids(outbox)
    check_file(outbox)
    OutboxWorker(outbox, Mailer("null://")).run_once()
    assert 5 == outbox.stats().counts[State.SENT]


def test_add_returns_after_the_disk_has_it(outbox: Outbox, tmp_path: Path) -> None:
    """
    Between two acknowledgements, what was written is on the disk: the system's calls tell.
    """
    outbox.close()
    log = tmp_path / "calls"

    strace(
        "-o",
        str(log),
        "-e",
        "trace=write,pwrite64,fdatasync",
        url=str(outbox.engine.url),
        count=5,
    )

    calls = [
        "stored" if "stored m" in line else match[1]
        for line in log.read_text().splitlines()
        if (match := re.search(r"(pwrite64|fdatasync|write)\(", line))
        and (match[1] != "write" or "stored m" in line)
    ]
    assert 5 == calls.count("stored")
    for before, call in pairwise(calls):
        assert call != "stored" or before == "fdatasync"


def test_a_power_failure_loses_nothing_that_was_acknowledged(
    outbox: Outbox, tmp_path: Path
) -> None:
    """
    Wherever the log ends when the power comes back, all is there that was acknowledged by then.
    """
    log = tmp_path / "mails.db-wal"
    start = log.stat().st_size
    lengths = []
    for number in range(5):
        outbox.add(MAIL.replace(id=f"m{number}"))
        lengths.append(log.stat().st_size)
    whole = log.read_bytes()

    for length in range(start, len(whole) + 1, 7919):
        after = tmp_path / "after" / "mails.db"
        shutil.rmtree(after.parent, ignore_errors=True)
        after.parent.mkdir()
        shutil.copy(tmp_path / "mails.db", after)
        Path(f"{after}-wal").write_bytes(whole[:length])
        found = Outbox(f"sqlite:///{after}")

        acknowledged = [f"m{number}" for number, end in enumerate(lengths) if end <= length]
        assert acknowledged == ids(found)[: len(acknowledged)]
        check_file(found)
        found.close()
