"""
Postmark (ActiveCampaign), through ``POST /email``.

https://postmarkapp.com/developer/api/email-api (2026-11)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from mailfailover import errors
from mailfailover.errors import SendError
from mailfailover.plugin import (
    MB,
    Accepted,
    Address,
    Attachment,
    Body,
    Capabilities,
    DeliveryEvent,
    Feature,
    Fetch,
    HTTPRequest,
    Message,
    RecipientStatus,
    Response,
    Secrets,
    WebhookRequest,
    WrittenJSON,
    classify_http,
    for_recipient,
    json_body,
    merge_options,
    reveal,
    verify_basic_auth,
)
from mailfailover.providers._postmark_events import read_events

# By the ErrorCode in the body, which is not the HTTP status: both know 401, 413 and 500.
# What is not here is a fault of ours, such as 402, invalid JSON.
# https://postmarkapp.com/developer/api/overview#error-codes (2026-11)
ERRORS: Mapping[int, type[SendError]] = {
    10: errors.AuthenticationFailed,
    100: errors.ProviderUnavailable,  # maintenance
    400: errors.SenderRefused,  # no sender signature
    401: errors.SenderRefused,  # not confirmed yet
    405: errors.QuotaExceeded,  # no credits left
    406: errors.RecipientSuppressed,  # all inactive after a bounce or complaint
    411: errors.UnsupportedFeature,  # a type of file it does not take
    412: errors.AccountSuspended,  # pending: may write to its own domain only
    413: errors.AccountSuspended,  # may not send
    429: errors.RateLimited,
    1101: errors.UnsupportedFeature,  # no such template (unconfirmed)
}

# 300 is any invalid request; its words tell more. They are quoted in public client code and
# issues (2026-11).
INVALID_REQUEST = 300
INVALID: tuple[tuple[str, type[SendError]], ...] = (
    (r"(Invalid|Error parsing) '(To|Cc|Bcc)'", errors.RecipientRejected),
    (r"(Invalid|Error parsing) 'From'", errors.SenderRefused),
    (r"Invalid metadata", errors.UnsupportedFeature),
)
INVALID_ADDRESS = re.compile(r"address:? '([^']*)'")

# An acceptance that leaves some out names them in words, in lower case, as error 406 does.
INACTIVE = re.compile(
    r"inactive addresses:\s*(.*?)\.?\s*(?:Inactive recipients|\Z)", re.IGNORECASE | re.DOTALL
)
DELAYED = "delivery may be delayed"

# "In most cases the message is lost": so sometimes it is not.
# https://postmarkapp.com/developer/api/overview#http-response-codes (2026-11)
PERHAPS_LOST = 500

# https://postmarkapp.com/developer/user-guide/send-email-with-api/batch-emails (2026-11)
MAX_BATCH_BYTES = 50 * MB

# https://postmarkapp.com/support/article/1125-custom-metadata-faq (2026-11); the number, and
# 20 characters for a name and 80 for a value, by public client code.
MAX_METADATA = 10
MAIL_ID = "mailfailover-id"

# Keeps a Message-ID from being replaced. Documented for SMTP; through this API unconfirmed.
KEEP_ID = {"Name": "X-PM-KeepID", "Value": "true"}

# Options that would change who gets the mail and who sends it; headers could do so too.
RESERVED = {"From", "To", "Cc", "Bcc", "Headers"}

LINKS = {True: "HtmlAndText", False: "None"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Postmark:
    """
    Sends through Postmark.

    The token stands on the tab "API Tokens" of a server in Postmark's console.

    Provider options are laid over the JSON of each mail: ``{"MessageStream": "broadcast",
    "InlineCss": False}``.

    A template is named by its number or its alias, and brings its own subject: a mail that
    has one too is refused. ``track_opens=False`` cannot switch off what the server's settings
    switch on. Postmark neither sends later nor lets one choose the envelope sender.

    Attributes:
        server_token: The token of a server, not that of the account.

        message_stream: The id of a message stream; Postmark's transactional one where empty.

        webhook_username: Expected of webhooks, by HTTP basic authentication.

        webhook_password: The same.

        base_url: Scheme and host, for a proxy.

    .. versionadded:: 0.1.0
    """

    name: ClassVar[str] = "postmark"
    userinfo: ClassVar[tuple[str, ...]] = ("server_token",)

    # A body is required. Repeated headers, mails without subject or To: unconfirmed. A text or
    # an HTML may have 5 MB each.
    capabilities: ClassVar[Capabilities] = Capabilities(
        Feature.HTML
        | Feature.REPLY_TO
        | Feature.MULTIPLE_REPLY_TO
        | Feature.HEADERS
        | Feature.ATTACHMENTS
        | Feature.INLINE_IMAGES
        | Feature.TAGS
        | Feature.METADATA
        | Feature.TRACKING
        | Feature.TEMPLATES
        | Feature.MERGE
        | Feature.MERGE_METADATA
        | Feature.MERGE_HEADERS
        | Feature.MERGE_UNEVEN_HEADERS,
        max_tags=1,
        max_metadata=MAX_METADATA,
        max_recipients=50,
        max_merge=500,
        max_bytes=10 * MB,
    )

    server_token: str | Callable[[], str] = field(repr=False)
    message_stream: str = ""
    webhook_username: Secrets = field(default="", repr=False)
    webhook_password: Secrets = field(default="", repr=False)
    base_url: str = "https://api.postmarkapp.com"

    def build_request(self, message: Message) -> HTTPRequest:
        """
        Write a mail.

        Raises:
            UnsupportedFeature:
                If it has both a template and a subject, which the template brings along, or
                the data of a template without one.
        """
        path = "email/withTemplate" if message.template_id else "email"
        return self._post(path, json_body(self._mail(message)))

    def build_batch(self, message: Message) -> HTTPRequest:
        """
        Write a merge as a list of mails, filled in here.

        Raises:
            UnsupportedFeature:
                As ``build_request``; and if all together are too large for one call.
        """
        each = (self._mail(for_recipient(message, address)) for address in message.to)
        mails = WrittenJSON.of_items(each, most=MAX_BATCH_BYTES)
        if message.template_id:
            return self._post("email/batchWithTemplates", json_body({"Messages": mails}))
        return self._post("email/batch", json_body(mails))

    def parse_response(self, response: Response, message: Message) -> Accepted:
        found = _outcome(response, response.json(), message.recipients)
        if isinstance(found, SendError):
            raise found
        return found

    def parse_batch(self, response: Response, message: Message) -> tuple[Accepted | SendError, ...]:
        entries = response.json()
        if not isinstance(entries, list) or len(entries) != len(message.to):
            raise classify_http(response, kind=errors.OutcomeUnknown, detail="unreadable answer")
        return tuple(
            _outcome(response, entry, (address,))
            for entry, address in zip(entries, message.to, strict=True)
        )

    def classify_error(self, response: Response, message: Message) -> SendError:
        return _error(response, response.json_object(), message.recipients)

    def build_ping(self) -> HTTPRequest:
        return HTTPRequest("GET", f"{self.base_url}/server", self._headers())

    def verify_webhook(self, request: WebhookRequest, fetch: Fetch) -> str:
        verify_basic_auth(request, self.webhook_username, self.webhook_password)
        return ""  # what it calls a trace id is not known to be one of the event

    def parse_webhook(self, request: WebhookRequest) -> tuple[DeliveryEvent, ...]:
        return read_events(request)

    def _mail(self, message: Message) -> dict[str, Any]:
        fields = {
            "From": str(message.sender),
            "To": ", ".join(map(str, message.to)),
            "Cc": ", ".join(map(str, message.cc)),
            "Bcc": ", ".join(map(str, message.bcc)),
            "ReplyTo": ", ".join(map(str, message.reply_to)),
            "Subject": message.subject,
            "TextBody": message.text,
            "HtmlBody": message.html,
            "Headers": list(_header_list(message)),
            "Attachments": [_file(attachment) for attachment in message.attachments],
            "Tag": message.tags[0] if message.tags else "",
            "Metadata": _metadata(message),
            "TrackOpens": message.track_opens,
            "TrackLinks": None if message.track_clicks is None else LINKS[message.track_clicks],
            "MessageStream": self.message_stream,
        }
        body = {key: value for key, value in fields.items() if value or value is False}
        body |= _template(message)
        return merge_options(body, message.options(self.name), reserved=RESERVED)

    def _post(self, path: str, body: Body) -> HTTPRequest:
        headers = self._headers() | {"Content-Type": "application/json"}
        return HTTPRequest("POST", f"{self.base_url}/{path}", headers, body)

    def _headers(self) -> dict[str, str]:
        return {
            "Accept": "application/json",
            "X-Postmark-Server-Token": reveal(self.server_token),
        }


def _header_list(message: Message) -> Iterator[dict[str, str]]:
    yield {"Name": "Message-ID", "Value": message.message_id}
    yield KEEP_ID
    for name, value in message.header_items():
        if name.lower() != "message-id":
            yield {"Name": name, "Value": value}


def _metadata(message: Message) -> dict[str, str]:
    # Our id is a hint: it goes along where the vendor's limit leaves room for it.
    if len(message.metadata) >= MAX_METADATA:
        return dict(message.metadata)
    return {**message.metadata, MAIL_ID: message.id}


def _file(attachment: Attachment) -> dict[str, Any]:
    fields = {
        "Name": attachment.filename,
        "Content": attachment.base64(),
        "ContentType": attachment.content_type,
    }
    return fields | ({"ContentID": f"cid:{attachment.content_id}"} if attachment.content_id else {})


def _template(message: Message) -> dict[str, Any]:
    template = str(message.template_id)
    if not template:
        if message.template_data:
            raise _unsupported("fills in the data of a template only in a template", "TEMPLATES")
        return {}
    if message.subject:
        raise _unsupported("takes the subject of a template from there", "TEMPLATE_OVERRIDE")
    # An alias begins with a letter.
    by_number = template.isascii() and template.isdecimal()
    name = {"TemplateId": int(template)} if by_number else {"TemplateAlias": template}
    return {**name, "TemplateModel": message.template_data}


def _unsupported(what: str, feature: str) -> SendError:
    return errors.UnsupportedFeature(f"postmark {what}", features=(feature,))


def _outcome(
    response: Response, entry: object, recipients: Iterable[Address]
) -> Accepted | SendError:
    """
    Read what Postmark says of one mail.
    """
    answer = entry if isinstance(entry, dict) else {}
    code, mail_id, text = answer.get("ErrorCode", 0), answer.get("MessageID"), _words(answer)
    if code != 0:
        return _error(response, answer, recipients)
    if not isinstance(mail_id, str) or not mail_id:
        return classify_http(response, kind=errors.OutcomeUnknown, detail="unreadable answer")
    statuses = {}
    if DELAYED in text:
        statuses = dict.fromkeys((one.email for one in recipients), RecipientStatus.QUEUED)
    inactive = _inactive(text, recipients)
    return Accepted(mail_id, statuses | dict.fromkeys(inactive, RecipientStatus.SUPPRESSED))


def _error(
    response: Response, answer: Mapping[str, Any], recipients: Iterable[Address]
) -> SendError:
    code, text = answer.get("ErrorCode"), _words(answer)
    if not isinstance(code, int) or isinstance(code, bool) or code == 0:
        return classify_http(response)
    kind = ERRORS.get(code)
    named: tuple[str, ...] = ()
    if code == INVALID_REQUEST:
        kind = next((kind for words, kind in INVALID if re.match(words, text)), None)
    if kind is None and response.status_code == PERHAPS_LOST:
        kind = errors.OutcomeUnknown
    if kind is None and response.ok:  # an item of a batch that was not taken
        kind = errors.RequestRefused
    if kind is errors.RecipientSuppressed:
        named = _inactive(text, recipients)
    elif kind is errors.RecipientRejected and (found := INVALID_ADDRESS.search(text)):
        named = _among(recipients, found[1])
    error = classify_http(response, own_envelope=True, code=str(code), kind=kind, detail=text)
    error.recipients = named
    return error


def _words(answer: Mapping[str, Any]) -> str:
    text = answer.get("Message")
    return text if isinstance(text, str) else ""


def _inactive(text: str, recipients: Iterable[Address]) -> tuple[str, ...]:
    found = INACTIVE.search(text)
    return _among(recipients, found[1]) if found else ()


def _among(recipients: Iterable[Address], emails: str) -> tuple[str, ...]:
    """
    Those of *recipients* whom *emails*, separated by commas, names in whatever case.
    """
    named = {email.strip().lower() for email in emails.split(",")}
    return tuple(one.email for one in recipients if one.email.lower() in named)
