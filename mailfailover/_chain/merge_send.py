"""
The send of a merge: a mail with data per recipient goes in parts, each with its own failover.

A provider that can merge takes many recipients in one call; any other gets a filled-in mail
for each recipient. Only parts that were surely not sent go to the next provider.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from mailfailover._chain.attempt import is_uniform
from mailfailover._chain.health_report import HealthReport
from mailfailover._chain.picker import Picker
from mailfailover._chain.policy import Upcoming
from mailfailover._chain.retry import MIN_SECONDS, Again
from mailfailover._chain.send import MAX_COPIES, Send
from mailfailover._chain.waiting import Waiting
from mailfailover._message.merge import for_recipient, part_for
from mailfailover._values.frozen import FrozenDict
from mailfailover._values.receipt import Accepted, Receipt, RecipientStatus
from mailfailover._values.wire import Stage
from mailfailover.errors import (
    InvalidMessage,
    MessageRejected,
    RecipientRejected,
    RecipientSuppressed,
    SendError,
    UnsupportedFeature,
    Verdict,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mailfailover._chain.attempt import Result
    from mailfailover._chain.candidate import Candidate
    from mailfailover._chain.driver import Steps
    from mailfailover._chain.gate import Pass
    from mailfailover._chain.parts import Parts
    from mailfailover._chain.policy import Policy
    from mailfailover._chain.waiting import Part
    from mailfailover._message.address import Address
    from mailfailover._message.message import Message
    from mailfailover.errors import Attempt

T = TypeVar("T")

_REJECTED = {
    RecipientRejected: RecipientStatus.INVALID,
    RecipientSuppressed: RecipientStatus.SUPPRESSED,
}


class MergeSend(Send):
    """
    The state of a merge: who still waits, and what became of the others.
    """

    def __init__(
        self, parts: Parts, message: Message, policy: Policy, previous: Sequence[Attempt]
    ) -> None:
        self.waiting = Waiting(message)
        super().__init__(parts, message, policy, previous, self.waiting.portion)
        self.statuses: dict[str, RecipientStatus] = {}
        self.message_ids: dict[str, str] = {}
        self.refusal: SendError | None = None
        """The first refusal of a recipient."""
        self.maybe: set[str] = set()
        """The recipients that may have got the mail from an attempt without an answer."""
        self.copies: dict[str, set[str]] = {}
        """The providers that may have the mail of a recipient because they were too slow."""
        self.checked: set[str] = set()
        """The providers that can write all parts, not only the first."""
        self.provider = ""
        self.provider_message_id = ""
        if self.unknown is not None:  # from an attempt of an earlier process
            self.maybe.update(self.waiting.recipients)

    def begin(self, group: tuple[Address, ...]) -> None:
        """
        Send from now on to these recipients only, by an order of links of their own.
        """
        part = part_for(self.message, group)
        self.waiting = Waiting(part)
        self.pick = Picker(self.parts, part, self.policy, self.deadline, self.waiting.portion)
        self.report = HealthReport(self.parts, self.pick)

    def turn(self) -> Steps[Receipt | Again]:
        """
        Send as many parts as the best candidate takes.
        """
        self.waiting.parts.clear()
        picked = self.pick.next()
        if isinstance(picked, Again):
            self.report.release()
            return picked
        candidate = picked.candidate
        given: Pass | None = picked
        share, before = self.waiting.take_share(candidate), len(self.waiting.recipients)
        self.waiting.cut(candidate, share, candidate.link.capabilities.max_merge)
        while given is not None:
            part = self.waiting.next_part(given)
            make = partial(self._message, candidate, part)
            ahead = partial(self._check_ahead, candidate)
            try:
                result = yield from self.call(given, make, batch=candidate.batch, ahead=ahead)
            except InvalidMessage as exc:
                return self.merged() if self.provider else self.stop(exc)
            if candidate.batch and _is_no_batch(result):
                fitting = _fitting(result.error, part)
                candidate = candidate._replace(batch=fitting > 0)
                served = before - len(self.waiting.recipients)
                self.waiting.cut(candidate, share - served, fitting)
            else:
                error = self._absorb(candidate, part, result)
                if error is not None:
                    return self._after(candidate, error)
            more = self.waiting.parts and self.time_left() > MIN_SECONDS
            given = self.pick.once_more(candidate) if more else None
        return Again(0.0) if self.waiting.recipients else self.merged()

    def _message(self, candidate: Candidate, part: Part) -> Message:
        if candidate.batch:
            return part_for(self.message, part)
        return for_recipient(self.message, part[0])

    def _check_ahead(self, candidate: Candidate) -> None:
        """
        Write the parts after the first: what *candidate* refuses of them, it gets nothing of.

        Raises:
            UnsupportedFeature: If it cannot express one of them.
        """
        if candidate.link.key in self.checked:
            return
        for part in self.waiting.parts:
            self._write(candidate, part)
        self.checked.add(candidate.link.key)

    def _write(self, candidate: Candidate, part: Part) -> None:
        provider: Any = candidate.link.provider
        message = candidate.bind(self._message(candidate, part))
        if message.text or message.html or message.template_id:
            message = message.bound(attachments=())  # the first part has shown that they can go
        if not candidate.batch:
            provider.build_request(message)
            return
        try:
            provider.build_batch(message)
        except UnsupportedFeature as exc:
            if not _is_about_merge(exc):
                raise
            for address in part:
                self._write(candidate._replace(batch=False), (address,))

    def _absorb(self, candidate: Candidate, part: Part, result: Result) -> SendError | None:
        """
        Note what became of each recipient of *part*; return the error that is about the provider.
        """
        error = result.error
        if error is not None and self._verdict(error) is Verdict.STOP:
            self._refused(part, error)
            return None
        if error is not None:
            return self._undecided(candidate, part, error)
        answers = result.batch or (result.accepted,)
        if isinstance(answers[0], Accepted) and is_uniform(answers):
            self._accept(candidate, [address.email for address in part], answers[0])
            return None
        blame: SendError | None = None
        for address, answer in zip(part, answers, strict=True):
            if isinstance(answer, SendError):
                if self._verdict(answer) is Verdict.STOP:
                    self._reject(address.email, answer)
                else:
                    fault = self._undecided(candidate, (address,), answer)
                    blame = blame or fault
            else:
                self._accept(candidate, [address.email], answer)
        return blame

    def _undecided(self, candidate: Candidate, part: Part, error: SendError) -> SendError:
        if error.verdict is Verdict.UNKNOWN:
            self.unknown = self.unknown or error
            self.maybe.update(address.email for address in part)
            self.waiting.again = (candidate.link.key, part)
            if candidate.link.key in self.timed_out:
                for address in part:
                    self.copies.setdefault(address.email, set()).add(candidate.link.key)
        return error

    def is_copied_enough(self) -> bool:
        """
        Take out the recipients whose mail enough providers may have; whether no other waits.
        """
        for email, keys in self.copies.items():
            if len(keys) >= MAX_COPIES:
                self.waiting.recipients.pop(email, None)
        return not self.waiting.recipients

    def in_doubt(self, error: SendError) -> Receipt:
        """
        End the merge in doubt: with a receipt if any part was accepted.
        """
        return self.merged() if self.provider else super().in_doubt(error)

    def upcoming(self, key: str, message: Message) -> Upcoming:
        """
        The knowledge so far when *message*, a part, is about to go to *key*.
        """
        known = dict.fromkeys(self.maybe, RecipientStatus.UNKNOWN) | self.statuses
        return Upcoming(key, message, self.attempts, known, self.message_ids)

    def _accept(self, candidate: Candidate, emails: list[str], accepted: Accepted) -> None:
        self.statuses |= _told(emails, accepted.recipients, RecipientStatus.ACCEPTED)
        ids = _told(emails, accepted.message_ids, accepted.provider_message_id)
        self.message_ids |= {email: one for email, one in ids.items() if one}
        for email in emails:
            self.waiting.recipients.pop(email, None)
        self.provider = candidate.link.key
        self.provider_message_id = self.provider_message_id or next(filter(None, ids.values()), "")

    def _refused(self, part: Part, error: SendError) -> None:
        """
        Find out because of which recipients a whole part was refused, and put the others back.
        """
        named = set(error.recipients) & {address.email for address in part}
        if len(part) == 1 or isinstance(error, MessageRejected):
            named = {address.email for address in part}
        for email in named:
            self._reject(email, error)
        self.waiting.put_back(part, named)

    def _reject(self, email: str, error: SendError) -> None:
        if email not in self.maybe:
            self.statuses[email] = _REJECTED.get(type(error), RecipientStatus.REFUSED)
        self.refusal = self.refusal or error
        self.waiting.recipients.pop(email, None)

    def give_up(self) -> Receipt:
        """
        End the merge because no turn within the deadline can help the waiting recipients.
        """
        return self.merged() if self.provider else super().give_up()

    def merged(self) -> Receipt:
        """
        Return the receipt of all parts; where nobody took any, raise the first refusal.
        """
        if not self.provider and self.refusal is not None:
            self.stop(self.refusal)
        return Receipt(
            self.message.id,
            self.provider,
            self.provider_message_id,
            FrozenDict(self._all_statuses()),
            tuple(self.attempts),
            bool(self.maybe),
            FrozenDict(self.message_ids),
            tuple(email for email in self.waiting.recipients if email not in self.maybe),
        )

    def _all_statuses(self) -> dict[str, RecipientStatus]:
        found = dict.fromkeys([one.email for one in self.message.to], RecipientStatus.REFUSED)
        return found | dict.fromkeys(self.maybe, RecipientStatus.UNKNOWN) | self.statuses


def _told(emails: list[str], told: Mapping[str, T], otherwise: T) -> dict[str, T]:
    """
    The status of each of *emails* in an answer; *otherwise* for an email that it does not name.
    """
    found = dict.fromkeys(emails, otherwise)
    return found | {email: told[email] for email in told if email in found}


def _fitting(error: SendError | None, part: Part) -> int:
    """
    How many recipients of *part* fit one call, by the error of its provider; 0 if only one.
    """
    features = getattr(error, "features", ())
    numbers = [one.removeprefix("max_merge=") for one in features if one.startswith("max_merge=")]
    known = [int(one) for one in numbers if one.isdecimal()]
    return min(*known, len(part) - 1) if known else 0


def _is_no_batch(result: Result) -> bool:
    """
    Whether the provider can send this mail, but not to many in one call: nothing was sent.

    What it cannot express at all, for whichever recipient, goes to none of them: otherwise the
    first recipient would get the mail from this provider, and the second none.
    """
    error = result.error
    if not isinstance(error, UnsupportedFeature) or result.stage != Stage.PREPARING:
        return False
    return _is_about_merge(error)


def _is_about_merge(error: UnsupportedFeature) -> bool:
    return not error.features or any(
        one == "MERGE" or one.startswith("max_merge=") for one in error.features
    )
