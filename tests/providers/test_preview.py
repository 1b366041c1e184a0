from __future__ import annotations

import multiprocessing
import sqlite3
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mailfailover.errors import ConfigurationError, ProviderUnavailable
from mailfailover.plugin import Attachment
from mailfailover.providers.preview import Preview, PreviewFile
from mailfailover.testing import PLAIN, RICH, SAMPLES, ProviderContract


class TestPreview(ProviderContract):
    provider = Preview("mails.db")

    @pytest.fixture(autouse=True)
    def _directory(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)


@pytest.fixture(name="mailbox")
def _mailbox(tmp_path: Path) -> Preview:
    """
    A mailbox that does not exist yet.
    """
    return Preview(tmp_path / "mails.db")


def subjects(mailbox: Preview) -> list[str]:
    """
    What is in the mailbox, newest first.
    """
    return [mail.message.subject for mail in mailbox.mails()]


def send_some(path: Path, name: str) -> None:
    """
    Send ten mails, as a process of its own does.
    """
    for number in range(10):
        Preview(path).send(PLAIN.replace(id=f"{name}-{number}"))


@pytest.mark.parametrize("name", SAMPLES)
def test_mails_are_kept_as_they_are(name: str, mailbox: Preview) -> None:
    """
    Every field of a mail comes back, its attachments too.
    """
    mailbox.send(SAMPLES[name])

    assert SAMPLES[name] == mailbox.message(1)


def test_part_of_a_merge_keeps_its_message_id(mailbox: Preview) -> None:
    """
    Mails of one merge can be told apart.
    """
    part = PLAIN.bound(part="2")

    answer = mailbox.send(part)

    found = mailbox.message(1)
    assert found is not None
    assert (part.message_id, part.message_id) == (answer, found.message_id)


def test_list_leaves_attachments_out(mailbox: Preview) -> None:
    """
    A list names the files, and does not load them.
    """
    mailbox.send(PLAIN.replace(attachments=[Attachment("a.txt", b"Hello", content_id="one")]))

    (mail,) = mailbox.mails()

    assert (PreviewFile("a.txt", "text/plain", "one", 5),) == mail.files
    assert () == mail.message.attachments


def test_list_is_newest_first_in_pages(mailbox: Preview) -> None:
    """
    A page ends where the next begins.
    """
    for subject in "abcde":
        mailbox.send(PLAIN.replace(subject=subject))

    pages = [mailbox.mails(limit=2), mailbox.mails(limit=2, before=4)]

    assert [["e", "d"], ["c", "b"]] == [[one.message.subject for one in page] for page in pages]


def test_oldest_are_forgotten(tmp_path: Path) -> None:
    """
    The mailbox keeps its newest mails; their numbers go on.
    """
    mailbox = Preview(tmp_path / "mails.db", max_messages=2)

    for subject in "abc":
        mailbox.send(PLAIN.replace(subject=subject))

    assert [3, 2] == [mail.number for mail in mailbox.mails()]


def test_zero_keeps_all(tmp_path: Path) -> None:
    """
    Without a limit nothing is forgotten.
    """
    mailbox = Preview(tmp_path / "mails.db", max_messages=0)

    for subject in "abc":
        mailbox.send(PLAIN.replace(subject=subject))

    assert ["c", "b", "a"] == subjects(mailbox)


def test_negative_limit_is_refused() -> None:
    """
    A limit below zero is a mistake.
    """
    with pytest.raises(ConfigurationError, match="max_messages of preview must not be negative"):
        Preview("mails.db", max_messages=-1)


def test_clear_forgets(mailbox: Preview) -> None:
    """
    An emptied mailbox gives no number a second time.
    """
    mailbox.send(RICH)

    mailbox.clear()
    mailbox.send(PLAIN)

    assert [2] == [mail.number for mail in mailbox.mails()]
    assert mailbox.attachment(1, 0) is None


