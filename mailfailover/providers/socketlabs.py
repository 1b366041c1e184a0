"""
SocketLabs, through the Injection API, ``POST /api/v1/email``.

https://help.socketlabs.com/docs/email/v2/injection-api, and the vendor's own clients (2026-11)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from mailfailover import errors
from mailfailover.errors import SendError
from mailfailover.plugin import (
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
    as_text,
    check_secret,
    classify_http,
    encode_header,
    for_recipient,
    json_body,
    merge_options,
    reveal,
    reveal_all,
    rewrite,
    variables,
)
from mailfailover.providers._socketlabs_events import SECRET, read_events

# Keys of today go into a header, those of before into the body; the vendor's clients tell them
# apart by their form (2026-11).
NEW_KEY = re.compile(r"[^.]{20}\.[^.]{40}")

# SendResult of the vendor's clients, and its Injection API Guide of 2014 (2026-11).
ERRORS: Mapping[str, type[SendError]] = {
    "AccountDisabled": errors.AccountSuspended,
    "EmptyMessage": errors.UnsupportedFeature,
    "EmptySubject": errors.UnsupportedFeature,
    "EmptyToAddress": errors.UnsupportedFeature,
    "InternalError": errors.ProviderUnavailable,
    "InvalidAddress": errors.RecipientRejected,
    "InvalidAttachment": errors.UnsupportedFeature,
    "InvalidAuthentication": errors.AuthenticationFailed,
    "InvalidData": errors.RequestRefused,
    "InvalidFrom": errors.SenderRefused,
    "InvalidMergeData": errors.UnsupportedFeature,
    "InvalidTemplateId": errors.UnsupportedFeature,
    "MessageBodyConflict": errors.UnsupportedFeature,
    "MessageTooLarge": errors.UnsupportedFeature,
    "MetadataOrTagsAreTooLarge": errors.UnsupportedFeature,
    "NoMessages": errors.RequestRefused,
    "NoValidBodyParts": errors.UnsupportedFeature,
    "NoValidRecipients": errors.RecipientRejected,
    "OverQuota": errors.QuotaExceeded,
    "TemplateHasNoContent": errors.UnsupportedFeature,
    "Timeout": errors.OutcomeUnknown,
    "TooManyErrors": errors.RequestRefused,
    "TooManyMessages": errors.UnsupportedFeature,
    "TooManyRecipients": errors.UnsupportedFeature,
    "UnknownError": errors.OutcomeUnknown,
}
CODE = re.compile(r"\w+")

# Of the mail, where some of its recipients are not taken.
SENT = {"", "Success", "Warning", "InvalidAddress"}

# What a call with nothing to send is refused for by whoever knows its key.
NO_MESSAGES = "NoMessages"

# A field is written %%Name%%, and only in a merge: elsewhere these are words like others.
READ_BY_SOCKETLABS = re.compile(r"%%|%(?=\0)|(?<=\0)%")
MARKED = re.compile(r"\0(\w+)\0")

# Options that would change who gets the mail and who sends it.
RESERVED = {"from", "to", "cc", "bcc", "mergeData"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SocketLabs:
    """
    Sends through SocketLabs.

    The key stands in the control panel under "Injection API", beside the number of the server.

    Provider options are laid over the JSON of the mail: ``{"mailingId": "newsletter-1"}``. The
    mail's id goes out as its ``messageId``, which webhooks bring back.

    It gives each mail a Message-ID of its own. Headers that are not ASCII are encoded here.
    Stored templates are filled in for merges only, so that they are none of its features here.
    A merge with two percent signs in its texts or data is refused, as these mark a field.

    ``build_ping`` sends no mails, which is refused: a key may do nothing else.

    Attributes:
        api_key: A key for the Injection API.

        server_id: The number of the server that the key belongs to.

        webhook_secret:
            The secret key of an event webhook, which each event brings along. Two while it
            changes.

        base_url: Scheme and host, for a proxy or another gateway.

    .. versionadded:: 0.1.0
    """

    name: ClassVar[str] = "socketlabs"
    userinfo: ClassVar[tuple[str, ...]] = ("api_key", "server_id")

    # To, a subject and a body are required. 50 recipients by the vendor's clients; how large a
    # mail may be: not documented. Tracking, a time to send at, an envelope sender: no such
    # parameters. Repeated headers: unconfirmed.
    capabilities: ClassVar[Capabilities] = Capabilities(
        Feature.HTML
        | Feature.REPLY_TO
        | Feature.HEADERS
        | Feature.ATTACHMENTS
        | Feature.INLINE_IMAGES
        | Feature.TAGS
        | Feature.METADATA
        | Feature.MERGE
        | Feature.MERGE_HEADERS,
        max_recipients=50,
        max_merge=50,
    )

    api_key: str | Callable[[], str] = field(repr=False)
    server_id: str
    webhook_secret: Secrets = field(default="", repr=False)
    base_url: str = "https://inject.socketlabs.com"

    def build_request(self, message: Message) -> HTTPRequest:
        body = {
            "to": _addresses(message.to),
            "cc": _addresses(message.cc),
            "bcc": _addresses(message.bcc),
            "subject": message.subject,
            "textBody": message.text,
            "htmlBody": message.html,
            "customHeaders": _pairs("name", _headers(message)),
        }
        return self._send(message, body)

    def build_batch(self, message: Message) -> HTTPRequest:
        """
        Write a merge as one mail with fields for each recipient.

        Raises:
            UnsupportedFeature: If a text or its data have what SocketLabs reads as a field.
        """
        for shared in (message.sender, *message.reply_to, *message.tags):
            _checked(str(shared))
        for value in message.metadata.values():
            _checked(value)
        empty = message.bound(text="", html="", subject="")
        mails = [for_recipient(empty, address) for address in message.to]
        # Whether it tells names apart by their case is not documented: ours are numbers.
        fields: dict[str, str] = {}
        rows = []
        for address, mail in zip(message.to, mails, strict=True):
            row = {"DeliveryAddress": address.email, "RecipientName": _checked(address.name)}
            values = {**variables(message, address.email), **_header_values(mail)}
            for name, value in values.items():
                row[fields.setdefault(name, f"Field{len(fields)}")] = _checked(value)
            rows.append(_pairs("field", row))
        body = {
            "to": [{"emailAddress": "%%DeliveryAddress%%", "friendlyName": "%%RecipientName%%"}],
            "subject": _written(message.subject, fields),
            "textBody": _written(message.text, fields),
            "htmlBody": _written(message.html, fields, html=True),
            "customHeaders": [
                {"name": name, "value": f"%%{fields[f':{name}']}%%"} for name in _headers(mails[0])
            ],
            "mergeData": {"perMessage": rows},
        }
        return self._send(message, body)

    def parse_response(self, response: Response, message: Message) -> Accepted:
        refused = _refused(response)
        emails = {address.email.lower(): address.email for address in message.recipients}
        if refused and refused >= emails.keys():
            raise _error(response, "InvalidAddress")
        receipt = response.json_object().get("TransactionReceipt")
        if not isinstance(receipt, str):
            raise classify_http(response, kind=errors.OutcomeUnknown, detail="unreadable answer")
        statuses = {
            email: RecipientStatus.INVALID for key, email in emails.items() if key in refused
        }
        if not refused <= emails.keys():  # somebody is refused, but who?
            statuses = dict.fromkeys(emails.values(), RecipientStatus.UNKNOWN) | statuses
        return Accepted(receipt, statuses)

    def parse_batch(self, response: Response, message: Message) -> tuple[Accepted | SendError, ...]:
        whole = self.parse_response(response, message)
        found: list[Accepted | SendError] = []
        for address in message.to:
            status = whole.recipients.get(address.email)
            if status is RecipientStatus.INVALID:
                found.append(_error(response, "InvalidAddress"))
            else:
                statuses = {address.email: status} if status else {}
                found.append(Accepted(whole.provider_message_id, statuses))
        return tuple(found)

    def classify_error(self, response: Response, message: Message) -> SendError:
        code, _, _ = _said(response.json_object())
        return _error(response, code)

    def build_ping(self) -> HTTPRequest:
        """
        Send no mails.
        """
        return self._post([])

    def parse_ping(self, response: Response) -> None:
        code, _, _ = _said(response.json_object())
        if code != NO_MESSAGES:
            raise _error(response, code)

    def verify_webhook(self, request: WebhookRequest, fetch: Fetch) -> str:
        # Nothing is signed: each event brings the secret along.
        # https://help.socketlabs.com/docs/event-webhooks-authentication-and-access (2026-11)
        known = reveal_all(self.webhook_secret)
        found = [as_text(one.get(SECRET)) for one in request.json_objects()]
        if not found or not all(check_secret(one, known) for one in found):
            raise errors.InvalidSignature(
                "the secret key of the webhook is not one that is configured for this provider"
            )
        return ""

    def parse_webhook(self, request: WebhookRequest) -> tuple[DeliveryEvent, ...]:
        return read_events(request)

    def _send(self, message: Message, body: Mapping[str, Any]) -> HTTPRequest:
        fields = {
            "from": _address(message.sender),
            "replyTo": next(map(_address, message.reply_to), {}),
            **body,
            "attachments": [_file(one) for one in message.attachments],
            "tags": message.tags,
            "meta": _pairs("key", message.metadata),
            "messageId": message.id,
        }
        mail = {name: value for name, value in fields.items() if value}
        return self._post([merge_options(mail, message.options(self.name), reserved=RESERVED)])

    def _post(self, messages: list[dict[str, Any]]) -> HTTPRequest:
        key = reveal(self.api_key)
        headers = {"Accept": "application/json", "Content-Type": "application/json"}
        body: dict[str, Any] = {"serverId": self.server_id, "messages": messages}
        if NEW_KEY.fullmatch(key):
            headers["Authorization"] = f"Bearer {key}"
        else:
            body["apiKey"] = key
        return HTTPRequest("POST", f"{self.base_url}/api/v1/email", headers, json_body(body))


def _address(address: Address) -> dict[str, str]:
    if address.name:
        return {"emailAddress": address.email, "friendlyName": address.name}
    return {"emailAddress": address.email}


def _addresses(addresses: tuple[Address, ...]) -> list[dict[str, str]]:
    return [_address(one) for one in addresses]


def _pairs(key: str, values: Mapping[str, str]) -> list[dict[str, str]]:
    return [{key: name, "value": value} for name, value in values.items()]


def _file(attachment: Attachment) -> dict[str, Any]:
    fields = {
        "name": attachment.filename,
        "contentType": attachment.content_type,
        "content": attachment.base64(),
    }
    return fields | ({"contentId": attachment.content_id} if attachment.content_id else {})


def _headers(message: Message) -> dict[str, str]:
    return {
        name: value if value.isascii() else encode_header(value)
        for name, value in message.header_items()
        if name.lower() != "message-id"
    }


def _header_values(message: Message) -> dict[str, str]:
    # No name of a variable has a colon.
    return {f":{name}": value for name, value in _headers(message).items()}


def _checked(text: str) -> str:
    if READ_BY_SOCKETLABS.search(text):
        text = "socketlabs takes no merge with %% in it, which marks a field there"
        raise errors.UnsupportedFeature(text, features=("MERGE",))
    return text


def _written(text: str, fields: Mapping[str, str], *, html: bool = False) -> str:
    # No text contains NUL, so it can mark our variables meanwhile.
    text = _checked(rewrite(text, lambda name: f"\0{name}\0", html=html))
    return MARKED.sub(lambda found: f"%%{fields[found[1]]}%%", text)


def _said(answer: Mapping[str, Any]) -> tuple[str, str, list[dict[str, Any]]]:
    """
    The code of the call, that of its only mail, and what became of addresses.
    """
    results = answer.get("MessageResults")
    result = results[0] if isinstance(results, list) and results else {}
    result = result if isinstance(result, dict) else {}
    addresses = result.get("AddressResults")
    code, mail = (
        one if isinstance(one, str) and CODE.fullmatch(one) else ""
        for one in (answer.get("ErrorCode"), result.get("ErrorCode"))
    )
    found = [
        one for one in (addresses if isinstance(addresses, list) else ()) if isinstance(one, dict)
    ]
    return code, mail, found


def _refused(response: Response) -> set[str]:
    """
    The addresses that get nothing, in lower case.

    Raises:
        SendError: If nobody gets anything, or it cannot be read.
    """
    code, mail, addresses = _said(response.json_object())
    if code not in ("Success", "Warning"):
        raise _error(response, code)
    if mail not in SENT:
        raise _error(response, mail)
    if mail == "InvalidAddress" and not addresses:  # who was left out, and was anybody?
        raise _error(response, "UnknownError")
    return {
        str(one.get("EmailAddress")).lower() for one in addresses if one.get("Accepted") is False
    }


def _error(response: Response, code: str) -> SendError:
    kind = ERRORS.get(code)
    if response.ok:  # nothing was sent; what an unknown code means nobody knows
        return classify_http(response, code=code, kind=kind or errors.OutcomeUnknown)
    return classify_http(response, own_envelope=bool(code), code=code, kind=kind)
