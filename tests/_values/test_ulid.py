from __future__ import annotations

import os
import time

from mailfailover._values.ulid import new_id

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def test_first_ten_characters_are_the_time() -> None:
    """
    A ULID tells when it was made, to the millisecond.
    """
    before = time.time_ns() // 1_000_000
    value = new_id()
    after = time.time_ns() // 1_000_000

    made = 0
    for character in value[:10]:
        made = made * 32 + ALPHABET.index(character)

    assert before <= made <= after


def test_form() -> None:
    """
    26 characters of Crockford's base 32.
    """
    value = new_id()

    assert 26 == len(value)
    assert set(value) <= set(ALPHABET)


def test_no_two_are_the_same() -> None:
    """
    80 random bits tell those of one millisecond apart.
    """
    assert 10_000 == len({new_id() for _ in range(10_000)})


def test_processes_after_fork_differ() -> None:
    """
    A child does not repeat what its parent makes.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, new_id().encode())
        os._exit(0)
    os.close(writing)
    mine = new_id()
    os.waitpid(child, 0)

    with os.fdopen(reading) as pipe:
        assert mine[10:] != pipe.read()[10:]