def test_reading_makes_no_mailbox(mailbox: Preview) -> None:
    """
    A mailbox that nobody wrote to is empty, and looking at it leaves nothing behind.
    """
    mailbox.clear()

    assert ((), None, None, None) == (
        mailbox.mails(),
        mailbox.mail(1),
        mailbox.message(1),
        mailbox.attachment(1, 0),
    )
    assert not Path(mailbox.path).exists()


def test_ping_makes_the_mailbox(mailbox: Preview) -> None:
    """
    A ping proves that a mail could be kept.
    """
    mailbox.ping()
    mailbox.ping()

    assert [Path(mailbox.path)] == list(Path(mailbox.path).parent.iterdir())


def test_only_the_owner_may_read(mailbox: Preview) -> None:
    """
    Mails hold secrets.
    """
    mailbox.send(PLAIN)

    assert 0o600 == stat.S_IMODE(Path(mailbox.path).stat().st_mode)


def test_threads_lose_nothing(mailbox: Preview) -> None:
    """
    Mails of many threads are all kept, also the first that make the mailbox.
    """
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(mailbox.send, [PLAIN.replace(subject=f"{n}") for n in range(40)]))

    assert {f"{n}" for n in range(40)} == set(subjects(mailbox))


def test_processes_share_the_mailbox(mailbox: Preview) -> None:
    """
    What several processes send is in one mailbox.
    """
    spawn = multiprocessing.get_context("spawn")
    processes = [spawn.Process(target=send_some, args=(mailbox.path, name)) for name in "abc"]
    for process in processes:
        process.start()
    for process in processes:
        process.join()

    found = {mail.message.id for mail in mailbox.mails()}

    assert {f"{name}-{number}" for name in "abc" for number in range(10)} == found


def test_foreign_database_is_left_alone(tmp_path: Path) -> None:
    """
    A path that leads to another database changes nothing in it.
    """
    with sqlite3.connect(tmp_path / "other.db") as other:
        other.execute("CREATE TABLE mails (number)")
    other.close()
    before = (tmp_path / "other.db").read_bytes()

    with pytest.raises(ProviderUnavailable, match="the file is no mailbox of this version"):
        Preview(tmp_path / "other.db").send(PLAIN)

    assert before == (tmp_path / "other.db").read_bytes()


def test_what_is_no_database_is_told(tmp_path: Path) -> None:
    """
    A path to any other file is an error that says nothing was kept.
    """
    (tmp_path / "note.txt").write_text("mine" * 100)

    with pytest.raises(ProviderUnavailable, match=r"file is not a database.*nothing was kept"):
        Preview(tmp_path / "note.txt").send(PLAIN)


def test_missing_directory_is_told(tmp_path: Path) -> None:
    """
    A mistyped path is not made.
    """
    with pytest.raises(ProviderUnavailable, match="No such file or directory"):
        Preview(tmp_path / "nowhere" / "mails.db").send(PLAIN)

    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        ("MAILFAILOVER_PREVIEW", "/mails/here.db", "/mails/here.db"),
        ("XDG_STATE_HOME", "/state", "/state/mailfailover/preview.db"),
        ("HOME", "/home/ann", "/home/ann/.local/state/mailfailover/preview.db"),
    ],
)
def test_default_path(
    variable: str, value: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The mailbox is the user's own, where nothing else is said.
    """
    for name in ("MAILFAILOVER_PREVIEW", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, value)

    assert Path(expected) == Preview().path


def test_default_directory_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    The first mail of a user makes the directory, open to nobody else.
    """
    monkeypatch.delenv("MAILFAILOVER_PREVIEW", raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))

    Preview().send(PLAIN)

    assert 0o700 == stat.S_IMODE((tmp_path / "mailfailover").stat().st_mode)


def test_user_without_home_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Where no default can be, the error says what to set.
    """

    def homeless() -> Path:
        raise RuntimeError

    for name in ("MAILFAILOVER_PREVIEW", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", homeless)

    with pytest.raises(ConfigurationError, match="set MAILFAILOVER_PREVIEW"):
        Preview()
