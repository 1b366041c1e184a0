"""
The errors a send ends in, with a table that tells each provider's reason and what to do.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from mailfailover.errors import AllProvidersFailed, OutcomeUnknown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mailfailover._chain import ProviderChain
    from mailfailover._message import Message
    from mailfailover._pick import Picker
    from mailfailover._receipt import Attempt


def all_failed(
    chain: ProviderChain, message: Message, attempts: Iterable[Attempt], pick: Picker
) -> AllProvidersFailed:
    """
    Nobody took the mail, and it was surely not sent.
    """
    tried = tuple(attempts)
    all_held = pick.look()
    rows = [_row(attempt) for attempt in _latest(tried)]
    seen = {attempt.provider for attempt in tried}
    rows += [
        f"  {candidate.link.key}: not called, {hold.reason}: {hold.detail or 'nobody asked it yet'}"
        for candidate, hold in pick.held
        if candidate.link.key not in seen
    ]
    due = [hold.until for _, hold in pick.held if hold.reason != "isolated"]
    retry_at = None
    if all_held and due:
        seconds = max(0.0, min(due) - chain.clock())
        retry_at = datetime.fromtimestamp(chain.wall() + seconds, UTC)
        rows.append(f"It was not sent. Try again from {retry_at:%Y-%m-%d %H:%M:%S} UTC on.")
    else:
        rows.append("It was not sent.")
    text = "\n".join((f"no provider took mail {message.id}:", *rows))
    return AllProvidersFailed(text, retry_at=retry_at, attempts=tried)


def unknown(message: Message, attempts: Iterable[Attempt]) -> OutcomeUnknown:
    """
    The mail may have been sent, and no later attempt settled it.
    """
    tried = tuple(attempts)
    first = next(attempt for attempt in tried if isinstance(attempt.error, OutcomeUnknown))
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
    advice = f" ({error.advice})" if error is not None and error.advice else ""
    return f"  {attempt.provider}: {attempt.outcome}: {error}{advice}"
