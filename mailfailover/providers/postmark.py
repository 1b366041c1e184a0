"""
Postmark (ActiveCampaign), through ``POST /email``.

https://postmarkapp.com/developer/api/email-api (2026-11)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, ClassVar

from mailfailover import errors, plugin
from mailfailover.plugin import Feature, Rule
from mailfailover.providers import _postmark_account as account
from mailfailover.providers._postmark_events import read_events

# By the ErrorCode in the body, which is not the HTTP status: both know 401, 413 and 500.
# What is not here is a fault of ours, such as 402, invalid JSON.
# https://postmarkapp.com/developer/api/overview#error-codes (2026-11)
# 300 is any invalid request; its words tell more. They are quoted in public client code and
# issues (2026-11).
ERRORS = plugin.Errors(
    {
        "10": errors.AuthenticationFailed,
        "100": errors.ProviderUnavailable,  # maintenance
        "400": errors.SenderRefused,  # no sender signature
        "401": errors.SenderRefused,  # not confirmed yet
        "405": errors.QuotaExceeded,  # no credits left
        "406": errors.RecipientSuppressed,  # all inactive after a bounce or complaint
        "411": errors.UnsupportedFeature,  # a type of file it does not take
        "412": errors.AccountSuspended,  # pending: may write to its own domain only
        "413": errors.AccountSuspended,  # may not send
        "429": errors.RateLimited,
        "1101": errors.UnsupportedFeature,  # no such template (unconfirmed)
    },
    rules=(
        Rule(errors.RecipientRejected, "300", r"^(Invalid|Error parsing) '(To|Cc|Bcc)'"),
        Rule(errors.SenderRefused, "300", r"^(Invalid|Error parsing) 'From'"),
        Rule(errors.UnsupportedFeature, "300", r"^Invalid metadata"),
    ),
)

# An acceptance that leaves some out names them in words, in lower case, as error 406 does.
INACTIVE = "inactive addresses"
DELAYED = "delivery may be delayed"

# "In most cases the message is lost": so sometimes it is not.
# https://postmarkapp.com/developer/api/overview#http-response-codes (2026-11)
PERHAPS_LOST = 500

# https://postmarkapp.com/developer/user-guide/send-email-with-api/batch-emails (2026-11)
MAX_BATCH_BYTES = 50 * plugin.MB

# https://postmarkapp.com/support/article/1125-custom-metadata-faq (2026-11); the number, and
# 20 characters for a name and 80 for a value, by public client code.
MAX_METADATA = 10

# Keeps a Message-ID from being replaced. Documented for SMTP; through this API unconfirmed.
KEEP_ID = {"X-PM-KeepID": "true"}

# Options that could change who gets the mail and who sends it.
RESERVED = {"Headers"}

LINKS: dict[bool | None, str | None] = {True: "HtmlAndText", False: "None", None: None}

FILE = plugin.FileFields("Name", "Content", "ContentType", "ContentID", id_form="cid:{}")


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
    maturity: ClassVar[str] = "stable"
    unconfirmed: ClassVar[tuple[str, ...]] = (
        "that it gives up the webhooks of a delivery at 403, as it does those of inbound mail",
        "that X-PM-KeepID keeps a Message-ID through the API",
        "the code of a template that is not there",
        "repeated headers, and mails without subject or To",
    )

    # A body is required. Repeated headers, mails without subject or To: unconfirmed. A text or
    # an HTML may have 5 MB each.
    capabilities: ClassVar[plugin.Capabilities] = plugin.Capabilities(
        Feature.HTML
        | Feature.REPLY_TO
        | Feature.MULTIPLE_REPLY_TO
        | Feature.HEADERS
        | Feature.MESSAGE_ID
        | Feature.ATTACHMENTS
        | Feature.INLINE_IMAGES
        | Feature.TAGS
        | Feature.METADATA
        | Feature.TRACKING
        | Feature.TEMPLATES
        | Feature.TEMPLATE_FROM
        | Feature.MERGE
        | Feature.MERGE_METADATA
        | Feature.MERGE_HEADERS
        | Feature.MERGE_UNEVEN_HEADERS,
        max_tags=1,
        max_metadata=MAX_METADATA,
        max_recipients=50,
        max_merge=500,
        max_bytes=10 * plugin.MB,
    )
    # The page speaks of inbound mail; of other events it is not confirmed.
    webhook_retries: ClassVar[plugin.WebhookRetries] = plugin.WebhookRetries(
        attempts=11,
        span=10.5 * 3600,
        page="https://postmarkapp.com/support/article/"
        "understanding-inbound-webhook-retries-in-postmark (2026-11)",
        given_up="403",
        statuses=MappingProxyType({403: 401}),
    )

    server_token: plugin.Secret = field(repr=False)
    message_stream: str = ""
    webhook_username: plugin.Secrets = field(default="", repr=False)
    webhook_password: plugin.Secrets = field(default="", repr=False)
    base_url: str = "https://api.postmarkapp.com"

    def build_request(self, message: plugin.Message) -> plugin.HTTPRequest:
        """
        Write a mail.

        Raises:
            UnsupportedFeature:
                If it has both a template and a subject, which the template brings along, or
                the data of a template without one.
        """
        path = "email/withTemplate" if message.template_id else "email"
        return self._post(path, self._mail(message))

    def build_batch(self, message: plugin.Message) -> plugin.HTTPRequest:
        """
        Write a merge as a list of mails, filled in here.

        Raises:
            UnsupportedFeature:
                As ``build_request``; and if all together are too large for one call.
        """
        each = (self._mail(plugin.for_recipient(message, address)) for address in message.to)
        mails = plugin.WrittenJSON.of_items(each, most=MAX_BATCH_BYTES)
        if message.template_id:
            return self._post("email/batchWithTemplates", {"Messages": mails})
        return self._post("email/batch", mails)

    def parse_response(self, response: plugin.Response, message: plugin.Message) -> plugin.Accepted:
        found = _outcome(response, response.json_object(), message.recipients)
        if isinstance(found, errors.SendError):
            raise found
        return found

    def parse_batch(self, response: plugin.Response, message: plugin.Message) -> plugin.Outcomes:
        entries = plugin.one_each(response, response.json(), len(message.to))
        pairs = zip(entries, message.to, strict=True)
        return tuple(_outcome(response, entry, (address,)) for entry, address in pairs)

    def classify_error(
        self, response: plugin.Response, message: plugin.Message
    ) -> errors.SendError:
        return _error(response, response.json_object(), message.recipients)

    def build_ping(self) -> plugin.HTTPRequest:
        return plugin.HTTPRequest("GET", f"{self.base_url}/server", self._headers())

    def account_checks(self, asked: plugin.AccountQuestion) -> Iterable[plugin.AccountCheck]:
        return account.checks(self._ask, asked)

    def webhook_setups(self, url: str) -> Iterable[plugin.WebhookSetup]:
        username, password = plugin.webhook_credentials(
            "postmark", self.webhook_username, self.webhook_password
        )
        data = {
            "Url": url,
            "MessageStream": self.message_stream or "outbound",
            "HttpAuth": {"Username": username, "Password": password},
            "Triggers": account.TRIGGERS,
        }
        request = plugin.post_json(f"{self.base_url}/webhooks", self._headers(), data)
        return (plugin.WebhookSetup(request),)

    def _ask(self, path: str) -> plugin.HTTPRequest:
        return plugin.HTTPRequest("GET", f"{self.base_url}/{path}", self._headers())

    def verify_webhook(self, request: plugin.WebhookRequest, fetch: plugin.Fetch) -> str:
        plugin.verify_basic_auth(request, self.webhook_username, self.webhook_password)
        return ""  # what it calls a trace id is not known to be one of the event

    def parse_webhook(self, request: plugin.WebhookRequest) -> tuple[plugin.DeliveryEvent, ...]:
        return read_events(request)

    def _mail(self, message: plugin.Message) -> dict[str, Any]:
        fields = {
            "From": str(message.sender),
            "To": plugin.address_line(message.to),
            "Cc": plugin.address_line(message.cc),
            "Bcc": plugin.address_line(message.bcc),
            "ReplyTo": plugin.address_line(message.reply_to),
            "Subject": message.subject,
            "TextBody": message.text,
            "HtmlBody": message.html,
            "Headers": [{"Name": k, "Value": v} for k, v in _headers(message).items()],
            "Attachments": FILE.all(message),
            "Tag": message.tags[0] if message.tags else "",
            "Metadata": plugin.own_metadata(message, limit=MAX_METADATA),
            "TrackOpens": message.track_opens,
            "TrackLinks": LINKS[message.track_clicks],
            "MessageStream": self.message_stream,
        }
        body = plugin.filled(fields) | _template(message)
        return plugin.merge_options(body, message.options(self.name), reserved=RESERVED)

    def _post(self, path: str, body: object) -> plugin.HTTPRequest:
        return plugin.post_json(f"{self.base_url}/{path}", self._headers(), body)

    def _headers(self) -> dict[str, str]:
        return {
            "Accept": "application/json",
            "X-Postmark-Server-Token": plugin.reveal(self.server_token),
        }


def _headers(message: plugin.Message) -> dict[str, str]:
    return {"Message-ID": message.message_id} | KEEP_ID | plugin.own_headers(message)


def _template(message: plugin.Message) -> dict[str, Any]:
    plugin.check_template_data(message)
    if not message.template_id:
        return {}
    if message.subject:
        text = "postmark takes the subject of a template from there"
        raise plugin.unsupported(text, "TEMPLATE_OVERRIDE")
    # An alias begins with a letter.
    template = plugin.template_number(message)
    key = "TemplateId" if isinstance(template, int) else "TemplateAlias"
    return {key: template, "TemplateModel": message.template_data}


def _outcome(
    response: plugin.Response, answer: Mapping[str, Any], recipients: Iterable[plugin.Address]
) -> plugin.Accepted | errors.SendError:
    """
    Read what Postmark says of one mail.
    """
    mail_id, text = answer.get("MessageID"), plugin.as_words(answer.get("Message"))
    if answer.get("ErrorCode", 0) != 0:
        return _error(response, answer, recipients)
    if not isinstance(mail_id, str) or not mail_id:
        return plugin.unreadable(response)
    statuses = {}
    if DELAYED in text:
        statuses = dict.fromkeys((one.email for one in recipients), plugin.RecipientStatus.QUEUED)
    if INACTIVE in text:
        named = plugin.recipients_in(text, recipients)
        statuses |= dict.fromkeys(named, plugin.RecipientStatus.SUPPRESSED)
    return plugin.Accepted(mail_id, statuses)


def _error(
    response: plugin.Response, answer: Mapping[str, Any], recipients: Iterable[plugin.Address]
) -> errors.SendError:
    code, text = (
        plugin.as_code(answer.get("ErrorCode"), int),
        plugin.as_words(answer.get("Message")),
    )
    problems = [plugin.Problem(code, text)] if code not in ("", "0") else []
    lost = errors.OutcomeUnknown if problems and response.status_code == PERHAPS_LOST else None
    error = ERRORS.classify(response, problems, otherwise=lost)
    if isinstance(error, (errors.RecipientRejected, errors.RecipientSuppressed)):
        error.recipients = plugin.recipients_in(text, recipients)
    return error
