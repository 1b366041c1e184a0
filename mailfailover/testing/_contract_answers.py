"""
Claims about answers: recorded ones are read rightly, and nothing else does harm.
"""

from __future__ import annotations

import itertools
import pickle
import re
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast

import pytest

from mailfailover._values.receipt import Accepted, RecipientStatus
from mailfailover._values.wire import Response, SMTPReply, SMTPResponse
from mailfailover.errors import (
    OutcomeUnknown,
    RateLimited,
    SendError,
    Verdict,
)
from mailfailover.testing._claim import calling, claim
from mailfailover.testing._contract_purity import unchanged
from mailfailover.testing._contract_shape import secrets_of
from mailfailover.testing._garbage import FOREIGN_BODIES, altered_bodies, spoiled, truncated

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mailfailover._message.message import Message

__all__ = [
    "check_accepted",
    "check_altered_answers",
    "check_error",
    "check_error_pickles",
    "check_error_text",
    "check_partial",
    "check_ping_answers",
    "check_retry_after",
    "check_smtp_replies",
    "check_sound",
    "check_statuses",
    "check_unknown_codes",
    "check_unreadable_success",
    "shown_answer",
    "unreadable",
]

_ADDRESS = re.compile(r"[^\s<]+@[^\s>]+\.[a-z]+")
_LEAK = "zqleakqz@example.com"
_UNKNOWN_TEXT = "zq-never-documented"
_UNKNOWN_NUMBER = 987_654_321
_FINAL = 500
_CUTS = 20
_KNOWN_STATUSES = {*HTTPStatus, *range(520, 531)}
"""The statuses of HTTP and of Cloudflare, which may all come with a foreign body."""

_PINGED = (200, 202, 204, 301, 400, 401, 403, 404, 500, 503)


def _read(provider: Any, response: Any, message: Message) -> Accepted | SendError:
    """
    The provider's reading of *response*, requested as a chain requests it.
    """
    name = "parse_response" if response.ok else "classify_error"
    with unchanged(message, name), calling(f"{name} of {shown_answer(response)}"):
        try:
            found: Any = getattr(provider, name)(response, message)
        except SendError as exc:
            found = exc
    if response.ok and not isinstance(found, SendError):
        check_sound(found)
        return cast("Accepted", found)
    claim(
        isinstance(found, SendError),
        f"classify_error must return a SendError, not {type(found).__name__}",
    )
    return cast("SendError", found)


def shown_answer(response: Any) -> str:
    """
    The description of an answer in a failure's text.
    """
    if isinstance(response, Response):
        return f"HTTP {response.status_code} with the body {response.body[:60]!r}"
    return f"the reply {response.reply.code} to {response.reply.command}"


def check_sound(accepted: object) -> None:
    if not isinstance(accepted, Accepted):
        pytest.fail(f"{type(accepted).__name__} where Accepted is due")
    ids = (accepted.provider_message_id, *accepted.message_ids.values())
    claim(all(isinstance(one, str) for one in ids), "a provider's message id must be a str")
    known = all(isinstance(one, RecipientStatus) for one in accepted.recipients.values())
    claim(known, "Accepted.recipients must map addresses to RecipientStatus")


def check_accepted(provider: Any, response: Any, message: Message, expected: str) -> None:
    """
    The recorded success is one, and carries the vendor's id.
    """
    accepted = _read(provider, response, message)
    if isinstance(accepted, SendError):
        pytest.fail(f"the recorded success is read as {accepted!r}")
    _check_other_successes(provider, response, message)
    found = accepted.provider_message_id
    claim(found == expected, f"provider_message_id is {found!r}, not {expected!r}")
    if expected and isinstance(response, Response) and expected.encode() in response.body:
        other = response.body.replace(expected.encode(), expected.encode()[::-1] + b"7")
        _check_id_is_read(provider, replace(response, body=other), message, expected)


def _check_other_successes(provider: Any, response: Any, message: Message) -> None:
    """
    A success that is created (201) or queued (202) is one too: vendors change among them.
    """
    if not isinstance(response, Response) or not response.body.strip():
        return  # without a body the status alone tells success from a page of somebody else
    for status in (200, 201, 202):
        found = _read(provider, replace(response, status_code=status), message)
        claim(
            isinstance(found, Accepted),
            f"the recorded success with the status {status} is read as {found!r}",
        )


def _check_id_is_read(provider: Any, response: Response, message: Message, expected: str) -> None:
    """
    Another id in the vendor's answer is another id of the mail, or an answer that says nothing.
    """
    again = _read(provider, response, message)
    repeats = isinstance(again, Accepted) and again.provider_message_id == expected
    claim(
        not repeats,
        "provider_message_id repeats: it stays the same where the vendor's answer has another one",
    )


def check_partial(provider: Any, response: Any, message: Message, expected: Accepted) -> None:
    """
    A recorded answer that accepts some of the recipients is read exactly so.
    """
    accepted = _read(provider, response, message)
    claim(accepted == expected, f"the recorded answer is read as {accepted!r}, not {expected!r}")


def check_error(provider: Any, response: Any, message: Message, kind: type[SendError]) -> None:
    """
    A recorded error becomes exactly its class, with the status.
    """
    error = _read(provider, response, message)
    claim(type(error) is kind, f"the recorded answer is read as {error!r}, not {kind.__name__}")
    status = getattr(error, "status_code", None)
    claim(
        response.ok or status == response.status_code,
        f"status_code of the error is {status}, not {response.status_code}",
    )


