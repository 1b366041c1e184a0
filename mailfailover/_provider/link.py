"""
The link: a provider's place in a chain, with its account's own sender, templates and limits.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mailfailover._message.address import Address
from mailfailover._provider.capabilities import Capabilities, capabilities_of
from mailfailover._provider.protocols import AnyProvider, Transport
from mailfailover._provider.provider_check import check_provider
from mailfailover._provider.warmup import Warmup
from mailfailover._values.face import published_in
from mailfailover._values.frozen import EMPTY, FrozenDict
from mailfailover.errors import ConfigurationError, InvalidMessage

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_COUNT = re.compile(r"[1-9][0-9]{0,11}")
_PERIODS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


@dataclass(frozen=True, slots=True)
class Limit:
    """
    At most *count* recipients in each *period* of seconds; written ``"10/s"`` or ``"50000/d"``.
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


@published_in("mailfailover")
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
            How many recipients its mails may have, ``"10/s"`` and ``"50000/d"``, over all
            processes that share their health; it is passed by when they are used up. A rate
            may be spent in a burst; a quota begins anew with each period of the clock (UTC).

        slow:
            Seconds after which an answer counts as a failure in the provider's health,
            although the mail was accepted; None (the default) for never.

        warmup:
            How many recipients it may get on its first day, and how that grows: ``"200/d*1.5"``.
            Needs ``Mailer(deliveries=...)``, which counts over all processes.
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
    slow: float | None
    warmup: Warmup | None
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
        slow: float | None = None,
        warmup: str | Warmup | None = None,
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
        if slow is not None and (not _is_number(slow) or not 0 < slow < float("inf")):
            message = f"slow of {key!r} must be a number of seconds above 0, not {slow!r}"
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
        set_(self, "slow", slow)
        set_(self, "capabilities", capabilities_of(provider))
        set_(self, "warmup", _warmup(warmup, f"warmup of {key!r}"))
        set_(self, "idempotency_ttl", getattr(provider, "idempotency_ttl", None))
        set_(self, "transport", getattr(provider, "transport", None))

    @property
    def names(self) -> frozenset[str]:
        """
        The names by which ``via`` may select the link: its key and its labels.
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


def _warmup(value: str | Warmup | None, field: str) -> Warmup | None:
    if isinstance(value, str):
        return Warmup.parse(value, field)
    if value is None or isinstance(value, Warmup):
        return value
    message = f"{field} must be a str such as 200/d*1.5, not {type(value).__name__}"
    raise ConfigurationError(message)


def _limit(value: str | Limit | None, field: str) -> Limit | None:
    if isinstance(value, str):
        return Limit.parse(value, field)
    if value is None or isinstance(value, Limit):
        return value
    message = f"{field} must be a str such as 10/s, not {type(value).__name__}"
    raise ConfigurationError(message)
