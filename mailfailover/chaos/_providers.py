"""
The providers that can be played, and how a program is pointed at each vendor here.
"""

from __future__ import annotations

from dataclasses import MISSING, fields
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from mailfailover._setup.registry import find, load_provider
from mailfailover.chaos._keys import PASSWORD, SECRET, STANDARD_SECRET, USERNAME
from mailfailover.chaos._signing import SNS_TOPICS
from mailfailover.testing._dialects import dialect_names

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mailfailover.chaos._keys import Keys

__all__ = ["HTTP_VENDORS", "SMTP", "hosts", "load", "written_dsn"]

SMTP = "smtp"
HTTP_VENDORS = tuple(name for name in dialect_names() if name != "generic")

_FIELDS = {
    "access_key": "Y2hhb3M=",  # base64, as Azure's
    "account_id": "chaos",
    "domain": "example.com",
    "project_id": "chaos",
    "server_id": "1",
    "webhook_account": USERNAME,
    "webhook_key": SECRET,
    "webhook_password": PASSWORD,
    "webhook_secret": SECRET,
    "webhook_signing_key": SECRET,
    "webhook_username": USERNAME,
}
_OTHERS = {
    "resend": {"webhook_secret": STANDARD_SECRET},
    "sweego": {"webhook_secret": STANDARD_SECRET.removeprefix("whsec_")},
    "unisender": {"api_key": SECRET},  # it signs webhooks with the key
}
_KEY = "chaos-key"


def options(name: str, base_url: str, webhook_url: str = "", keys: Keys | None = None) -> Any:
    """
    The fields of the provider *name* for its vendor here.
    """
    found: dict[str, str] = {}
    for field in fields(find(name)):
        required = field.default is MISSING and field.default_factory is MISSING
        if field.name in find(name).userinfo or required:  # type: ignore[attr-defined]  # a provider
            found[field.name] = _FIELDS.get(field.name, _KEY)
        elif field.name == "webhook_public_key" and keys:
            found[field.name] = keys.public(name)
        elif field.name == "webhook_topic_arn":
            found[field.name] = SNS_TOPICS[name][0]
        elif field.name == "webhook_url" and webhook_url:
            found[field.name] = webhook_url
        elif field.name in _FIELDS:
            found[field.name] = _FIELDS[field.name]
    return found | _OTHERS.get(name, {}) | ({"base_url": base_url} if base_url else {})


@cache
def load(name: str) -> Any:
    """
    The provider *name*, by which the vendor's answers are read.
    """
    return load_provider(name, **options(name, "http://localhost"))


def written_dsn(name: str, base_url: str, webhook_url: str, keys: Keys | None) -> str:
    """
    The DSN of the provider *name* for its vendor here.
    """
    given: dict[str, str] = options(name, base_url, webhook_url, keys)
    named = find(name).userinfo  # type: ignore[attr-defined]  # a provider
    userinfo = ":".join(quote(given.pop(one), safe="") for one in named)
    query = "&".join(f"{key}={quote(value, safe=':/')}" for key, value in given.items())
    return f"{name}://{userinfo}@default?{query}"


@cache
def hosts() -> Mapping[str, str]:
    """
    The vendor of each host name that the providers call by default.
    """
    found: dict[str, str] = {}
    for name in HTTP_VENDORS:
        given = options(name, "")
        if given.get("base_url") != _KEY:
            url = load_provider(name, **given).base_url
            found[urlsplit(url).hostname or ""] = name
    return found
