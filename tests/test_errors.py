from __future__ import annotations

import pickle
from datetime import UTC, datetime
from typing import Any

from mailfailover import errors
from mailfailover.errors import Attempt, MailFailoverError, Penalty, SendError, Verdict
from tests.samples import each

NOW = datetime(2026, 11, 24, tzinfo=UTC)
SEND_ERRORS = [
    (errors.MessageRejected, Verdict.STOP, Penalty.NONE),
    (errors.RecipientRejected, Verdict.STOP, Penalty.NONE),
    (errors.RecipientSuppressed, Verdict.STOP, Penalty.NONE),
    (errors.SenderRefused, Verdict.SWITCH, Penalty.SENDER),
    (errors.AuthenticationFailed, Verdict.SWITCH, Penalty.ACCOUNT),
    (errors.AccountSuspended, Verdict.SWITCH, Penalty.ACCOUNT),
    (errors.QuotaExceeded, Verdict.SWITCH, Penalty.COOLDOWN),
    (errors.RateLimited, Verdict.SWITCH, Penalty.COOLDOWN),
    (errors.UnsupportedFeature, Verdict.SWITCH, Penalty.NONE),
    (errors.RequestRefused, Verdict.SWITCH, Penalty.NONE),
    (errors.ConnectionFailed, Verdict.RETRY, Penalty.FAILURE),
    (errors.ProviderUnavailable, Verdict.RETRY, Penalty.FAILURE),
    (errors.OutcomeUnknown, Verdict.UNKNOWN, Penalty.FAILURE),
]
FACTS: dict[str, Any] = {
    "provider": "acme",
    "stage": "response",
    "status_code": 422,
    "code": "E1",
    "retry_after": 3.5,
    "recipients": ["a@b.example"],
}
OWN_FACTS: dict[type[MailFailoverError], dict[str, Any]] = {
    errors.QuotaExceeded: {"until": NOW},
    errors.UnsupportedFeature: {"features": ["SEND_AT"]},
    errors.InvalidMessage: {"field": "to"},
    errors.AllProvidersFailed: {"retry_at": NOW},
}
ALL = [getattr(errors, name) for name in errors.__all__]
CLASSES = [one for one in ALL if issubclass(one, MailFailoverError)]


def make(kind: type[MailFailoverError]) -> MailFailoverError:
    """
    An error of this class with every fact it can carry.
    """
    cause = errors.ConnectionFailed("refused", provider="other")
    attempt = Attempt("other", NOW, 0.1, "connecting", "ConnectionFailed", cause)
    facts = FACTS if issubclass(kind, SendError) else {}
    return kind("what happened", **facts, **OWN_FACTS.get(kind, {}), attempts=[attempt])


@each(("kind", "verdict", "penalty"), SEND_ERRORS)
def test_verdict_and_penalty(kind: type[SendError], verdict: Verdict, penalty: Penalty) -> None:
    """
    The chain's table: what each error means for the mail and for the provider.
    """
    assert (verdict, penalty) == (kind.verdict, kind.penalty)


def test_every_send_error_is_in_the_table() -> None:
    """
    No class escapes the test above.
    """
    known = {kind for kind, _, _ in SEND_ERRORS}

    assert known == {one for one in CLASSES if issubclass(one, SendError)} - {SendError}


@each("kind", CLASSES)
def test_pickles_with_all_it_carries(kind: type[MailFailoverError]) -> None:
    """
    An error crosses processes, its attempts and their errors included; addresses do not.
    """
    error = make(kind)

    copy = pickle.loads(pickle.dumps(error))  # noqa: S301 -- our own bytes

    expected = _comparable(error)
    if isinstance(error, SendError):
        expected["recipients"] = ()  # the addresses stay in this process
    assert (kind, str(error), expected) == (type(copy), str(copy), _comparable(copy))


def _comparable(error: MailFailoverError) -> dict[str, Any]:
    """
    The facts of an error; exceptions do not compare, what they say does.
    """
    facts = dict(vars(error))
    facts["attempts"] = [
        (attempt.to_dict(), type(attempt.error), vars(attempt.error)) for attempt in error.attempts
    ]
    return facts


def test_pickles_when_it_is_part_of_its_own_attempts() -> None:
    """
    The last attempt of an error holds the error itself.
    """
    error = errors.OutcomeUnknown("no answer")
    error.attempts = (Attempt("acme", NOW, 0.1, "written", "OutcomeUnknown", error),)

    copy = pickle.loads(pickle.dumps(error))  # noqa: S301 -- our own bytes

    assert copy is copy.attempts[0].error


@each("kind", CLASSES)
def test_needs_no_arguments(kind: type[MailFailoverError]) -> None:
    """
    Each field has a default, so that any pickle of any version can make one.
    """
    assert ("", ()) == (str(kind()), kind().attempts)


@each("kind", CLASSES)
def test_text_tells_no_address(kind: type[MailFailoverError]) -> None:
    """
    Addresses are facts for a program, never part of a text that is logged.
    """
    error = make(kind)

    assert "@" not in f"{error}{error!r}"


@each(("kind", "verdict", "penalty"), SEND_ERRORS)
def test_says_what_to_do(kind: type[SendError], verdict: Verdict, penalty: Penalty) -> None:
    """
    Each error of a call knows its remedy.
    """
    assert kind.advice


def test_sequences_become_tuples() -> None:
    """
    What was given stays the caller's to change.
    """
    recipients = ["a@b.example"]
    features = ["SEND_AT"]
    error = errors.UnsupportedFeature("x", recipients=recipients, features=features)

    recipients.clear()
    features.clear()

    assert (("a@b.example",), ("SEND_AT",)) == (error.recipients, error.features)


def test_invalid_message_is_a_value_error() -> None:
    """
    Who knows nothing of this library catches it as a ValueError.
    """
    assert issubclass(errors.InvalidMessage, ValueError)
