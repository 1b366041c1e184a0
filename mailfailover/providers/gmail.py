"""
Gmail, through ``POST /upload/gmail/v1/users/me/messages/send``.

https://developers.google.com/workspace/gmail/api/reference/rest/v1/users.messages/send (2026-11)
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar

from mailfailover import errors
from mailfailover.errors import SendError
from mailfailover.plugin import (
    MB,
    Accepted,
    Body,
    Capabilities,
    Feature,
    HTTPRequest,
    Message,
    Response,
    classify_http,
    merge_options,
    reveal,
    sha256_hex,
)

# By the "reason" of an error; several come with a 403. What is not here is judged by its status.
# https://developers.google.com/workspace/gmail/api/guides/handle-errors (2026-11)
ERRORS: Mapping[str, type[SendError]] = {
    "authError": errors.AuthenticationFailed,
    "dailyLimitExceeded": errors.QuotaExceeded,
    "insufficientPermissions": errors.AuthenticationFailed,
    "rateLimitExceeded": errors.RateLimited,
    "userRateLimitExceeded": errors.RateLimited,
}

# "invalidArgument" is told by its words, which the vendor does not list: quoted in public issues
# (github.com/googleapis/google-api-ruby-client 173, github.com/FlowCrypt/flowcrypt-browser 1370).
INVALID = "invalidArgument"
BAD_RECIPIENT = re.compile(r"Invalid (to|cc|bcc) header", re.IGNORECASE)

# Who has sent too much is told when to go on, in words, for hours maybe.
RETRY_AFTER = re.compile(r"Retry after (\d{4}-\d\d-\d\dT[\d:.]+)Z")
TOO_MUCH = (errors.QuotaExceeded, errors.RateLimited)

# A token that may do nothing but send is told so by any other call.
SCOPE = "insufficientPermissions"

# Options that would change who gets the mail and who sends it.
RESERVED = {"raw", "payload"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Gmail:
    """
    Sends from a Gmail or Google Workspace account.

    The token is one of OAuth 2.0, with the scope ``gmail.send`` or a wider one. It is good for
    an hour, so give a callable that returns a fresh one.

    Provider options are laid over the JSON beside the mail: ``{"threadId": "18c2f0"}``.

    The mail goes as MIME that is written here, with its files in memory, and a copy of it stays
    among the sent mails. A sender that is no address of the account is replaced by the
    account's own, without an error. So is a Message-ID, maybe. A user may send to 2000
    recipients a day, 500 with a free account; what goes beyond may be taken first and come
    back as a bounce.

    A token that may only send cannot be told by ``build_ping`` from one that may only read.

    Attributes:
        access_token: An access token, or better a callable that gives one.

        base_url: Scheme and host, for a proxy.

    .. versionadded:: 0.1.0
    """

    name: ClassVar[str] = "gmail"
    userinfo: ClassVar[tuple[str, ...]] = ("access_token",)

    # All that MIME can say; non-ASCII local parts: unconfirmed. The number of recipients:
    # https://support.google.com/a/answer/166852 (2026-11). The size: the API's description,
    # https://gmail.googleapis.com/$discovery/rest?version=v1 (2026-11).
    capabilities: ClassVar[Capabilities] = Capabilities(
        Feature.HTML
        | Feature.REPLY_TO
        | Feature.MULTIPLE_REPLY_TO
        | Feature.HEADERS
        | Feature.REPEATED_HEADERS
        | Feature.ATTACHMENTS
        | Feature.INLINE_IMAGES
        | Feature.EMPTY_BODY
        | Feature.EMPTY_SUBJECT
        | Feature.WITHOUT_TO,
        max_recipients=100,
        max_bytes=35 * MB,
    )

    access_token: str | Callable[[], str] = field(repr=False)
    base_url: str = "https://gmail.googleapis.com"

    def build_request(self, message: Message) -> HTTPRequest:
        options = merge_options({}, message.options(self.name), reserved=RESERVED)
        boundary, body = _upload(options, _mime(message))
        headers = self._headers() | {"Content-Type": f"multipart/related; boundary={boundary}"}
        url = f"{self.base_url}/upload/gmail/v1/users/me/messages/send?uploadType=multipart"
        return HTTPRequest("POST", url, headers, body)

    def parse_response(self, response: Response, message: Message) -> Accepted:
        mail_id = response.json_object().get("id")
        if isinstance(mail_id, str) and mail_id:
            return Accepted(mail_id)
        raise classify_http(response, kind=errors.OutcomeUnknown, detail="unreadable answer")

    def classify_error(self, response: Response, message: Message) -> SendError:
        reason, text = _said(response.json_object())
        kind, until = ERRORS.get(reason), None
        if reason == INVALID and BAD_RECIPIENT.search(text):
            kind = errors.RecipientRejected
        error = classify_http(
            response, own_envelope=bool(reason or text), code=reason, kind=kind, detail=text
        )
        if isinstance(error, TOO_MUCH) and (until := _until(text)):
            error = classify_http(response, code=reason, kind=errors.QuotaExceeded, detail=text)
        if isinstance(error, errors.QuotaExceeded):
            error.until = until
        return error

    def build_ping(self) -> HTTPRequest:
        return HTTPRequest("GET", f"{self.base_url}/gmail/v1/users/me/profile", self._headers())

    def parse_ping(self, response: Response) -> None:
        answer = response.json_object()
        if not (response.ok and "emailAddress" in answer) and _said(answer)[0] != SCOPE:
            raise self.classify_error(response, Message())

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {reveal(self.access_token)}"}


def _mime(message: Message) -> bytes:
    """
    The mail as MIME, with the Bcc that Gmail reads and takes out.
    """
    mail = message.as_email_message()
    data = mail.as_bytes(policy=mail.policy.clone(linesep="\r\n"))
    emails = ",\r\n ".join(address.email for address in message.bcc)
    return f"Bcc: {emails}\r\n".encode() + data if emails else data


def _upload(options: Mapping[str, Any], mime: bytes) -> tuple[str, Body]:
    """
    A boundary, and the options as JSON with the mail after them (RFC 2387).

    Nobody can write a mail that has its own hash in it.
    """
    boundary = sha256_hex(mime)
    start = (
        f"--{boundary}\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n"
        f"{json.dumps(options)}\r\n"
        f"--{boundary}\r\nContent-Type: message/rfc822\r\n\r\n"
    )
    return boundary, (start.encode(), mime, f"\r\n--{boundary}--\r\n".encode())


def _said(answer: Mapping[str, Any]) -> tuple[str, str]:
    """
    The reason and the words of an error, "" for what is not there.
    """
    error = answer.get("error")
    if not isinstance(error, dict):
        return "", ""
    found, text = error.get("errors"), error.get("message")
    first = found[0] if isinstance(found, list) and found else None
    reason = first.get("reason") if isinstance(first, dict) else None
    return reason if isinstance(reason, str) else "", text if isinstance(text, str) else ""


def _until(text: str) -> datetime | None:
    """
    When it may be asked again, where its words tell.
    """
    found = RETRY_AFTER.search(text)
    try:
        return datetime.fromisoformat(found[1]).replace(tzinfo=UTC) if found else None
    except ValueError:
        return None
