"""
A table of refusals: why a vendor leaves a recipient out of a mail that it takes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailfailover._provider.classify import classify_http
from mailfailover._values.face import published_in

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mailfailover._values.receipt import RecipientStatus
    from mailfailover._values.wire import Response
    from mailfailover.errors import SendError


@published_in("mailfailover.plugin")
@dataclass(frozen=True, slots=True)
class Refusals:
    """
    A vendor's reasons for refusing recipients, and the error of a mail without any recipient left.

    Attributes:
        meanings:
            The status of the recipient and the kind of the mail's error, by reason. The topmost
            decides where several recipients are refused: first what may have been sent, then
            suppressions, which no other provider may evade.

    .. versionadded:: 0.1.0
    """

    meanings: Mapping[str, tuple[RecipientStatus, type[SendError]]]

    def __contains__(self, reason: object) -> bool:
        return reason in self.meanings

    def status(self, reason: str) -> RecipientStatus:
        """
        Return what *reason*, one of the table, means for a recipient.
        """
        return self.meanings[reason][0]

    def classify(self, response: Response, said: Mapping[str, str]) -> SendError:
        """
        Make one error for recipients that were all refused.

        Args:
            response: The answer.

            said: The reason for each of their addresses.
        """
        reasons = set(said.values())
        reason = next(reason for reason in self.meanings if reason in reasons)
        kind = self.meanings[reason][1]
        error = classify_http(response, kind=kind, code=reason)
        error.recipients = tuple(
            email for email, why in said.items() if self.meanings[why][1] is kind
        )
        return error
