from __future__ import annotations

import logging
import socket
import subprocess
import sys
import time
from threading import Event
from typing import TYPE_CHECKING, Any

import pytest

from mailfailover import ConfigurationError, ConnectionFailed, Mailer, Message
from mailfailover.logging import MailHandler
from mailfailover.providers.memory import Memory
from mailfailover.testing import FaultServer
from tests.chains import NOW, Scripted

if TYPE_CHECKING:
    from collections.abc import Iterator

LATE = 3600.0
"""Seconds that no test waits: what is not flushed stays."""


def _handler(provider: Any, **options: Any) -> MailHandler:
    mailer = Mailer(provider, from_email="shop@example.com", timeout=1)
    given: dict[str, Any] = {
        "to": "ops@example.org",
        "gather": LATE,
        "clock": NOW.timestamp,
    } | options
    return MailHandler(mailer, **given)


@pytest.fixture
def memory() -> Memory:
    """
    Where mails go.
    """
    return Memory()


@pytest.fixture
def log(memory: Memory) -> Iterator[logging.Logger]:
    """
    A logger whose errors are mailed.
    """
    logger = logging.getLogger("shop")
    handler = _handler(memory)
    logger.addHandler(handler)
    logger.propagate = False
    yield logger
    logger.removeHandler(handler)
    handler.close()


def _flush(logger: logging.Logger) -> None:
    for handler in logger.handlers:
        handler.flush()


def _mail(memory: Memory) -> Message:
    (found,) = memory.messages
    return found


def test_an_error_is_mailed(log: logging.Logger, memory: Memory) -> None:
    """
    The subject says what, the text when and how.
    """
    log.error("order %d failed", 7)
    _flush(log)

    title = "ERROR shop: order 7 failed"
    found = _mail(memory)
    assert f"[{socket.gethostname()}] {title}" == found.subject
    assert f"{title}\n2026-11-24 12:00:00 UTC\n\norder 7 failed\n" == found.text
    assert ["ops@example.org"] == [str(one) for one in found.to]


def test_a_traceback_is_in_the_text(log: logging.Logger, memory: Memory) -> None:
    """
    An exception is told as the formatter writes it.
    """
    try:
        raise LookupError("gone")
    except LookupError:
        log.exception("order failed")
    _flush(log)

    assert _mail(memory).text.endswith("LookupError: gone\n")


def test_lower_levels_are_not_mailed(log: logging.Logger, memory: Memory) -> None:
    """
    Warnings are, where the handler is told so; by default they are not.
    """
    log.warning("almost")
    _flush(log)

    assert () == memory.messages


def test_repeats_are_told_once(log: logging.Logger, memory: Memory) -> None:
    """
    Records of one line of code are one paragraph, with their number.
    """
    for number in range(50):
        log.error("order %d failed", number)
    log.critical("the disk is full")
    _flush(log)

    found = _mail(memory)
    assert found.subject.endswith("ERROR shop: order 0 failed (and 50 more)")
    assert "50 times, from 2026-11-24 12:00:00 UTC to 2026-11-24 12:00:00 UTC" in found.text
    assert "order 1 failed" not in found.text
    assert "CRITICAL shop: the disk is full" in found.text


def test_different_exceptions_are_different(log: logging.Logger, memory: Memory) -> None:
    """
    One line of code may fail in several ways; each is told.
    """
    for kind in (LookupError, OSError, LookupError):
        try:
            raise kind("gone")
        except Exception:
            log.exception("order failed")
    _flush(log)

    assert 2 == _mail(memory).text.count("Traceback")


def test_a_flood_is_counted(log: logging.Logger, memory: Memory) -> None:
    """
    A mail tells of a hundred different records, and how many more there were.
    """
    for number in range(130):
        log.handle(
            logging.LogRecord("shop", logging.ERROR, "shop.py", number, "no %d", (number,), None)
        )
    _flush(log)

    assert _mail(memory).text.endswith("30 more records are not shown.\n")


def test_a_subject_is_one_line(log: logging.Logger, memory: Memory) -> None:
    """
    Control characters and further lines of a record do not get into the subject.
    """
    log.error("bad\x1b[31m input\r\nBcc: eve@example.org")
    _flush(log)

    assert _mail(memory).subject.endswith("ERROR shop: bad [31m input ")


