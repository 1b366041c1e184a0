"""
A mailer whose files change: keys rotate without a restart.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

import pytest

from mailfailover import AuthenticationFailed, Mailer
from mailfailover._setup import config_files
from mailfailover.aio import AsyncMailer
from mailfailover.plugin import Response
from mailfailover.testing import FakeTransport

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MAIL: Any = {"from_email": "a@example.com", "to": "b@example.org", "subject": "Hi", "text": "Hi!"}
ACCEPTED = Response(202, {"x-message-id": "1"}, b"")
REFUSED = Response(401, {}, b'{"errors": [{"message": "revoked"}]}')


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Files are looked at before each send, not once a second.
    """
    monkeypatch.setattr(config_files, "CHECK_SECONDS", 0.0)


def by_dsn(folder: Path, **options: Any) -> Mailer:
    return Mailer(f"sendgrid://default?api_key_file={folder}/key", **options)


def by_dsn_file(folder: Path, **options: Any) -> Mailer:
    (folder / "dsn").write_text(f"sendgrid://default?api_key_file={folder}/key")
    return Mailer.from_env({"MAILFAILOVER_DSN_FILE": f"{folder}/dsn"}, **options)


def by_toml(folder: Path, **options: Any) -> Mailer:
    path = folder / "mail.toml"
    path.write_text('[providers.sendgrid]\nscheme = "sendgrid"\napi_key_file = "key"\n')
    return Mailer.from_config(path, **options)


SOURCES = [by_dsn, by_dsn_file, by_toml]


def keys(transport: FakeTransport) -> list[str]:
    """
    The keys that the vendor was shown.
    """
    requests: list[Any] = list(transport.requests)
    return [one.headers["Authorization"].removeprefix("Bearer ") for one in requests]


@pytest.mark.parametrize("source", SOURCES, ids=lambda one: one.__name__)
def test_a_rotated_key_is_used(tmp_path: Path, source: Callable[..., Mailer]) -> None:
    """
    Wherever the file was named; the refusal of the old key is not held against the new one.
    """
    key = tmp_path / "key"
    key.write_text("old-key-123")
    transport = FakeTransport(REFUSED, ACCEPTED)
    mailer = source(tmp_path, transport=transport)
    with pytest.raises(Exception, match="no provider took mail") as failed:
        mailer.send(**MAIL, timeout=0.2)
    assert isinstance(failed.value.attempts[0].error, AuthenticationFailed)  # type: ignore[attr-defined]

    key.write_text("new-key-4567")
    receipt = mailer.send(**MAIL)

    assert (receipt.provider, keys(transport)) == ("sendgrid", ["old-key-123", "new-key-4567"])


def test_settings_of_the_file_are_read_again(tmp_path: Path) -> None:
    """
    What the program set itself stays.
    """
    path = tmp_path / "mail.toml"
    path.write_text(
        '[mailer]\ntimeout = 9\nattempt_timeout = 4\n[providers.null]\nscheme = "null"\n'
    )
    mailer = Mailer.from_config(path, attempt_timeout=2)
    text = '[mailer]\ntimeout = 7\nattempt_timeout = 5\n[providers.memory]\nscheme = "memory"\n'
    path.write_text(text)

    receipt = mailer.send(**MAIL)

    assert ("memory", 7, 2) == (
        receipt.provider,
        mailer.policy.timeout,
        mailer.policy.attempt_timeout,
    )


def test_a_broken_file_keeps_the_mailer_going(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """
    The log says what is wrong with it, and quotes nothing of it.
    """
    path = tmp_path / "mail.toml"
    path.write_text('[providers.null]\nscheme = "null"\n')
    mailer = Mailer.from_config(path)
    path.write_text('[providers.null]\nscheme = "nul"\nsecret = "pl4nted"\n')

    receipt = mailer.send(**MAIL)

    (record,) = [one for one in caplog.records if one.levelno == logging.ERROR]
    assert receipt.provider == "null"
    assert "providers.null" in record.getMessage()
    assert "pl4nted" not in caplog.text


def test_an_async_mailer_rotates_too(tmp_path: Path) -> None:
    """
    Its files are looked at in the same way.
    """
    path = tmp_path / "dsn"
    path.write_text("null://")

    async def use() -> str:
        async with AsyncMailer.from_env({"MAILFAILOVER_DSN_FILE": str(path)}) as mailer:
            path.write_text("memory://")
            return (await mailer.send(**MAIL)).provider

    assert "memory" == asyncio.run(use())
