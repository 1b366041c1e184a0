"""
What a provider is: protocols, what it can express, and its place in a chain.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, runtime_checkable

from mailfailover._message.message import Address
from mailfailover._provider.provider_check import check_provider
from mailfailover._values.features import NO_FEATURES, Feature
from mailfailover._values.frozen import EMPTY, FrozenDict
from mailfailover.errors import ConfigurationError, InvalidMessage

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mailfailover._message.message import Message
    from mailfailover._values.receipt import Accepted
    from mailfailover._values.wire import HTTPRequest, Response, SMTPRequest, SMTPResponse
    from mailfailover.errors import SendError


@dataclass(frozen=True, slots=True, init=False)
class Capabilities:
    """
    What a provider can express, and its limits; None is no limit.

    Attributes:
        features: What it can do beyond the basic mail.

        max_tags: How many tags one mail may have.

        max_metadata: How many metadata keys one mail may have.

        max_metadata_bytes: How large a mail's metadata may be, as JSON in ASCII.

        max_recipients: How many addresses one call may name, all of to, cc and bcc.

        max_merge: How many recipients one merge call may have.

        max_bytes: How large the whole mail may be, encoded, in bytes.

        max_delay: How far ahead *send_at* may lie, in seconds.
    """

    features: Feature
    max_tags: int | None
    max_metadata: int | None
    max_metadata_bytes: int | None
    max_recipients: int | None
    max_merge: int | None
    max_bytes: int | None
    max_delay: float | None

    def __init__(
        self,
        features: Feature = NO_FEATURES,
        *,
        max_tags: int | None = None,
        max_metadata: int | None = None,
        max_metadata_bytes: int | None = None,
        max_recipients: int | None = None,
        max_merge: int | None = None,
        max_bytes: int | None = None,
        max_delay: float | None = None,
    ) -> None:
        set_ = object.__setattr__
        set_(self, "features", features)
        set_(self, "max_tags", max_tags)
        set_(self, "max_metadata", max_metadata)
        set_(self, "max_metadata_bytes", max_metadata_bytes)
        set_(self, "max_recipients", max_recipients)
        set_(self, "max_merge", max_merge)
        set_(self, "max_bytes", max_bytes)
        set_(self, "max_delay", max_delay)


EVERYTHING = Capabilities(~NO_FEATURES)


class Provider(Protocol):
    """
    A vendor behind HTTP: its fields are its configuration, its methods are pure.

    Optional beside these: ``build_batch(message)`` and ``parse_batch(response, message)``
    for merges, ``verify_webhook(request, fetch)`` and ``parse_webhook(request)`` for
    webhooks, ``mixed_batches`` (True where an answer to a merge may accept some recipients
    whatever its status is: ``parse_batch`` then reads all of them and raises the error of
    the whole), ``parse_ping(response)`` (where the status alone does not tell whether the
    vendor knows us: raises a :class:`SendError` unless it does), ``idempotency_ttl``
    (seconds), ``userinfo``, ``transport``.
    """

    name: ClassVar[str]
    capabilities: ClassVar[Capabilities]

    def build_request(self, message: Message) -> HTTPRequest:
        """
        Write *message* as the vendor's request.
        """

    def parse_response(self, response: Response, message: Message) -> Accepted:
        """
        Read an answer of success; raise a :class:`SendError` where it hides a failure.
        """

    def classify_error(self, response: Response, message: Message) -> SendError:
        """
        Say what an answer that is no success means.
        """

    def build_ping(self) -> HTTPRequest:
        """
        Write a harmless authenticated call.
        """


class BatchProvider(Provider, Protocol):
    """
    A provider that sends a whole merge in one call.
    """

    def build_batch(self, message: Message) -> HTTPRequest:
        """
        Write a merge of at most ``capabilities.max_merge`` recipients as one request.

        Raises:
            UnsupportedFeature:
                If one call cannot say it: each recipient gets a call of his own. With the
                feature ``max_merge=7`` the calls are for 7 of these recipients each.
        """

    def parse_batch(self, response: Response, message: Message) -> tuple[Accepted | SendError, ...]:
        """
        Say what became of each recipient of ``message.to``, in this order.
        """


class SMTPProvider(Protocol):
    """
    The same for a provider behind SMTP.
    """

    name: ClassVar[str]
    capabilities: ClassVar[Capabilities]

    def build_request(self, message: Message) -> SMTPRequest:
        """
        Write *message* as an SMTP transaction.
        """

    def parse_response(self, response: SMTPResponse, message: Message) -> Accepted:
        """
        Read an answer of success.
        """

    def classify_error(self, response: SMTPResponse, message: Message) -> SendError:
        """
        Say what an answer that is no success means.
        """

    def build_ping(self) -> SMTPRequest:
        """
        Write a transaction without a mail.
        """


@runtime_checkable
class SimpleProvider(Protocol):
    """
    The simplest provider: anything with a ``name`` and ``send``.

    ``send`` returns the vendor's message id, None or an :class:`Accepted`, and raises a
    :class:`SendError`. Any other exception counts as *it may have been sent*.
    """

    @property
    def name(self) -> str:
        """
        What it is called; an attribute of the class or of the object will do.
        """

    def send(self, message: Message) -> Accepted | str | None:
        """
        Send *message*, once.
        """


class Transport(Protocol):
    """
    What carries a request to a vendor and the answer back.
    """

    def send(self, request: Any, timeout: float) -> Any:
        """
        Do one call within *timeout* seconds, without any retry.

        Raises:
            ConnectionFailed: Nothing was sent.
            OutcomeUnknown: It may have been sent.
        """

    def close(self) -> None:
        """
        Let go of all connections.
        """


AnyProvider = Provider | SMTPProvider | SimpleProvider

_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_COUNT = re.compile(r"[1-9][0-9]{0,11}")
_PERIODS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


@dataclass(frozen=True, slots=True)
class Limit:
    """
    At most *count* mails in each *period* of seconds; written ``"10/s"`` or ``"50000/d"``.
    """

    count: int
    period: float

    @classmethod
    def parse(cls, text: str, field: str) -> Limit:
        """
        Read ``count/unit``, where the unit is s, m, h or d.
        """
        count, slash, unit = text.partition("/")
        if not slash or not _COUNT.fullmatch(count) or unit not in _PERIODS:
            message = f"{field} {text!r} is not of the form 10/s: a count, /, and s, m, h or d"
            raise ConfigurationError(message)
        return cls(int(count), _PERIODS[unit])


@dataclass(frozen=True, slots=True, init=False, repr=False)
class Link:
    """
    A provider's place in a chain: the account's own sender, templates and limits.

    Attributes:
        provider: The provider.

        key: Its name in this chain; the provider's own name where not given.

        from_email: The verified sender here; replaces the mail's, which becomes Reply-To.

        templates: ``{template_id of the message: id at this vendor}``.

        labels: Names that ``via`` and routes can use beside the key.

        weight: Its part in a ``weighted`` strategy.

        share: The part of all mails (0 to 1) that goes here first, to keep a standby proven.

        rate, quota:
            How many mails it may get, ``"10/s"`` and ``"50000/d"``; it is passed by when
            they are used up. A rate may be spent in a burst; a quota begins anew with each
            period of the clock (UTC).
    """

    provider: AnyProvider
    key: str
    from_email: Address | None
    templates: Mapping[str, str]
    labels: tuple[str, ...]
    weight: float
    share: float
    rate: Limit | None
    quota: Limit | None
    capabilities: Capabilities = field(compare=False)
    idempotency_ttl: float | None = field(compare=False)
    """For how many seconds the vendor knows a key of ours again; None if it knows none."""

    transport: Transport | None = field(compare=False)
    """The provider's own."""

    def __init__(
        self,
        provider: AnyProvider,
        key: str = "",
        *,
        from_email: str | Address | None = None,
        templates: Mapping[str, str] = EMPTY,
        labels: str | Iterable[str] = (),
        weight: float = 1.0,
        share: float = 0.0,
        rate: str | Limit | None = None,
        quota: str | Limit | None = None,
    ) -> None:
        provider = check_provider(provider)
        key = key or provider.name
        if not isinstance(key, str) or not _KEY.fullmatch(key):
            message = f"key {key!r} may have letters, digits, '_', '.' and '-' only"
            raise ConfigurationError(message)
        if not _is_number(weight) or not 0 < weight < float("inf"):
            message = f"weight of {key!r} must be a number above 0, not {weight!r}"
            raise ConfigurationError(message)
        if not _is_number(share) or not 0 <= share <= 1:
            message = f"share of {key!r} must be a number between 0 and 1, not {share!r}"
            raise ConfigurationError(message)
        set_ = object.__setattr__
        set_(self, "provider", provider)
        set_(self, "key", key)
        set_(self, "from_email", read_address(from_email, f"from_email of {key!r}"))
        set_(self, "templates", _templates(templates, f"templates of {key!r}"))
        set_(self, "labels", _labels(labels, f"labels of {key!r}"))
        set_(self, "weight", weight)
        set_(self, "share", share)
        set_(self, "rate", _limit(rate, f"rate of {key!r}"))
        set_(self, "quota", _limit(quota, f"quota of {key!r}"))
        set_(self, "capabilities", getattr(provider, "capabilities", EVERYTHING))
        set_(self, "idempotency_ttl", getattr(provider, "idempotency_ttl", None))
        set_(self, "transport", getattr(provider, "transport", None))

    @property
    def names(self) -> frozenset[str]:
        """
        What ``via`` may call it: its key and its labels.
        """
        return frozenset((self.key, *self.labels))

    def __repr__(self) -> str:
        return f"Link({self.key!r}, {type(self.provider).__name__})"


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def read_address(value: str | Address | None, field: str) -> Address | None:
    """
    Return an address of the configuration; *field* is what its writer called it.

    Raises:
        ConfigurationError: If it is none.
    """
    if value is None or isinstance(value, Address):
        return value
    try:
        return Address.parse(value)
    except InvalidMessage as exc:
        message = f"{field}: {exc}"
        raise ConfigurationError(message) from None


def _templates(value: Mapping[str, str], field: str) -> FrozenDict[str, str]:
    try:
        found = FrozenDict(value)
    except (TypeError, ValueError):
        found = FrozenDict({"": ""})
    if not all(isinstance(one, str) and one for pair in found.items() for one in pair):
        message = f"{field} must map template ids to template ids, each a str"
        raise ConfigurationError(message)
    return found


def _labels(value: str | Iterable[str], field: str) -> tuple[str, ...]:
    try:
        found = (value,) if isinstance(value, str) else tuple(value)
    except TypeError:
        found = ("",)
    if not all(isinstance(one, str) and one for one in found):
        message = f"{field} must be a str or several, none of them empty"
        raise ConfigurationError(message)
    return found


def _limit(value: str | Limit | None, field: str) -> Limit | None:
    if isinstance(value, str):
        return Limit.parse(value, field)
    if value is None or isinstance(value, Limit):
        return value
    message = f"{field} must be a str such as 10/s, not {type(value).__name__}"
    raise ConfigurationError(message)
