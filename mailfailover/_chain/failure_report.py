"""
The failure report: the errors that a send ends in, with a table of each provider's reason.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from mailfailover._health.breaker import FOREVER
from mailfailover.errors import AllProvidersFailed, OutcomeUnknown, SenderRefused, Verdict

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from mailfailover._chain.candidate import Candidate
    from mailfailover._chain.parts import Parts
    from mailfailover._health.breaker import Hold
    from mailfailover._message.message import Message
    from mailfailover.errors import Attempt


def all_failed(
    parts: Parts,
    message: Message,
    attempts: Iterable[Attempt],
    holds: Iterable[tuple[Candidate, Hold | None]],
    final: Collection[str],
) -> AllProvidersFailed:
    """
    Make the error of a mail that no provider took and that was surely not sent.

    Args:
        parts: The parts of the chain.

        message: The mail.

        attempts: Every call that was made for it.

        holds: Each candidate, and why it is passed by now.

        final: The keys of the providers that said no for good.
    """
    tried, holds = tuple(attempts), tuple(holds)
    rows = [_row(attempt) for attempt in _latest(tried)]
    seen = {attempt.provider for attempt in tried}
    rows += [
        f"  {candidate.link.key}: not called: {_why(hold)}"
        for candidate, hold in holds
        if hold is not None and candidate.link.key not in seen
    ]
    retry_at = _retry_at(parts, [hold for one, hold in holds if hold or one.link.key not in final])
    rows.append("It was not sent.")
    if retry_at is not None:
        rows[-1] += f" Try again from {retry_at:%Y-%m-%d %H:%M:%S} UTC on."
    text = "\n".join((f"no provider took mail {message.id}:", *rows))
    return AllProvidersFailed(text, retry_at=retry_at, attempts=tried)


def _retry_at(parts: Parts, holds: list[Hold | None]) -> datetime | None:
    """
    When the first provider is in use again; None if one is now, so that only trying can tell.
    """
    due = [FOREVER if hold is None else hold.until for hold in holds]
    soonest = min(due, default=FOREVER)
    if None in holds or soonest == FOREVER:
        return None
    return datetime.fromtimestamp(parts.wall() + max(0.0, soonest - parts.clock()), UTC)


def unknown(message: Message, attempts: Iterable[Attempt]) -> OutcomeUnknown:
    """
    Make the error of a mail that may have been sent, and that no later attempt settled.
    """
    tried = tuple(attempts)
    first = next(one for one in tried if one.error and one.error.verdict is Verdict.UNKNOWN)
    rows = [_row(attempt) for attempt in _latest(tried)]
    text = "\n".join(
        (
            f"mail {message.id} may have been sent by {first.provider}:",
            *rows,
            f"{OutcomeUnknown.advice[0].upper()}{OutcomeUnknown.advice[1:]}.",
        )
    )
    return OutcomeUnknown(
        text,
        provider=first.provider,
        stage=first.stage,
        status_code=first.status_code,
        attempts=tried,
    )


def _latest(attempts: Iterable[Attempt]) -> Iterable[Attempt]:
    return {attempt.provider: attempt for attempt in attempts}.values()


def _row(attempt: Attempt) -> str:
    error = attempt.error
    if error is None:
        return f"  {attempt.provider}: accepted it"
    advice = f" ({error.advice})" if error.advice else ""
    return f"  {attempt.provider}: {attempt.outcome}: {error}{advice}"


def _why(hold: Hold) -> str:
    return f"{hold.detail or hold.reason} ({_REMEDIES[hold.reason]})"


_REMEDIES = {
    "open": "it failed too often; wait, it is tried again by itself",
    "probing": "another mail is finding out whether it is back; wait",
    "account": "repair the account, then call health.reset() with this key",
    "sender": SenderRefused.advice,
    "cooldown": "it asked us to wait",
    "limit": "wait, or raise the limit of the link",
    "isolated": "taken out of use by hand; health.reset() with this key puts it back",
}
