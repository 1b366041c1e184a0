from __future__ import annotations

import os
import re
import resource
import stat
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from mailfailover.errors import ProviderUnavailable
from mailfailover.plugin import Attachment, HTTPRequest, Message
from mailfailover.providers.file import File
from mailfailover.testing import PLAIN, RICH, ProviderContract, wire_text
from mailfailover.testing._marked import MARKED, find_marks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class TestFile(ProviderContract):
    provider = File("mails")

    @pytest.fixture(autouse=True)
    def _directory(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """
    Where the mails go; it does not exist yet.
    """
    return tmp_path / "mails"


@pytest.fixture
def small_disk() -> Iterator[None]:
    """
    The system lets this process write no file beyond 16 KiB, as if the disk were full.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (16 * 1024, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def read(directory: Path) -> bytes:
    """
    The one file in *directory*.
    """
    (path,) = directory.iterdir()
    return path.read_bytes()


def test_mail_becomes_a_file(directory: Path) -> None:
    """
    The file can be read back as the same mail, with the envelope as more headers.
    """
    File(directory).send(RICH)

    found = Message.from_email_message(read(directory))
    more = {
        "X-Mail-Id": "rich",
        "X-Envelope-From": "shop@example.com",
        "X-Envelope-To": "ann@example.org, bob@example.net, cat@example.edu, dan@example.org",
        "X-Bcc": "dan@example.org",
        "X-Tag": "order",
        "X-Stream": "transactional",
        "X-Metadata": '{"order": "1234"}',
        "X-Track-Opens": "yes",
        "X-Track-Clicks": "no",
    }
    expected = RICH.replace(
        headers={**RICH.headers, "Message-ID": RICH.message_id, **more},
        bcc=(),
        tags=(),
        metadata={},
        track_opens=None,
        track_clicks=None,
        attachments=RICH.attachments[::-1],
        id=found.id,
    )
    assert expected == found


@pytest.mark.parametrize("message", MARKED.values(), ids=MARKED)
def test_nothing_is_lost(message: Message, directory: Path) -> None:
    """
    Every field of a mail is in its file.
    """
    File(directory).send(message)

    text = wire_text(HTTPRequest(body=read(directory))).lower()
    assert set() == {mark for mark in find_marks(message) if mark not in text}


def test_header_of_the_mail_keeps_its_place(directory: Path) -> None:
    """
    A header of the mail that is called like one of ours stays beside it.
    """
    File(directory).send(PLAIN.replace(tags="ours", headers={"x-tag": "own"}))

    assert ("own", "ours") == Message.from_email_message(read(directory)).headers["x-tag"]


def test_answer_is_the_name_of_the_file(directory: Path) -> None:
    """
    The answer leads to the file.
    """
    name = File(str(directory)).send(PLAIN)

    assert [directory / name] == list(directory.iterdir())


def test_name_has_nothing_of_the_mail(directory: Path) -> None:
    """
    Whatever a mail is called, its file's name is a time and a random number.
    """
    name = File(directory).send(PLAIN.replace(id="evil", subject="../../evil"))

    assert re.fullmatch(r"\d{8}T\d{6}\.\d{6}Z-[0-9a-f]{16}\.eml", name)


def test_only_the_owner_may_read(directory: Path) -> None:
    """
    Mails hold secrets: neither the file nor a new directory is open to others.
    """
    name = File(directory).send(PLAIN)

    modes = [stat.S_IMODE(path.stat().st_mode) for path in (directory, directory / name)]
    assert [0o700, 0o600] == modes


def test_umask_gives_nothing_away(directory: Path) -> None:
    """
    A generous umask opens the file to nobody.
    """
    before = os.umask(0)
    try:
        name = File(directory).send(PLAIN)
    finally:
        os.umask(before)

    assert 0o600 == stat.S_IMODE((directory / name).stat().st_mode)


@pytest.mark.usefixtures("small_disk")
def test_full_disk_leaves_nothing(directory: Path) -> None:
    """
    A mail that does not fit raises, nothing was kept, and there is no half file.
    """
    mail = PLAIN.replace(attachments=Attachment("big.bin", bytes(100 * 1024)))

    with pytest.raises(ProviderUnavailable, match=r"File too large.*nothing was kept"):
        File(directory).send(mail)

    assert [] == list(directory.iterdir())


@pytest.mark.usefixtures("small_disk")
def test_full_disk_still_takes_a_small_mail(directory: Path) -> None:
    """
    After a mail that did not fit, the next one can.
    """
    file = File(directory)
    with pytest.raises(ProviderUnavailable):
        file.send(PLAIN.replace(text="x\n" * 10_000))

    name = file.send(PLAIN)

    assert [directory / name] == list(directory.iterdir())


def test_missing_parent_is_told(directory: Path) -> None:
    """
    A mistyped path is not made.
    """
    for call in (File(directory / "a").ping, lambda: File(directory / "a").send(PLAIN)):
        with pytest.raises(ProviderUnavailable, match="No such file or directory"):
            call()

    assert not directory.exists()


def test_file_in_the_place_of_the_directory_is_told(directory: Path) -> None:
    """
    What is no directory takes no mail, and stays as it is.
    """
    directory.write_bytes(b"mine")

    with pytest.raises(ProviderUnavailable, match="nothing was kept"):
        File(directory).send(PLAIN)

    assert b"mine" == directory.read_bytes()


def test_threads_do_not_disturb_each_other(directory: Path) -> None:
    """
    Each mail of many threads has its file.
    """
    file = File(directory)

    with ThreadPoolExecutor(8) as pool:
        names = set(pool.map(file.send, [PLAIN] * 50))

    assert names == {path.name for path in directory.iterdir()}


def test_ping_leaves_nothing(directory: Path) -> None:
    """
    A ping makes the directory and tries it.
    """
    File(directory).ping()

    assert [] == list(directory.iterdir())
