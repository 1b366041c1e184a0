"""
Whether a provider can stand in a chain: told when the chain is made, not when a mail waits.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from mailfailover.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailfailover._provider.protocols import AnyProvider

_LOOPBACK = ("localhost", "127.0.0.1", "::1")


def check_provider(provider: AnyProvider) -> AnyProvider:
    """
    Return *provider* if it can be asked to send; its base_url without a slash at the end.

    Raises:
        ConfigurationError: If it is none, or its key or URL cannot work.
    """
    name = getattr(provider, "name", None)
    if not isinstance(name, str) or not (
        hasattr(provider, "build_request") or callable(getattr(provider, "send", None))
    ):
        message = (
            f"{type(provider).__name__} is not a provider: it needs a name, "
            "and build_request(message) or send(message)"
        )
        raise ConfigurationError(message)
    if isinstance(provider, type):
        message = f"{provider.__name__} is a class: make a provider of it, {provider.__name__}(...)"
        raise ConfigurationError(message)
    if dataclasses.is_dataclass(provider):
        _check_secrets(provider, name)
    if base_url := getattr(provider, "base_url", ""):
        checked = check_base_url(base_url, name)
        if checked != base_url:
            return dataclasses.replace(provider, base_url=checked)  # type: ignore[type-var]  # it has the field
    return provider


def _check_secrets(provider: Any, name: str) -> None:
    for one, value in secret_texts(provider):
        required = one.default is dataclasses.MISSING
        if (required and not value) or not value.isprintable() or value != value.strip():
            problem = (
                "is empty" if not value else "has a space or control character at an end or in it"
            )
            message = f"{one.name} of {name} {problem}: copy it anew from the vendor's console"
            raise ConfigurationError(message)


def secret_texts(provider: Any) -> Iterator[tuple[dataclasses.Field[Any], str]]:
    """
    Yield each secret of a dataclass that is text, one of several too, with its field.
    """
    for one in dataclasses.fields(provider):
        value = getattr(provider, one.name)
        if not one.repr:
            many = value if isinstance(value, tuple) else (value,)
            yield from ((one, text) for text in many if isinstance(text, str))


def check_base_url(url: str, name: str) -> str:
    """
    Return *url* without a slash at its end, if mails and keys may go there.

    Raises:
        ConfigurationError: If it is no https URL, and no http URL of a loopback host.
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError:
        host = ""
    if not host or parts.scheme not in ("http", "https") or "?" in url or "#" in url:
        message = f"base_url of {name} is not of the form https://host[:port][/prefix]"
        raise ConfigurationError(message)
    if "@" in parts.netloc or not url.isprintable() or " " in url:
        message = f"base_url of {name} must not contain credentials, spaces or control characters"
        raise ConfigurationError(message)
    if parts.scheme == "http" and host not in _LOOPBACK:
        message = f"base_url of {name} is plain http: use https (http is for loopback hosts only)"
        raise ConfigurationError(message)
    return url.rstrip("/")
