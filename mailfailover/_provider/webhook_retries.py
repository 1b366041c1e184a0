"""
How a vendor repeats a webhook that was not taken, and which answers make it do so.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from mailfailover._values.face import published_in

if TYPE_CHECKING:
    from collections.abc import Mapping

ONLY_5XX: Mapping[int, int] = MappingProxyType({400: 503, 403: 503})
"""
The statuses for a vendor that gives a webhook up at 4xx, or does not say what it does then.
"""


@published_in("mailfailover.plugin")
@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookRetries:
    """
    How a vendor repeats a webhook that was not answered with success, by its documents.

    Attributes:
        attempts: All calls for one webhook, the first included; None where nobody says.

        span: Seconds from the first call to the last; None where nobody says.

        page: Where the vendor says so, and when it was read; "" where it says nothing.

        given_up: At which answers the vendor drops the webhook at once, in words.

        endangers: What makes the vendor end all webhooks of this address, in words.

        statuses:
            What is answered in place of our own statuses, so that the vendor repeats. Ours
            are 400 (unreadable), 403 (not signed with a secret of ours), 500 (a handler
            failed) and 503 (a certificate could not be had, or another process is at it).
            Each may be our own fault: a secret that is just being changed, an older version
            that cannot read a newer form, a database that is down.

        signed_anew: Whether each repetition has a time of its own in its signature.

    .. versionadded:: 0.1.0
    """

    attempts: int | None = None
    span: float | None = None
    page: str = ""
    given_up: str = ""
    endangers: str = ""
    statuses: Mapping[int, int] = field(default_factory=dict)
    signed_anew: bool = False


UNKNOWN = WebhookRetries()
"""
The retries of a vendor that nobody has described.
"""


def retries_of(provider: object) -> WebhookRetries:
    """
    Return what *provider* says of its vendor's retries.
    """
    found = getattr(provider, "webhook_retries", UNKNOWN)
    return found if isinstance(found, WebhookRetries) else UNKNOWN
