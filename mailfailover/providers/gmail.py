"""
Gmail, through ``POST /upload/gmail/v1/users/me/messages/send``.

https://developers.google.com/workspace/gmail/api/reference/rest/v1/users.messages/send (2026-11)
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar

from mailfailover import errors, plugin
from mailfailover.plugin import Feature, Rule

# By the "reason" of an error; several come with a 403. What is not here is judged by its status.
# https://developers.google.com/workspace/gmail/api/guides/handle-errors (2026-11)
#
# "invalidArgument" is told by its words, which the vendor does not list: quoted in public issues
# (github.com/googleapis/google-api-ruby-client 173, github.com/FlowCrypt/flowcrypt-browser 1370).
ERRORS = plugin.Errors(
    {
        "authError": errors.AuthenticationFailed,
        "dailyLimitExceeded": errors.QuotaExceeded,
        # The account has no mailbox, or the token is a service account's own:
        # github.com/FlowCrypt/flowcrypt-browser 435, github.com/googleapis/
        # google-api-nodejs-client 2322 and 2361 (2026-11).
        "failedPrecondition": errors.AccountSuspended,
        "insufficientPermissions": errors.AuthenticationFailed,
        "rateLimitExceeded": errors.RateLimited,
        "userRateLimitExceeded": errors.RateLimited,
    },
    rules=(Rule(errors.RecipientRejected, "invalidArgument", r"Invalid (to|cc|bcc) header"),),
)

# An account over its limit is told in words when to go on, perhaps in hours.
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
    maturity: ClassVar[str] = "stable"
    unconfirmed: ClassVar[tuple[str, ...]] = (
        "non-ASCII local parts",
        "whether a Message-ID stays",
    )

    # All that MIME can say; non-ASCII local parts: unconfirmed. The number of recipients:
    # https://support.google.com/a/answer/166852 (2026-11). The size: the API's description,
    # https://gmail.googleapis.com/$discovery/rest?version=v1 (2026-11).
    capabilities: ClassVar[plugin.Capabilities] = plugin.Capabilities(
        Feature.HTML
        | Feature.REPLY_TO
        | Feature.MULTIPLE_REPLY_TO
        | Feature.HEADERS
        | Feature.REPEATED_HEADERS
        | Feature.ATTACHMENTS
        | Feature.INLINE_IMAGES
        | Feature.CALENDAR
        | Feature.AMP
        | Feature.ALTERNATIVES
        | Feature.MIME
        | Feature.EMPTY_BODY
        | Feature.EMPTY_SUBJECT
        | Feature.WITHOUT_TO,
        max_recipients=100,
        max_bytes=35 * plugin.MB,
    )

    access_token: plugin.Secret = field(repr=False)
    base_url: str = "https://gmail.googleapis.com"

    def build_request(self, message: plugin.Message) -> plugin.HTTPRequest:
        options = plugin.merge_options({}, message.options(self.name), reserved=RESERVED)
        boundary, body = _upload(options, plugin.mime_bytes_with_bcc(message))
        headers = self._headers() | {"Content-Type": f"multipart/related; boundary={boundary}"}
        url = f"{self.base_url}/upload/gmail/v1/users/me/messages/send?uploadType=multipart"
        return plugin.HTTPRequest("POST", url, headers, body)

    def parse_response(self, response: plugin.Response, message: plugin.Message) -> plugin.Accepted:
        return plugin.accepted(response, response.json_object().get("id"))

    def classify_error(
        self, response: plugin.Response, message: plugin.Message
    ) -> errors.SendError:
        problems = _problems(response.json_object())
        error = ERRORS.classify(response, problems)
        until = _until(problems[0].text) if problems and isinstance(error, TOO_MUCH) else None
        if until:
            error = plugin.classify_http(
                response,
                code=error.code,
                kind=errors.QuotaExceeded,
                detail=problems[0].text,
            )
        if isinstance(error, errors.QuotaExceeded):
            error.until = until
        return error

    def build_ping(self) -> plugin.HTTPRequest:
        return plugin.HTTPRequest(
            "GET", f"{self.base_url}/gmail/v1/users/me/profile", self._headers()
        )

    def parse_ping(self, response: plugin.Response) -> None:
        answer = response.json_object()
        is_scope = any(one.code == SCOPE for one in _problems(answer))
        if not (response.ok and "emailAddress" in answer) and not is_scope:
            raise self.classify_error(response, plugin.Message())

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {plugin.reveal(self.access_token)}"}


def _upload(options: Mapping[str, Any], mime: bytes) -> tuple[str, plugin.Body]:
    """
    A boundary, and the options as JSON with the mail after them (RFC 2387).

    Nobody can write a mail that has its own hash in it.
    """
    boundary = plugin.sha256_hex(mime)
    start = (
        f"--{boundary}\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n"
        f"{json.dumps(options)}\r\n"
        f"--{boundary}\r\nContent-Type: message/rfc822\r\n\r\n"
    )
    return boundary, (start.encode(), mime, f"\r\n--{boundary}--\r\n".encode())


def _problems(answer: Mapping[str, Any]) -> list[plugin.Problem]:
    """
    The reason and the words of an error, if there is one.
    """
    error = plugin.as_object(answer.get("error"))
    first = next(iter(plugin.as_objects(error.get("errors"))), {})
    problem = plugin.Problem(
        plugin.as_code(first.get("reason")), plugin.as_words(error.get("message"))
    )
    return [problem] if any(problem) else []


def _until(text: str) -> datetime | None:
    """
    When it may be asked again, where its words tell.
    """
    found = RETRY_AFTER.search(text)
    try:
        return datetime.fromisoformat(found[1]).replace(tzinfo=UTC) if found else None
    except ValueError:
        return None
