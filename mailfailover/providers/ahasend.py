"""
AhaSend, through ``POST /v2/accounts/<account>/messages``.

https://ahasend.com/docs/api-reference/messages/create-conversation (2026-11)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
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
    json_body,
    merge_options,
    reveal,
    rewrite,
    variables,
    verify_standard_webhook,
)
from mailfailover.providers._ahasend_events import read_events

DAY = 86400.0
ACCOUNT = re.compile(r"[A-Za-z0-9-]+")

# AhaSend has no codes, and words that may change: what is not known by them is judged by its
# status. https://ahasend.com/docs/api-reference/errors (2026-11)
WORDS: tuple[tuple[int, str, type[SendError]], ...] = (
    (401, r"account is suspended", errors.AccountSuspended),
    (403, r"domain not found in api key scopes", errors.SenderRefused),
    (403, r"domain is banned", errors.SenderRefused),
)

# Another request with this idempotency key is under way; or it came with another mail, which
# was probably sent. https://ahasend.com/docs/api-reference/idempotency (2026-11)
ATTEMPTED = (409, 422)

# What is said of a recipient whose mail was taken.
# https://ahasend.com/docs/send-api/send-email#response-handling (2026-11)
TAKEN = ("queued", "scheduled")

# A merge is a MiniJinja template: what begins a tag there is no text, and HTML may be escaped
# or not. https://ahasend.com/docs/send-api/send-email#template-variables (2026-11)
TAG = re.compile(r"\{(?=[{%#\0])")
MARK = re.compile(r"\0(\w+)\0")

# Options that would change who gets the mail and who sends it.
RESERVED = {"from", "to", "cc", "bcc", "recipients"}


@dataclass(frozen=True, slots=True, kw_only=True)
class AhaSend:
    """
    Sends through AhaSend.

    The key is made under Credentials, "API Key v2", and may ``messages:send`` for the sender's
    domain. The account's id stands in the account's settings.

    Provider options are laid over the JSON of the call: ``{"retention": {"metadata": 1,
    "data": 0}}``.

    A template goes to a single recipient only, without copies, or as a merge: AhaSend makes a
    mail of its own for each. It gives each mail a Message-ID of its own, and has no metadata.
    Mails to suppressed recipients are accepted: those show in events only.

    Attributes:
        api_key: A key of the API's version 2.

        account_id: The account the key belongs to.

        webhook_secret: Verifies webhooks, ``aha-whsec-...``. Two while it changes.

        base_url: Scheme and host, for a proxy.

    .. versionadded:: 0.1.0
    """

    name: ClassVar[str] = "ahasend"
    userinfo: ClassVar[tuple[str, ...]] = ("api_key", "account_id")

    # https://ahasend.com/docs/api-reference/idempotency (2026-11)
    idempotency_ttl: ClassVar[float] = DAY

    # To, a subject and a body are required. A header is a key of an object; whether it may have
    # variables is unconfirmed. An envelope sender: no such parameter. 100 recipients of a
    # merge; how many a single mail may have is not said.
    # https://ahasend.com/docs/facts (2026-11)
    capabilities: ClassVar[Capabilities] = Capabilities(
        Feature.HTML
        | Feature.REPLY_TO
        | Feature.MULTIPLE_REPLY_TO
        | Feature.HEADERS
        | Feature.ATTACHMENTS
        | Feature.INLINE_IMAGES
        | Feature.TAGS
        | Feature.TRACKING
        | Feature.SEND_AT
        | Feature.TEMPLATES
        | Feature.MERGE,
        max_recipients=100,
        max_merge=100,
        max_bytes=20 * MB,
        max_delay=7 * DAY,
    )

    api_key: str | Callable[[], str] = field(repr=False)
    account_id: str
    webhook_secret: Secrets = field(default="", repr=False)
    base_url: str = "https://api.ahasend.com"

    def __post_init__(self) -> None:
        if not ACCOUNT.fullmatch(self.account_id):
            raise errors.ConfigurationError(
                "account_id of ahasend is no id: copy it from the account's settings"
            )

    def build_request(self, message: Message) -> HTTPRequest:
        """
        Write a mail.

        Raises:
            UnsupportedFeature:
                If a template has several recipients, or its data no template.
        """
        if message.template_id:
            if len(message.recipients) > 1:
                raise _unsupported("makes mails of their own of a template", "max_recipients=1")
            return self._template(message)
        if message.template_data:
            raise _unsupported("fills in the data of a template only in a template", "TEMPLATES")
        fields = {
            "to": [_address(address) for address in message.to],
            "cc": [_address(address) for address in message.cc],
            "bcc": [_address(address) for address in message.bcc],
            "text_content": message.text,
            "html_content": message.html,
        }
        return self._post("messages/conversation", message, fields | {"subject": message.subject})

    def build_batch(self, message: Message) -> HTTPRequest:
        """
        Write a merge as a text with variables, and their values for each recipient.
        """
        if message.template_id:
            return self._template(message)
        recipients = [
            _address(one) | {"substitutions": variables(message, one.email)} for one in message.to
        ]
        fields = {
            "recipients": recipients,
            "subject": _jinja(message.subject),
            "text_content": _jinja(message.text),
            "html_content": _jinja(message.html, html=True),
        }
        return self._post("messages", message, fields)

    def parse_response(self, response: Response, message: Message) -> Accepted:
        outcomes = _outcomes(response, message)
        taken = {email: one for email, one in outcomes.items() if isinstance(one, Accepted)}
        if not taken:
            raise _worst(outcomes.values())
        ids = {email: one.provider_message_id for email, one in taken.items()}
        statuses = {email: _status(one) for email, one in outcomes.items()}
        return Accepted(next(iter(ids.values())), statuses, ids)

    def parse_batch(self, response: Response, message: Message) -> tuple[Accepted | SendError, ...]:
        return tuple(_outcomes(response, message).values())

    def classify_error(self, response: Response, message: Message) -> SendError:
        text = response.json_object().get("message")
        text, status = text if isinstance(text, str) else "", response.status_code
        kinds = (
            kind
            for number, words, kind in WORDS
            if number == status and re.search(words, text, re.IGNORECASE)
        )
        kind = next(kinds, errors.OutcomeUnknown if text and status in ATTEMPTED else None)
        return classify_http(response, own_envelope=bool(text), kind=kind, detail=text)

    def build_ping(self) -> HTTPRequest:
        return HTTPRequest("GET", f"{self.base_url}/v2/ping", self._headers())

    def verify_webhook(self, request: WebhookRequest, fetch: Fetch) -> str:
        # https://ahasend.com/docs/api-reference/webhooks/security (2026-11): the standard's,
        # but for the key, which is the secret as it stands.
        return verify_standard_webhook(request, self.webhook_secret, as_key=str.encode)

    def parse_webhook(self, request: WebhookRequest) -> tuple[DeliveryEvent, ...]:
        return read_events(request)

    def _template(self, message: Message) -> HTTPRequest:
        common = message.template_data
        recipients = [
            _address(one) | {"substitutions": {**common, **message.merge_data.get(one.email, {})}}
            for one in message.to
        ]
        fields = {"recipients": recipients, "template_id": message.template_id}
        return self._post("messages/template", message, fields | {"subject": message.subject})

    def _post(self, path: str, message: Message, fields: Mapping[str, Any]) -> HTTPRequest:
        common = {"from": _address(message.sender), **_common(message)}
        body = {key: value for key, value in {**fields, **common}.items() if value}
        body = merge_options(body, message.options(self.name), reserved=RESERVED)
        headers = self._headers() | {"Content-Type": "application/json"}
        if message.idempotency_key:
            headers["Idempotency-Key"] = message.idempotency_key
        url = f"{self.base_url}/v2/accounts/{self.account_id}/{path}"
        return HTTPRequest("POST", url, headers, json_body(body))

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {reveal(self.api_key)}"}


def _address(address: Address) -> dict[str, Any]:
    if address.name:
        return {"email": address.email, "name": address.name}
    return {"email": address.email}


def _common(message: Message) -> dict[str, Any]:
    """
    What a mail of any kind can have.
    """
    tracking = {"open": message.track_opens, "click": message.track_clicks}
    send_at = message.send_at.astimezone(UTC).isoformat() if message.send_at else ""
    return {
        "reply_to": _address(message.reply_to[0]) if len(message.reply_to) == 1 else None,
        "headers": dict(_headers(message)),
        "attachments": [_file(attachment) for attachment in message.attachments],
        "tags": list(message.tags),
        "tracking": {name: on for name, on in tracking.items() if on is not None},
        "schedule": {"first_attempt": send_at} if send_at else None,
    }


def _headers(message: Message) -> Iterator[tuple[str, str]]:
    for name, value in message.header_items():
        if name.lower() != "message-id":
            yield name, value if value.isascii() else encode_header(value)
    if len(message.reply_to) > 1:  # as a field there is only one
        yield "Reply-To", ", ".join(map(_mailbox, message.reply_to))


def _mailbox(address: Address) -> str:
    if address.name.isascii():
        return str(address)
    return f"{encode_header(address.name)} <{address.email}>"


def _file(attachment: Attachment) -> dict[str, Any]:
    fields = {
        "base64": True,
        "data": attachment.base64(),
        "content_type": attachment.content_type,
        "file_name": attachment.filename,
    }
    if attachment.content_id:
        fields["content_id"] = attachment.content_id
    return fields


def _jinja(text: str, *, html: bool = False) -> str:
    """
    *text* with its variables as MiniJinja's, and nothing else of it read as that.
    """
    marked = rewrite(text, "\0{}\0".format, html=html)
    return MARK.sub(r"{{ \1|safe }}", TAG.sub("{{ '{' }}", marked))


def _unsupported(what: str, feature: str) -> SendError:
    return errors.UnsupportedFeature(f"ahasend {what}", features=(feature,))


def _outcomes(response: Response, message: Message) -> dict[str, Accepted | SendError]:
    """
    What became of each recipient, by his address.
    """
    said = {}
    data = response.json_object().get("data")
    for one in data if isinstance(data, list) else ():
        person = one.get("recipient") if isinstance(one, dict) else None
        if isinstance(person, dict):
            said[str(person.get("email")).lower()] = one
    emails = [address.email for address in message.recipients]
    return {email: _outcome(response, said.get(email.lower(), {})) for email in emails}


def _outcome(response: Response, entry: Mapping[str, Any]) -> Accepted | SendError:
    status, mail_id, text = map(entry.get, ("status", "id", "error"))
    if status == "error":  # for a reason that is told in free words only
        text = text if isinstance(text, str) else ""
        return classify_http(response, kind=errors.RequestRefused, detail=text)
    if status not in TAKEN or not isinstance(mail_id, str) or not mail_id:
        return classify_http(response, kind=errors.OutcomeUnknown, detail="unreadable answer")
    return Accepted(mail_id)


def _status(outcome: Accepted | SendError) -> RecipientStatus:
    if isinstance(outcome, Accepted):
        return RecipientStatus.ACCEPTED
    unknown = isinstance(outcome, errors.OutcomeUnknown)
    return RecipientStatus.UNKNOWN if unknown else RecipientStatus.REFUSED


def _worst(outcomes: Iterable[Accepted | SendError]) -> SendError:
    """
    The error of a mail that nobody got: unknown, where it is that for anybody.
    """
    found = [one for one in outcomes if isinstance(one, SendError)]
    return next((one for one in found if isinstance(one, errors.OutcomeUnknown)), found[0])
