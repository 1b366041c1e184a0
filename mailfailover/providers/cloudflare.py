"""
Cloudflare Email Service, through ``POST .../accounts/<account>/email/sending/send``.

https://developers.cloudflare.com/email-service/api/send-emails/rest-api/, and the types of the
vendor's own client, PyPI cloudflare 5.9.0 (2026-11)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from mailfailover import errors, plugin
from mailfailover.plugin import Feature

ACCOUNT = re.compile(r"[A-Za-z0-9_-]+")

# By code, which is written as a number or as a text. What is not here is judged by its status.
# https://developers.cloudflare.com/email-service/api/send-emails/rest-api/#error-responses, and
# for 10204 the vendor's OpenAPI file (2026-11).
#
# One suppressed recipient fails the whole call with a 400 of a code that is not documented. The
# word is that of the Workers' E_RECIPIENT_SUPPRESSED; in this API it is unconfirmed.
ERRORS = plugin.Errors(
    {
        # "Invalid request headers", with a 400: the token is not in the form of one. Quoted in
        # public issues (github.com/jeessy2/ddns-go 658, github.com/libdns/cloudflare 9; 2026-11).
        "6003": errors.AuthenticationFailed,
        "10004": errors.RateLimited,  # of the account or of the zone
        "10101": errors.AuthenticationFailed,
        "10102": errors.AuthenticationFailed,
        "10103": errors.AuthenticationFailed,
        "10105": errors.AccountSuspended,  # its plan does not include sending
        "10200": errors.UnsupportedFeature,  # too large
        "10203": errors.SenderRefused,  # sending is off for this zone, or for the whole account
        "10204": errors.SenderRefused,  # the domain was never set up for sending
    },
    {r"\.\w*suppress\w*$": errors.RecipientSuppressed},
)

# What became of whom. A bounce is what the recipient's own server said.
# https://developers.cloudflare.com/api/resources/email_sending/methods/send/ (2026-11)
STATUS = {
    "delivered": plugin.RecipientStatus.ACCEPTED,
    "queued": plugin.RecipientStatus.QUEUED,
    "permanent_bounces": plugin.RecipientStatus.REFUSED,
    "suppressed_recipients": plugin.RecipientStatus.SUPPRESSED,
}
TAKEN = {plugin.RecipientStatus.ACCEPTED, plugin.RecipientStatus.QUEUED}

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

ADDRESS = plugin.AddressFields("address", "name")
FILE = plugin.FileFields(
    "filename",
    "content",
    "type",
    "content_id",
    always={"disposition": "attachment"},
    inline={"disposition": "inline"},
)


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
    maturity: ClassVar[str] = "stable"
    unconfirmed: ClassVar[tuple[str, ...]] = (
        "the code of a call to a suppressed recipient",
        "mails without subject",
    )

    # A header is a key of an object. Tags, metadata, tracking, templates, a time to send at, an
    # envelope sender, merges: no such parameter. Mails without subject: unconfirmed.
    # https://developers.cloudflare.com/email-service/platform/limits/ (2026-11): up to 25 MB
    # go to addresses of one's own that were verified.
    capabilities: ClassVar[plugin.Capabilities] = plugin.Capabilities(
        Feature.HTML
        | Feature.REPLY_TO
        | Feature.HEADERS
        | Feature.ATTACHMENTS
        | Feature.INLINE_IMAGES
        | Feature.CALENDAR
        | Feature.AMP
        | Feature.ALTERNATIVES
        | Feature.MIME
        | Feature.WITHOUT_TO,
        max_recipients=50,
        max_bytes=5 * plugin.MB,
    )

    api_token: plugin.Secret = field(repr=False)
    account_id: str
    base_url: str = "https://api.cloudflare.com"

    def __post_init__(self) -> None:
        if not ACCOUNT.fullmatch(self.account_id):
            raise errors.ConfigurationError(
                "account_id of cloudflare is no id: copy it from the overview of a domain"
            )

    def build_request(self, message: plugin.Message) -> plugin.HTTPRequest:
        """
        Write a mail.

        Raises:
            UnsupportedFeature: If it has a header that Cloudflare does not take.
        """
        if message.mime or message.alternatives:
            return self._raw(message)
        fields = {
            "from": ADDRESS.one(message.sender),
            "to": ADDRESS.all(message.to),
            "cc": ADDRESS.all(message.cc),
            "bcc": ADDRESS.all(message.bcc),
            "reply_to": ADDRESS.first(message.reply_to),
            "subject": message.subject,
            "text": message.text,
            "html": message.html,
            "headers": _headers(message),
            "attachments": FILE.all(message),
        }
        body = plugin.merge_options(plugin.filled(fields), message.options(self.name))
        return plugin.post_json(self._url("send"), self._headers(), body)

    def _raw(self, message: plugin.Message) -> plugin.HTTPRequest:
        # https://developers.cloudflare.com/api/resources/email_sending/methods/send_raw (2026-11)
        if message.options(self.name):
            text = "provider_options of cloudflare cannot go with a mail as MIME: leave them out"
            raise errors.InvalidMessage(text, field="provider_options")
        body = {
            "from": message.sender.email,
            "recipients": [address.email for address in message.recipients],
            "mime_message": plugin.mime_text(message),
        }
        return plugin.post_json(self._url("send_raw"), self._headers(), body)

    def parse_response(self, response: plugin.Response, message: plugin.Message) -> plugin.Accepted:
        answer = response.json_object()
        if answer.get("success") is False:
            raise ERRORS.classify(response, _problems(answer), otherwise=errors.RequestRefused)
        result = plugin.as_object(answer.get("result"))
        statuses = _statuses(result, message)
        if not TAKEN.intersection(statuses.values()):
            raise _nobody(response, statuses)
        # The id is documented since 2026-08.
        return plugin.Accepted(plugin.as_words(result.get("message_id")), statuses)

    def classify_error(
        self, response: plugin.Response, message: plugin.Message
    ) -> errors.SendError:
        return ERRORS.classify(response, _problems(response.json_object()))

    def build_ping(self) -> plugin.HTTPRequest:
        return plugin.HTTPRequest("GET", self._url("suppressions?per_page=1"), self._headers())

    def _url(self, path: str) -> str:
        return f"{self.base_url}/client/v4/accounts/{self.account_id}/email/sending/{path}"

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {plugin.reveal(self.api_token)}"}


def _headers(message: plugin.Message) -> dict[str, str]:
    headers = plugin.own_headers(message, encoded=True)
    for name, value in headers.items():
        known = HEADER.fullmatch(name.lower()) and len(name) <= MAX_NAME
        if not known or not 0 < len(value) <= MAX_VALUE:
            text = f"cloudflare does not take the header {name!r}, or not of this length"
            raise plugin.unsupported(text, "HEADERS")
    return headers


def _statuses(
    result: Mapping[str, Any], message: plugin.Message
) -> dict[str, plugin.RecipientStatus]:
    """
    What became of each recipient, unknown of those who are nowhere named; {} if none is.
    """
    found: dict[str, plugin.RecipientStatus] = {}
    for key, status in STATUS.items():
        named = result.get(key)
        pairs = ((email, status) for email in (named if isinstance(named, list) else ()))
        found |= plugin.by_recipient(pairs, message.recipients)
    left = {one.email: plugin.RecipientStatus.UNKNOWN for one in message.recipients}
    return left | found if found else {}


def _nobody(
    response: plugin.Response, statuses: Mapping[str, plugin.RecipientStatus]
) -> errors.SendError:
    """
    Make the error of a success by which nobody gets the mail.
    """
    if not statuses or plugin.RecipientStatus.UNKNOWN in statuses.values():
        return plugin.unreadable(response)
    if set(statuses.values()) == {plugin.RecipientStatus.SUPPRESSED}:
        error = plugin.classify_http(
            response, kind=errors.RecipientSuppressed, detail="all suppressed"
        )
    else:
        error = plugin.classify_http(response, kind=errors.RecipientRejected, detail="all bounced")
    error.recipients = tuple(statuses)
    return error


def _problems(answer: Mapping[str, Any]) -> list[plugin.Problem]:
    """
    The first error that an answer tells of.
    """
    for one in plugin.as_objects(answer.get("errors"))[:1]:
        code = plugin.as_code(one.get("code"), type(one.get("code")))
        code = code if code.isdecimal() else ""
        text = plugin.as_words(one.get("message"))
        return [plugin.Problem(code, text)] if code or text else []
    return []
