"""
The seal on bodies at rest: AES-256-GCM, with keys that can be changed one after the other.

A sealed body is a mark, the name of its key, a nonce, and the ciphertext with its tag. The id of
its mail is authenticated with it, so that no body can be put into another mail's place.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from typing import TYPE_CHECKING, Any

from mailfailover._setup.extras import extra
from mailfailover.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

VARIABLE = "MAILFAILOVER_OUTBOX_KEY"

_MARK = b"\x01mf1"  # an unsealed body is JSON, which never begins like this
_NAME = 8
_NONCE = 12
_KEY = 32


class Seal:
    """
    Encrypts bodies by the first of its keys, and decrypts what any of them encrypted.

    Without keys bodies lie in the database as they are.

    Raises:
        ConfigurationError: If a key is not 32 bytes in base64, or `cryptography` is missing.
    """

    def __init__(self, keys: Iterable[str] = ()) -> None:
        self._ciphers: dict[bytes, Any] = {}
        for key in keys:
            raw = _read_key(key)
            self._ciphers[hashlib.sha256(raw).digest()[:_NAME]] = _cipher(raw)

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Seal:
        """
        Read the keys from MAILFAILOVER_OUTBOX_KEY: one, or several with commas between them.
        """
        text = (os.environ if environ is None else environ).get(VARIABLE, "")
        return cls(filter(None, (one.strip() for one in text.split(","))))

    def close(self, content: bytes, mail_id: str) -> bytes:
        """
        Return the body of a mail as it is to be stored.
        """
        if not self._ciphers:
            return content
        name, cipher = next(iter(self._ciphers.items()))
        nonce = os.urandom(_NONCE)
        return b"".join((_MARK, name, nonce, cipher.encrypt(nonce, content, mail_id.encode())))

    def open(self, stored: bytes, mail_id: str) -> bytes:
        """
        Return what :meth:`close` was given.

        Raises:
            ConfigurationError: If its key is not here, or the body was changed.
        """
        if not stored.startswith(_MARK):
            return stored
        start = len(_MARK) + _NAME
        cipher = self._ciphers.get(stored[len(_MARK) : start])
        if cipher is None:
            message = f"the body is encrypted with a key that {VARIABLE} does not name: add it"
            raise ConfigurationError(message)
        nonce, rest = stored[start : start + _NONCE], stored[start + _NONCE :]
        try:
            content: bytes = cipher.decrypt(nonce, rest, mail_id.encode())
        except Exception as exc:
            if type(exc).__name__ != "InvalidTag":
                raise
        else:
            return content
        message = "the encrypted body was changed, or is another mail's: restore the database"
        raise ConfigurationError(message)

    def __repr__(self) -> str:
        return f"Seal({len(self._ciphers)} keys)"


def _read_key(text: str) -> bytes:
    try:
        raw = base64.b64decode(text.replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != _KEY:
        message = (
            f"the key of the outbox ({VARIABLE}) must be 32 random bytes in base64: "
            "make one by `openssl rand -base64 32`"
        )
        raise ConfigurationError(message)
    return raw


def _cipher(raw: bytes) -> Any:
    with extra("encryption"):
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    return AESGCM(raw)
