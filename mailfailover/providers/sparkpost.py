"""
SparkPost (Bird), through ``POST /api/v1/transmissions``.

https://developers.sparkpost.com/api/transmissions/ (2026-11)
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
    WrittenJSON,
    all_variables,
    classify_http,
    for_recipient,
    json_body,
    merge_options,
    reveal,
    rewrite,
    verify_basic_auth,
)
from mailfailover.providers._sparkpost_events import read_events

# https://developers.sparkpost.com/api/#header-endpoints (2026-11)
HOSTS = {"us": "https://api.sparkpost.com", "eu": "https://api.eu.sparkpost.com"}

HOUR = 3600.0

# By status ("" for any), code and words; the first that matches counts. The codes of
# idempotency are used elsewhere too, so only the status tells them apart.
# https://support.sparkpost.com/docs/tech-resources/extended-error-codes (2026-11); for
# idempotency github.com/SparkPost/developers.sparkpost.com/pull/590 (2026-08). What the words
# name is unconfirmed.
ERRORS: tuple[tuple[str, str, str, type[SendError]], ...] = (
    ("409", r"160[01]", r"", errors.OutcomeUnknown),  # in progress, or seen with another body
    ("403", r"1601", r"", errors.AccountSuspended),  # no licence
    ("404", r"1600", r"", errors.UnsupportedFeature),  # no such template
    ("420", r".*", r"", errors.QuotaExceeded),  # nothing at all was sent
    ("", r"210[1235]", r"", errors.QuotaExceeded),
    ("", r"700[01]", r"", errors.SenderRefused),  # a blocked or an unconfigured domain
    ("", r"1502", r"", errors.ProviderUnavailable),  # "retry later", with status 400
    ("", r"1902", r"", errors.RecipientSuppressed),
    ("", r"1901|30[012]\d", r"", errors.UnsupportedFeature),  # a template that cannot be filled in
    ("", r"5002", r"", errors.RecipientRejected),  # no valid recipient
    ("", r"1[34]00", r"\baddress\.email\b", errors.RecipientRejected),
    ("", r"1[34]00", r"\b(content\.|header_)from\b", errors.SenderRefused),
)
CODE = re.compile(r"\d{1,6}")

MAIL_ID = "mailfailover-id"

# https://developers.sparkpost.com/api/template-language/ (2026-11): three braces keep a value
# as it is, and a value is not looked into. Our names have a prefix, as some are forbidden.
BRACES = {"mf_open": "{", "mf_close": "}"}
LITERALS = {"{": "{{{mf_open}}}", "}": "{{{mf_close}}}"}
READ_BY_SPARKPOST = re.compile(r"[{}]{2,}|[{}](?=\0)|(?<=\0)[{}]")
MARKED = re.compile(r"\0(\w+)\0")

# Options that would change who gets the mail and who sends it.
RESERVED = {"recipients", "content.from"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SparkPost:
    """
    Sends through SparkPost.

    A key that may write transmissions is made under "API Keys" in SparkPost's console.

    Provider options are laid over the JSON of the call: ``{"options": {"ip_pool": "main"},
    "description": "Orders"}``. A mail whose *stream* is not ``"transactional"`` goes out as a
    non-transactional one.

    A stored template brings its own sender, subject and headers: a mail that has a subject, a
    Reply-To, cc, headers or attachments as well is refused. Outside of Enterprise accounts
    only the domain of *envelope_from* is kept.

    Where only some recipients are accepted, SparkPost gives their number and not their names:
    all of them are then reported as unknown. Suppressed addresses show in events only.

    Attributes:
        api_key: A key that may write transmissions.

        region: Where the account is, ``"us"`` or ``"eu"``.

        webhook_username: Expected of webhooks, by HTTP basic authentication.

        webhook_password: The same.

        base_url: Scheme and host, for a proxy; that of *region* where empty.

    .. versionadded:: 0.1.0
    """

    name: ClassVar[str] = "sparkpost"
    userinfo: ClassVar[tuple[str, ...]] = ("api_key",)
    idempotency_ttl: ClassVar[float] = 24 * HOUR

    # A subject and a body are required, and a header is a key of an object.
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
        | Feature.SEND_AT
        | Feature.TEMPLATES
        | Feature.MERGE
        | Feature.MERGE_METADATA
        | Feature.MERGE_HEADERS
        | Feature.ENVELOPE_FROM,
        max_tags=1,  # the campaign
        max_recipients=1000,  # unconfirmed
        max_merge=1000,  # unconfirmed
        max_bytes=20 * MB,
        max_delay=72 * HOUR,  # unconfirmed: by public descriptions of the API
    )

    api_key: str | Callable[[], str] = field(repr=False)
    region: str = "us"
    webhook_username: Secrets = field(default="", repr=False)
    webhook_password: Secrets = field(default="", repr=False)
    base_url: str = ""

    def __post_init__(self) -> None:
        if self.region not in HOSTS:
            raise errors.ConfigurationError(
                f"region of sparkpost is {self.region!r}: use 'us' or 'eu'"
            )
        object.__setattr__(self, "base_url", self.base_url or HOSTS[self.region])

    def build_request(self, message: Message) -> HTTPRequest:
        """
        Write a mail.

        Raises:
            UnsupportedFeature: If it has what its template would replace.
        """
        # Everybody is a recipient of the same mail, also those in cc and bcc.
        header_to = _literal(_line(message.to))
        recipients = [
            {"address": {"email": address.email, "header_to": header_to}}
            for address in message.recipients
        ]
        if message.template_id:
            body = {"content": _template(message), "substitution_data": message.template_data}
            return self._request(message, body, recipients)
        headers = {"Message-ID": message.message_id} | _headers(message)
        if message.cc:
            headers["Cc"] = _line(message.cc)
        content = {
            "subject": _literal(message.subject),
            "text": message.text,
            "html": message.html,
            "headers": {name: _literal(value) for name, value in headers.items()},
        }
        body = {
            "content": content | _common(message),
            "substitution_data": {**BRACES, **message.template_data},
            # For text and HTML only: headers are always gone through.
            "options": {"perform_substitutions": False},
        }
        return self._request(message, body, recipients)

    def build_batch(self, message: Message) -> HTTPRequest:
        """
        Write a merge with ``substitution_data`` for each recipient.

        Raises:
            UnsupportedFeature: As ``build_request``.
        """
        if message.template_id:
            data = (message.merge_data.get(address.email, {}) for address in message.to)
            body = {"content": _template(message), "substitution_data": message.template_data}
            return self._request(message, body, WrittenJSON.of_items(_merged(message, data)))
        empty = message.bound(text="", html="")
        headers = {
            name: _variable(f"header_{number}")
            for number, name in enumerate(_headers(for_recipient(empty, message.to[0])))
        }
        content = {
            "subject": _variable("subject"),
            "text": _written(message.text),
            "html": _written(message.html, html=True),
            "headers": headers,
        }
        texts = message.bound(subject="")
        filled = (
            {f"v_{name}": value for name, value in one.items()} | _lines(for_recipient(empty, to))
            for to, one in zip(message.to, all_variables(texts), strict=True)
        )
        body = {"content": content | _common(message), "substitution_data": BRACES}
        return self._request(message, body, WrittenJSON.of_items(_merged(message, filled)))

    def parse_response(self, response: Response, message: Message) -> Accepted:
        mail_id, everybody = _result(response)
        if everybody:
            return Accepted(mail_id)
        emails = (address.email for address in message.recipients)
        return Accepted(mail_id, dict.fromkeys(emails, RecipientStatus.UNKNOWN))

    def parse_batch(self, response: Response, message: Message) -> tuple[Accepted | SendError, ...]:
        mail_id, everybody = _result(response)
        status = RecipientStatus.ACCEPTED if everybody else RecipientStatus.UNKNOWN
        return tuple(Accepted(mail_id, {address.email: status}) for address in message.to)

    def classify_error(self, response: Response, message: Message) -> SendError:
        return _error(response, response.json_object().get("errors"))

    def build_ping(self) -> HTTPRequest:
        # Needs no other permission than sending; the campaign keeps the answer short.
        return HTTPRequest("GET", f"{self._url()}?campaign_id={MAIL_ID}", self._headers())

    def verify_webhook(self, request: WebhookRequest, fetch: Fetch) -> str:
        verify_basic_auth(request, self.webhook_username, self.webhook_password)
        return request.header("x-messagesystems-batch-id")

    def parse_webhook(self, request: WebhookRequest) -> tuple[DeliveryEvent, ...]:
        return read_events(request)

    def _request(
        self, message: Message, body: dict[str, Any], recipients: list[Any] | WrittenJSON
    ) -> HTTPRequest:
        options = {
            "transactional": message.stream == "transactional",
            "open_tracking": message.track_opens,
            "click_tracking": message.track_clicks,
            **body.get("options", {}),
        }
        if message.send_at is not None:
            when = message.send_at.astimezone(UTC).isoformat(timespec="seconds")
            options["start_time"] = when
        fields = {
            "options": {name: value for name, value in options.items() if value is not None},
            "recipients": recipients,
            "content": {name: value for name, value in body["content"].items() if value},
            "campaign_id": message.tags[0] if message.tags else "",
            "metadata": {**message.metadata, MAIL_ID: message.id},
            "substitution_data": body["substitution_data"],
            "return_path": message.envelope_from,
        }
        fields = {name: value for name, value in fields.items() if value}
        merged = merge_options(fields, message.options(self.name), reserved=RESERVED)
        headers = self._headers() | {"Content-Type": "application/json"}
        if message.idempotency_key:
            headers["Idempotency-Key"] = message.idempotency_key
        return HTTPRequest("POST", self._url(), headers, json_body(merged))

    def _url(self) -> str:
        return f"{self.base_url}/api/v1/transmissions"

    def _headers(self) -> dict[str, str]:
        return {"Accept": "application/json", "Authorization": reveal(self.api_key)}


def _common(message: Message) -> dict[str, Any]:
    """
    What is the same for all recipients.
    """
    sender = message.sender
    name = {"name": _literal(sender.name)} if sender.name else {}
    return {
        "from": {"email": sender.email, **name},
        "reply_to": _literal(_line(message.reply_to)),
        "attachments": [
            _file(one, one.filename) for one in message.attachments if not one.content_id
        ],
        "inline_images": [
            _file(one, one.content_id) for one in message.attachments if one.content_id
        ],
    }


def _line(addresses: tuple[Address, ...]) -> str:
    return ", ".join(map(str, addresses))


def _file(attachment: Attachment, name: str) -> dict[str, Any]:
    return {"name": name, "type": attachment.content_type, "data": attachment.base64()}


def _headers(message: Message) -> dict[str, str]:
    # A Message-ID is not among them: the mails of a merge would share it.
    return {name: value for name, value in message.header_items() if name.lower() != "message-id"}


def _template(message: Message) -> dict[str, Any]:
    replaced = {
        "TEMPLATE_OVERRIDE": message.subject,
        "REPLY_TO": message.reply_to,
        "CC": message.cc,
        "HEADERS": _headers(message),
        "ATTACHMENTS": message.attachments,
    }
    if lacking := [feature for feature, there in replaced.items() if there]:
        text = "sparkpost takes all but the recipients from a template"
        raise errors.UnsupportedFeature(text, features=lacking)
    return {"template_id": message.template_id}


def _variable(name: str) -> str:
    return f"{{{{{{{name}}}}}}}"


def _literal(text: str) -> str:
    """
    *text* so that it arrives as it stands, whatever braces are in it.
    """
    return READ_BY_SPARKPOST.sub(lambda found: "".join(LITERALS[one] for one in found[0]), text)


def _written(text: str, *, html: bool = False) -> str:
    # No text contains NUL, so it can mark our variables meanwhile.
    text = _literal(rewrite(text, lambda name: f"\0{name}\0", html=html))
    return MARKED.sub(lambda found: _variable(f"v_{found[1]}"), text)


def _lines(mail: Message) -> dict[str, str]:
    """
    The subject and the headers of a recipient's mail, as variables for them.
    """
    values = enumerate(_headers(mail).values())
    return {"subject": mail.subject} | {f"header_{number}": value for number, value in values}


def _merged(message: Message, data: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    for address, substitution_data in zip(message.to, data, strict=True):
        recipient: dict[str, Any] = {
            "address": {"email": address.email, "header_to": _literal(str(address))},
            "substitution_data": substitution_data,
        }
        if metadata := message.merge_metadata.get(address.email):
            recipient["metadata"] = metadata
        yield recipient


def _result(response: Response) -> tuple[str, bool]:
    """
    The id of a transmission, and whether it goes to all of its recipients.

    Raises:
        SendError: If it goes to nobody, or cannot be read.
    """
    results = response.json_object().get("results")
    results = results if isinstance(results, dict) else {}
    mail_id, accepted, rejected = (
        results.get(name)
        for name in ("id", "total_accepted_recipients", "total_rejected_recipients")
    )
    counts = type(accepted) is int and type(rejected) is int
    if not isinstance(mail_id, str) or not counts or not (accepted or rejected):
        raise classify_http(response, kind=errors.OutcomeUnknown, detail="unreadable answer")
    if accepted:
        return mail_id, not rejected
    raise _error(response, results.get("rcpt_to_errors"))


def _error(response: Response, found: object) -> SendError:
    """
    Make the error of a list of them: the first that ERRORS knows, else the first.
    """
    entries = found if isinstance(found, list) else []
    said = [_said(entry) for entry in entries if isinstance(entry, dict)]
    for status, codes, words, kind in ERRORS:
        for code, text in said if status in ("", str(response.status_code)) else ():
            if re.fullmatch(codes, code) and re.search(words, text):
                return classify_http(response, code=code, kind=kind, detail=text)
    code, text = said[0] if said else ("", "")
    if response.ok:  # nobody was accepted
        return classify_http(response, code=code, kind=errors.RequestRefused, detail=text)
    return classify_http(response, own_envelope=bool(said), code=code, detail=text)


def _said(entry: Mapping[str, Any]) -> tuple[str, str]:
    code = str(entry.get("code") or "")
    texts = (entry.get("message"), entry.get("description"))
    words = ": ".join(one for one in texts if isinstance(one, str))
    return code if CODE.fullmatch(code) else "", words
