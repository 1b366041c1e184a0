"""
Mailomat, through ``POST /message``.

The vendor's manual, https://api.mailomat.swiss/docs, could not be read. All that is here is by
the bridge in Symfony that was made after it (github.com/symfony/symfony, pull request 57456),
its tests, and other public client code (2026-11).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from mailfailover import errors, plugin
from mailfailover.plugin import Feature, Rule
from mailfailover.providers._mailomat_events import EVENT, read_events

# A 422 names the places in the JSON that are at fault; its words are in the language of the
# account. What is not here is judged by its status. Unconfirmed beyond the form.
ERRORS = plugin.Errors(
    rules=(
        Rule(
            errors.RecipientRejected,
            place=r"^(to|cc|bcc)\[\d{1,4}\]\.email$",
            status=422,
        ),
        Rule(errors.SenderRefused, place=r"^from(\.email)?$", status=422),
        Rule(errors.UnsupportedFeature, place=r"^attachments\b", status=422),
    )
)

# It repeats a webhook for eight hours, and whether it then signs anew is not said
# (github.com/symfony/symfony, pull request 65699).
SIGNED_WITHIN = 9 * 3600.0

ADDRESS = plugin.AddressFields()
FILE = plugin.FileFields("filename", "contentBase64", "contentType")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailomat:
    """
    Sends through Mailomat.

    The key is made in the account's settings, under the API keys (unconfirmed).

    Provider options are laid over the JSON of the call.

    It has texts and files, but no headers, no inline images, no tags, no metadata, no templates
    and no tracking of one mail, and does not send later. It gives each mail a Message-ID of its
    own.

    The signature of its webhooks covers what kind of event they tell, but not of whom: let them
    come to an address that only Mailomat knows.

    Attributes:
        api_key: A key of the API.

        webhook_secret: Verifies webhooks. Two while it changes.

        base_url: Scheme and host, for a proxy.

    .. versionadded:: 0.1.0
    """

    name: ClassVar[str] = "mailomat"
    userinfo: ClassVar[tuple[str, ...]] = ("api_key",)
    maturity: ClassVar[str] = "provisional"
    unconfirmed: ClassVar[tuple[str, ...]] = (
        "all of it: the vendor's manual could not be read, public client code was",
        "how many recipients and bytes a mail may have",
    )

    # To, subject and a body are required. The name of an inline image's field differs among the
    # clients. How large a mail may be, and how many it may name: unconfirmed.
    capabilities: ClassVar[plugin.Capabilities] = plugin.Capabilities(
        Feature.HTML | Feature.REPLY_TO | Feature.MULTIPLE_REPLY_TO | Feature.ATTACHMENTS
    )
    webhook_retries: ClassVar[plugin.WebhookRetries] = plugin.WebhookRetries(
        span=8 * 3600.0,
        page="https://github.com/symfony/symfony/pull/65699 (2026-11)",
        statuses=plugin.ONLY_5XX,
    )

    api_key: plugin.Secret = field(repr=False)
    webhook_secret: plugin.Secrets = field(default="", repr=False)
    base_url: str = "https://api.mailomat.swiss"

    def build_request(self, message: plugin.Message) -> plugin.HTTPRequest:
        fields = {
            "from": ADDRESS.one(message.sender),
            "to": ADDRESS.all(message.to),
            "cc": ADDRESS.all(message.cc),
            "bcc": ADDRESS.all(message.bcc),
            "replyTo": ADDRESS.all(message.reply_to),
            "subject": message.subject,
            "text": message.text,
            "html": message.html,
            "attachments": FILE.all(message),
        }
        body = plugin.merge_options(plugin.filled(fields), message.options(self.name))
        headers = self._headers() | {"Content-Type": "application/json"}
        return plugin.HTTPRequest(
            "POST", f"{self.base_url}/message", headers, plugin.json_body(body)
        )

    def parse_response(self, response: plugin.Response, message: plugin.Message) -> plugin.Accepted:
        return plugin.accepted(response, response.json_object().get("messageUuid"))

    def classify_error(
        self, response: plugin.Response, message: plugin.Message
    ) -> errors.SendError:
        problems = _problems(response.json_object())
        return ERRORS.classify(response, problems, message=message)

    def build_ping(self) -> plugin.HTTPRequest:
        url = f"{self.base_url}/events?itemsPerPage=1"
        return plugin.HTTPRequest("GET", url, self._headers())

    def verify_webhook(self, request: plugin.WebhookRequest, fetch: plugin.Fetch) -> str:
        names = ("X-MOM-Webhook-Id", EVENT, "X-MOM-Webhook-Timestamp", "X-MOM-Webhook-Signature")
        number, kind, timestamp, given = map(request.header, names)
        signed = f"{number}.{kind}.{timestamp}".encode("utf-8", "surrogatepass")
        digest, _, signature = given.partition("=")
        plugin.verify_hmac(signature if digest == "sha256" else "", self.webhook_secret, signed)
        plugin.verify_time(timestamp, request, window=SIGNED_WITHIN)
        return number

    def parse_webhook(self, request: plugin.WebhookRequest) -> tuple[plugin.DeliveryEvent, ...]:
        return read_events(request)

    def _headers(self) -> dict[str, str]:
        return {
            "Accept": "application/json",
            "Authorization": f"Bearer {plugin.reveal(self.api_key)}",
        }


def _problems(answer: Mapping[str, Any]) -> list[plugin.Problem]:
    """
    What is wrong at which place, or the one thing that is wrong with all.
    """
    violations = [
        plugin.Problem(
            "", plugin.as_words(one.get("message")), plugin.as_words(one.get("propertyPath"))
        )
        for one in plugin.as_objects(answer.get("violations"))
    ]
    found = [one for one in violations if one.place and one.text]
    texts = filter(
        None, (plugin.as_words(answer.get(name)) for name in ("detail", "message", "title"))
    )
    return found or [plugin.Problem(text=text) for text in texts][:1]
