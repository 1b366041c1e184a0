"""
Bounce addresses: envelope senders that carry the signed id of their mail (VERP).

``bounces+TOKEN@example.com``, or ``TOKEN@bounces.example.com`` where a whole domain is for them.
A token is lower case, since some servers change the case of a local part: one letter for the
form of the id, the day of the mail, a mark of its only recipient, a mark of the server that sent
it, the signature, and the id.
"""

from __future__ import annotations

import hmac
import re
from base64 import b32decode, b32encode
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING

from mailfailover._provider.classify import check_secret
from mailfailover._provider.signatures import Secrets, reveal_all
from mailfailover._values.face import published_in
from mailfailover._values.ulid import time_of
from mailfailover.errors import ConfigurationError, InvalidSignature

if TYPE_CHECKING:
    from mailfailover._message.message import Message

__all__ = ["LIFETIME", "BounceAddresses", "SignedMail"]

LIFETIME = 30
"""
Days for which a bounce address holds. Servers try for five days and then report; an answer of
somebody who is away, or a complaint, may take weeks.
"""

_DAY = 86400.0
_DAYS = 32**3
_EARLY = 2  # days that clocks and time zones may differ
# Signed with the rest, so that a secret that is used elsewhere too signs no addresses there.
_PURPOSE = b"mailfailover bounce\0"
_MIN_SECRET = 16
_ADDRESS = re.compile(r"(?:[A-Za-z0-9._-]{1,16}@)?(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z0-9-]{2,63}")
_MAX_LOCAL = 64  # RFC 5321, 4.5.3.1.1
_SIGNATURE, _MARK, _ORIGIN = 13, 4, 2
_ANYBODY = "0" * _MARK  # no digit of base32
_TOKEN = re.compile(
    r"([luxh])([a-z2-7]{3})([a-z2-7]{4}|0000)([a-z2-7]{2})([a-z2-7]{13})([a-z0-9_-]{1,41})"
)
_DIGEST = 16


@published_in("mailfailover.plugin")
@dataclass(frozen=True, slots=True)
class SignedMail:
    """
    What a bounce address of ours tells of its mail.

    Attributes:
        mail_id: Our id, "" where it was too long for an address, which has its digest then.

    .. versionadded:: 0.1.0
    """

    mail_id: str
    _digest: str = field(repr=False)
    _mark: str = field(repr=False)
    _origin: str = field(repr=False)
    _secret: str = field(repr=False)

    def is_of(self, mail_id: str) -> bool:
        """
        Whether *mail_id*, which somebody claims, is the id of the mail.
        """
        if self.mail_id:
            return mail_id == self.mail_id
        return hmac.compare_digest(_digest_of(mail_id), self._digest)

    def came_from(self, origin: str) -> bool:
        """
        Whether the server called *origin* sent the mail.
        """
        return hmac.compare_digest(_origin_of(origin), self._origin)

    def went_to(self, recipient: str) -> bool | None:
        """
        Whether *recipient* is the only one of the mail; None where it has several.
        """
        if self._mark == _ANYBODY:
            return None
        return hmac.compare_digest(_mark_of(self._secret, recipient), self._mark)