def check_error_text(provider: Any, response: Any, message: Message) -> None:
    """
    An error shows no address and no secret, whatever the vendor quotes.
    """
    answers = [response]
    if isinstance(response, Response):
        answers.append(spoiled(response, f"no such user: {_LEAK} <{_LEAK}>", _UNKNOWN_NUMBER))
    for answer in answers:
        error = _read(provider, answer, message)
        text = f"{error} {error!r}" if isinstance(error, SendError) else ""
        claim(not _ADDRESS.search(text), "an error's text shows an address: mask() it")
        for secret in secrets_of(provider):
            claim(secret not in text, "an error's text shows a secret")


def check_error_pickles(provider: Any, response: Any, message: Message) -> None:
    """
    An error comes out of a pickle as it went in, but for the addresses, which stay here.
    """
    error = _read(provider, response, message)
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301 -- made on this line
    kept = {**vars(error), "recipients": ()}
    same = type(copy) is type(error) and vars(copy) == kept and str(copy) == str(error)
    claim(same, "an error comes out of a pickle with other fields")


def check_unreadable_success(
    provider: Any, answers: Sequence[Response], message: Message, *, empty_success: bool
) -> None:
    """
    A success that cannot be read is neither a success nor a refusal; the outcome is unknown.
    """
    for name, answer in unreadable(answers):
        if empty_success and not answer.body.strip():
            continue
        result = _read(provider, answer, message)
        claim(
            isinstance(result, OutcomeUnknown),
            f"HTTP {answer.status_code} with an unreadable body ({name}) is read as {result!r}; "
            "raise OutcomeUnknown: it may have been sent",
        )


def unreadable(answers: Sequence[Response]) -> Iterator[tuple[str, Response]]:
    for (name, body), status in itertools.product(FOREIGN_BODIES.items(), (200, 201, 202, 204)):
        yield name, Response(status, {}, body)
    for recorded in answers:
        for answer in truncated(recorded):
            yield "truncated", answer


def check_altered_answers(provider: Any, answers: Sequence[Any], message: Message) -> None:
    """
    Values of another type, missing ones and half documents raise nothing but a SendError.
    """
    for recorded in answers:
        for end in range(0, len(recorded.body), max(1, len(recorded.body) // _CUTS)):
            _read(provider, replace(recorded, body=recorded.body[:end]), message)
        for answer in altered_bodies(recorded):
            _read(provider, answer, message)


def check_statuses(provider: Any, message: Message) -> None:
    """
    A status with a body that is not the vendor's means what HTTP says, and never the mail's end.
    """
    for status, (name, body) in itertools.product(range(300, 600), FOREIGN_BODIES.items()):
        if body and status not in _KNOWN_STATUSES:
            continue
        error = _read(provider, Response(status, {}, body), message)
        verdict = getattr(error, "verdict", None)
        claim(
            verdict is _verdict(status),
            f"HTTP {status} with a foreign body ({name}) is read as {error!r}",
        )
        claim(error.status_code == status, f"status_code of HTTP {status} is lost")  # type: ignore[union-attr]  # no success


def _verdict(status: int) -> Verdict:
    if status == 403:  # noqa: PLR2004 -- an edge blocks us, whatever our key is
        return Verdict.RETRY
    unknown = status == 408 or status >= _FINAL  # noqa: PLR2004 -- a timeout
    return Verdict.UNKNOWN if unknown else Verdict.SWITCH


def check_retry_after(provider: Any, message: Message) -> None:
    """
    A 429 is RateLimited, for as long as its Retry-After says.
    """
    for body in (b"", b"{}", b"<html></html>"):
        error = _read(provider, Response(429, {"Retry-After": "7"}, body), message)
        limited = isinstance(error, RateLimited) and error.retry_after == 7.0  # noqa: PLR2004 -- as sent
        claim(limited, f"HTTP 429 with Retry-After: 7 is read as {error!r} without it")


def check_unknown_codes(provider: Any, answers: Sequence[Response], message: Message) -> None:
    """
    An undocumented code never ends a mail.
    """
    for recorded in answers:
        answer = spoiled(recorded, _UNKNOWN_TEXT, _UNKNOWN_NUMBER)
        error = _read(provider, answer, message)
        claim(
            not isinstance(error, SendError) or error.verdict is not Verdict.STOP,
            f"an unknown code in an answer of HTTP {recorded.status_code} is read as {error!r}: "
            "say so only of codes you know",
        )


def check_ping_answers(provider: Any) -> None:
    """
    A page that is not the vendor's proves nothing.
    """
    for (name, body), status in itertools.product(FOREIGN_BODIES.items(), _PINGED):
        answer = Response(status, {}, body)
        with calling(f"parse_ping of {shown_answer(answer)}"):
            try:
                provider.parse_ping(answer)
            except SendError:
                continue
        pytest.fail(f"a ping answered with HTTP {status} and {name} is taken for a yes")


def check_smtp_replies(provider: Any, message: Message) -> None:
    """
    Every reply to every command becomes an error with its code; none that is transient ends a mail.
    """
    commands = ("connect", "ehlo", "starttls", "auth", "mail", "rcpt", "data", ".", "unknown")
    texts = ("", "5.9.999 never documented", "\x00\xff\u2028", "long " * 1000, f"no {_LEAK}")
    codes = itertools.product(range(400, 600), commands, texts[-1:])
    words = itertools.product((421, 450, 550, 554), commands, texts)
    for code, command, text in itertools.chain(codes, words):
        error = _read(provider, SMTPResponse(SMTPReply(code, text, command)), message)
        claim(
            isinstance(error, SendError) and error.status_code == code,
            f"the reply {code} to {command} is read as {error!r}",
        )
        claim(_LEAK not in str(error), "an error's text shows an address: mask() it")
        final = code >= _FINAL or error.verdict is not Verdict.STOP  # type: ignore[union-attr]  # no success
        claim(final, f"the transient reply {code} to {command} ends the mail")
