"""
ZeptoMail (Zoho), through ``POST /v1.1/email``.

https://www.zoho.com/zeptomail/help/api/email-sending.html (2026-11)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from mailfailover import errors, plugin
from mailfailover.plugin import Feature, Rule
from mailfailover.providers._zeptomail_events import read_events, verify

# One for each data centre, as the vendor's own package for Django has them, PyPI
# django-zoho-zeptomail 0.0.4 (2026-09).
HOSTS = {
    region: f"https://api.zeptomail.{region}"
    for region in ("com", "eu", "in", "jp", "ca", "sa", "com.au", "com.cn")
}

# By the code of a detail: that of the whole, such as TM_4001, is one for an unverified sender and
# for a wrong token, and so is the status, 401. What is not here is a fault of ours.
# https://www.zoho.com/zeptomail/help/api/error-codes.html (2026-11)
ERRORS = plugin.Errors(
    {
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
    },
    # A field with an invalid value; which it is, is the detail's target.
    rules=(
        Rule(errors.RecipientRejected, "SM_113", place=r"^(to|cc|bcc)\b"),
        Rule(errors.SenderRefused, "SM_113", place=r"^from\b"),
        Rule(errors.UnsupportedFeature, "SM_113"),
    ),
)

# The code of a refusal for missing fields, which only the owner of a valid token sees.
MISSING = "GE_102"

# Fields that name the bounce address.
RESERVED = {"bounce_address"}

# The models of the vendor's own client, npm zeptomail 8.0.1 (2026-11), which has no name for an
# inline image.
ADDRESS = plugin.AddressFields("address", "name")
FILE = plugin.FileFields("name", "content", "mime_type", "cid")


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

        region: The data centre of the account, as its address ends: ``"com"``, ``"eu"``,
            ``"in"``, ``"jp"``, ``"ca"``, ``"sa"``, ``"com.au"`` or ``"com.cn"``.

        webhook_secret: The authentication key of a webhook. Two while it changes.

        base_url: Scheme and host, for a proxy or another data centre; that of *region* where
            empty.

    .. versionadded:: 0.1.0
    """

    name: ClassVar[str] = "zeptomail"
    userinfo: ClassVar[tuple[str, ...]] = ("api_token",)
    maturity: ClassVar[str] = "stable"
    unconfirmed: ClassVar[tuple[str, ...]] = (
        "some events of its webhooks",
        "data of a template other than texts",
        "how large a mail may be",
    )

    # To, a subject and a body are required; a header is a key of an object. 340 of to, 100 each
    # of cc and bcc. A time to send at: no such parameter. The size: unconfirmed. Whether values
    # are escaped that are merged into an HTML is not documented: no merges.
    capabilities: ClassVar[plugin.Capabilities] = plugin.Capabilities(
        Feature.HTML
        | Feature.REPLY_TO
        | Feature.MULTIPLE_REPLY_TO
        | Feature.HEADERS
        | Feature.ATTACHMENTS
        | Feature.INLINE_IMAGES
        | Feature.TRACKING
        | Feature.TEMPLATES
        | Feature.TEMPLATE_FROM
        | Feature.ENVELOPE_FROM,
        max_recipients=540,
        max_bytes=15 * plugin.MB,
    )
    webhook_retries: ClassVar[plugin.WebhookRetries] = plugin.WebhookRetries(
        statuses=plugin.ONLY_5XX
    )

    api_token: plugin.Secret = field(repr=False)
    region: str = "com"
    webhook_secret: plugin.Secrets = field(default="", repr=False)
    base_url: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "base_url", plugin.regional_url(self, HOSTS))

    def build_request(self, message: plugin.Message) -> plugin.HTTPRequest:
        """
        Write a mail.

        Raises:
            UnsupportedFeature:
                If it has a template and a subject or an inline image, which the template
                brings along, or the data of a template without one.
        """
        fields = {
            "from": ADDRESS.one(message.sender),
            "to": [{"email_address": ADDRESS.one(address)} for address in message.to],
            "cc": [{"email_address": ADDRESS.one(address)} for address in message.cc],
            "bcc": [{"email_address": ADDRESS.one(address)} for address in message.bcc],
            "reply_to": ADDRESS.all(message.reply_to),
            "bounce_address": message.envelope_from,
            "subject": message.subject,
            "textbody": message.text,
            "htmlbody": message.html,
            "mime_headers": plugin.own_headers(message, encoded=True),
            "attachments": FILE.files(message),
            "inline_images": [
                {name: value for name, value in image.items() if name != "name"}
                for image in FILE.images(message)
            ],
            "track_opens": message.track_opens,
            "track_clicks": message.track_clicks,
            "client_reference": message.id,
        }
        body = plugin.filled(fields) | _template(message)
        body = plugin.merge_options(body, message.options(self.name), reserved=RESERVED)
        return self._post("email/template" if message.template_id else "email", body)

    def parse_response(self, response: plugin.Response, message: plugin.Message) -> plugin.Accepted:
        answer = response.json_object()
        if isinstance(answer.get("error"), dict):
            raise ERRORS.classify(response, _problems(answer), otherwise=errors.RequestRefused)
        if not isinstance(answer.get("data"), list):
            raise plugin.unreadable(response)
        return plugin.accepted(response, answer.get("request_id"))

    def classify_error(
        self, response: plugin.Response, message: plugin.Message
    ) -> errors.SendError:
        return ERRORS.classify(response, _problems(response.json_object()))

    def build_ping(self) -> plugin.HTTPRequest:
        """
        Send nothing to nobody.
        """
        return self._post("email", {})

    def parse_ping(self, response: plugin.Response) -> None:
        problems = _problems(response.json_object())
        if all(one.code != MISSING for one in problems):
            raise ERRORS.classify(response, problems)

    def verify_webhook(self, request: plugin.WebhookRequest, fetch: plugin.Fetch) -> str:
        return verify(request, self.webhook_secret)

    def parse_webhook(self, request: plugin.WebhookRequest) -> tuple[plugin.DeliveryEvent, ...]:
        return read_events(request)

    def _post(self, path: str, body: dict[str, Any]) -> plugin.HTTPRequest:
        token = plugin.reveal(self.api_token)
        headers = {"Accept": "application/json", "Authorization": f"Zoho-enczapikey {token}"}
        return plugin.post_json(f"{self.base_url}/v1.1/{path}", headers, body)


def _template(message: plugin.Message) -> dict[str, Any]:
    plugin.check_template_data(message)
    if not message.template_id:
        return {}
    if message.subject:
        text = "zeptomail takes the subject of a template from there"
        raise plugin.unsupported(text, "TEMPLATE_OVERRIDE")
    if any(one.content_id for one in message.attachments):
        text = "zeptomail takes the images of a template from there"
        raise plugin.unsupported(text, "INLINE_IMAGES")
    return {"template_key": message.template_id, "merge_info": message.template_data}


def _problems(answer: Mapping[str, Any]) -> list[plugin.Problem]:
    """
    The details of an error, and the whole of it last.
    """
    error = plugin.as_object(answer.get("error"))
    found = (
        plugin.Problem(
            plugin.as_code(one.get("code")),
            plugin.as_words(one.get("message")),
            plugin.as_words(one.get("target")),
        )
        for one in (*plugin.as_objects(error.get("details")), error)
    )
    return [one for one in found if one.code]
