from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, update

from mailfailover.errors import ConfigurationError
from mailfailover.outbox import Outbox, State
from mailfailover.outbox._seal import Seal
from mailfailover.outbox._tables import bodies, mails
from tests.chains import MAIL, Scripted, World
from tests.outbox.working import found, work
from tests.samples import each

if TYPE_CHECKING:
    from collections.abc import Callable

FIRST, SECOND = (base64.b64encode(bytes([one]) * 32).decode() for one in (1, 2))


@pytest.fixture
def sealed(outbox: Outbox, world: World) -> Callable[..., Outbox]:
    """
    The same database with these keys.
    """
    return lambda *keys: Outbox(outbox.engine, key=keys, clock=world.wall)


def content(outbox: Outbox) -> bytes:
    """
    What lies in the database.
    """
    with outbox.engine.connect() as connection:
        return bytes(connection.scalars(select(bodies.c.content)).one())


def test_what_a_mail_says_lies_there_encrypted(sealed: Callable[..., Outbox], world: World) -> None:
    """
    Its worker reads it all the same.
    """
    outbox, a = sealed(FIRST), Scripted("a")
    outbox.add(MAIL)

    assert b"Hello" not in content(outbox)
    assert b"example" not in content(outbox)
    assert MAIL == found(outbox).message
    work(outbox, world, a).run_once()
    assert [MAIL] == a.mails


def test_a_key_is_changed_one_after_the_other(sealed: Callable[..., Outbox]) -> None:
    """
    The first encrypts, all decrypt; what lies there in clear is read too.
    """
    sealed().add(MAIL.replace(id="clear"))
    sealed(FIRST).add(MAIL.replace(id="old"))
    both = sealed(SECOND, FIRST)
    both.add(MAIL.replace(id="new"))

    assert [MAIL] * 3 == [
        message.replace(id=MAIL.id)
        for one in ("clear", "old", "new")
        if (message := found(both, one).message) is not None
    ]
    assert found(sealed(SECOND), "new").message


def test_a_worker_without_the_key_harms_no_mail(
    sealed: Callable[..., Outbox], world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """
    It says so, and the mail waits for one that has it.
    """
    sealed(FIRST).add(MAIL)

    work(sealed(SECOND), world).run_once()

    assert State.PENDING == sealed(FIRST).list()[0].state
    assert "encrypted with a key that MAILFAILOVER_OUTBOX_KEY does not name" in caplog.text


def test_a_body_cannot_take_another_mail_s_place(sealed: Callable[..., Outbox]) -> None:
    """
    The mail's id is authenticated with it.
    """
    outbox = sealed(FIRST)
    outbox.add(MAIL)
    with outbox.engine.begin() as connection:
        connection.execute(update(mails).values(id="other"))

    with pytest.raises(ConfigurationError, match="was changed, or is another mail's"):
        outbox.get("other")


@each("key", ["secret", base64.b64encode(b"short").decode(), "ü" * 44])
def test_a_key_that_is_none_is_refused(key: str) -> None:
    """
    With what makes one, and without the key.
    """
    with pytest.raises(ConfigurationError, match="openssl rand -base64 32") as caught:
        Seal([key])

    assert key not in str(caught.value)


def test_the_environment_names_keys() -> None:
    """
    With commas between them, in either alphabet of base64; a seal tells none of them.
    """
    url_safe = base64.urlsafe_b64encode(b"\xff" * 32).decode()

    seal = Seal.from_env({"MAILFAILOVER_OUTBOX_KEY": f" {FIRST},{url_safe} "})

    assert "Seal(2 keys)" == repr(seal)
    assert "Seal(0 keys)" == repr(Seal.from_env({}))
