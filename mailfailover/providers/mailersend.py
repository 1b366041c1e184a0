"""
MailerSend, through ``POST /v1/email``.

https://developers.mailersend.com/api/v1/email (2026-11)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
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
    WrittenJSON,
    classify_http,
    for_recipient,
    json_body,
    merge_options,
    reveal,
    verify_hmac,
)
from mailfailover.providers._mailersend_events import read_events

HOUR = 3600.0

# The code stands at the end of a text, and the text at the field at fault; the first that
# matches counts. What is not here is judged by its status.
# https://developers.mailersend.com/general#validation-errors (2026-11); what the codes of
# quotas, limits and plans mean is unconfirmed beyond that.
ERRORS: tuple[tuple[str, str, type[SendError]], ...] = (
    ("42207", r"", errors.SenderRefused),  # the domain is not verified
    ("42208", r"^from\b", errors.SenderRefused),  # not an email address
    ("42208", r"\b(to|cc|bcc)\.\d+\.email$", errors.RecipientRejected),
    ("42204", r"", errors.QuotaExceeded),
    ("42222", r"", errors.QuotaExceeded),
    ("42225", r"", errors.QuotaExceeded),  # recipients of a trial
    ("42901", r"", errors.QuotaExceeded),  # calls of a day
    ("42205", r"", errors.UnsupportedFeature),  # limits
    ("42206", r"", errors.UnsupportedFeature),
    ("42210", r"", errors.UnsupportedFeature),
    ("42209", r"^subject$", errors.UnsupportedFeature),  # required
    ("42211", r"", errors.UnsupportedFeature),  # text, HTML or a template is required
    ("42216", r"", errors.UnsupportedFeature),  # not in this plan
)
CODE = re.compile(r"#MS(\d{5})\b")
RECIPIENT = re.compile(r"(to|cc|bcc)\.(\d+)\.email")

MAINTENANCE = 421

# https://developers.mailersend.com/api/v1/email#suppressed-recipients (2026-11): said with a
# status of success and without a message id.
ALL_SUPPRESSED = "ALL_SUPPRESSED"

# https://developers.mailersend.com/api/v1/email#request-parameters (2026-11)
MAX_COPIES = 10
MAX_TAGS = 5
OWN_TAG = "mailfailover-id-"
NOT_IN_NAMES = re.compile("[,;]")

# Type of a file about which nothing is known.
OCTETS = "application/octet-stream"

# Options that would change who gets the mail and who sends it.
RESERVED = {"from", "to", "cc", "bcc"}


@dataclass(frozen=True, slots=True, kw_only=True)
class MailerSend:
    """
    Sends through MailerSend.

    The token is made at a domain in MailerSend's console, and sends for that domain only.

    Provider options are laid over the JSON of each mail: ``{"precedence_bulk": True,
    "settings": {"track_content": False}}``.

    MailerSend has no metadata, so our id goes along as a tag where there is room for one more.
    It takes custom headers from Enterprise accounts only, and makes the Message-ID itself. It
    tells the type of a file by its name: a file whose type is another is refused here, and so
    is a recipient whose name has a comma or a semicolon, and more than ten addresses in cc or
    in bcc. It fills in ``{{name}}`` in a text by itself, and a sender set in a template takes
    the place of the mail's.

    A merge goes through its bulk call, which looks at the mails later: what it refuses then,
    for example an unverified sender, is not told in the answer.

    Attributes:
        api_token: A token that may send mail.

        webhook_secret: Verifies webhooks; each of MailerSend's webhooks has its own.

        base_url: Scheme and host, for a proxy.

    .. versionadded:: 0.1.0
    """

    name: ClassVar[str] = "mailersend"
    userinfo: ClassVar[tuple[str, ...]] = ("api_token",)

    # Subject, a body and To are required. Repeated headers: unconfirmed.
    capabilities: ClassVar[Capabilities] = Capabilities(
        Feature.HTML
        | Feature.REPLY_TO
        | Feature.HEADERS
        | Feature.ATTACHMENTS
        | Feature.INLINE_IMAGES
        | Feature.TAGS
        | Feature.TRACKING
        | Feature.SEND_AT
        | Feature.TEMPLATES
        | Feature.MERGE
        | Feature.MERGE_HEADERS
        | Feature.MERGE_UNEVEN_HEADERS,
        max_tags=MAX_TAGS,
        max_recipients=50,
        max_merge=500,
        max_bytes=25 * MB,
        max_delay=72 * HOUR,
    )

    api_token: str | Callable[[], str] = field(repr=False)
    webhook_secret: Secrets = field(default="", repr=False)
    base_url: str = "https://api.mailersend.com"

    def build_request(self, message: Message) -> HTTPRequest:
        """
        Write a mail.

        Raises:
            UnsupportedFeature:
                If a file's name does not fit its type, a recipient's name has a comma or a
                semicolon, or there are too many in cc or bcc.
        """
        return self._post("email", self._mail(message))

    def build_batch(self, message: Message) -> HTTPRequest:
        """
        Write a merge as a list of mails, filled in here.

        Raises:
            UnsupportedFeature: As ``build_request``.
        """
        mails = (self._mail(for_recipient(message, address)) for address in message.to)
        return self._post("bulk-email", WrittenJSON.of_items(mails))

    def parse_response(self, response: Response, message: Message) -> Accepted:
        # Without a warning the body is empty; the id stands in a header.
        answer = response.json_object()
        suppressed = _suppressed(answer, message.recipients)
        if mail_id := response.headers.get("x-message-id"):
            return Accepted(mail_id, dict.fromkeys(suppressed, RecipientStatus.SUPPRESSED))
        if ALL_SUPPRESSED in (warning.get("type") for warning in _warnings(answer)):
            error = classify_http(response, kind=errors.RecipientSuppressed, code=ALL_SUPPRESSED)
            error.recipients = suppressed
            raise error
        raise _unreadable(response)

    def parse_batch(self, response: Response, message: Message) -> tuple[Accepted | SendError, ...]:
        bulk_id = response.json_object().get("bulk_email_id")
        if not isinstance(bulk_id, str) or not bulk_id:
            raise _unreadable(response)
        return tuple(
            Accepted(bulk_id, {address.email: RecipientStatus.QUEUED}) for address in message.to
        )

    def classify_error(self, response: Response, message: Message) -> SendError:
        answer = response.json_object()
        text = answer.get("message")
        if not isinstance(text, str):
            return classify_http(response)
        code, place, kind, text = _find(answer, text)
        if kind is None and response.status_code == MAINTENANCE:
            kind = errors.ProviderUnavailable
        error = classify_http(response, own_envelope=True, code=code, kind=kind, detail=text)
        if isinstance(error, errors.RecipientRejected):
            error.recipients = _named(place, message)
        if isinstance(error, errors.QuotaExceeded):
            error.until = _reset(response)
        return error

    def build_ping(self) -> HTTPRequest:
        return HTTPRequest("GET", f"{self.base_url}/v1/api-quota", self._headers())

    def verify_webhook(self, request: WebhookRequest, fetch: Fetch) -> str:
        # https://developers.mailersend.com/api/v1/webhooks.html#security (2026-11)
        signature = request.header("signature")
        verify_hmac(signature, self.webhook_secret, request.body)
        return signature  # of the body alone: the same in each repetition

    def parse_webhook(self, request: WebhookRequest) -> tuple[DeliveryEvent, ...]:
        return read_events(request, OWN_TAG)

    def _mail(self, message: Message) -> dict[str, Any]:
        if max(len(message.cc), len(message.bcc)) > MAX_COPIES:
            raise _unsupported("takes no more than 10 in cc or bcc", f"max_recipients={MAX_COPIES}")
        tracking = {"track_opens": message.track_opens, "track_clicks": message.track_clicks}
        fields = {
            "from": _address(message.sender),
            "to": [_recipient(address) for address in message.to],
            "cc": [_recipient(address) for address in message.cc],
            "bcc": [_recipient(address) for address in message.bcc],
            "reply_to": _address(message.reply_to[0]) if message.reply_to else None,
            "subject": message.subject,
            "text": message.text,
            "html": message.html,
            "attachments": [_file(attachment) for attachment in message.attachments],
            "template_id": message.template_id,
            "personalization": [
                {"email": address.email, "data": message.template_data}
                for address in message.to
                if message.template_data
            ],
            "tags": _tags(message),
            "settings": {name: on for name, on in tracking.items() if on is not None},
            "send_at": int(message.send_at.timestamp()) if message.send_at else None,
            "headers": [
                {"name": name, "value": value}
                for name, value in message.header_items()
                if name.lower() != "message-id"
            ],
        }
        body = {key: value for key, value in fields.items() if value}
        return merge_options(body, message.options(self.name), reserved=RESERVED)

    def _post(self, path: str, body: object) -> HTTPRequest:
        headers = self._headers() | {"Content-Type": "application/json"}
        return HTTPRequest("POST", f"{self.base_url}/v1/{path}", headers, json_body(body))

    def _headers(self) -> dict[str, str]:
        return {
            "Accept": "application/json",
            "Authorization": f"Bearer {reveal(self.api_token)}",
        }


def _tags(message: Message) -> tuple[str, ...]:
    if len(message.tags) >= MAX_TAGS:
        return message.tags
    return *message.tags, OWN_TAG + message.id


def _address(address: Address) -> dict[str, str]:
    if address.name:
        return {"email": address.email, "name": address.name}
    return {"email": address.email}


def _recipient(address: Address) -> dict[str, str]:
    if NOT_IN_NAMES.search(address.name):
        raise _unsupported("takes no ',' or ';' in a recipient's name", "ADDRESS_NAME")
    return _address(address)


def _file(attachment: Attachment) -> dict[str, Any]:
    kind = attachment.content_type.partition(";")[0].strip().lower()
    if kind not in (OCTETS, Attachment(attachment.filename, b"").content_type):
        raise _unsupported("takes no file whose name does not fit its type", "ATTACHMENTS")
    fields = {
        "filename": attachment.filename,
        "content": attachment.base64(),
        "disposition": "attachment",
    }
    if attachment.content_id:
        fields |= {"disposition": "inline", "id": attachment.content_id}
    return fields


def _unsupported(what: str, feature: str) -> SendError:
    return errors.UnsupportedFeature(f"mailersend {what}", features=(feature,))


def _unreadable(response: Response) -> SendError:
    return classify_http(response, kind=errors.OutcomeUnknown, detail="unreadable answer")


def _dicts(value: object) -> Iterator[dict[str, Any]]:
    if isinstance(value, list):
        yield from (one for one in value if isinstance(one, dict))


def _warnings(answer: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    return _dicts(answer.get("warnings"))


def _suppressed(answer: Mapping[str, Any], recipients: Iterable[Address]) -> tuple[str, ...]:
    """
    Those of *recipients* whom a warning names, for whatever reason.
    """
    named = {
        str(entry.get("email")).lower()
        for warning in _warnings(answer)
        for entry in _dicts(warning.get("recipients"))
    }
    return tuple(one.email for one in recipients if one.email.lower() in named)


def _problems(answer: Mapping[str, Any], text: str) -> Iterator[tuple[str, str]]:
    """
    Yield the place in our request, "" for none, and what is said of it.
    """
    found = answer.get("errors")
    for place, texts in found.items() if isinstance(found, dict) else ():
        if isinstance(texts, list):
            yield from ((place, one) for one in texts if isinstance(one, str))
    yield "", text


def _find(answer: Mapping[str, Any], text: str) -> tuple[str, str, type[SendError] | None, str]:
    """
    The code, place, meaning and words of the problem that ERRORS names first.
    """
    problems = list(_problems(answer, text))
    for code, where, kind in ERRORS:
        for place, said in problems:
            if code in CODE.findall(said) and re.search(where, place):
                return code, place, kind, said
    code = next(iter(CODE.findall(text)), "")
    return code, "", None, text


def _named(place: str, message: Message) -> tuple[str, ...]:
    """
    The address at a place such as ``to.2.email`` of our request.
    """
    found = RECIPIENT.fullmatch(place)
    if not found or message.is_merge:
        return ()
    addresses = {"to": message.to, "cc": message.cc, "bcc": message.bcc}[found[1]]
    return tuple(one.email for one in addresses[int(found[2]) :][:1])


def _reset(response: Response) -> datetime | None:
    """
    When the quota of calls is renewed, where the answer says so.
    """
    try:
        until = datetime.fromisoformat(response.headers.get("x-apiquota-reset", ""))
    except ValueError:
        return None
    return until if until.tzinfo else until.replace(tzinfo=UTC)
