"""
Cloudflare Email Service, through ``POST .../accounts/<account>/email/sending/send``.

https://developers.cloudflare.com/email-service/api/send-emails/rest-api/ (2026-11)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from mailfailover import errors
from mailfailover.errors import SendError
from mailfailover.plugin import (
    MB,
    Accepted,
    Address,
    Attachment,
    Capabilities,
    Feature,
    HTTPRequest,
    Message,
    RecipientStatus,
    Response,
    classify_http,
    encode_header,
    json_body,
    merge_options,
    reveal,
)

ACCOUNT = re.compile(r"[A-Za-z0-9_-]+")

# By code, which is written as a number or as a text. What is not here is judged by its status.
# https://developers.cloudflare.com/email-service/api/send-emails/rest-api/#error-responses, and
# for 10204 the vendor's OpenAPI file (2026-11).
ERRORS: Mapping[str, type[SendError]] = {
    "10004": errors.RateLimited,  # of the account or of the zone
    "10101": errors.AuthenticationFailed,
    "10102": errors.AuthenticationFailed,
    "10103": errors.AuthenticationFailed,
    "10105": errors.AccountSuspended,  # its plan does not include sending
    "10200": errors.UnsupportedFeature,  # too large
    "10203": errors.SenderRefused,  # sending is off for this zone, or for the whole account
    "10204": errors.SenderRefused,  # the domain was never set up for sending
}
CODE = re.compile(r"[0-9]+")

# One suppressed recipient fails the whole call with a 400 of a code that is not documented. The
# word is that of the Workers' E_RECIPIENT_SUPPRESSED; in this API it is unconfirmed.
SUPPRESSED = re.compile(r"\.\w*suppress\w*$")

# What became of whom. A bounce is what the recipient's own server said.
# https://developers.cloudflare.com/api/resources/email_sending/methods/send/ (2026-11)
STATUS = {
    "delivered": RecipientStatus.ACCEPTED,
    "queued": RecipientStatus.QUEUED,
    "permanent_bounces": RecipientStatus.REFUSED,
    "suppressed_recipients": RecipientStatus.SUPPRESSED,
}
TAKEN = {RecipientStatus.ACCEPTED, RecipientStatus.QUEUED}

# Headers that may be set, each once.
# https://developers.cloudflare.com/email-service/reference/headers/ (2026-11)
HEADER = re.compile(
    r"x-[a-z0-9_-]+|archived-at|auto-submitted|comments|content-language|expires|importance"
    r"|in-reply-to|keywords|list-(archive|help|id|owner|post|subscribe|unsubscribe(-post)?)"
    r"|organization|precedence|priority|references|reply-by|require-recipient-valid-since"
    r"|sensitivity"
)
MAX_NAME = 100
MAX_VALUE = 2048

# Options that would change who gets the mail and who sends it.
RESERVED = {"from", "to", "cc", "bcc"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cloudflare:
    """
    Sends through Cloudflare Email Service.

    The token is made under My Profile, API Tokens, or under the account's API tokens, with the
    permission "Email Sending: Edit". The account's id stands on the overview of each domain.

    Provider options are laid over the JSON of the call: ``{"headers": {"X-Campaign": "spring"}}``.

    It takes ``X-`` headers and a list of well-known others, of 2048 bytes each; a mail with
    another header is refused here. It gives each mail a Message-ID of its own. Its events come
    by Cloudflare Queues, not by webhooks.

    One suppressed recipient makes Cloudflare refuse the mail for all, unless the sending
    domain is set to leave them out.

    Attributes:
        api_token: A token that may send.

        account_id: The account the token belongs to.

        base_url: Scheme and host, for a proxy.

    .. versionadded:: 0.1.0
    """

    name: ClassVar[str] = "cloudflare"
    userinfo: ClassVar[tuple[str, ...]] = ("api_token", "account_id")

    # A header is a key of an object. Tags, metadata, tracking, templates, a time to send at, an
    # envelope sender, merges: no such parameter. Mails without subject: unconfirmed.
    # https://developers.cloudflare.com/email-service/platform/limits/ (2026-11): up to 25 MB
    # go to addresses of one's own that were verified.
    capabilities: ClassVar[Capabilities] = Capabilities(
        Feature.HTML
        | Feature.REPLY_TO
        | Feature.HEADERS
        | Feature.ATTACHMENTS
        | Feature.INLINE_IMAGES
        | Feature.WITHOUT_TO,
        max_recipients=50,
        max_bytes=5 * MB,
    )

    api_token: str | Callable[[], str] = field(repr=False)
    account_id: str
    base_url: str = "https://api.cloudflare.com"

    def __post_init__(self) -> None:
        if not ACCOUNT.fullmatch(self.account_id):
            raise errors.ConfigurationError(
                "account_id of cloudflare is no id: copy it from the overview of a domain"
            )

    def build_request(self, message: Message) -> HTTPRequest:
        """
        Write a mail.

        Raises:
            UnsupportedFeature: If it has a header that Cloudflare does not take.
        """
        fields = {
            "from": _address(message.sender),
            "to": [_address(address) for address in message.to],
            "cc": [_address(address) for address in message.cc],
            "bcc": [_address(address) for address in message.bcc],
            "reply_to": next(map(_address, message.reply_to), None),
            "subject": message.subject,
            "text": message.text,
            "html": message.html,
            "headers": dict(_headers(message)),
            "attachments": [_file(attachment) for attachment in message.attachments],
        }
        body = {key: value for key, value in fields.items() if value}
        body = merge_options(body, message.options(self.name), reserved=RESERVED)
        headers = self._headers() | {"Content-Type": "application/json"}
        return HTTPRequest("POST", self._url("send"), headers, json_body(body))

    def parse_response(self, response: Response, message: Message) -> Accepted:
        answer = response.json_object()
        if answer.get("success") is False:
            code, text = _said(answer)
            kind = _kind(code, text) or errors.RequestRefused
            raise classify_http(response, code=code, kind=kind, detail=text)
        result = answer.get("result")
        result = result if isinstance(result, dict) else {}
        statuses = _statuses(result, message)
        if not TAKEN.intersection(statuses.values()):
            raise _nobody(response, statuses)
        mail_id = result.get("message_id")  # documented since 2026-08
        return Accepted(mail_id if isinstance(mail_id, str) else "", statuses)

    def classify_error(self, response: Response, message: Message) -> SendError:
        code, text = _said(response.json_object())
        own = bool(code or text)
        return classify_http(
            response, own_envelope=own, code=code, kind=_kind(code, text), detail=text
        )

    def build_ping(self) -> HTTPRequest:
        return HTTPRequest("GET", self._url("suppressions?per_page=1"), self._headers())

    def _url(self, path: str) -> str:
        return f"{self.base_url}/client/v4/accounts/{self.account_id}/email/sending/{path}"

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {reveal(self.api_token)}"}


def _address(address: Address) -> dict[str, str]:
    if address.name:
        return {"address": address.email, "name": address.name}
    return {"address": address.email}


def _headers(message: Message) -> Iterator[tuple[str, str]]:
    for name, value in message.header_items():
        if name.lower() == "message-id":
            continue
        text = value if value.isascii() else encode_header(value)
        known = HEADER.fullmatch(name.lower()) and len(name) <= MAX_NAME
        if not known or not 0 < len(text) <= MAX_VALUE:
            raise errors.UnsupportedFeature(
                f"cloudflare does not take the header {name!r}, or not of this length",
                features=("HEADERS",),
            )
        yield name, text


def _file(attachment: Attachment) -> dict[str, Any]:
    fields = {
        "content": attachment.base64(),
        "filename": attachment.filename,
        "type": attachment.content_type,
        "disposition": "attachment",
    }
    if attachment.content_id:
        fields |= {"disposition": "inline", "content_id": attachment.content_id}
    return fields


def _statuses(result: Mapping[str, Any], message: Message) -> dict[str, RecipientStatus]:
    """
    What became of each recipient, unknown of those who are nowhere named; {} if none is.
    """
    emails = {address.email.lower(): address.email for address in message.recipients}
    found = {}
    for key, status in STATUS.items():
        named = result.get(key)
        for one in named if isinstance(named, list) else ():
            if isinstance(one, str) and one.lower() in emails:
                found[emails[one.lower()]] = status
    left = dict.fromkeys(emails.values(), RecipientStatus.UNKNOWN)
    return left | found if found else {}


def _nobody(response: Response, statuses: Mapping[str, RecipientStatus]) -> SendError:
    """
    Make the error of a success by which nobody gets the mail.
    """
    if not statuses or RecipientStatus.UNKNOWN in statuses.values():
        return classify_http(response, kind=errors.OutcomeUnknown, detail="unreadable answer")
    if set(statuses.values()) == {RecipientStatus.SUPPRESSED}:
        error = classify_http(response, kind=errors.RecipientSuppressed, detail="all suppressed")
    else:
        error = classify_http(response, kind=errors.RecipientRejected, detail="all bounced")
    error.recipients = tuple(statuses)
    return error


def _said(answer: Mapping[str, Any]) -> tuple[str, str]:
    """
    The code and the words of the first error, "" for what is not there.
    """
    found = answer.get("errors")
    first = found[0] if isinstance(found, list) and found else None
    if not isinstance(first, dict):
        return "", ""
    code, text = str(first.get("code")), first.get("message")
    return code if CODE.fullmatch(code) else "", text if isinstance(text, str) else ""


def _kind(code: str, text: str) -> type[SendError] | None:
    return errors.RecipientSuppressed if SUPPRESSED.search(text) else ERRORS.get(code)
