"""
AhaSend, through ``POST /v2/accounts/<account>/messages``.

https://ahasend.com/docs/api-reference/messages/create-conversation (2026-11)
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any, ClassVar

from mailfailover import errors, plugin
from mailfailover.plugin import Feature, Rule
from mailfailover.providers._ahasend_events import read_events

DAY = 86400.0
ACCOUNT = re.compile(r"[A-Za-z0-9-]+")

# AhaSend has no codes, and words that may change: what is not known by them is judged by its
# status. https://ahasend.com/docs/api-reference/errors (2026-11)
ERRORS = plugin.Errors(
    rules=(
        Rule(errors.AccountSuspended, words=r"account is suspended", status=401),
        Rule(errors.SenderRefused, words=r"domain not found in api key scopes", status=403),
        Rule(errors.SenderRefused, words=r"domain is banned", status=403),
    )
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

ADDRESS = plugin.AddressFields()
# Without angle brackets an inline image arrives as a download: openapi.yaml of
# github.com/AhaSend/docs (2026-07).
FILE = plugin.FileFields(
    "file_name", "data", "content_type", "content_id", id_form="<{}>", always={"base64": True}
)


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
    maturity: ClassVar[str] = "stable"
    unconfirmed: ClassVar[tuple[str, ...]] = ("whether headers of a merge may have variables",)

    # https://ahasend.com/docs/api-reference/idempotency (2026-11)
    idempotency_ttl: ClassVar[float] = DAY

    # To, a subject and a body are required. A header is a key of an object; whether it may have
    # variables is unconfirmed. An envelope sender: no such parameter. 50 recipients in to, cc
    # and bcc together, 100 of a merge: openapi.yaml of github.com/AhaSend/docs (2026-07).
    capabilities: ClassVar[plugin.Capabilities] = plugin.Capabilities(
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
        | Feature.TEMPLATE_FROM
        | Feature.TEMPLATE_SUBJECT
        | Feature.MERGE,
        max_recipients=50,
        max_merge=100,
        max_bytes=20 * plugin.MB,
        max_delay=7 * DAY,
    )
    webhook_retries: ClassVar[plugin.WebhookRetries] = plugin.WebhookRetries(
        attempts=7,
        span=42 * 60.0,  # after 1, 16, 81, 256, 625 and 1296 s, each 10 % more or less
        page="https://ahasend.com/docs/api-reference/webhooks/retry-policy (2026-11)",
        endangers="100 failures in a row",
    )

    api_key: plugin.Secret = field(repr=False)
    account_id: str
    webhook_secret: plugin.Secrets = field(default="", repr=False)
    base_url: str = "https://api.ahasend.com"

    def __post_init__(self) -> None:
        if not ACCOUNT.fullmatch(self.account_id):
            raise errors.ConfigurationError(
                "account_id of ahasend is no id: copy it from the account's settings"
            )

    def build_request(self, message: plugin.Message) -> plugin.HTTPRequest:
        """
        Write a mail.

        Raises:
            UnsupportedFeature:
                If a template has several recipients, or its data no template.
        """
        if message.template_id:
            if len(message.recipients) > 1:
                text = "ahasend makes mails of their own of a template"
                raise plugin.unsupported(text, "max_recipients=1")
            return self._template(message)
        plugin.check_template_data(message)
        fields = {
            "to": ADDRESS.all(message.to),
            "cc": ADDRESS.all(message.cc),
            "bcc": ADDRESS.all(message.bcc),
            "text_content": message.text,
            "html_content": message.html,
        }
        return self._post("messages/conversation", message, fields | {"subject": message.subject})

    def build_batch(self, message: plugin.Message) -> plugin.HTTPRequest:
        """
        Write a merge as a text with variables, and their values for each recipient.
        """
        if message.template_id:
            return self._template(message)
        recipients = [
            ADDRESS.one(one) | {"substitutions": plugin.variables(message, one.email)}
            for one in message.to
        ]
        fields = {
            "recipients": recipients,
            "subject": _jinja(message.subject),
            "text_content": _jinja(message.text),
            "html_content": _jinja(message.html, html=True),
        }
        return self._post("messages", message, fields)

    def parse_response(self, response: plugin.Response, message: plugin.Message) -> plugin.Accepted:
        outcomes = _outcomes(response, message)
        taken = {email: one for email, one in outcomes.items() if isinstance(one, plugin.Accepted)}
        if not taken:
            raise _worst(outcomes.values())
        ids = {email: one.provider_message_id for email, one in taken.items()}
        statuses = {email: _status(one) for email, one in outcomes.items()}
        return plugin.Accepted(next(iter(ids.values())), statuses, ids)

    def parse_batch(self, response: plugin.Response, message: plugin.Message) -> plugin.Outcomes:
        return tuple(_outcomes(response, message).values())

    def classify_error(
        self, response: plugin.Response, message: plugin.Message
    ) -> errors.SendError:
        text = plugin.as_words(response.json_object().get("message"))
        problems = [plugin.Problem(text=text)] if text else []
        attempted = problems and response.status_code in ATTEMPTED
        return ERRORS.classify(
            response, problems, otherwise=errors.OutcomeUnknown if attempted else None
        )

    def build_ping(self) -> plugin.HTTPRequest:
        return plugin.HTTPRequest("GET", f"{self.base_url}/v2/ping", self._headers())

    def verify_webhook(self, request: plugin.WebhookRequest, fetch: plugin.Fetch) -> str:
        # https://ahasend.com/docs/api-reference/webhooks/security (2026-11): the standard's,
        # but for the key, which is the secret as it stands.
        return plugin.verify_standard_webhook(request, self.webhook_secret, as_key=str.encode)

    def parse_webhook(self, request: plugin.WebhookRequest) -> tuple[plugin.DeliveryEvent, ...]:
        return read_events(request)

    def _template(self, message: plugin.Message) -> plugin.HTTPRequest:
        # https://ahasend.com/docs/api-reference/messages/create-template-message (2026-07): a
        # sender and a subject of the call take the place of the template's.
        common = message.template_data
        recipients = [
            ADDRESS.one(one)
            | {"substitutions": {**common, **message.merge_data.get(one.email, {})}}
            for one in message.to
        ]
        fields = {"recipients": recipients, "template_id": message.template_id}
        return self._post("messages/template", message, fields | {"subject": message.subject})

    def _post(
        self, path: str, message: plugin.Message, fields: Mapping[str, Any]
    ) -> plugin.HTTPRequest:
        common = {"from": ADDRESS.one(message.sender), **_common(message)}
        body = plugin.merge_options(plugin.filled({**fields, **common}), message.options(self.name))
        url = f"{self.base_url}/v2/accounts/{self.account_id}/{path}"
        key = message.idempotency_key
        return plugin.post_json(url, self._headers(), body, idempotency_key=key)

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {plugin.reveal(self.api_key)}"}


def _common(message: plugin.Message) -> dict[str, Any]:
    """
    What a mail of any kind can have.
    """
    tracking = {"open": message.track_opens, "click": message.track_clicks}
    send_at = message.send_at.astimezone(UTC).isoformat() if message.send_at else ""
    return {
        "reply_to": ADDRESS.first(message.reply_to) if len(message.reply_to) == 1 else None,
        "headers": _headers(message),
        "attachments": FILE.all(message),
        "tags": message.tags,
        "tracking": plugin.filled(tracking),
        "schedule": {"first_attempt": send_at} if send_at else None,
    }


def _headers(message: plugin.Message) -> dict[str, str]:
    headers = plugin.own_headers(message, encoded=True)
    if len(message.reply_to) > 1:  # as a field there is only one
        headers["Reply-To"] = plugin.address_line(message.reply_to, encoded=True)
    return headers


def _jinja(text: str, *, html: bool = False) -> str:
    """
    *text* with its variables as MiniJinja's, and nothing else of it read as that.
    """
    marked = plugin.rewrite(text, "\0{}\0".format, html=html)
    return MARK.sub(r"{{ \1|safe }}", TAG.sub("{{ '{' }}", marked))


def _outcomes(
    response: plugin.Response, message: plugin.Message
) -> dict[str, plugin.Accepted | errors.SendError]:
    """
    What became of each recipient, by his address.
    """
    entries = plugin.as_objects(response.json_object().get("data"))
    pairs = ((plugin.dig(one, "recipient", "email"), one) for one in entries)
    said = plugin.by_recipient(pairs, message.recipients)
    return {one.email: _outcome(response, said.get(one.email, {})) for one in message.recipients}


def _outcome(
    response: plugin.Response, entry: Mapping[str, Any]
) -> plugin.Accepted | errors.SendError:
    status, mail_id, text = map(entry.get, ("status", "id", "error"))
    if status == "error":  # for a reason that is told in free words only
        detail = plugin.as_words(text)
        return plugin.classify_http(response, kind=errors.RequestRefused, detail=detail)
    if status not in TAKEN or not isinstance(mail_id, str) or not mail_id:
        return plugin.unreadable(response)
    return plugin.Accepted(mail_id)


def _status(outcome: plugin.Accepted | errors.SendError) -> plugin.RecipientStatus:
    if isinstance(outcome, plugin.Accepted):
        return plugin.RecipientStatus.ACCEPTED
    unknown = isinstance(outcome, errors.OutcomeUnknown)
    return plugin.RecipientStatus.UNKNOWN if unknown else plugin.RecipientStatus.REFUSED


def _worst(outcomes: Iterable[plugin.Accepted | errors.SendError]) -> errors.SendError:
    """
    The error of a mail that nobody got: unknown, where it is that for anybody.
    """
    found = [one for one in outcomes if isinstance(one, errors.SendError)]
    return next((one for one in found if isinstance(one, errors.OutcomeUnknown)), found[0])