@published_in("mailfailover.plugin")
@dataclass(frozen=True, slots=True)
class BounceAddresses:
    """
    Makes and reads the bounce addresses of one domain or mailbox.

    Args:
        address:
            A domain whose mail is bounces only, ``bounces.example.com``, or a mailbox to which
            its server also delivers what has a ``+`` and more after its name,
            ``bounces@example.com``.

        secrets: Sign, 16 characters or more. Of several the first signs, and all hold.

        origin: Which server sends the mails, where several have the same address.

    Raises:
        ConfigurationError: If the address is none, or a secret is short.

    .. versionadded:: 0.1.0
    """

    address: str
    secrets: Secrets = field(repr=False)
    origin: str = ""

    def __post_init__(self) -> None:
        """
        Refuse what would make addresses that nobody can reach or anybody can forge.
        """
        if not _ADDRESS.fullmatch(self.address):
            message = (
                "bounce_address must be a domain such as bounces.example.com, or a mailbox with a "
                "short name such as bounces@example.com, in ASCII"
            )
            raise ConfigurationError(message)
        if not callable(self.secrets):
            self._secrets()

    def make(self, message: Message) -> str:
        """
        Return the bounce address of *message*.
        """
        secret = self._secrets()[0]
        recipients = {one.email.lower() for one in message.recipients}
        mark = _mark_of(secret, *recipients) if len(recipients) == 1 else _ANYBODY
        room = _MAX_LOCAL - len(self._prefix) - 1 - 3 - _MARK - _ORIGIN - _SIGNATURE
        kind, written = _write_id(message.id, room)
        body = f"{kind}{_write_day(_day_of(message))}{mark}{_origin_of(self.origin)}"
        token = f"{body}{_sign(secret, body, written)}{written}"
        return f"{self._prefix}{token}@{self._domain}"

    def owns(self, email: str) -> bool:
        """
        Whether *email* lies where bounce addresses lie, be it one or not.
        """
        local, _, domain = email.rpartition("@")
        is_home = domain.lower() == self._domain
        return is_home and local.lower().startswith(self._prefix)

    def read(self, email: str, now: float) -> SignedMail:
        """
        Return what the bounce address *email* tells at the Unix time *now*.

        Raises:
            InvalidSignature: If it is not ours, or too old.
        """
        local = email.rpartition("@")[0].lower()
        found = _TOKEN.fullmatch(local[len(self._prefix) :]) if self.owns(email) else None
        if found is None:
            raise InvalidSignature("the bounce address is none of ours")
        kind, day, mark, origin, given, written = found.groups()
        body = f"{kind}{day}{mark}{origin}"
        signatures = {one: _sign(one, body, written) for one in self._secrets()}
        if not check_secret(given, signatures.values()):
            raise InvalidSignature("the bounce address has a wrong signature")
        age = (int(now // _DAY) - _read_day(day) + _EARLY) % _DAYS
        if age > LIFETIME + _EARLY:
            raise InvalidSignature(f"the bounce address is older than {LIFETIME} days")
        secret = next(one for one, signature in signatures.items() if signature == given)
        return SignedMail(_read_id(kind, written), written, mark, origin, secret)

    @property
    def _prefix(self) -> str:
        local = self.address.rpartition("@")[0].lower()
        return f"{local}+" if local else ""

    @property
    def _domain(self) -> str:
        return self.address.rpartition("@")[2].lower()

    def _secrets(self) -> tuple[str, ...]:
        found = reveal_all(self.secrets)
        if min(map(len, found), default=0) < _MIN_SECRET:
            message = (
                f"bounce_secret must have {_MIN_SECRET} characters or more: it signs the "
                "addresses to which bounces come"
            )
            raise ConfigurationError(message)
        return found


def _day_of(message: Message) -> int:
    """
    Return the day at which a mail may first leave.

    A mail that goes out as it is may say a date of any year, but its id was made for this send.
    """
    made = time_of(message.id)
    times = [] if made is None else [made]
    if made is None or not message.mime:
        times.append(message.created.timestamp())
    if message.send_at is not None:
        times.append(message.send_at.timestamp())
    return int(max(times) // _DAY)


def _write_day(day: int) -> str:
    return b32encode((day % _DAYS << 1).to_bytes(2, "big")).decode()[:3].lower()


def _read_day(text: str) -> int:
    return int.from_bytes(b32decode(f"{text.upper()}A===="), "big") >> 1


def _write_id(mail_id: str, room: int) -> tuple[str, str]:
    """
    Return the form of an id and the id in that form, or its digest where there is no room.
    """
    if mail_id.lower() == mail_id and len(mail_id) <= room:
        return "l", mail_id
    if mail_id.upper() == mail_id and len(mail_id) <= room:
        return "u", mail_id.lower()
    encoded = b32encode(mail_id.encode()).decode().rstrip("=").lower()
    return ("x", encoded) if len(encoded) <= room else ("h", _digest_of(mail_id))


def _read_id(kind: str, written: str) -> str:
    if kind == "x":
        return b32decode(written.upper() + "=" * (-len(written) % 8)).decode()
    return {"l": written, "u": written.upper()}.get(kind, "")


def _digest_of(mail_id: str) -> str:
    return b32encode(sha256(mail_id.encode("utf-8", "replace")).digest()).decode()[:_DIGEST].lower()


def _mark_of(secret: str, recipient: str) -> str:
    return _hmac(secret, f"to\0{recipient.lower()}")[:_MARK]


def _origin_of(origin: str) -> str:
    return b32encode(sha256(origin.encode("utf-8", "replace")).digest()).decode()[:_ORIGIN].lower()


def _sign(secret: str, body: str, written: str) -> str:
    return _hmac(secret, f"mail\0{body}\0{written}")[:_SIGNATURE]


def _hmac(secret: str, text: str) -> str:
    signed = _PURPOSE + text.encode("utf-8", "replace")
    return b32encode(hmac.digest(secret.encode(), signed, "sha256")).decode().lower()
