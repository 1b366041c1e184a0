"""
The fingerprint of an account: processes agree on it, and no secret can be read from it.
"""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mailfailover._provider.link import Link

_PLAIN = (str, bytes, int, float, type(None), Path)
# A password may be short: guessing one from a name costs as much as from a stored hash of it.
_COST = {"n": 2**14, "r": 8, "p": 1, "dklen": 16}


def fingerprint(link: Link) -> str:
    """
    Return a name for the provider and the account of *link*: the same wherever they are the same.

    A new key makes a new name, so that nothing that was known of the old key is held against
    it. A configuration that cannot be written down, such as a secret given as a function, is
    told apart by the link's key.
    """
    provider: Any = link.provider
    kind = type(provider)
    public: list[Any] = [kind.__module__, kind.__qualname__]
    secret: dict[str, Any] = {}
    known = dataclasses.is_dataclass(provider)
    for field in dataclasses.fields(provider) if known else ():
        value = getattr(provider, field.name)
        if not _is_plain(value):
            known = False
        elif field.repr:
            public.append((field.name, value))
        else:
            secret[field.name] = value
    if not known:
        public.append(link.key)
    salt = repr(public).encode()
    if any(secret.values()):
        digest = hashlib.scrypt(repr(secret).encode(), salt=salt, **_COST)
    else:
        digest = hashlib.sha256(salt).digest()[: _COST["dklen"]]
    return f"{provider.name}:{digest.hex()}"


def _is_plain(value: object) -> bool:
    if isinstance(value, tuple):
        return all(map(_is_plain, value))
    return isinstance(value, _PLAIN)
