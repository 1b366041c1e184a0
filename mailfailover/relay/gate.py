"""
The gate of the SMTP port: this machine until there is an API key, then clients with a key.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from aiosmtpd.smtp import AuthResult, LoginPassword

from mailfailover.service.peer import is_loopback
from mailfailover.service.rules import LOCAL, Caller

if TYPE_CHECKING:
    from mailfailover.service.keys import Keys

__all__ = ["Gate"]

# A program that speaks SMTP has no other way to say these, and any mail has headers.
_GRANTS = ("envelope_from", "headers")
NO_KEY = "530 5.7.0 Log in with an API key as the password"
CLOSED = (
    "550 5.7.1 Until you create an API key, only this machine may send: mailfailover keys add NAME"
)


class Gate:
    """
    Says who a client is.

    Args:
        keys: The API keys of the service.
    """

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    def log_in(
        self, _server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any
    ) -> AuthResult:
        """
        Take a key as the password, whatever the user is called.
        """
        if not isinstance(data, LoginPassword):
            return AuthResult(success=False, handled=False)
        caller = self._keys.check(data.password.decode("utf-8", "replace"))
        if caller is None:
            return AuthResult(success=False, handled=False)
        return AuthResult(success=True, auth_data=caller)

    def caller(self, session: Any) -> Caller | str:
        """
        Return who sends in *session*, or the reply for those who may not.
        """
        return self._judge(session, has_keys=self._keys.exist())

    def known_caller(self, session: Any) -> Caller | str | None:
        """
        Return what :meth:`caller` would, or None where the database has to be asked.
        """
        has_keys = self._keys.exist_by_memory()
        return None if has_keys is None else self._judge(session, has_keys=has_keys)

    def _judge(self, session: Any, *, has_keys: bool) -> Caller | str:
        if isinstance(session.auth_data, Caller):
            return _with_headers(session.auth_data)
        if has_keys:
            return NO_KEY
        if session.peer and is_loopback(str(session.peer[0])):
            return _with_headers(LOCAL)
        return CLOSED


@lru_cache(maxsize=1000)
def _with_headers(caller: Caller) -> Caller:
    rules = replace(caller.rules, grants=(*caller.rules.grants, *_GRANTS))
    return replace(caller, rules=rules)
