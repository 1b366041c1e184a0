"""
The rules of API keys, and the callers they apply to.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from mailfailover._message.mime_reader import named_in_header
from mailfailover._message.validation import normalize_email
from mailfailover._provider.link import Limit
from mailfailover.errors import ConfigurationError, InvalidMessage
from mailfailover.service.problems import FieldError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mailfailover._message.message import Message

__all__ = ["ADMIN", "BEHIND_PROXY", "GRANTS", "LOCAL", "Caller", "Rules"]

ADMIN = "admin"
GRANTS = {
    ADMIN: "sees and cancels every mail, sees mailbox, metrics and deliveries, manages "
    "keys, webhooks and suppressions",
    "envelope_from": "may say where bounces go",
    "headers": "may set headers of its own",
    "provider_options": "may give options to a provider",
}
_NEEDS_GRANT = {
    "envelope_from": "envelope_from",
    "headers": "headers",
    "merge_headers": "headers",
    "mime": "headers",
    "provider_options": "provider_options",
}
MAX_RECIPIENTS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """
    The rules of one key.

    Attributes:
        senders: Addresses and domains that its mails may come from; any where empty.

        recipients: Addresses and domains that they may go to; any where empty.

        rate, quota: How many recipients it may send to, ``"10/s"`` and ``"50000/d"``, "" for any
            number. Both begin anew with each period of the clock (UTC).

        max_recipients: How many one mail may have.

        callbacks: Hosts that may be told what becomes of its mails; none where empty.

        grants: Rights beyond the plain mail: ``admin``, ``envelope_from``, ``headers`` and
            ``provider_options``.
    """

    senders: tuple[str, ...] = ()
    recipients: tuple[str, ...] = ()
    rate: str = ""
    quota: str = ""
    max_recipients: int = MAX_RECIPIENTS
    callbacks: tuple[str, ...] = ()
    grants: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        set_ = object.__setattr__
        set_(self, "senders", tuple(_normal(one, "senders") for one in self.senders))
        set_(self, "recipients", tuple(_normal(one, "recipients") for one in self.recipients))
        set_(self, "callbacks", tuple(one.lower() for one in self.callbacks))
        set_(self, "grants", tuple(sorted(set(self.grants))))
        if unknown := [one for one in self.grants if one not in GRANTS]:
            message = f"there is no grant {unknown[0]!r}; known: {', '.join(GRANTS)}"
            raise ConfigurationError(message)
        if self.max_recipients < 1:
            raise ConfigurationError("max_recipients must be at least 1")
        periods = [limit.period for limit in self.limits]
        if len(periods) != len(set(periods)):
            raise ConfigurationError("rate and quota count in the same period: give one of them")

    @property
    def limits(self) -> Iterator[Limit]:
        """
        The rate and the quota, as far as they are set.
        """
        for field, text in (("rate", self.rate), ("quota", self.quota)):
            if text:
                yield Limit.parse(text, field)

    def to_json(self) -> str:
        """
        Write them for the database.
        """
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Rules:
        """
        Read what :meth:`to_json` wrote.
        """
        data = json.loads(text)
        lists = ("senders", "recipients", "callbacks", "grants")
        return cls(**(data | {name: tuple(data[name]) for name in lists}))


@dataclass(frozen=True, slots=True)
class Caller:
    """
    The caller: an API key; while there is none, this machine, or any client of a trusted proxy.

    Attributes:
        key: The id of the key, "" where there is none.

        name: The name that its owner gave it.

        rules: Its rules.
    """

    key: str
    name: str
    rules: Rules

    @property
    def sees_all(self) -> bool:
        """
        Whether the caller may see the mails of others.
        """
        return ADMIN in self.rules.grants

    @property
    def most_recipients(self) -> int:
        """
        The most recipients that one of its mails may have.
        """
        return min((self.rules.max_recipients, *(limit.count for limit in self.rules.limits)))

    def may_send_from(self, email: str) -> bool:
        """
        Tell whether its mails may come from *email*.
        """
        return _covers(self.rules.senders, email)

    def may_send_to(self, email: str) -> bool:
        """
        Tell whether its mails may go to *email*.
        """
        return _covers(self.rules.recipients, email)

    def objections(self, message: Message, callback_url: str = "") -> tuple[FieldError, ...]:
        """
        Return the reasons why it may not send *message*, field by field.
        """
        found = _objections(self.rules, message, self.most_recipients)
        if callback_url and urlsplit(callback_url).hostname not in self.rules.callbacks:
            detail = "this API key may not let anybody be called at this host"
            return (*found, FieldError("callback_url", detail))
        return tuple(found)


LOCAL = Caller("", "this machine", Rules(grants=(ADMIN,)))
BEHIND_PROXY = Caller("", "the proxy", Rules(grants=(ADMIN,)))


def _objections(rules: Rules, message: Message, most: int) -> Iterator[FieldError]:
    for field, grant in _NEEDS_GRANT.items():
        if getattr(message, field) and grant not in rules.grants:
            yield FieldError(field, f"this API key has no grant {grant!r}")
    if not all(_covers(rules.senders, one) for one in _senders(message)):
        yield FieldError("from_email", "this API key may not send from this address")
    for field in ("to", "cc", "bcc"):
        refused = [
            number
            for number, one in enumerate(getattr(message, field), start=1)
            if not _covers(rules.recipients, one.email)
        ]
        if refused:
            # Counted, not quoted: problems end up in logs.
            detail = f"this API key may not send to recipient {', '.join(map(str, refused[:10]))}"
            yield FieldError(field, detail)
    if len(message.recipients) > most:
        yield FieldError("to", f"a mail of this API key may have at most {most} recipients")


def _senders(message: Message) -> Iterator[str]:
    """
    Yield every address that *message* claims to be from, also in the bytes of a finished mail.
    """
    if message.from_email:
        yield message.from_email.email
    if message.mime:
        try:
            yield from named_in_header(message.mime, "from", "sender", "resent-from")
        except InvalidMessage:
            yield ""  # The address is empty: no rule covers it.


def _covers(allowed: Iterable[str], email: str) -> bool:
    allowed = tuple(allowed)
    return not allowed or email.lower() in allowed or email.rpartition("@")[2] in allowed


def _normal(value: Any, field: str) -> str:
    """
    Return an address or a domain as it is compared.
    """
    local, at, domain = str(value).strip().rpartition("@")
    try:
        email = normalize_email(f"{local if at and local else 'any'}@{domain}", field)
    except InvalidMessage as exc:
        message = f"an entry of {field} is neither an address nor a domain: {exc}"
        raise ConfigurationError(message) from None
    return email.lower() if local else email.rpartition("@")[2]
