"""
A trouble of a vendor: its kind, how often it strikes, and for how long.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from mailfailover._values.face import published_in
from mailfailover.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["KINDS", "Trouble", "make_trouble"]

KINDS: Mapping[str, str] = {
    "refuse": "No connection is made; on a port that vendors share, it is reset at once.",
    "hang": "The request is read, and no answer comes. The mail is not accepted.",
    "slow": "The answer takes `seconds`.",
    "cut": "The mail is accepted, and the connection is reset before the answer.",
    "edge": "A page of what stands in front of the vendor, with `status`.",
    "unreadable": "The mail is accepted, and the 200 cannot be read.",
    "undelivered": "Mails are accepted, and nothing is ever heard of them.",
    "stuck": "The same for a part of them: a fifth, unless `probability` says otherwise.",
    "late": "Events of accepted mails come `seconds` later.",
    "silent_webhooks": "No events are posted.",
    "expired_certificate": "The certificate has expired.",
    "wrong_certificate": "The certificate is for another name.",
}
"""
The kinds that every vendor has, in words. The others are the errors of its own dialect.
"""

_STUCK = 0.2


@published_in("mailfailover.chaos")
@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """
    A failure of a vendor.

    Attributes:
        kind: Its kind, such as ``"hang"``, ``"edge"``, or the vendor's own ``"rate_limited"``.

        probability: The part of the calls, or of the mails, that it hits.

        seconds: How long an answer takes, or how much later events come.

        retry_after: The seconds that ``rate_limited`` tells the client to wait.

        status: The status of an edge's page.

        lasts: Seconds after which the vendor is well again; None for until it is healed.

    .. versionadded:: 0.1.0
    """

    kind: str
    probability: float = 1.0
    seconds: float = 5.0
    retry_after: float = 60.0
    status: int = 521
    lasts: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """
        The trouble as JSON has it.
        """
        return {one.name: getattr(self, one.name) for one in fields(self)}


def make_trouble(kind: str, **options: Any) -> Trouble:
    """
    Make a trouble from what a user wrote.

    Raises:
        ConfigurationError: Naming the option at fault, the problem and the remedy.
    """
    known = [one.name for one in fields(Trouble)][1:]
    for name, value in options.items():
        if name not in known:
            raise ConfigurationError(f"{name} is unknown; known: {', '.join(known)}")
        if not (name == "lasts" and value is None):
            _check_number(name, value)
    if kind == "stuck":
        options.setdefault("probability", _STUCK)
    if not 0 < options.get("probability", 1.0) <= 1:
        raise ConfigurationError("probability must be more than 0 and at most 1")
    status = options.setdefault("status", 521)
    if not isinstance(status, int) or not 400 <= status <= 599:  # noqa: PLR2004 -- errors of HTTP
        raise ConfigurationError(f"status must be between 400 and 599, not {status}")
    return Trouble(kind=kind, **options)


def _check_number(name: str, value: object) -> None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value) or value < 0:  # type: ignore[arg-type, operator]  # a number by now
        raise ConfigurationError(f"{name} must be a number of 0 or more, not {value!r}")
