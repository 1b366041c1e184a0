"""
The variables of the environment, each with what it sets.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from mailfailover._setup.settings import SETTINGS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

PREFIX = "MAILFAILOVER_"
SETTING_VARIABLES: Mapping[str, str] = {
    **{name: PREFIX + name.upper() for name in SETTINGS},
    "health": "MAILFAILOVER_REDIS",  # which names the server: it is for more than that
}
"""The variable of each argument of :class:`~mailfailover.Mailer` that is plain data."""

_WORKER_RULES = (
    "KEEP",
    "KEEP_CONTENT",
    "LEASE",
    "MAX_LOST",
    "MAX_TRIES",
    "NAME",
    "PAUSE",
    "POLL",
    "THREADS",
    "UNKNOWN_AFTER",
)

VARIABLES: Mapping[str, str] = {
    "MAILFAILOVER_DSN": "the chain of providers",
    "MAILFAILOVER_DSN_FILE": "a file that holds the DSN",
    **{variable: f"the mailer's {name}" for name, variable in SETTING_VARIABLES.items()},
    "MAILFAILOVER_BROKER": "the broker of the Celery workers",
    "MAILFAILOVER_CALLBACK_SECRET": "the key that signs callbacks",
    "MAILFAILOVER_CALLBACK_URL": "where callbacks go",
    "MAILFAILOVER_DATABASE": "the database of outbox, tracking and suppressions",
    "MAILFAILOVER_DELIVERIES": "whether service and workers heed what becomes of mails",
    "MAILFAILOVER_HOST": "the host name that SMTP says",
    "MAILFAILOVER_IMAP_PASSWORD": "the password of the mailbox of bounces",
    "MAILFAILOVER_IMAP_PASSWORD_FILE": "a file that holds it",
    "MAILFAILOVER_IMAP_TOKEN": "its OAuth 2.0 token, instead of a password",
    "MAILFAILOVER_IMAP_TOKEN_FILE": "a file that holds it",
    "MAILFAILOVER_KEEP_HEADINGS": "whether subject and sender are kept beside a mail",
    "MAILFAILOVER_OUTBOX_KEY": "the key that encrypts stored mails",
    "MAILFAILOVER_PLUGINS": "the packages whose providers may be used",
    "MAILFAILOVER_PREFIX": "the path below which the service lies",
    "MAILFAILOVER_PREVIEW": "the folder of the development mailbox",
    "MAILFAILOVER_PROXIES": "how many proxies stand before the service",
    "MAILFAILOVER_TRUST_PROXY": "whether a proxy may stand before a service without keys",
    "MAILFAILOVER_UNSUBSCRIBE_SECRET": "the key that signs unsubscribe links",
    "MAILFAILOVER_WEBHOOK_URL": "where webhooks arrive, without the provider's key",
    **{f"{PREFIX}WORKER_{name}": f"the worker's rule {name.lower()}" for name in _WORKER_RULES},
    "MAILFAILOVER_WORKER_HEALTH": "where a worker tells its health",
    "MAILFAILOVER_UNSUBSCRIBE_URL": "where unsubscribe links lead",
}


def misspelt(environ: Iterable[str]) -> dict[str, str]:
    """
    Return each unknown variable with our prefix, with the known name closest to it, or "".
    """
    unknown = sorted(name for name in environ if name.startswith(PREFIX) and name not in VARIABLES)
    return {name: _nearest(name) for name in unknown}


def _nearest(name: str) -> str:
    known = [variable.removeprefix(PREFIX) for variable in VARIABLES]
    found = difflib.get_close_matches(name.removeprefix(PREFIX), known, n=1)
    return PREFIX + found[0] if found else ""


def hint(environ: Iterable[str]) -> str:
    """
    Return what to say of misspelt variables where a setting is missing, "" for nothing.
    """
    return "".join(
        f" ({name} is set, and means nothing{f': did you mean {meant}?' if meant else ''})"
        for name, meant in misspelt(environ).items()
    )
