"""
Mailjet (Sinch), through ``POST /v3.1/send``.

https://dev.mailjet.com/email/guides/send-api-v31/ (2026-11)
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
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
    Response,
    Secrets,
    WebhookRequest,
    WrittenJSON,
    basic_auth,
    classify_http,
    for_recipient,
    json_body,
    merge_options,
    reveal,
    verify_basic_auth,
)
from mailfailover.providers._mailjet_events import read_events

# By code and property at fault; the first that matches counts. What is not here is a fault of
# ours, or judged by its status.
# https://dev.mailjet.com/email/guides/send-api-v31/#send-api-errors (2026-11); how a property
# of a recipient is written is by public fixtures.
ERRORS: tuple[tuple[str, str, type[SendError]], ...] = (
    ("mj-0001", r"", errors.AccountSuspended),  # the key is suspended
    ("mj-0015", r"", errors.AuthenticationFailed),
    ("mj-0013", r"(To|Cc|Bcc)\b", errors.RecipientRejected),
    ("mj-0013", r"(From|Sender)\b", errors.SenderRefused),
    ("send-0006", r"", errors.SenderRefused),
    ("send-0007", r"", errors.SenderRefused),
    ("send-0008", r"", errors.SenderRefused),  # not authorized for this account
    ("send-0003", r"", errors.UnsupportedFeature),  # text, HTML or a template is required
    ("send-0004", r"", errors.UnsupportedFeature),  # a template with a text of one's own
    ("send-0010", r"", errors.UnsupportedFeature),  # no such template
    ("send-0011", r"", errors.UnsupportedFeature),  # a header that it makes itself
    ("send-0015", r"", errors.UnsupportedFeature),  # recipients
    ("mj-0006", r"", errors.UnsupportedFeature),  # characters
    ("mj-0008", r"", errors.UnsupportedFeature),  # items of a list
    ("mj-0011", r"", errors.UnsupportedFeature),  # bytes
)
CODE = re.compile(r"[a-z]+-\d{1,6}")
RECIPIENT = re.compile(r"(To|Cc|Bcc)\[(\d+)\](\.Email)?")

# https://dev.mailjet.com/email/guides/send-api-v31/#send-api-json-properties (2026-11)
MAX_SUBJECT = 255
TRACKING = {None: None, True: "enabled", False: "disabled"}

# Options that would change who gets the mail and who sends it.
RESERVED = {"From", "Sender", "To", "Cc", "Bcc"}


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

    # Each mail of a merge is judged by itself, and the status is that of the worst.
    mixed_batches: ClassVar[bool] = True

    # A body and To are required, and a header is a key of an object. A mail without a subject:
    # unconfirmed.
    capabilities: ClassVar[Capabilities] = Capabilities(
        Feature.HTML
        | Feature.REPLY_TO
        | Feature.HEADERS
        | Feature.ATTACHMENTS
        | Feature.INLINE_IMAGES
        | Feature.TAGS
        | Feature.METADATA
        | Feature.TRACKING
        | Feature.TEMPLATES
        | Feature.MERGE
        | Feature.MERGE_METADATA
        | Feature.MERGE_HEADERS
        | Feature.MERGE_UNEVEN_HEADERS,
        max_tags=1,
        max_recipients=50,
        max_merge=50,
        max_bytes=15 * MB,
    )

    api_key: str | Callable[[], str] = field(repr=False)
    secret_key: str | Callable[[], str] = field(repr=False)
    webhook_username: Secrets = field(default="", repr=False)
    webhook_password: Secrets = field(default="", repr=False)
    base_url: str = "https://api.mailjet.com"

    def build_request(self, message: Message) -> HTTPRequest:
        """
        Write a mail.

        Raises:
            UnsupportedFeature: If its subject is too long.
        """
        return self._post([self._mail(message)])

    def build_batch(self, message: Message) -> HTTPRequest:
        """
        Write a merge as a list of mails, filled in here.

        Raises:
            UnsupportedFeature: As ``build_request``.
        """
        mails = (self._mail(for_recipient(message, address)) for address in message.to)
        return self._post(WrittenJSON.of_items(mails))

    def parse_response(self, response: Response, message: Message) -> Accepted:
        entries = _entries(response)
        if len(entries) != 1:
            raise _unreadable(response)
        found = _outcome(response, entries[0], message)
        if isinstance(found, SendError):
            raise found
        return found

    def parse_batch(self, response: Response, message: Message) -> tuple[Accepted | SendError, ...]:
        entries = _entries(response)
        if not entries and not response.ok:
            raise self.classify_error(response, message)
        if len(entries) != len(message.to):
            raise _unreadable(response)
        return tuple(
            _outcome(response, entry, message.bound(to=(address,)))
            for entry, address in zip(entries, message.to, strict=True)
        )

    def classify_error(self, response: Response, message: Message) -> SendError:
        entries = _entries(response)
        # Without any, it is the whole call that is at fault.
        return _error(response, entries[0] if entries else response.json_object(), message)

    def build_ping(self) -> HTTPRequest:
        return HTTPRequest("GET", f"{self.base_url}/v3/REST/sender?Limit=1", self._headers())

    def verify_webhook(self, request: WebhookRequest, fetch: Fetch) -> str:
        verify_basic_auth(request, self.webhook_username, self.webhook_password)
        return ""

    def parse_webhook(self, request: WebhookRequest) -> tuple[DeliveryEvent, ...]:
        return read_events(request)

    def _mail(self, message: Message) -> dict[str, Any]:
        if len(message.subject) > MAX_SUBJECT:
            text = f"mailjet takes no more than {MAX_SUBJECT} characters of a subject"
            raise errors.UnsupportedFeature(text, features=(f"max_subject={MAX_SUBJECT}",))
        tracked = bool(message.html or message.template_id)
        files = [_file(one) for one in message.attachments]
        fields = {
            "From": _address(message.sender),
            "To": [_address(address) for address in message.to],
            "Cc": [_address(address) for address in message.cc],
            "Bcc": [_address(address) for address in message.bcc],
            "ReplyTo": _address(message.reply_to[0]) if message.reply_to else None,
            "Subject": message.subject,
            "TextPart": message.text,
            "HTMLPart": message.html,
            "Headers": _headers(message),
            "Attachments": [one for one in files if "ContentID" not in one],
            "InlinedAttachments": [one for one in files if "ContentID" in one],
            "CustomCampaign": message.tags[0] if message.tags else "",
            "EventPayload": _payload(message.metadata),
            "CustomID": message.id,
            "TrackOpens": TRACKING[message.track_opens] if tracked else None,
            "TrackClicks": TRACKING[message.track_clicks] if tracked else None,
            "TemplateID": _template_id(str(message.template_id)),
            "TemplateLanguage": bool(message.template_id),
            "Variables": message.template_data,
        }
        body = {key: value for key, value in fields.items() if value}
        return merge_options(body, message.options(self.name), reserved=RESERVED)

    def _post(self, mails: list[dict[str, Any]] | WrittenJSON) -> HTTPRequest:
        headers = self._headers() | {"Content-Type": "application/json"}
        return HTTPRequest(
            "POST", f"{self.base_url}/v3.1/send", headers, json_body({"Messages": mails})
        )

    def _headers(self) -> dict[str, str]:
        return {"Authorization": basic_auth(reveal(self.api_key), reveal(self.secret_key))}


def _address(address: Address) -> dict[str, str]:
    if address.name:
        return {"Email": address.email, "Name": address.name}
    return {"Email": address.email}


def _headers(message: Message) -> dict[str, str]:
    return {name: value for name, value in message.header_items() if name.lower() != "message-id"}


def _file(attachment: Attachment) -> dict[str, Any]:
    fields = {
        "ContentType": attachment.content_type,
        "Filename": attachment.filename,
        "Base64Content": attachment.base64(),
    }
    return fields | ({"ContentID": attachment.content_id} if attachment.content_id else {})


def _payload(metadata: Mapping[str, str]) -> str:
    return json.dumps(dict(metadata), ensure_ascii=False) if metadata else ""


def _template_id(template: str) -> int | str:
    # One that is no number is for Mailjet to refuse: it names the property.
    return int(template) if template.isascii() and template.isdecimal() else template


def _unreadable(response: Response) -> SendError:
    return classify_http(response, kind=errors.OutcomeUnknown, detail="unreadable answer")


def _entries(response: Response) -> list[dict[str, Any]]:
    """
    What is said of each mail, [] where the answer does not speak of mails.
    """
    found = response.json_object().get("Messages")
    entries = found if isinstance(found, list) else []
    return entries if all(isinstance(one, dict) for one in entries) else []


def _outcome(
    response: Response, entry: Mapping[str, Any], message: Message
) -> Accepted | SendError:
    """
    Read what Mailjet says of one mail.
    """
    if entry.get("Status") == "error":
        return _error(response, entry, message)
    ids = _ids(entry)
    mine = {
        one.email: ids[one.email.lower()] for one in message.recipients if one.email.lower() in ids
    }
    if entry.get("Status") != "success" or not mine:
        return _unreadable(response)
    return Accepted(next(iter(mine.values())), {}, mine)


def _ids(entry: Mapping[str, Any]) -> dict[str, str]:
    """
    The id of each recipient's mail by the address in lower case.
    """
    ids = {}
    for kind in ("To", "Cc", "Bcc"):
        people = entry.get(kind)
        for one in people if isinstance(people, list) else ():
            if isinstance(one, dict) and type(one.get("MessageID")) is int:
                ids[str(one.get("Email")).lower()] = str(one["MessageID"])
    return ids


def _error(response: Response, entry: Mapping[str, Any], message: Message) -> SendError:
    """
    Make the error of a mail or of the call: the first that ERRORS knows, else the first.
    """
    found = entry.get("Errors")
    problems = [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
    said = [_said(one) for one in problems or (entry,)]
    for code, place, kind in ERRORS:
        for known, text, places in said:
            if known == code and any(re.match(place, one) for one in places or ("",)):
                error = classify_http(response, code=code, kind=kind, detail=text)
                if kind is errors.RecipientRejected:
                    error.recipients = _named(places, message)
                return error
    code, text, _ = said[0]
    if response.ok:  # the status is one of success, what is said of this mail is not
        return classify_http(response, code=code, kind=errors.RequestRefused, detail=text)
    ours = bool(code) or isinstance(entry.get("ErrorIdentifier"), str)
    return classify_http(response, own_envelope=ours, code=code, detail=text)


def _said(problem: Mapping[str, Any]) -> tuple[str, str, list[str]]:
    code, text, places = (
        problem.get(name) for name in ("ErrorCode", "ErrorMessage", "ErrorRelatedTo")
    )
    known = isinstance(code, str) and CODE.fullmatch(code)
    places = places if isinstance(places, list) else [places]
    return (
        str(code) if known else "",
        text if isinstance(text, str) else "",
        [one for one in places if isinstance(one, str)],
    )


def _named(places: list[str], message: Message) -> tuple[str, ...]:
    """
    The addresses at places such as ``To[2].Email`` of our request.
    """
    addresses = {"To": message.to, "Cc": message.cc, "Bcc": message.bcc}
    found = [match for place in places if (match := RECIPIENT.fullmatch(place))]
    return tuple(one.email for match in found for one in addresses[match[1]][int(match[2]) :][:1])
