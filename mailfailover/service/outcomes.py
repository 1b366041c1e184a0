"""
Outcomes of calls in words: a person reads what a provider did, never the name of a class.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailfailover import errors

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["level_of", "name_outcome"]

_NAMES: Mapping[str, str] = {
    "accepted": "accepted it",
    "unfinished": "is being called",
    "not made": "was not called",
    **{
        kind.__name__: words
        for kind, words in (
            (errors.MessageRejected, "refused the mail"),
            (errors.RecipientRejected, "refused the recipient"),
            (errors.RecipientSuppressed, "no longer sends to this recipient"),
            (errors.SenderRefused, "refused the sender"),
            (errors.AuthenticationFailed, "did not accept our key"),
            (errors.AccountSuspended, "has suspended our account"),
            (errors.QuotaExceeded, "has no quota left for us"),
            (errors.RateLimited, "asked us to slow down"),
            (errors.UnsupportedFeature, "cannot carry such a mail"),
            (errors.RequestRefused, "refused the request"),
            (errors.ConnectionFailed, "could not be reached"),
            (errors.ProviderUnavailable, "was out of order"),
            (errors.OutcomeUnknown, "gave no answer"),
        )
    },
}


_LEVELS: Mapping[str, str] = {
    "accepted": "good",
    "unfinished": "",
    "not made": "",
    errors.OutcomeUnknown.__name__: "warn",
}


def level_of(outcome: str) -> str:
    """
    Return how serious an outcome is: ``good``, ``warn`` (no answer), ``bad`` or nothing.
    """
    return _LEVELS.get(outcome, "bad")


def name_outcome(outcome: str) -> str:
    """
    Return what a provider did, to stand after its name.
    """
    return _NAMES.get(outcome, "failed")
