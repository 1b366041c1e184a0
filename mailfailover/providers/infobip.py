"""
Infobip, through ``POST /email/4/messages``.

https://www.infobip.com/docs/api/channels/email, by the models of the vendor's own Python client
(2026-11)
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any, ClassVar

from mailfailover import errors
from mailfailover.errors import SendError
from mailfailover.plugin import (
    MB,
    Accepted,
    Address,
    Attachment,
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
    classify_http,
    encode_header,
    for_recipient,
    json_body,
    merge_options,
    reveal,
    verify_basic_auth,
)
from mailfailover.providers._infobip_events import read_events

DAY = 86400.0

# What became of a message, by the number of its status' group, and the reasons of those that
# were not taken. The names are of all the vendor's channels; which of them mail has is
# unconfirmed.
# https://www.infobip.com/docs/essentials/api-essentials/response-status-and-error-codes (2026-11)
UNDELIVERABLE, EXPIRED, REJECTED = 2, 4, 5
NOT_TAKEN = {UNDELIVERABLE, EXPIRED, REJECTED}
REASONS: Mapping[str, type[SendError]] = {
    "REJECTED_NOT_ENOUGH_CREDITS": errors.QuotaExceeded,
    "REJECTED_PREPAID_PACKAGE_EXPIRED": errors.QuotaExceeded,
    "REJECTED_SENDER": errors.SenderRefused,
    "REJECTED_SOURCE": errors.SenderRefused,
    "REJECTED_SYSTEM_ERROR": errors.ProviderUnavailable,
}

# By the property at fault and what it violates; the first that matches counts. The words are
# those of Java's validation, in which the client names a "violation"; unconfirmed.
VIOLATIONS: tuple[tuple[str, str, type[SendError]], ...] = (
    (
        r"\b(to|cc|bcc)\[\d+\](\.destination)?$",
        r"(well-formed|valid) email",
        errors.RecipientRejected,
    ),
    (r"\bsender$", r"", errors.SenderRefused),
    (
        r"\b(destinations|content|webhooks|schedule|campaignReferenceId)\b",
        r"",
        errors.UnsupportedFeature,
    ),
)
CODE = re.compile(r"\w+")

# Tags and metadata, and how long each may be. The latter comes back in webhooks.
MAX_CAMPAIGN = 255
MAX_CALLBACK = 4000
MAIL_ID = "mailfailover-id"

# Options that would change who gets the mail and who sends it.
RESERVED = {"messages"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Infobip:
    """
    Sends through Infobip.

    The key is made in Infobip's portal, under Developer Tools, API keys, with the scope
    ``email:message:send``. The portal shows an address of your own beside it: give it as
    ``base_url``.

    Provider options are laid over the JSON of the call: ``{"options": {"tracking":
    {"trackingPixelPosition": "BOTTOM"}}}``.

    Infobip sends no text beside an HTML: a mail with both is refused here. Metadata travel as
    ``callbackData``, as JSON of 4000 characters. A tag is the reference of a campaign. In a
    template data are placeholders. Files cannot go into a merge in one call. Infobip gives each
    mail a Message-ID of its own.

    Attributes:
        api_key: A key that may send mail.

        webhook_username: Expected of webhooks, by HTTP basic authentication.

        webhook_password: The same.

        base_url: Scheme and host: the account's own address, or of a proxy.

    .. versionadded:: 0.1.0
    """

    name: ClassVar[str] = "infobip"
    userinfo: ClassVar[tuple[str, ...]] = ("api_key",)

    # A subject is required, and one object is the headers. An envelope sender: no such
    # parameter. Names of recipients, mails without To, and the size: unconfirmed.
    capabilities: ClassVar[Capabilities] = Capabilities(
        Feature.HTML
        | Feature.REPLY_TO
        | Feature.HEADERS
        | Feature.ATTACHMENTS
        | Feature.INLINE_IMAGES
        | Feature.TAGS
        | Feature.METADATA
        | Feature.TRACKING
        | Feature.SEND_AT
        | Feature.TEMPLATES
        | Feature.MERGE
        | Feature.MERGE_METADATA
        | Feature.MERGE_HEADERS
        | Feature.MERGE_UNEVEN_HEADERS,
        max_tags=1,
        max_recipients=1000,
        max_merge=1000,
        max_bytes=10 * MB,
        max_delay=5 * DAY,
    )

    api_key: str | Callable[[], str] = field(repr=False)
    webhook_username: Secrets = field(default="", repr=False)
    webhook_password: Secrets = field(default="", repr=False)
    base_url: str = "https://api.infobip.com"

    def build_request(self, message: Message) -> HTTPRequest:
        """
        Write a mail.

        Raises:
            UnsupportedFeature:
                If it has both a text and an HTML; the data of a template without one; or too
                long a tag or too many metadata.
        """
        return self._request(message, [_mail(message)])

    def build_batch(self, message: Message) -> HTTPRequest:
        """
        Write a merge as one mail for each recipient, filled in here.

        Raises:
            UnsupportedFeature: As ``build_request``; and if it has files.
        """
        if message.attachments:
            raise _unsupported("takes no files into a merge", "MERGE", "ATTACHMENTS")
        return self._request(
            message, [_mail(for_recipient(message, address)) for address in message.to]
        )

    def parse_response(self, response: Response, message: Message) -> Accepted:
        results = _results(response)
        outcomes = [_outcome(response, one) for one in results]
        taken = [one for one in outcomes if isinstance(one, Accepted)]
        if not taken:
            raise _worst([one for one in outcomes if isinstance(one, SendError)])
        emails = {address.email.lower(): address.email for address in message.recipients}
        statuses, ids = {}, {}
        for result, outcome in zip(results, outcomes, strict=True):
            email = emails.get(str(result.get("destination")).lower(), "")
            if email and isinstance(outcome, Accepted):
                ids[email] = outcome.provider_message_id
            elif email and isinstance(outcome, errors.OutcomeUnknown):
                statuses[email] = RecipientStatus.UNKNOWN
            elif email:
                statuses[email] = RecipientStatus.REFUSED
        return Accepted(taken[0].provider_message_id, statuses, ids)

    def parse_batch(self, response: Response, message: Message) -> tuple[Accepted | SendError, ...]:
        results = _results(response)
        if len(results) != len(message.to):
            raise classify_http(response, kind=errors.OutcomeUnknown, detail="unreadable answer")
        return tuple(_outcome(response, one) for one in results)

    def classify_error(self, response: Response, message: Message) -> SendError:
        code, text, found = _said(response.json_object())
        kind = None
        for places, words, meaning in VIOLATIONS:
            if any(re.search(places, where) and re.search(words, why) for where, why in found):
                kind = meaning
                break
        detail = "; ".join(f"{where} {why}" for where, why in found) or text
        return classify_http(response, own_envelope=bool(code), code=code, kind=kind, detail=detail)

    def build_ping(self) -> HTTPRequest:
        return HTTPRequest("GET", f"{self.base_url}/email/1/domains?size=1", self._headers())

    def verify_webhook(self, request: WebhookRequest, fetch: Fetch) -> str:
        verify_basic_auth(request, self.webhook_username, self.webhook_password)
        return ""

    def parse_webhook(self, request: WebhookRequest) -> tuple[DeliveryEvent, ...]:
        return read_events(request)

    def _request(self, message: Message, mails: list[dict[str, Any]]) -> HTTPRequest:
        options = _filled({"schedule": _schedule(message), "tracking": _tracking(message)})
        body = _filled({"messages": mails, "options": options})
        body = merge_options(body, message.options(self.name), reserved=RESERVED)
        headers = self._headers() | {"Content-Type": "application/json"}
        return HTTPRequest("POST", f"{self.base_url}/email/4/messages", headers, json_body(body))

    def _headers(self) -> dict[str, str]:
        return {"Accept": "application/json", "Authorization": f"App {reveal(self.api_key)}"}


def _filled(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if value}


def _mail(message: Message) -> dict[str, Any]:
    if message.text and message.html:
        raise _unsupported("sends no text beside an HTML", "HTML")
    images = [one for one in message.attachments if one.content_id]
    files = [one for one in message.attachments if not one.content_id]
    destinations = {
        "to": [_destination(address) for address in message.to],
        "cc": [_destination(address) for address in message.cc],
        "bcc": [_destination(address) for address in message.bcc],
        "replyTo": next(map(str, message.reply_to), ""),
        "preserveRecipients": True,  # those of To see each other
    }
    headers = _headers(message)
    content = {
        "subject": message.subject,
        "text": message.text,
        "html": message.html,
        "attachments": [_file(one, one.filename) for one in files],
        # The HTML names an image by its file name.
        "inlineImages": [_file(one, one.content_id) for one in images],
        "headers": json.dumps(headers) if headers else "",
        **_template(message),
    }
    return _filled(
        {
            "sender": str(message.sender),
            "destinations": [_filled(destinations)],
            "content": _filled(content),
            "webhooks": {"callbackData": _callback(message)},
            "options": _options(message),
        }
    )


def _destination(address: Address) -> dict[str, str]:
    return {"destination": str(address)}


def _file(attachment: Attachment, filename: str) -> dict[str, Any]:
    return {
        "type": "binary",
        "fileName": filename,
        "contentType": attachment.content_type,
        "content": attachment.base64(),
    }


def _headers(message: Message) -> dict[str, str]:
    return {
        name: value if value.isascii() else encode_header(value)
        for name, value in message.header_items()
        if name.lower() != "message-id"
    }


def _template(message: Message) -> dict[str, Any]:
    if message.template_id:
        data = json.dumps(message.template_data, ensure_ascii=False)
        return {"templateId": message.template_id, "defaultPlaceholders": data}
    if message.template_data:
        raise _unsupported("fills in the data of a template only in a template", "TEMPLATES")
    return {}


def _callback(message: Message) -> str:
    data = json.dumps({**message.metadata, MAIL_ID: message.id}, ensure_ascii=False)
    if len(data) > MAX_CALLBACK:
        raise _unsupported("takes no more than 4000 characters of metadata", "METADATA")
    return data


def _options(message: Message) -> dict[str, str]:
    if not message.tags:
        return {}
    if len(message.tags[0]) > MAX_CAMPAIGN:
        raise _unsupported("takes no tag of more than 255 characters", "TAGS")
    return {"campaignReferenceId": message.tags[0]}


def _schedule(message: Message) -> dict[str, str]:
    if message.send_at is None:
        return {}
    when = message.send_at.astimezone(UTC)
    return {"sendAt": f"{when:%Y-%m-%dT%H:%M:%S}.{when.microsecond // 1000:03}+0000"}


def _tracking(message: Message) -> dict[str, bool]:
    switches = {"trackOpens": message.track_opens, "trackClicks": message.track_clicks}
    return {name: on for name, on in switches.items() if on is not None}


def _unsupported(what: str, *features: str) -> SendError:
    return errors.UnsupportedFeature(f"infobip {what}", features=features)


def _results(response: Response) -> list[dict[str, Any]]:
    results = response.json_object().get("messages")
    if not isinstance(results, list) or not results:
        raise classify_http(response, kind=errors.OutcomeUnknown, detail="unreadable answer")
    return [one if isinstance(one, dict) else {} for one in results]


def _outcome(response: Response, result: Mapping[str, Any]) -> Accepted | SendError:
    """
    Read what became of one message.
    """
    mail_id, status = result.get("messageId"), result.get("status")
    status = status if isinstance(status, dict) else {}
    group, reason, text = map(status.get, ("groupId", "name", "description"))
    if not isinstance(mail_id, str) or not mail_id or not isinstance(group, int):
        return classify_http(response, kind=errors.OutcomeUnknown, detail="unreadable answer")
    if group not in NOT_TAKEN:
        return Accepted(mail_id)
    code = reason if isinstance(reason, str) and CODE.fullmatch(reason) else ""
    detail = text if isinstance(text, str) else ""
    kind = REASONS.get(code, errors.RequestRefused)
    return classify_http(response, code=code, kind=kind, detail=detail)


def _worst(found: list[SendError]) -> SendError:
    """
    The one that may have been sent, if any, else the first.
    """
    return next((one for one in found if isinstance(one, errors.OutcomeUnknown)), found[0])


def _said(answer: Mapping[str, Any]) -> tuple[str, str, list[tuple[str, str]]]:
    """
    The code, the words, and the properties at fault, each with what is wrong about it.

    An error has one of two forms: that of this API, or that of all the older ones.
    """
    code, text, violations = map(answer.get, ("errorCode", "description", "violations"))
    for key in "requestError", "serviceException":
        older = answer.get(key)
        answer = older if isinstance(older, dict) else {}
    code, text = code or answer.get("messageId"), text or answer.get("text")
    found = [
        (str(one.get("property")), str(one.get("violation")))
        for one in (violations if isinstance(violations, list) else ())
        if isinstance(one, dict)
    ]
    return (
        code if isinstance(code, str) and CODE.fullmatch(code) else "",
        text if isinstance(text, str) else "",
        found,
    )
