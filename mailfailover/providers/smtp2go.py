"""
SMTP2GO, through ``POST /v3/email/send``.

https://developers.smtp2go.com/reference/send-standard-email, and the vendor's OpenAPI
description, 3.0.4 (2026-11)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any, ClassVar

from mailfailover import errors, plugin
from mailfailover.plugin import Feature, Rule
from mailfailover.providers._smtp2go_events import read_events

# https://developers.smtp2go.com/reference/introduction (2026-11)
HOSTS = {
    "global": "https://api.smtp2go.com",
    "us": "https://us-api.smtp2go.com",
    "eu": "https://eu-api.smtp2go.com",
    "au": "https://au-api.smtp2go.com",
}

DAY = 86400.0

# By the end of "error_code", after "E_ApiResponseCodes."; the rest is judged by its status. It
# has no full list: those marked are quoted in public client code and unconfirmed.
# https://developers.smtp2go.com/docs/response-codes (2026-11)
#
# "NON_VALIDATING_IN_PAYLOAD" names the field at fault and what it expected.
ERRORS = plugin.Errors(
    {
        "API_KEY_INVALID": errors.AuthenticationFailed,  # unconfirmed
        "ENDPOINT_PERMISSION_DENIED": errors.AuthenticationFailed,  # comes with a 400
        "REQ_LIMIT_EXCEEDED": errors.RateLimited,
        "SENDER_NOT_VERIFIED": errors.SenderRefused,  # unconfirmed
    },
    rules=(
        Rule(
            errors.RecipientRejected,
            words=r"expecting a valid RFC-822 formatted email",
            place=r"^(to|cc|bcc)\b",
        ),
        Rule(errors.SenderRefused, place=r"^sender\b"),
        Rule(
            errors.UnsupportedFeature,
            place=r"^(attachments|custom_headers|inlines|schedule|template_\w+)\b",
        ),
    ),
)
PREFIX = "E_ApiResponseCodes."

# 402 is no unpaid bill here: "the parameters were valid but the request failed".
FAILED = 402

# What went wrong with a call that was right: words in a 200, as the vendor's own plugin for
# WordPress reads them (2026-11).
FAILURES = plugin.Errors(words={r"unable to verify sender address": errors.SenderRefused})

# Options that would change who gets the mail and who sends it; headers could do so too.
RESERVED = {"api_key", "custom_headers"}

FILE = plugin.FileFields("filename", "fileblob", "mimetype")


@dataclass(frozen=True, slots=True, kw_only=True)
class SMTP2GO:
    """
    Sends through SMTP2GO.

    The key is made under Sending, API Keys, with the permission ``/email/send``.

    Provider options are laid over the JSON of the call: ``{"fastaccept": True}``. Without this
    one SMTP2GO answers when it has looked at the mail, and tells of a sender that is not
    verified.

    A template brings its own subject: a mail that has one too is refused. Headers that are not
    ASCII are encoded here. Tracking is a setting of the key. It has no tags and no metadata,
    but webhooks tell the Message-ID, which has our id. A mail with another form of its text goes
    as MIME, which has no place for blind copies: with those it is refused here.

    Attributes:
        api_key: A key that may send mail.

        region: Where the call goes, ``"global"``, ``"us"``, ``"eu"`` or ``"au"``.

        webhook_username: Expected of webhooks, by HTTP basic authentication.

        webhook_password: The same.

        base_url: Scheme and host, for a proxy; that of *region* where empty.

    .. versionadded:: 0.1.0
    """

    name: ClassVar[str] = "smtp2go"
    userinfo: ClassVar[tuple[str, ...]] = ("api_key",)
    maturity: ClassVar[str] = "stable"
    unconfirmed: ClassVar[tuple[str, ...]] = (
        "some codes of its errors",
        "how large a mail may be",
        "repeated headers, and mails without subject",
    )

    # To, a subject and a body are required. 100 each of to, cc and bcc. An envelope sender: no
    # such parameter. Repeated headers, mails without subject, the size: unconfirmed. How many
    # mails a batch may have, and what it says of one that fails, is not documented: no merges.
    capabilities: ClassVar[plugin.Capabilities] = plugin.Capabilities(
        Feature.HTML
        | Feature.REPLY_TO
        | Feature.MULTIPLE_REPLY_TO
        | Feature.HEADERS
        | Feature.MESSAGE_ID
        | Feature.ATTACHMENTS
        | Feature.INLINE_IMAGES
        | Feature.CALENDAR
        | Feature.AMP
        | Feature.ALTERNATIVES
        | Feature.MIME
        | Feature.SEND_AT
        | Feature.TEMPLATES
        | Feature.TEMPLATE_FROM,
        max_recipients=100,
        max_bytes=50 * plugin.MB,
        max_delay=3 * DAY,
    )
    webhook_retries: ClassVar[plugin.WebhookRetries] = plugin.WebhookRetries(
        statuses=plugin.ONLY_5XX
    )

    api_key: plugin.Secret = field(repr=False)
    region: str = "global"
    webhook_username: plugin.Secrets = field(default="", repr=False)
    webhook_password: plugin.Secrets = field(default="", repr=False)
    base_url: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "base_url", plugin.regional_url(self, HOSTS))

    def build_request(self, message: plugin.Message) -> plugin.HTTPRequest:
        """
        Write a mail.

        Raises:
            UnsupportedFeature:
                If it has both a template and a subject, or the data of a template without one.
        """
        if message.mime or message.alternatives:
            return self._mime(message)
        fields = {
            "sender": str(message.sender),
            "to": [str(address) for address in message.to],
            "cc": [str(address) for address in message.cc],
            "bcc": [str(address) for address in message.bcc],
            "text_body": message.text,
            "html_body": message.html,
            "custom_headers": [
                {"header": name, "value": v} for name, v in _headers(message).items()
            ],
            "attachments": FILE.files(message),
            # The HTML names an image by its file name.
            "inlines": FILE.images(message),
            "schedule": _time(message),
        }
        body = plugin.filled(fields)
        # It is required with a template too, and ignored there.
        body |= {"subject": message.subject} | _template(message)
        body = plugin.merge_options(body, message.options(self.name), reserved=RESERVED)
        return self._post("email/send", body)

    def _mime(self, message: plugin.Message) -> plugin.HTTPRequest:
        # https://developers.smtp2go.com/reference/send-mime-email (2026-11): nothing names the
        # recipients but the header.
        if message.mime:
            plugin.check_header_names_all(message)
        elif message.bcc or message.template_id:
            text = "smtp2go takes MIME without blind copies and without a template"
            raise plugin.unsupported(text, *message.alternatives[0].feature.names)
        mime = plugin.Base64(plugin.mime_bytes(message))
        raw = plugin.filled({"mime_email": mime, "schedule": _time(message)})
        raw = plugin.merge_options(raw, message.options(self.name), reserved=RESERVED)
        return self._post("email/mime", raw)

    def parse_response(self, response: plugin.Response, message: plugin.Message) -> plugin.Accepted:
        data = plugin.as_object(response.json_object().get("data"))
        failures = data.get("failures")
        # All recipients together count as one.
        if isinstance(failures, list) and failures and not data.get("succeeded"):
            # Nothing was sent.
            text = "; ".join(one for one in failures if isinstance(one, str))
            problems = [plugin.Problem(text=text)]
            raise FAILURES.classify(response, problems, otherwise=errors.RequestRefused)
        return plugin.accepted(response, data.get("email_id") or data.get("schedule_id"))

    def classify_error(
        self, response: plugin.Response, message: plugin.Message
    ) -> errors.SendError:
        problems = _problems(response.json_object())
        failed = errors.RequestRefused if response.status_code == FAILED else None
        error = ERRORS.classify(response, problems, otherwise=failed)
        if isinstance(error, errors.RateLimited) and error.retry_after is None:
            # Seconds that are left: https://developers.smtp2go.com/docs/rate-limiting (2026-11)
            left = response.headers.get("x-ratelimit-reset")
            error.retry_after = plugin.parse_retry_after(left)
        return error

    def build_ping(self) -> plugin.HTTPRequest:
        """
        Ask what the key may do, which each key may ask. Every call is a POST here.
        """
        return self._post("api_keys/permissions", {})

    def verify_webhook(self, request: plugin.WebhookRequest, fetch: plugin.Fetch) -> str:
        plugin.verify_basic_auth(request, self.webhook_username, self.webhook_password)
        return ""

    def parse_webhook(self, request: plugin.WebhookRequest) -> tuple[plugin.DeliveryEvent, ...]:
        return read_events(request)

    def _post(self, path: str, body: dict[str, Any]) -> plugin.HTTPRequest:
        headers = {"Accept": "application/json", "X-Smtp2go-Api-Key": plugin.reveal(self.api_key)}
        return plugin.post_json(f"{self.base_url}/v3/{path}", headers, body)


def _headers(message: plugin.Message) -> dict[str, str]:
    own = plugin.own_headers(message, encoded=True)
    reply_to = plugin.address_line(message.reply_to, encoded=True)
    return plugin.filled({"Message-ID": message.message_id, **own, "Reply-To": reply_to})


def _time(message: plugin.Message) -> str:
    if message.send_at is None:
        return ""
    return f"{message.send_at.astimezone(UTC):%Y-%m-%d %H:%M:%S} +0000"


def _template(message: plugin.Message) -> dict[str, Any]:
    plugin.check_template_data(message)
    if not message.template_id:
        return {}
    if message.subject:
        text = "smtp2go takes the subject of a template from there"
        raise plugin.unsupported(text, "TEMPLATE_OVERRIDE")
    return {"template_id": message.template_id, "template_data": message.template_data}


def _problems(answer: Mapping[str, Any]) -> list[plugin.Problem]:
    """
    The fields at fault, or the one thing that is wrong with all.

    They stand below "data" by the vendor's description, at the top by its examples.
    """
    data = plugin.as_object(answer.get("data"))
    said = data if "error_code" in data else answer
    code = plugin.as_code(plugin.as_words(said.get("error_code")).removeprefix(PREFIX))
    text = plugin.as_words(said.get("error"))
    details = said.get("field_validation_errors")
    found = [
        plugin.Problem(code, str(one.get("message")), str(one.get("fieldname")))
        for one in plugin.as_objects(details if isinstance(details, list) else [details])
    ]
    return found or ([plugin.Problem(code, text)] if code or text else [])