def test_a_record_that_cannot_be_formatted_is_told(
    memory: Memory, capsys: pytest.CaptureFixture[str]
) -> None:
    """
    As with any handler, logging says so on stderr, and goes on.
    """
    handler = _handler(memory)

    handler.handle(logging.LogRecord("shop", logging.ERROR, "shop.py", 1, "%d", ("a",), None))
    handler.close()

    assert ((), True) == (memory.messages, "Logging error" in capsys.readouterr().err)


def test_logging_does_not_wait_for_the_vendor() -> None:
    """
    While a mail is on its way, records are kept, and told in the next one.
    """
    release, begun = Event(), Event()

    def slow(message: Message) -> str:
        begun.set()
        release.wait(30)
        return "id"

    provider = Scripted("slow", slow)
    handler = _handler(provider, gather=0.0, interval=0.0)
    handler.handle(_record("first"))
    begun.wait(30)

    handler.handle(_record("second"))
    before = len(provider.mails)
    release.set()
    handler.close()

    assert (1, ["first", "second"]) == (
        before,
        [one.subject.rpartition(": ")[2] for one in provider.mails],
    )


def _record(text: str, line: int = 1) -> logging.LogRecord:
    return logging.LogRecord("shop", logging.ERROR, "shop.py", line, text, None, None)


def test_what_sending_logs_is_not_mailed() -> None:
    """
    A vendor that fails is logged while the mail is sent; that makes no mail about itself.
    """
    provider = Scripted("acme", ConnectionFailed("down"))
    handler = _handler(provider, level=logging.DEBUG, interval=0.0)
    library = logging.getLogger("mailfailover")
    library.addHandler(handler)
    try:
        handler.handle(_record("first"))
        handler.flush()
        handler.flush()
    finally:
        library.removeHandler(handler)
        handler.close()

    assert {"first"} == {one.subject.rpartition(": ")[2] for one in provider.mails}


def test_what_could_not_be_mailed_is_told_later(capsys: pytest.CaptureFixture[str]) -> None:
    """
    On stderr at once, and in the next mail how many records it were.
    """
    provider = Scripted("acme", ConnectionFailed("down"))
    handler = _handler(provider)
    handler.handle(_record("first"))
    handler.flush()
    told = capsys.readouterr().err
    provider.then("id")

    handler.handle(_record("second"))
    handler.flush()

    assert "mailfailover: 1 log records were not mailed: AllProvidersFailed\n" == told
    assert provider.mails[-1].text.endswith("1 records before these could not be mailed.\n")


def test_the_first_record_waits_for_others_only() -> None:
    """
    After *gather* seconds it is mailed without any further ado.
    """
    memory = Memory()
    handler = _handler(memory, gather=0.01)

    handler.handle(_record("first"))

    deadline = time.monotonic() + 30
    while not memory.messages and time.monotonic() < deadline:
        time.sleep(0.01)
    assert 1 == len(memory.messages)
    handler.close()


def test_somebody_must_read_them() -> None:
    """
    A handler that mails nobody is an error.
    """
    with pytest.raises(ConfigurationError, match="to is missing"):
        MailHandler(Mailer("null://"))


def test_flushing_nothing_does_nothing() -> None:
    """
    It neither waits nor sends.
    """
    memory = Memory()
    handler = _handler(memory)

    handler.flush()
    handler.close()

    assert () == memory.messages


PROGRAM = """
import logging, sys
from mailfailover import Mailer
from mailfailover.logging import MailHandler

mailer = Mailer(sys.argv[1], from_email="shop@example.com")
logging.getLogger().addHandler(MailHandler(mailer, to="ops@example.org", gather=3600))
logging.getLogger("shop").error("the end is near")
"""


def test_a_process_that_ends_mails_what_it_has() -> None:
    """
    What waits when a program ends is sent before it is gone.
    """
    with FaultServer("mailgun") as vendor:
        dsn = f"mailgun://key:example.com@default?base_url={vendor.url}"
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, dsn], capture_output=True, timeout=60, check=False
        )

        assert (0, 1) == (done.returncode, len(vendor.accepted))
