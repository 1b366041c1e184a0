"""
Mailjet (Sinch), through ``POST /v3.1/send``.

https://dev.mailjet.com/email/guides/send-api-v31/ (2026-11)
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from mailfailover import errors, plugin
from mailfailover.plugin import Feature, Rule
from mailfailover.providers import _mailjet_account as account
from mailfailover.providers._mailjet_events import read_events

# By code and property at fault; the first that matches counts. What is not here is a fault of
# ours, or judged by its status.
# https://dev.mailjet.com/email/guides/send-api-v31/#send-api-errors (2026-11); how a property
# of a recipient is written is by public fixtures.
ERRORS = plugin.Errors(
    {
        "mj-0001": errors.AccountSuspended,  # the key is suspended
        "mj-0015": errors.AuthenticationFailed,
        "send-0006": errors.SenderRefused,
        "send-0007": errors.SenderRefused,
        "send-0008": errors.SenderRefused,  # not authorized for this account
        "send-0003": errors.UnsupportedFeature,  # text, HTML or a template is required
        "send-0004": errors.UnsupportedFeature,  # a template with a text of one's own
        "send-0010": errors.UnsupportedFeature,  # no such template
        "send-0011": errors.UnsupportedFeature,  # a header that it makes itself
        "send-0015": errors.UnsupportedFeature,  # recipients
        "mj-0006": errors.UnsupportedFeature,  # characters
        "mj-0008": errors.UnsupportedFeature,  # items of a list
        "mj-0011": errors.UnsupportedFeature,  # bytes
    },
    rules=(
        Rule(errors.RecipientRejected, "mj-0013", place=r"^(To|Cc|Bcc)\b"),
        Rule(errors.SenderRefused, "mj-0013", place=r"^(From|Sender)\b"),
    ),
)

# "Subject: Maximum length is 255 chars"; more is answered with mj-0006.
# https://dev.mailjet.com/email/guides/send-api-v31/#send-api-json-properties (2026-11)
MAX_SUBJECT = 255
TRACKING: dict[bool | None, str | None] = {None: None, True: "enabled", False: "disabled"}

ADDRESS = plugin.AddressFields("Email", "Name")
FILE = plugin.FileFields("Filename", "Base64Content", "ContentType", "ContentID")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailjet:
    """
    Sends through Mailjet.

    Both keys stand under "API key management" in Mailjet's account settings.

    Provider options are laid over the JSON of each mail: ``{"Priority": 3, "URLTags":
    "source=mail"}``.

    The tag is Mailjet's campaign, metadata travel as the event payload. Templates are named by
    their number. Mailjet does not send later, has no envelope sender, takes 255 characters of
    a subject, and makes the Message-ID itself. A mail without HTML has nothing to track.

    Attributes:
        api_key: The public one of the two keys.

        secret_key: The other one.

        webhook_username: Expected of webhooks, by HTTP basic authentication.

        webhook_password: The same.

        base_url: Scheme and host, for a proxy.

    .. versionadded:: 0.1.0
    """

    name: ClassVar[str] = "mailjet"
    userinfo: ClassVar[tuple[str, ...]] = ("api_key", "secret_key")
    maturity: ClassVar[str] = "stable"
    unconfirmed: ClassVar[tuple[str, ...]] = ("mails without subject",)

    # Each mail of a merge is judged by itself, and the status is that of the worst.
    mixed_batches: ClassVar[bool] = True

    # A body and To are required, and a header is a key of an object. A mail without a subject:
    # unconfirmed.
    capabilities: ClassVar[plugin.Capabilities] = plugin.Capabilities(
        Feature.HTML
        | Feature.REPLY_TO
        | Feature.HEADERS
        | Feature.ATTACHMENTS
        | Feature.INLINE_IMAGES
        | Feature.TAGS
        | Feature.METADATA
        | Feature.TRACKING
        | Feature.TEMPLATES
        | Feature.TEMPLATE_FROM
        | Feature.TEMPLATE_SUBJECT
        | Feature.MERGE
        | Feature.MERGE_METADATA
        | Feature.MERGE_HEADERS
        | Feature.MERGE_UNEVEN_HEADERS,
        max_tags=1,
        max_recipients=50,
        max_merge=50,
        max_bytes=15 * plugin.MB,
    )
    webhook_retries: ClassVar[plugin.WebhookRetries] = plugin.WebhookRetries(
        attempts=2881,
        span=24 * 3600.0,
        page="https://documentation.mailjet.com/hc/en-us/articles/360043578154 (2026-11)",
    )

    api_key: plugin.Secret = field(repr=False)
    secret_key: plugin.Secret = field(repr=False)
    webhook_username: plugin.Secrets = field(default="", repr=False)
    webhook_password: plugin.Secrets = field(default="", repr=False)
    base_url: str = "https://api.mailjet.com"

    def build_request(self, message: plugin.Message) -> plugin.HTTPRequest:
        """
        Write a mail.

        Raises:
            UnsupportedFeature: If its subject is too long.
        """
        return self._post([self._mail(message)])

    def build_batch(self, message: plugin.Message) -> plugin.HTTPRequest:
        """
        Write a merge as a list of mails, filled in here.

        Raises:
            UnsupportedFeature: As ``build_request``.
        """
        mails = (self._mail(plugin.for_recipient(message, address)) for address in message.to)
        return self._post(plugin.WrittenJSON.of_items(mails))

    def parse_response(self, response: plugin.Response, message: plugin.Message) -> plugin.Accepted:
        (entry,) = plugin.one_each(response, _entries(response), 1)
        found = _outcome(response, entry, message)
        if isinstance(found, errors.SendError):
            raise found
        return found

    def parse_batch(self, response: plugin.Response, message: plugin.Message) -> plugin.Outcomes:
        entries = _entries(response)
        if not entries and not response.ok:
            raise self.classify_error(response, message)
        pairs = zip(plugin.one_each(response, entries, len(message.to)), message.to, strict=True)
        single = message.bound(merge_data={}, merge_metadata={}, merge_headers={})
        return tuple(_outcome(response, one, single.bound(to=(to,))) for one, to in pairs)

    def classify_error(
        self, response: plugin.Response, message: plugin.Message
    ) -> errors.SendError:
        entries = _entries(response)
        # Without any, it is the whole call that is at fault.
        return _error(response, entries[0] if entries else response.json_object(), message)

    def build_ping(self) -> plugin.HTTPRequest:
        return plugin.HTTPRequest("GET", f"{self.base_url}/v3/REST/sender?Limit=1", self._headers())

    def account_checks(self, asked: plugin.AccountQuestion) -> Iterable[plugin.AccountCheck]:
        return account.checks(self._ask, asked)

    def webhook_setups(self, url: str) -> Iterable[plugin.WebhookSetup]:
        credentials = plugin.webhook_credentials(
            "mailjet", self.webhook_username, self.webhook_password
        )
        place = f"{self.base_url}/v3/REST/eventcallbackurl"
        whole = plugin.with_credentials(url, credentials)
        return (
            plugin.WebhookSetup(
                plugin.post_json(
                    place, self._headers(), {"EventType": event, "Url": whole, "Version": 2}
                )
            )
            for event in account.EVENTS
        )

    def _ask(self, path: str) -> plugin.HTTPRequest:
        return plugin.HTTPRequest("GET", f"{self.base_url}/v3/REST/{path}", self._headers())

    def verify_webhook(self, request: plugin.WebhookRequest, fetch: plugin.Fetch) -> str:
        plugin.verify_basic_auth(request, self.webhook_username, self.webhook_password)
        return ""

    def parse_webhook(self, request: plugin.WebhookRequest) -> tuple[plugin.DeliveryEvent, ...]:
        return read_events(request)

    def _mail(self, message: plugin.Message) -> dict[str, Any]:
        if len(message.subject) > MAX_SUBJECT:
            text = f"mailjet takes no more than {MAX_SUBJECT} characters of a subject"
            raise errors.UnsupportedFeature(text, features=(f"max_subject={MAX_SUBJECT}",))
        tracked = bool(message.html or message.template_id)
        fields = {
            "From": ADDRESS.one(message.sender),
            "To": ADDRESS.all(message.to),
            "Cc": ADDRESS.all(message.cc),
            "Bcc": ADDRESS.all(message.bcc),
            "ReplyTo": ADDRESS.first(message.reply_to),
            "Subject": message.subject,
            "TextPart": message.text,
            "HTMLPart": message.html,
            "Headers": plugin.own_headers(message),
            "Attachments": FILE.files(message),
            "InlinedAttachments": FILE.images(message),
            "CustomCampaign": message.tags[0] if message.tags else "",
            "EventPayload": _payload(message.metadata),
            "CustomID": message.id,
            "TrackOpens": TRACKING[message.track_opens] if tracked else None,
            "TrackClicks": TRACKING[message.track_clicks] if tracked else None,
            "TemplateID": plugin.template_number(message),
            "TemplateLanguage": bool(message.template_id) or None,
            "Variables": message.template_data,
        }
        return plugin.merge_options(plugin.filled(fields), message.options(self.name))

    def _post(self, mails: list[dict[str, Any]] | plugin.WrittenJSON) -> plugin.HTTPRequest:
        url = f"{self.base_url}/v3.1/send"
        return plugin.post_json(url, self._headers(), {"Messages": mails})

    def _headers(self) -> dict[str, str]:
        return {
            "Authorization": plugin.basic_auth(
                plugin.reveal(self.api_key), plugin.reveal(self.secret_key)
            )
        }


def _payload(metadata: Mapping[str, str]) -> str:
    return json.dumps(dict(metadata), ensure_ascii=False) if metadata else ""


def _entries(response: plugin.Response) -> list[dict[str, Any]]:
    """
    What is said of each mail, [] where the answer does not speak of mails.
    """
    found = response.json_object().get("Messages")
    entries = found if isinstance(found, list) else []
    return entries if all(isinstance(one, dict) for one in entries) else []


def _outcome(
    response: plugin.Response, entry: Mapping[str, Any], message: plugin.Message
) -> plugin.Accepted | errors.SendError:
    """
    Read what Mailjet says of one mail.
    """
    if entry.get("Status") == "error":
        return _error(response, entry, message)
    people = [one for kind in ("To", "Cc", "Bcc") for one in plugin.as_objects(entry.get(kind))]
    pairs = ((one.get("Email"), plugin.as_code(one.get("MessageID"), int)) for one in people)
    ids = plugin.by_recipient((pair for pair in pairs if pair[1]), message.recipients)
    if entry.get("Status") != "success" or not ids:
        return plugin.unreadable(response)
    return plugin.Accepted(next(iter(ids.values())), {}, ids)


def _error(
    response: plugin.Response, entry: Mapping[str, Any], message: plugin.Message
) -> errors.SendError:
    """
    Make the error of a mail or of the call.
    """
    problems = [
        problem
        for one in plugin.as_objects(entry.get("Errors")) or (entry,)
        for problem in _problems(one)
    ]
    ours = any(one.code for one in problems) or isinstance(entry.get("ErrorIdentifier"), str)
    otherwise = errors.RequestRefused if response.ok else None
    return ERRORS.classify(response, problems if ours else (), message=message, otherwise=otherwise)


def _problems(error: Mapping[str, Any]) -> Iterator[plugin.Problem]:
    """
    Yield an error once for each property at fault.
    """
    code, text = plugin.as_code(error.get("ErrorCode")), plugin.as_words(error.get("ErrorMessage"))
    places = error.get("ErrorRelatedTo")
    places = places if isinstance(places, list) else [places]
    for place in [one for one in places if isinstance(one, str)] or [""]:
        yield plugin.Problem(code, text, place)
