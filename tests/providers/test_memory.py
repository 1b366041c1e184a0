from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor

import pytest

from mailfailover.errors import ConfigurationError
from mailfailover.providers.memory import Memory
from mailfailover.testing import PLAIN, RICH, SAMPLES, ProviderContract


class TestMemory(ProviderContract):
    provider = Memory()


def test_mails_are_kept_as_they_are() -> None:
    """
    Every field of a mail is kept, oldest first.
    """
    memory = Memory()

    for message in SAMPLES.values():
        memory.send(message)

    assert tuple(SAMPLES.values()) == memory.messages


def test_answer_is_the_message_id() -> None:
    """
    The Message-ID stands for the mail.
    """
    assert PLAIN.message_id == Memory().send(PLAIN)


def test_limit_keeps_the_newest() -> None:
    """
    A memory with a limit forgets the oldest mail.
    """
    memory = Memory(max_messages=2)

    for number in range(5):
        memory.send(PLAIN.replace(id=f"{number}"))

    assert ["3", "4"] == [message.id for message in memory.messages]


def test_negative_limit_is_refused() -> None:
    """
    A limit below zero is a mistake.
    """
    with pytest.raises(ConfigurationError, match="max_messages of memory must not be negative"):
        Memory(max_messages=-1)


def test_threads_lose_nothing() -> None:
    """
    Mails of many threads are all kept.
    """
    memory = Memory()
    mails = [PLAIN.replace(id=f"{number}") for number in range(500)]

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(memory.send, mails))

    assert sorted(mail.id for mail in mails) == sorted(mail.id for mail in memory.messages)


def test_clear_forgets() -> None:
    """
    A test can begin anew.
    """
    memory = Memory()
    memory.send(PLAIN)

    memory.clear()

    assert () == memory.messages


def test_memories_are_mailboxes_of_their_own() -> None:
    """
    Two memories are never the same, whatever is in them.
    """
    assert Memory() != Memory()


def test_pickle_takes_the_mails_along() -> None:
    """
    A copy in another process starts with what was kept.
    """
    memory = Memory()
    memory.send(RICH)

    assert (RICH,) == pickle.loads(pickle.dumps(memory)).messages  # noqa: S301 -- made here


def test_ping_succeeds() -> None:
    """
    Memory is always there.
    """
    Memory().ping()
