"""
The API keys of the service.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mailfailover.cli.listening import import_service
from mailfailover.cli.output import say, write_json
from mailfailover.errors import ConfigurationError

if TYPE_CHECKING:
    from mailfailover.service.keys import KeyInfo, Keys


def add_key(database: str | None, name: str, rules: dict[str, Any], *, as_json: bool) -> None:
    """
    Make a key and show it, this once.

    Raises:
        ConfigurationError: If the rules mean nothing, or the database cannot be used.
    """
    keys = _open(database)
    from mailfailover.service.rules import Rules

    key = keys.add(name, Rules(**rules))
    if as_json:
        write_json({"name": name, "key": key})
        return
    say("This is the key. It is shown once: keep it where your secrets are.", err=True)
    say(key)


def list_keys(database: str | None, *, as_json: bool) -> None:
    """
    Show every key without its secret.
    """
    found = _open(database).list()
    if as_json:
        write_json([one.to_dict() for one in found])
        return
    for one in found:
        say(_line(one), color="red" if one.revoked else None)
    if not found:
        say("There is no key yet. Until you create one, only this machine may send.", err=True)


def revoke_key(database: str | None, key_id: str, *, as_json: bool) -> None:
    """
    Make the key *key_id* worthless.

    Raises:
        ConfigurationError: If there is none to revoke.
    """
    if not _open(database).revoke(key_id):
        message = f"there is no key {key_id!r} to revoke: see `mailfailover keys list`"
        raise ConfigurationError(message)
    if as_json:
        write_json({"id": key_id, "revoked": True})
    else:
        say(f"{key_id} is revoked.", err=True)


def upgrade_keys(database: str | None, *, as_json: bool) -> None:
    """
    Upgrade the tables.

    Raises:
        ConfigurationError: If there are none, or they are newer than this program.
    """
    had = _find(database).upgrade()
    if as_json:
        write_json({"had": had})
    else:
        say(f"The tables are of this version; they were of version {had}.", err=True)


def _open(database: str | None) -> Keys:
    found = _find(database)
    found.init()
    return found


def _find(database: str | None) -> Keys:
    module = import_service("keys")
    from mailfailover._sql.database import open_engine

    found: Keys = module.Keys(open_engine(database))
    return found


def _line(one: KeyInfo) -> str:
    """
    Return a key in words.
    """
    rules = one.to_dict()
    words = [
        f"{name} {', '.join(value) if isinstance(value, list) else value}"
        for name in ("senders", "recipients", "rate", "quota", "callbacks", "grants")
        if (value := rules[name])
    ]
    state = f"revoked {one.revoked:%Y-%m-%d}" if one.revoked else f"since {one.created:%Y-%m-%d}"
    return "  ".join((one.id, one.name, state, *words))
