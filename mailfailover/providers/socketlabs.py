"""
SocketLabs, through the Injection API, ``POST /api/v1/email``.

https://help.socketlabs.com/docs/email/v2/injection-api, and the vendor's own clients (2026-11)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from mailfailover import errors, plugin
from mailfailover.plugin import Feature
from mailfailover.providers._socketlabs_events import read_events, verify

# Keys of today go into a header, those of before into the body; the vendor's clients tell them
# apart by their form (2026-11).
NEW_KEY = re.compile(r"[^.]{20}\.[^.]{40}")

# SendResult of the vendor's clients, and its Injection API Guide of 2014 (2026-11).
ERRORS = plugin.Errors(
    {
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
)

# Of the mail, where some of its recipients are not taken.
SENT = {"", "Success", "Warning", "InvalidAddress"}

# What a call with nothing to send is refused for by whoever knows its key.
NO_MESSAGES = "NoMessages"

# A field is written %%Name%%, and only in a merge: elsewhere these are words like others.
READ_BY_SOCKETLABS = re.compile(r"%%|%(?=\0)|(?<=\0)%")
MARKED = re.compile(r"\0(\w+)\0")

# What says who gets a merge.
RESERVED = {"mergeData"}

ADDRESS = plugin.AddressFields("emailAddress", "friendlyName")
FILE = plugin.FileFields("name", "content", "contentType", "contentId")


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
    maturity: ClassVar[str] = "stable"
    unconfirmed: ClassVar[tuple[str, ...]] = (
        "repeated headers",
        "how large a mail may be",
    )

    # To, a subject and a body are required. 50 recipients by the vendor's clients; how large a
    # mail may be: not documented. Tracking, a time to send at, an envelope sender: no such
    # parameters. Repeated headers: unconfirmed.
    capabilities: ClassVar[plugin.Capabilities] = plugin.Capabilities(
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
    webhook_retries: ClassVar[plugin.WebhookRetries] = plugin.WebhookRetries(
        statuses=plugin.ONLY_5XX
    )

    api_key: plugin.Secret = field(repr=False)
    server_id: str
    webhook_secret: plugin.Secrets = field(default="", repr=False)
    base_url: str = "https://inject.socketlabs.com"

    def build_request(self, message: plugin.Message) -> plugin.HTTPRequest:
        body = {
            "to": ADDRESS.all(message.to),
            "cc": ADDRESS.all(message.cc),
            "bcc": ADDRESS.all(message.bcc),
            "subject": message.subject,
            "textBody": message.text,
            "htmlBody": message.html,
            "customHeaders": _pairs("name", plugin.own_headers(message, encoded=True)),
        }
        return self._send(message, body)

    def build_batch(self, message: plugin.Message) -> plugin.HTTPRequest:
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
        mails = [plugin.for_recipient(empty, address) for address in message.to]
        # Whether it tells names apart by their case is not documented: ours are numbers.
        fields: dict[str, str] = {}
        rows = []
        for address, mail in zip(message.to, mails, strict=True):
            row = {"DeliveryAddress": address.email, "RecipientName": _checked(address.name)}
            values = {**plugin.variables(message, address.email), **_header_values(mail)}
            for name, value in values.items():
                row[fields.setdefault(name, f"Field{len(fields)}")] = _checked(value)
            rows.append(_pairs("field", row))
        body = {
            "to": [{"emailAddress": "%%DeliveryAddress%%", "friendlyName": "%%RecipientName%%"}],
            "subject": _written(message.subject, fields),
            "textBody": _written(message.text, fields),
            "htmlBody": _written(message.html, fields, html=True),
            "customHeaders": [
                {"name": name, "value": f"%%{fields[f':{name}']}%%"}
                for name in plugin.own_headers(mails[0])
            ],
            "mergeData": {"perMessage": rows},
        }
        return self._send(message, body)

    def parse_response(self, response: plugin.Response, message: plugin.Message) -> plugin.Accepted:
        refused = _refused(response)
        emails = {address.email.lower(): address.email for address in message.recipients}
        if refused and refused >= emails.keys():
            raise _error(response, "InvalidAddress")
        receipt = response.json_object().get("TransactionReceipt")
        if not isinstance(receipt, str):
            raise plugin.unreadable(response)
        statuses = {
            email: plugin.RecipientStatus.INVALID for key, email in emails.items() if key in refused
        }
        if not refused <= emails.keys():  # somebody is refused, but who?
            statuses = dict.fromkeys(emails.values(), plugin.RecipientStatus.UNKNOWN) | statuses
        return plugin.Accepted(receipt, statuses)

    def parse_batch(self, response: plugin.Response, message: plugin.Message) -> plugin.Outcomes:
        whole = self.parse_response(response, message)
        found: list[plugin.Accepted | errors.SendError] = []
        for address in message.to:
            status = whole.recipients.get(address.email)
            if status is plugin.RecipientStatus.INVALID:
                found.append(_error(response, "InvalidAddress"))
            else:
                statuses = {address.email: status} if status else {}
                found.append(plugin.Accepted(whole.provider_message_id, statuses))
        return tuple(found)

    def classify_error(
        self, response: plugin.Response, message: plugin.Message
    ) -> errors.SendError:
        code, _, _ = _said(response.json_object())
        return _error(response, code)

    def build_ping(self) -> plugin.HTTPRequest:
        """
        Send no mails.
        """
        return self._post([])

    def parse_ping(self, response: plugin.Response) -> None:
        code, _, _ = _said(response.json_object())
        if code != NO_MESSAGES:
            raise _error(response, code)

    def verify_webhook(self, request: plugin.WebhookRequest, fetch: plugin.Fetch) -> str:
        # Nothing is signed: each event brings the secret along.
        # https://help.socketlabs.com/docs/event-webhooks-authentication-and-access (2026-11)
        verify(request, self.webhook_secret)
        return ""

    def parse_webhook(self, request: plugin.WebhookRequest) -> tuple[plugin.DeliveryEvent, ...]:
        return read_events(request)

    def _send(self, message: plugin.Message, body: Mapping[str, Any]) -> plugin.HTTPRequest:
        fields = {
            "from": ADDRESS.one(message.sender),
            "replyTo": ADDRESS.first(message.reply_to),
            **body,
            "attachments": FILE.all(message),
            "tags": message.tags,
            "metadata": _pairs("key", message.metadata),
            "messageId": message.id,
        }
        mail = plugin.filled(fields)
        return self._post(
            [plugin.merge_options(mail, message.options(self.name), reserved=RESERVED)]
        )

    def _post(self, messages: list[dict[str, Any]]) -> plugin.HTTPRequest:
        key = plugin.reveal(self.api_key)
        headers = {"Accept": "application/json"}
        body: dict[str, Any] = {"serverId": self.server_id, "messages": messages}
        if NEW_KEY.fullmatch(key):
            headers["Authorization"] = f"Bearer {key}"
        else:
            body["apiKey"] = key
        return plugin.post_json(f"{self.base_url}/api/v1/email", headers, body)


def _pairs(key: str, values: Mapping[str, str]) -> list[dict[str, str]]:
    return [{key: name, "value": value} for name, value in values.items()]


def _header_values(message: plugin.Message) -> dict[str, str]:
    # No name of a variable has a colon.
    return {f":{name}": value for name, value in plugin.own_headers(message, encoded=True).items()}


def _checked(text: str) -> str:
    if READ_BY_SOCKETLABS.search(text):
        text = "socketlabs takes no merge with %% in it, which marks a field there"
        raise plugin.unsupported(text, "MERGE")
    return text


def _written(text: str, fields: Mapping[str, str], *, html: bool = False) -> str:
    # No text contains NUL, so it can mark our variables meanwhile.
    text = _checked(plugin.rewrite(text, lambda name: f"\0{name}\0", html=html))
    return MARKED.sub(lambda found: f"%%{fields[found[1]]}%%", text)


def _said(answer: Mapping[str, Any]) -> tuple[str, str, list[dict[str, Any]]]:
    """
    The code of the call, that of its only mail, and what became of addresses.
    """
    result = next(iter(plugin.as_objects(answer.get("MessageResults"))), {})
    code, mail = (plugin.as_code(one.get("ErrorCode")) for one in (answer, result))
    return code, mail, plugin.as_objects(result.get("AddressResults"))


def _refused(response: plugin.Response) -> set[str]:
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


def _error(response: plugin.Response, code: str) -> errors.SendError:
    # Of a success nothing was sent; what an unknown code means nobody knows.
    unknown = errors.OutcomeUnknown if response.ok else None
    return ERRORS.classify(response, [plugin.Problem(code)] if code else (), otherwise=unknown)
