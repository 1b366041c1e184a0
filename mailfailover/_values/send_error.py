"""
The end of a call to a provider that did not accept the mail, and the trail of such calls.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, TypedDict

from mailfailover._values.face import published_in
from mailfailover._values.features import NO_FEATURES, Feature
from mailfailover._values.quick import quick_init
from mailfailover._values.verdict import Penalty, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

__all__ = ["Attempt", "Facts", "MailFailoverError", "SendError"]


@published_in("mailfailover")
@quick_init
@dataclass(frozen=True, slots=True)
class Attempt:
    """
    One call to one provider.

    Attributes:
        provider: The chain key of the provider.

        started: When it began (aware, UTC).

        duration: How long it took, in seconds.

        stage: How far it got; see :class:`~mailfailover.plugin.Stage`.

        outcome: ``"accepted"``, or the name of the error's class.

        error: The exception, or None.

        status_code: The HTTP status or SMTP reply code, or None without an answer.

        provider_message_id: The vendor's id of the mail, "" for none.

        dropped: The features that were left off because this provider cannot express them.
    """

    provider: str
    started: datetime
    duration: float
    stage: str
    outcome: str
    error: SendError | None = None
    status_code: int | None = None
    provider_message_id: str = ""
    dropped: Feature = NO_FEATURES

    def to_dict(self) -> dict[str, Any]:
        """
        Return it as JSON-safe data, without any address.
        """
        return {
            "provider": self.provider,
            "started": self.started.isoformat(),
            "duration": round(self.duration, 6),
            "stage": str(self.stage),
            "outcome": self.outcome,
            "error": None if self.error is None else str(self.error),
            "status_code": self.status_code,
            "provider_message_id": self.provider_message_id,
            "dropped": list(self.dropped.names),
        }


@published_in("mailfailover.errors")
class MailFailoverError(Exception):
    """
    The root of all errors this library raises on purpose.

    Attributes:
        attempts: Every call that was made for this mail, oldest first.
    """

    def __init__(self, message: str = "", *, attempts: Sequence[Attempt] = ()) -> None:
        super().__init__(message)
        self.attempts: tuple[Attempt, ...] = tuple(attempts)


class Facts(TypedDict, total=False):
    """
    The fields that every :class:`SendError` can carry beside its message.
    """

    provider: str
    stage: str
    status_code: int | None
    code: str
    retry_after: float | None
    recipients: Sequence[str]
    attempts: Sequence[Attempt]


@published_in("mailfailover.errors")
class SendError(MailFailoverError):
    """
    How one call to one provider ended, when it did not end in an acceptance.

    Attributes:
        provider: The chain key of the provider that was called.

        stage: How far the call got; see :class:`~mailfailover.plugin.Stage`.

        status_code: The HTTP status or SMTP reply code, or None.

        code: The vendor's own code or name for the error, or "".

        retry_after: Seconds until the provider wants to be asked again, or None.

        recipients:
            The addresses at fault, where the vendor names them; () in a pickle.
    """

    verdict: ClassVar[Verdict] = Verdict.SWITCH
    penalty: ClassVar[Penalty] = Penalty.NONE
    advice: ClassVar[str] = ""
    """What a person can do about it, in one clause."""

    def __init__(
        self,
        message: str = "",
        *,
        provider: str = "",
        stage: str = "",
        status_code: int | None = None,
        code: str = "",
        retry_after: float | None = None,
        recipients: Sequence[str] = (),
        attempts: Sequence[Attempt] = (),
    ) -> None:
        super().__init__(message, attempts=attempts)
        self.provider = provider
        self.stage = stage
        self.status_code = status_code
        self.code = code
        self.retry_after = retry_after
        self.recipients: tuple[str, ...] = tuple(recipients)

    def __reduce__(self) -> tuple[Any, ...]:
        # Pickles end up in queues and result stores: the addresses stay in this process.
        return type(self), self.args, {**self.__dict__, "recipients": ()}
