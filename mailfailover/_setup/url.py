"""
How one provider's URL is taken apart; what its parts mean is for others to say.

::

    url = [distribution ":"] scheme "://" [credentials "@"] [host [":" port]] [path]
          ["?" option "=" value { "&" option "=" value }]

Everything is split on the raw text and percent-decoded afterwards, so that a secret may have
any character; a ``+`` is a plus sign. Only the last ``@`` before the path ends the credentials.

An error never quotes the text, because any part of it may be a secret in the wrong place.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

from mailfailover.errors import ConfigurationError

_URL = re.compile(
    r"((?:[A-Za-z0-9][A-Za-z0-9._-]*:)?[a-z][a-z0-9+._-]*)://"
    r"([^/?]*)(/[^?]*)?(?:\?(.*))?",
    re.DOTALL,
)
_PLACE = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[\w.-]*)(?::([0-9]{1,5}))?")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_NOT_UTF8 = re.compile("[\ud800-\udfff]")
_MAX_PORT = 65535
_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
_HINT = "in credentials write : as %3A, / as %2F, ? as %3F"


@dataclass(frozen=True, slots=True, repr=False)
class URL:
    """
    The parts of one provider's URL.

    Attributes:
        name: ``scheme`` or ``distribution:scheme``.

        credentials: The raw text before the ``@``.

        host: "" for the vendor's own; an IPv6 address stands in brackets.

        port: None where there is none.

        path: From its first slash on, raw; "" for a single slash.

        options: Names and values, decoded, in the order given.
    """

    name: str
    credentials: str
    host: str
    port: int | None
    path: str
    options: tuple[tuple[str, str], ...]

    @property
    def scheme(self) -> str:
        """
        Its scheme without a distribution.
        """
        return self.name.rpartition(":")[2]

    @property
    def base_url(self) -> str:
        """
        The HTTP URL of its host, port and path: https, but plain http to this machine.
        """
        scheme = "http" if self.host in _LOOPBACK else "https"
        port = "" if self.port is None else f":{self.port}"
        return f"{scheme}://{self.host}{port}{self.path.rstrip('/')}"

    def split_credentials(self, count: int) -> list[str]:
        """
        Return the credentials as at most *count* decoded parts, split at colons.

        Of several, the last has all that is left, because passwords may have colons. A
        single one may not: what stands there is more likely two.
        """
        raw = self.credentials.split(":", max(count - 1, 1)) if self.credentials else []
        if len(raw) > count:
            message = (
                f"there are more credentials than {self.scheme} takes: {count or 'none'} "
                f"before the @; {_HINT}"
            )
            raise ConfigurationError(message)
        return [decode(part, "a credential") for part in raw]


def read_url(text: str) -> URL:
    """
    Take a URL apart.

    Raises:
        ConfigurationError: If it is none.
    """
    found = _URL.fullmatch(text)
    if found is None:
        message = "it is not of the form scheme://credentials@host?option=value"
        raise ConfigurationError(message)
    name, authority, path, query = found.groups(default="")
    credentials, _, place = authority.rpartition("@")
    if "@" in path:
        message = f"there is an @ after the first slash; {_HINT}"
        raise ConfigurationError(message)
    host, port = _read_place(place)
    return URL(name, credentials, host, port, "" if path == "/" else path, _read_options(query))


def _read_place(place: str) -> tuple[str, int | None]:
    found = _PLACE.fullmatch(place)
    if found is None:
        message = f"its host or port is not valid; {_HINT}"
        raise ConfigurationError(message)
    host = "" if found[1] == "default" else found[1].lower()
    if found[2] is None:
        return host, None
    if not host:
        message = "it has a port but no host: write host:port"
        raise ConfigurationError(message)
    if not 0 < int(found[2]) <= _MAX_PORT:
        message = f"its port is not between 1 and {_MAX_PORT}"
        raise ConfigurationError(message)
    return host, int(found[2])


def _read_options(query: str) -> tuple[tuple[str, str], ...]:
    found = []
    for number, part in enumerate(query.split("&") if query else (), start=1):
        name, equals, value = part.partition("=")
        if not equals or not name:
            message = f"its option {number} is not of the form name=value; write & as %26"
            raise ConfigurationError(message)
        what = f"its option {number}"
        found.append((decode(name, what), decode(value, what)))
    return tuple(found)


def decode(text: str, what: str) -> str:
    """
    Return *text* percent-decoded; *what* names it in an error.

    Raises:
        ConfigurationError: If an escape is broken, or the bytes are not UTF-8.
    """
    if _BAD_ESCAPE.search(text):
        message = f"{what} has a % without two hex digits after it: write % as %25"
        raise ConfigurationError(message)
    decoded = unquote(text, errors="surrogateescape")
    if _NOT_UTF8.search(decoded):
        message = f"{what} has bytes that are not UTF-8: percent-encode its UTF-8 form"
        raise ConfigurationError(message)
    return decoded
