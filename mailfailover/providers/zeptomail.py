"""
ZeptoMail (Zoho), through ``POST /v1.1/email``.

https://www.zoho.com/zeptomail/help/api/email-sending.html (2026-11)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
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
    DeliveryEvent,
    Feature,
    Fetch,
    HTTPRequest,
    Message,
    Response,
    Secrets,
    WebhookRequest,
    classify_http,
    encode_header,
    json_body,
    merge_options,
    reveal,
)
from mailfailover.providers._zeptomail_events import read_events, verify

# One for each data centre; that of Europe is unconfirmed.
HOSTS = {
    "com": "https://api.zeptomail.com",
    "eu": "https://api.zeptomail.eu",
    "in": "https://api.zeptomail.in",
}

# By the code of a detail: that of the whole, such as TM_4001, is one for an unverified sender and
# for a wrong token, and so is the status, 401. What is not here is a fault of ours.
# https://www.zoho.com/zeptomail/help/api/error-codes.html (2026-11)
ERRORS: Mapping[str, type[SendError]] = {
    "AE_101": errors.AccountSuspended,
    "LE_101": errors.QuotaExceeded,  # credits expired
    "LE_102": errors.QuotaExceeded,  # credits used up
    "MTR_101": errors.UnsupportedFeature,  # no such template
    "SERR_156": errors.AuthenticationFailed,  # from an address that is not allowed
    "SERR_157": errors.AuthenticationFailed,
    "SMI_115": errors.QuotaExceeded,  # of the day
    "SM_111": errors.SenderRefused,
    "SM_120": errors.UnsupportedFeature,  # a type of file
    "SM_127": errors.UnsupportedFeature,  # too many files or addresses
    "SM_128": errors.AccountSuspended,  # not reviewed yet
    "SM_129": errors.UnsupportedFeature,  # too many characters
    "SM_133": errors.AccountSuspended,  # the trial is over
}
CODE = re.compile(r"\w+")

# A field with an invalid value; which it is, is the detail's target.
INVALID_VALUE = "SM_113"
TARGETS: tuple[tuple[str, type[SendError]], ...] = (
    (r"(to|cc|bcc)\b", errors.RecipientRejected),
    (r"from\b", errors.SenderRefused),
    (r"", errors.UnsupportedFeature),
)

# What a mail with nothing in it is refused for by whoever knows its token.
MISSING = "GE_102"

# Options that would change who gets the mail and who sends it.
RESERVED = {"from", "to", "cc", "bcc", "bounce_address"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ZeptoMail:
    """
    Sends through ZeptoMail.

    The token stands in an agent's tab "SMTP/API", as its Send Mail Token; without the word
    ``Zoho-enczapikey`` before it.

    Provider options are laid over the JSON of the call: ``{"client_reference": "order-1"}``.
    Without this one it is the mail's id.

    A template is named by its key, and brings its own subject and images: a mail that has them
    too is refused. An envelope sender must be a bounce address of the agent. It has no tags and
    no metadata, and gives each mail a Message-ID of its own. Headers that are not ASCII are
    encoded here.

    ``build_ping`` sends a mail with nothing in it, which is refused: a token may do nothing else.

    Attributes:
        api_token: The Send Mail Token of an agent.

        region: The data centre of the account, ``"com"``, ``"eu"`` or ``"in"``.

        webhook_secret: The authentication key of a webhook. Two while it changes.

        base_url: Scheme and host, for a proxy or another data centre; that of *region* where
            empty.

    .. versionadded:: 0.1.0
    """

    name: ClassVar[str] = "zeptomail"
    userinfo: ClassVar[tuple[str, ...]] = ("api_token",)

    # To, a subject and a body are required; a header is a key of an object. 340 of to, 100 each
    # of cc and bcc. A time to send at: no such parameter. The size: unconfirmed. Whether values
    # are escaped that are merged into an HTML is not documented: no merges.
    capabilities: ClassVar[Capabilities] = Capabilities(
        Feature.HTML
        | Feature.REPLY_TO
        | Feature.MULTIPLE_REPLY_TO
        | Feature.HEADERS
        | Feature.ATTACHMENTS
        | Feature.INLINE_IMAGES
        | Feature.TRACKING
        | Feature.TEMPLATES
        | Feature.ENVELOPE_FROM,
        max_recipients=540,
        max_bytes=15 * MB,
    )

    api_token: str | Callable[[], str] = field(repr=False)
    region: str = "com"
    webhook_secret: Secrets = field(default="", repr=False)
    base_url: str = ""

    def __post_init__(self) -> None:
        if self.region not in HOSTS:
            raise errors.ConfigurationError(
                f"region of zeptomail is {self.region!r}: use 'com', 'eu' or 'in', or a base_url"
            )
        object.__setattr__(self, "base_url", self.base_url or HOSTS[self.region])

    def build_request(self, message: Message) -> HTTPRequest:
        """
        Write a mail.

        Raises:
            UnsupportedFeature:
                If it has a template and a subject or an inline image, which the template
                brings along, or the data of a template without one.
        """
        fields = {
            "from": _address(message.sender),
            "to": [{"email_address": _address(address)} for address in message.to],
            "cc": [{"email_address": _address(address)} for address in message.cc],
            "bcc": [{"email_address": _address(address)} for address in message.bcc],
            "reply_to": [_address(address) for address in message.reply_to],
            "bounce_address": message.envelope_from,
            "subject": message.subject,
            "textbody": message.text,
            "htmlbody": message.html,
            "mime_headers": _headers(message),
            "attachments": [_file(one) for one in message.attachments if not one.content_id],
            "inline_images": [_file(one) for one in message.attachments if one.content_id],
            "track_opens": message.track_opens,
            "track_clicks": message.track_clicks,
            "client_reference": message.id,
        }
        body = {key: value for key, value in fields.items() if value or value is False}
        body |= _template(message)
        body = merge_options(body, message.options(self.name), reserved=RESERVED)
        return self._post("email/template" if message.template_id else "email", body)

    def parse_response(self, response: Response, message: Message) -> Accepted:
        answer = response.json_object()
        if isinstance(answer.get("error"), dict):
            raise _error(response, errors.RequestRefused)
        mail_id = answer.get("request_id")
        if isinstance(mail_id, str) and mail_id and isinstance(answer.get("data"), list):
            return Accepted(mail_id)
        raise classify_http(response, kind=errors.OutcomeUnknown, detail="unreadable answer")

    def classify_error(self, response: Response, message: Message) -> SendError:
        return _error(response)

    def build_ping(self) -> HTTPRequest:
        """
        Send nothing to nobody.
        """
        return self._post("email", {})

    def parse_ping(self, response: Response) -> None:
        if all(code != MISSING for code, _, _ in _details(response.json_object())):
            raise _error(response)

    def verify_webhook(self, request: WebhookRequest, fetch: Fetch) -> str:
        return verify(request, self.webhook_secret)

    def parse_webhook(self, request: WebhookRequest) -> tuple[DeliveryEvent, ...]:
        return read_events(request)

    def _post(self, path: str, body: dict[str, Any]) -> HTTPRequest:
        headers = {
            "Accept": "application/json",
            "Authorization": f"Zoho-enczapikey {reveal(self.api_token)}",
            "Content-Type": "application/json",
        }
        return HTTPRequest("POST", f"{self.base_url}/v1.1/{path}", headers, json_body(body))


def _address(address: Address) -> dict[str, str]:
    if address.name:
        return {"address": address.email, "name": address.name}
    return {"address": address.email}


def _headers(message: Message) -> dict[str, str]:
    return {
        name: value if value.isascii() else encode_header(value)
        for name, value in message.header_items()
        if name.lower() != "message-id"
    }


def _file(attachment: Attachment) -> dict[str, Any]:
    fields = {
        "name": attachment.filename,
        "mime_type": attachment.content_type,
        "content": attachment.base64(),
    }
    return fields | ({"cid": attachment.content_id} if attachment.content_id else {})


def _template(message: Message) -> dict[str, Any]:
    if not message.template_id:
        if message.template_data:
            raise _unsupported("fills in the data of a template only in a template", "TEMPLATES")
        return {}
    if message.subject:
        raise _unsupported("takes the subject of a template from there", "TEMPLATE_OVERRIDE")
    if any(one.content_id for one in message.attachments):
        raise _unsupported("takes the images of a template from there", "INLINE_IMAGES")
    return {"template_key": message.template_id, "merge_info": message.template_data}


def _unsupported(what: str, feature: str) -> SendError:
    return errors.UnsupportedFeature(f"zeptomail {what}", features=(feature,))


def _details(answer: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """
    The code, the target and the words of each detail of an error, that of the whole last.
    """
    error = answer.get("error")
    error = error if isinstance(error, dict) else {}
    details = error.get("details")
    found = [*(details if isinstance(details, list) else ()), error]
    texts = [
        tuple(
            value if isinstance(value, str) else ""
            for value in map(one.get, ("code", "target", "message"))
        )
        for one in found
        if isinstance(one, dict)
    ]
    return [(code, target, text) for code, target, text in texts if CODE.fullmatch(code)]


def _error(response: Response, otherwise: type[SendError] | None = None) -> SendError:
    details = _details(response.json_object())
    kind = otherwise
    for code, target, _ in details:
        known = ERRORS.get(code)
        if code == INVALID_VALUE:
            known = next(kind for place, kind in TARGETS if re.match(place, target))
        if known is not None:
            kind = known
            break
    return classify_http(
        response,
        own_envelope=bool(details),
        code=details[0][0] if details else "",
        kind=kind,
        detail="; ".join(" ".join(filter(None, one[1:])) for one in details),
    )
