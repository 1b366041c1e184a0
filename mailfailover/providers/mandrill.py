"""
Mandrill (Mailchimp Transactional), through ``POST /api/1.0/messages/send``.

https://mailchimp.com/developer/transactional/api/messages/send-new-message/ (2026-11)
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any, ClassVar, NamedTuple

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
    json_body,
    merge_options,
    reveal,
    rewrite,
    variables,
    verify_hmac,
)
from mailfailover.providers._mandrill_events import read_events, read_form

YEAR = 365 * 86400.0

# By the "name" of an error, because the HTTP status is not reliable: Invalid_Key comes as 401
# and as 500. ERROR_MAP of the vendor's client, PyPI mandrill 1.0.60 (2026-11).
ERRORS: Mapping[str, type[SendError]] = {
    "GeneralError": errors.OutcomeUnknown,  # "an unexpected error occurred"
    "Invalid_Key": errors.AuthenticationFailed,
    "PaymentRequired": errors.AccountSuspended,
    "PoorReputation": errors.AccountSuspended,
    "ServiceUnavailable": errors.ProviderUnavailable,
    "Unknown_Subaccount": errors.RequestRefused,  # named by an option of the mail
    "Unknown_Template": errors.UnsupportedFeature,
}

NAME = re.compile(r"\w+")

# A ValidationError says in words which field of the message is at fault (unconfirmed; as
# quoted in public issues, 2026-11). Any other one is a fault of ours.
INVALID_ADDRESS: tuple[tuple[str, type[SendError]], ...] = (
    (r'"from_email":.*email address', errors.SenderRefused),
    (r'"to":.*email address', errors.RecipientRejected),
)

# https://mailchimp.com/developer/transactional/api/messages/send-new-message/ (2026-11)
ACCEPTED = {
    "sent": RecipientStatus.ACCEPTED,
    "queued": RecipientStatus.QUEUED,
    "scheduled": RecipientStatus.QUEUED,
}

# The reject_reason, or the status "invalid", and what it means for the recipient and for the
# mail. Where nobody is accepted the topmost counts: no other provider may evade a
# suppression, and a refusal for our own sake is worth another try.
REFUSED: Mapping[str, tuple[RecipientStatus, type[SendError]]] = {
    "": (RecipientStatus.UNKNOWN, errors.OutcomeUnknown),  # said nothing that we understand
    "unsub": (RecipientStatus.SUPPRESSED, errors.RecipientSuppressed),
    "spam": (RecipientStatus.SUPPRESSED, errors.RecipientSuppressed),
    "hard-bounce": (RecipientStatus.SUPPRESSED, errors.RecipientSuppressed),
    "soft-bounce": (RecipientStatus.SUPPRESSED, errors.RecipientSuppressed),
    "custom": (RecipientStatus.SUPPRESSED, errors.RecipientSuppressed),
    "unsigned": (RecipientStatus.REFUSED, errors.SenderRefused),
    "invalid-sender": (RecipientStatus.REFUSED, errors.SenderRefused),
    "test-mode-limit": (RecipientStatus.REFUSED, errors.QuotaExceeded),
    "rejected": (RecipientStatus.REFUSED, errors.RequestRefused),  # for a reason we do not know
    "rule": (RecipientStatus.REFUSED, errors.MessageRejected),  # a rule of the account's owner
    "invalid": (RecipientStatus.INVALID, errors.RecipientRejected),
}

MAIL_ID = "mailfailover-id"

# https://mailchimp.com/developer/transactional/docs/tags-metadata/ (2026-11): of JSON
MAX_METADATA_BYTES = 250

# https://mailchimp.com/developer/transactional/docs/templates-dynamic-content/ (2026-11): an
# expression begins with two braces, a backslash before it escapes. Three braces keep a value
# from being escaped for HTML, as everywhere in Handlebars; at Mandrill unconfirmed.
EXPRESSION = r"{{{\1}}}"
MARKED = re.compile(r"\0(\w+)\0")
LITERALS = {"{": "literal_brace", "\\": "literal_backslash"}
READ_BY_HANDLEBARS = re.compile(r"[\\{]*\{\{|[\\{]+(?=\0)")

# Options that would change who gets the mail, who sees whom, and who sends it.
RESERVED = {"key"} | {
    f"message.{name}" for name in ("bcc_address", "from_email", "preserve_recipients", "to")
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mandrill:
    """
    Sends through Mandrill.

    Provider options are laid over the JSON of the call: ``{"ip_pool": "main", "message":
    {"subaccount": "shop"}}``. Merge tags in the text of a mail that is no merge stay as they
    are, unless ``{"message": {"merge": True}}`` asks for them.

    Scheduled mails cost extra, and need a paid account. Non-ASCII names of attached files
    were garbled in 2022; whether they still are is unconfirmed.

    Attributes:
        api_key: The key of an account or subaccount.

        webhook_key: Verifies webhooks; one for each of Mandrill's webhooks.

        webhook_url: The webhook's address exactly as Mandrill knows it, because it is signed.

        base_url: Scheme and host, for a proxy.

    .. versionadded:: 0.1.0
    """

    name: ClassVar[str] = "mandrill"
    userinfo: ClassVar[tuple[str, ...]] = ("api_key",)

    # Envelope sender: return_path_domain is a domain only, an option. Headers per recipient: no
    # such parameter. Repeated headers, mails without subject or text: unconfirmed.
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
        | Feature.MERGE_METADATA,
        max_metadata_bytes=MAX_METADATA_BYTES,
        max_recipients=1000,  # unconfirmed
        max_merge=1000,  # unconfirmed
        max_bytes=25 * MB,  # unconfirmed
        max_delay=YEAR,
    )

    api_key: str | Callable[[], str] = field(repr=False)
    webhook_key: Secrets = field(default="", repr=False)
    webhook_url: str = ""
    base_url: str = "https://mandrillapp.com"

    def build_request(self, message: Message) -> HTTPRequest:
        content = {
            "subject": message.subject,
            "text": message.text,
            "html": message.html,
            "headers": {"Message-Id": message.message_id} | _headers(message),
            # All see To and Cc, nobody Bcc; an account's default may be one mail for each.
            "preserve_recipients": True,
            "merge": bool(message.template_id or message.template_data),
        }
        return self._request(message, content)

    def build_batch(self, message: Message) -> HTTPRequest:
        """
        Write a merge with ``merge_vars``, in Handlebars, or with those of a stored template.

        Raises:
            UnsupportedFeature:
                If one call cannot say it, but a mail for each recipient can: a stored
                template, whose language we do not know, with a merged subject.
        """
        merge = _template_merge(message) if message.template_id else _text_merge(message)
        content = {
            "headers": _headers(message),
            "preserve_recipients": False,  # a mail for each, who sees only himself
            "merge": True,
            "recipient_metadata": message.merge_metadata
            and WrittenJSON.of_items(
                {"rcpt": email, "values": values}
                for email, values in message.merge_metadata.items()
            ),
        }
        return self._request(message, content | merge)

    def parse_response(self, response: Response, message: Message) -> Accepted:
        results = _results(response, message.recipients)
        accepted = [one.message_id for one in results.values() if one.status in ACCEPTED.values()]
        if not accepted:
            raise _refusal(response, results)
        return Accepted(
            accepted[0],
            {email: one.status for email, one in results.items()},
            {email: one.message_id for email, one in results.items() if one.message_id},
        )

    def parse_batch(self, response: Response, message: Message) -> tuple[Accepted | SendError, ...]:
        results = _results(response, message.to)
        return tuple(
            Accepted(one.message_id, {email: one.status})
            if one.status in ACCEPTED.values()
            else _refusal(response, {email: one})
            for email, one in results.items()
        )

    def classify_error(self, response: Response, message: Message) -> SendError:
        answer = response.json_object()
        name, text = answer.get("name"), answer.get("message")
        if answer.get("status") != "error" or not isinstance(name, str) or not NAME.fullmatch(name):
            return classify_http(response)
        text = text if isinstance(text, str) else ""
        kind = ERRORS.get(name)
        if name == "ValidationError":
            kind = next((kind for words, kind in INVALID_ADDRESS if re.search(words, text)), None)
        if kind is None and response.status_code >= 500:  # noqa: PLR2004 -- see ERRORS
            kind = errors.RequestRefused
        return classify_http(response, own_envelope=True, code=name, kind=kind, detail=text)

    def build_ping(self) -> HTTPRequest:
        return self._call("users/ping2", {})

    def verify_webhook(self, request: WebhookRequest, fetch: Fetch) -> str:
        # https://mailchimp.com/developer/transactional/guides/track-respond-activity-webhooks/
        # (2026-11). The address is ours to know: what the request says of it is not signed.
        if not self.webhook_url:
            raise errors.InvalidSignature(
                "mandrill signs the address of its webhook: set webhook_url as mandrill knows it"
            )
        signed = self.webhook_url + "".join(map("".join, sorted(read_form(request))))
        given = request.header("x-mandrill-signature")
        verify_hmac(given, self.webhook_key, signed.encode(), digest="sha1", base64=True)
        return given

    def parse_webhook(self, request: WebhookRequest) -> tuple[DeliveryEvent, ...]:
        return read_events(request)

    def _request(self, message: Message, content: dict[str, Any]) -> HTTPRequest:
        filled = {
            key: value
            for key, value in (_common(message) | content).items()
            if value or value is False
        }
        body: dict[str, Any] = {"message": filled}
        method = "messages/send"
        if message.send_at is not None:
            body["send_at"] = message.send_at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
        if message.template_id:
            method = "messages/send-template"
            body |= {"template_name": message.template_id, "template_content": []}
        body = merge_options(body, message.options(self.name), reserved=RESERVED)
        return self._call(method, body)

    def _call(self, method: str, body: dict[str, Any]) -> HTTPRequest:
        return HTTPRequest(
            "POST",
            f"{self.base_url}/api/1.0/{method}",
            {"Content-Type": "application/json"},
            json_body({"key": reveal(self.api_key), **body}),
        )


def _common(message: Message) -> dict[str, Any]:
    """
    What is the same for all recipients.
    """
    return {
        "from_email": message.sender.email,
        "from_name": message.sender.name,
        "to": WrittenJSON.of_items(
            {"email": address.email, "name": address.name, "type": kind}
            for kind, addresses in (("to", message.to), ("cc", message.cc), ("bcc", message.bcc))
            for address in addresses
        ),
        "attachments": [
            _file(one, one.filename) for one in message.attachments if not one.content_id
        ],
        "images": [_file(one, one.content_id) for one in message.attachments if one.content_id],
        "tags": message.tags,
        "metadata": _metadata(message),
        "track_opens": message.track_opens,
        "track_clicks": message.track_clicks,
        "global_merge_vars": _merge_vars(message.template_data),
    }


def _file(attachment: Attachment, name: str) -> dict[str, Any]:
    return {"type": attachment.content_type, "name": name, "content": attachment.base64()}


def _headers(message: Message) -> dict[str, str]:
    # The Message-Id has a place of its own, and none in a batch, whose mails would share it.
    headers = {
        name: value for name, value in message.header_items() if name.lower() != "message-id"
    }
    if message.reply_to:
        headers["Reply-To"] = ", ".join(map(str, message.reply_to))
    return headers


def _metadata(message: Message) -> dict[str, str]:
    # Our id is a hint: it goes along where the vendor's limit leaves room for it.
    metadata = {**message.metadata, MAIL_ID: message.id}
    most = max(map(_size, message.merge_metadata.values()), default=0)
    if _size(metadata) + most > MAX_METADATA_BYTES:
        return dict(message.metadata)
    return metadata


def _size(data: Mapping[str, str]) -> int:
    return len(json.dumps(data))


def _merge_vars(data: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"name": name, "content": value} for name, value in data.items()]


def _template_merge(message: Message) -> dict[str, Any]:
    if rewrite(message.subject, str) != message.subject:
        text = "mandrill cannot merge a subject and a stored template in one call"
        raise errors.UnsupportedFeature(text, features=("MERGE",))
    return {
        "subject": message.subject,
        "merge_vars": [
            {"rcpt": email, "vars": _merge_vars(data)} for email, data in message.merge_data.items()
        ],
    }


def _text_merge(message: Message) -> dict[str, Any]:
    """
    The text as a Handlebars template with numbered variables, which no name can break.

    What Handlebars would read in the mail's own text becomes a variable too, so that it
    arrives as it stands.
    """
    numbers = {
        name: f"v{number}" for number, name in enumerate(variables(message, message.to[0].email))
    }

    def literal(found: re.Match[str]) -> str:
        return "".join(f"\0{LITERALS[character]}\0" for character in found[0])

    def written(text: str, *, html: bool = False) -> str:
        # No text contains NUL, so it can mark our variables meanwhile.
        text = rewrite(text, lambda name: f"\0{numbers[name]}\0", html=html)
        return MARKED.sub(EXPRESSION, READ_BY_HANDLEBARS.sub(literal, text))

    return {
        "merge_language": "handlebars",
        "subject": written(message.subject),
        "text": written(message.text),
        "html": written(message.html, html=True),
        "global_merge_vars": _merge_vars(
            {**message.template_data, **{name: text for text, name in LITERALS.items()}}
        ),
        "merge_vars": WrittenJSON.of_items(
            {
                "rcpt": address.email,
                "vars": _merge_vars({numbers[name]: value for name, value in data.items()}),
            }
            for address, data in zip(message.to, all_variables(message), strict=True)
        ),
    }


class Result(NamedTuple):
    """
    What Mandrill said of one recipient.
    """

    status: RecipientStatus
    reason: str = ""
    message_id: str = ""


def _results(response: Response, recipients: tuple[Address, ...]) -> dict[str, Result]:
    """
    Read the list of an answer, in the order of *recipients*.

    Raises:
        OutcomeUnknown: If it is no such list.
    """
    entries = response.json()
    if not isinstance(entries, list) or not all(isinstance(one, dict) for one in entries):
        raise classify_http(response, kind=errors.OutcomeUnknown, detail="unreadable answer")
    said = {str(one.get("email")).lower(): one for one in entries}
    return {address.email: _result(said.get(address.email.lower(), {})) for address in recipients}


def _result(entry: Mapping[str, Any]) -> Result:
    status, reason, mail_id = (
        value if isinstance(value, str) else ""
        for value in (entry.get("status"), entry.get("reject_reason"), entry.get("_id"))
    )
    if status in ACCEPTED:
        return Result(ACCEPTED[status], "", mail_id)
    known = next((one for one in (reason, status) if one in REFUSED and one), "")
    return Result(REFUSED[known][0], known, mail_id)


def _refusal(response: Response, results: Mapping[str, Result]) -> SendError:
    """
    Make the one error for recipients of whom none was accepted.
    """
    reasons = {result.reason for result in results.values()}
    reason = next(reason for reason in REFUSED if reason in reasons)
    kind = REFUSED[reason][1]
    error = classify_http(response, kind=kind, code=reason)
    error.recipients = tuple(
        email for email, result in results.items() if REFUSED[result.reason][1] is kind
    )
    return error
