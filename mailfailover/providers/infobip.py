"""
Infobip, through ``POST /email/4/messages``.

https://www.infobip.com/docs/api/channels/email, by the models of the vendor's own Python client
(2026-11)
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any, ClassVar

from mailfailover import errors, plugin
from mailfailover.plugin import Feature, Rule
from mailfailover.providers._infobip_events import read_events

DAY = 86400.0

# What became of a message, by the number of its status' group, and the reasons of those that
# were not taken. The names are of all the vendor's channels; which of them mail has is
# unconfirmed.
# https://www.infobip.com/docs/essentials/api-essentials/response-status-and-error-codes (2026-11)
UNDELIVERABLE, EXPIRED, REJECTED = 2, 4, 5
NOT_TAKEN = {UNDELIVERABLE, EXPIRED, REJECTED}
REASONS = plugin.Errors(
    {
        "REJECTED_NOT_ENOUGH_CREDITS": errors.QuotaExceeded,
        "REJECTED_PREPAID_PACKAGE_EXPIRED": errors.QuotaExceeded,
        "REJECTED_SENDER": errors.SenderRefused,
        "REJECTED_SOURCE": errors.SenderRefused,
        "REJECTED_SYSTEM_ERROR": errors.ProviderUnavailable,
    }
)

# By the property at fault and what it violates; the first that matches counts. The words are
# those of Java's validation, in which the client names a "violation"; unconfirmed.
ERRORS = plugin.Errors(
    rules=(
        Rule(
            errors.RecipientRejected,
            words=r"(well-formed|valid) email",
            place=r"\b(to|cc|bcc)\[\d+\](\.destination)?$",
        ),
        Rule(errors.SenderRefused, place=r"\bsender$"),
        Rule(
            errors.UnsupportedFeature,
            place=r"\b(destinations|content|webhooks|schedule|campaignReferenceId)\b",
        ),
    )
)

# Tags and metadata, and how long each may be. The latter comes back in webhooks.
MAX_CAMPAIGN = 255
MAX_CALLBACK = 4000
# What says who gets the mail and who sends it.
RESERVED = {"messages"}
RESERVED_OF_MIME = {"destinations", "mimeMessage"}

FILE = plugin.FileFields("fileName", "content", "contentType", always={"type": "binary"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Infobip:
    """
    Sends through Infobip.

    The key is made in Infobip's portal, under Developer Tools, API keys, with the scope
    ``email:message:send``. The portal shows an address of your own beside it: give it as
    ``base_url``.

    Provider options are laid over the JSON of the call: ``{"options": {"tracking":
    {"trackingPixelPosition": "BOTTOM"}}}``.

    A mail with both a text and an HTML, or with another form of its text, goes as MIME, through
    ``/email/4/mime``: it cannot have a tag, switches of tracking or a time to send at, and takes
    other options. Metadata travel as ``callbackData``, as JSON of 4000 characters. A tag is the
    reference of a campaign. In a template data are placeholders. Merges of MIME or with files
    go one by one.

    Attributes:
        api_key: A key that may send mail.

        webhook_username: Expected of webhooks, by HTTP basic authentication.

        webhook_password: The same.

        base_url: Scheme and host: the account's own address, or of a proxy.

    .. versionadded:: 0.1.0
    """

    name: ClassVar[str] = "infobip"
    userinfo: ClassVar[tuple[str, ...]] = ("api_key",)
    maturity: ClassVar[str] = "stable"
    unconfirmed: ClassVar[tuple[str, ...]] = (
        "which names of reasons mail has",
        "the words of a violation",
        "names of recipients, and how large a mail may be",
    )

    # A subject is required, and one object is the headers. An envelope sender: no such
    # parameter. Names of recipients, mails without To, and the size: unconfirmed. MIME has no
    # switch of tracking, which would change signed bytes: no mail goes as it is.
    # The Message-ID: https://www.infobip.com/docs/email/email-over-api/supported-api-headers
    # (2026-11).
    capabilities: ClassVar[plugin.Capabilities] = plugin.Capabilities(
        Feature.HTML
        | Feature.REPLY_TO
        | Feature.HEADERS
        | Feature.ATTACHMENTS
        | Feature.INLINE_IMAGES
        | Feature.MESSAGE_ID
        | Feature.CALENDAR
        | Feature.AMP
        | Feature.ALTERNATIVES
        | Feature.TAGS
        | Feature.METADATA
        | Feature.TRACKING
        | Feature.SEND_AT
        | Feature.TEMPLATES
        | Feature.TEMPLATE_FROM
        | Feature.TEMPLATE_SUBJECT
        | Feature.MERGE
        | Feature.MERGE_METADATA
        | Feature.MERGE_HEADERS
        | Feature.MERGE_UNEVEN_HEADERS,
        max_tags=1,
        max_recipients=1000,
        max_merge=1000,
        max_bytes=10 * plugin.MB,
        max_delay=5 * DAY,
    )
    # It waits 1 min + 1 min * n * n for the n-th; how often, and at which statuses, is not said.
    webhook_retries: ClassVar[plugin.WebhookRetries] = plugin.WebhookRetries(
        page="https://www.infobip.com/docs/sms/sms-over-api#push-retry-cycle-notify-url (2026-11)",
        statuses=plugin.ONLY_5XX,
    )

    api_key: plugin.Secret = field(repr=False)
    webhook_username: plugin.Secrets = field(default="", repr=False)
    webhook_password: plugin.Secrets = field(default="", repr=False)
    base_url: str = "https://api.infobip.com"

    def build_request(self, message: plugin.Message) -> plugin.HTTPRequest:
        """
        Write a mail as JSON, or as MIME where JSON has no place for all forms of its text.

        Raises:
            UnsupportedFeature:
                If MIME cannot say what else it has; for the data of a template without one; or
                too long a tag or too many metadata.
        """
        if _needs_mime(message):
            options = message.options(self.name)
            body = plugin.merge_options(_mime(message), options, reserved=RESERVED_OF_MIME)
            return self._post("mime", body)
        return self._request(message, [_mail(message)])

    def build_batch(self, message: plugin.Message) -> plugin.HTTPRequest:
        """
        Write a merge as one mail for each recipient, filled in here.

        Raises:
            UnsupportedFeature: As ``build_request``; and if it has files or needs MIME.
        """
        if message.attachments:
            raise plugin.unsupported("infobip takes no files into a merge", "MERGE", "ATTACHMENTS")
        if _needs_mime(message):
            raise plugin.unsupported("infobip sends MIME to all or one by one", "MERGE", "HTML")
        return self._request(
            message, [_mail(plugin.for_recipient(message, address)) for address in message.to]
        )

    def parse_response(self, response: plugin.Response, message: plugin.Message) -> plugin.Accepted:
        results = _results(response)
        outcomes = [_outcome(response, one) for one in results]
        taken = [one for one in outcomes if isinstance(one, plugin.Accepted)]
        if not taken:
            raise _worst([one for one in outcomes if isinstance(one, errors.SendError)])
        # Of MIME it is the "to" of a result, of JSON its "destination".
        emails = (one.get("destination") or one.get("to") for one in results)
        pairs = zip(emails, outcomes, strict=True)
        said = plugin.by_recipient(pairs, message.recipients)
        return plugin.Accepted(
            taken[0].provider_message_id,
            {email: _status(one) for email, one in said.items() if one not in taken},
            {email: one.provider_message_id for email, one in said.items() if one in taken},
        )

    def parse_batch(self, response: plugin.Response, message: plugin.Message) -> plugin.Outcomes:
        results = response.json_object().get("messages")
        entries = plugin.one_each(response, results, len(message.to))
        return tuple(_outcome(response, one) for one in entries)

    def classify_error(
        self, response: plugin.Response, message: plugin.Message
    ) -> errors.SendError:
        return ERRORS.classify(response, _problems(response.json_object()))

    def build_ping(self) -> plugin.HTTPRequest:
        return plugin.HTTPRequest("GET", f"{self.base_url}/email/1/domains?size=1", self._headers())

    def verify_webhook(self, request: plugin.WebhookRequest, fetch: plugin.Fetch) -> str:
        plugin.verify_basic_auth(request, self.webhook_username, self.webhook_password)
        return ""

    def parse_webhook(self, request: plugin.WebhookRequest) -> tuple[plugin.DeliveryEvent, ...]:
        return read_events(request)

    def _request(self, message: plugin.Message, mails: list[dict[str, Any]]) -> plugin.HTTPRequest:
        options = plugin.filled({"schedule": _schedule(message), "tracking": _tracking(message)})
        body = plugin.filled({"messages": mails, "options": options})
        body = plugin.merge_options(body, message.options(self.name), reserved=RESERVED)
        return self._post("messages", body)

    def _post(self, path: str, body: dict[str, Any]) -> plugin.HTTPRequest:
        return plugin.post_json(f"{self.base_url}/email/4/{path}", self._headers(), body)

    def _headers(self) -> dict[str, str]:
        return {"Accept": "application/json", "Authorization": f"App {plugin.reveal(self.api_key)}"}


def _needs_mime(message: plugin.Message) -> bool:
    # "If both html and text fields are included, the text field will be disregarded": the model
    # EmailMessageContent of the same client.
    return bool(message.text and message.html) or bool(message.alternatives)


def _mime(message: plugin.Message) -> dict[str, Any]:
    # EmailSendMimeRequestSchema of the vendor's own client, PyPI infobip-api-python-client 6.0.0
    # (2026-01): the addresses here count, not those of the MIME message, and headers such as
    # List-Unsubscribe-Post and Message-ID are kept.
    unsaid = {
        "TAGS": message.tags,
        "TRACKING": _tracking(message),
        "SEND_AT": message.send_at,
        "TEMPLATES": message.template_id or message.template_data,
    }
    if lacking := [feature for feature, there in unsaid.items() if there]:
        text = "infobip cannot say this of a mail that goes as MIME"
        raise plugin.unsupported(text, *lacking)
    return {
        "destinations": [address.email for address in message.recipients],
        "mimeMessage": plugin.Base64(plugin.mime_bytes(message)),
        "callbackData": _callback(message),
    }


def _mail(message: plugin.Message) -> dict[str, Any]:
    destinations = {
        "to": [_destination(address) for address in message.to],
        "cc": [_destination(address) for address in message.cc],
        "bcc": [_destination(address) for address in message.bcc],
        "replyTo": next(map(str, message.reply_to), ""),
        "preserveRecipients": True,  # those of To see each other
    }
    headers = {"Message-ID": message.message_id} | plugin.own_headers(message, encoded=True)
    content = {
        "subject": message.subject,
        "text": message.text,
        "html": message.html,
        "attachments": FILE.files(message),
        # The HTML names an image by its file name.
        "inlineImages": FILE.images(message),
        "headers": json.dumps(headers),
        **_template(message),
    }
    return plugin.filled(
        {
            "sender": str(message.sender),
            "destinations": [plugin.filled(destinations)],
            "content": plugin.filled(content),
            "webhooks": {"callbackData": _callback(message)},
            "options": _options(message),
        }
    )


def _destination(address: plugin.Address) -> dict[str, str]:
    return {"destination": str(address)}


def _template(message: plugin.Message) -> dict[str, Any]:
    plugin.check_template_data(message)
    if not message.template_id:
        return {}
    data = json.dumps(message.template_data, ensure_ascii=False)
    return {"templateId": message.template_id, "defaultPlaceholders": data}


def _callback(message: plugin.Message) -> str:
    data = json.dumps(plugin.own_metadata(message), ensure_ascii=False)
    if len(data) > MAX_CALLBACK:
        raise plugin.unsupported(
            "infobip takes no more than 4000 characters of metadata", "METADATA"
        )
    return data


def _options(message: plugin.Message) -> dict[str, str]:
    if not message.tags:
        return {}
    if len(message.tags[0]) > MAX_CAMPAIGN:
        raise plugin.unsupported("infobip takes no tag of more than 255 characters", "TAGS")
    return {"campaignReferenceId": message.tags[0]}


def _schedule(message: plugin.Message) -> dict[str, str]:
    if message.send_at is None:
        return {}
    when = message.send_at.astimezone(UTC)
    return {"sendAt": f"{when:%Y-%m-%dT%H:%M:%S}.{when.microsecond // 1000:03}+0000"}


def _tracking(message: plugin.Message) -> dict[str, bool]:
    return plugin.filled({"trackOpens": message.track_opens, "trackClicks": message.track_clicks})


def _results(response: plugin.Response) -> list[dict[str, Any]]:
    results = response.json_object().get("messages")
    if not isinstance(results, list) or not results:
        raise plugin.unreadable(response)
    return [plugin.as_object(one) for one in results]


def _outcome(
    response: plugin.Response, result: Mapping[str, Any]
) -> plugin.Accepted | errors.SendError:
    """
    Read what became of one message.
    """
    mail_id, status = result.get("messageId"), plugin.as_object(result.get("status"))
    group, reason, text = map(status.get, ("groupId", "name", "description"))
    if not isinstance(mail_id, str) or not mail_id or not isinstance(group, int):
        return plugin.unreadable(response)
    if group not in NOT_TAKEN:
        return plugin.Accepted(mail_id)
    problem = plugin.Problem(plugin.as_code(reason), plugin.as_words(text))
    return REASONS.classify(response, [problem], otherwise=errors.RequestRefused)


def _status(outcome: plugin.Accepted | errors.SendError) -> plugin.RecipientStatus:
    unknown = isinstance(outcome, errors.OutcomeUnknown)
    return plugin.RecipientStatus.UNKNOWN if unknown else plugin.RecipientStatus.REFUSED


def _worst(found: list[errors.SendError]) -> errors.SendError:
    """
    The one that may have been sent, if any, else the first.
    """
    return next((one for one in found if isinstance(one, errors.OutcomeUnknown)), found[0])


def _problems(answer: Mapping[str, Any]) -> list[plugin.Problem]:
    """
    The properties at fault, or the one thing that is wrong with all.

    An error has one of two forms: that of this API, or that of all the older ones.
    """
    older = plugin.as_object(plugin.dig(answer, "requestError", "serviceException"))
    code = plugin.as_code(answer.get("errorCode") or older.get("messageId"))
    text = plugin.as_words(answer.get("description") or older.get("text"))
    found = [
        plugin.Problem("", str(one.get("violation")), str(one.get("property")))
        for one in plugin.as_objects(answer.get("violations"))
    ]
    if not code:
        return []
    return [one._replace(code=code) for one in found] or [plugin.Problem(code, text)]
