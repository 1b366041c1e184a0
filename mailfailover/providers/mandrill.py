"""
Mandrill (Mailchimp Transactional), through ``POST /api/1.0/messages/send``.

https://mailchimp.com/developer/transactional/api/messages/send-new-message/ (2026-11)
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any, ClassVar, NamedTuple

from mailfailover import errors, plugin
from mailfailover.plugin import Feature, RecipientStatus, Rule
from mailfailover.providers import _mandrill_account as account
from mailfailover.providers._mandrill_events import read_events, read_form

YEAR = 365 * 86400.0

# By the "name" of an error, because the HTTP status is not reliable: Invalid_Key comes as 401
# and as 500. ERROR_MAP of the vendor's client, PyPI mandrill 1.0.60 (2026-11).
#
# A ValidationError says in words which field of the message is at fault (unconfirmed; as
# quoted in public issues, 2026-11). Any other one is a fault of ours.
ERRORS = plugin.Errors(
    {
        "GeneralError": errors.OutcomeUnknown,  # "an unexpected error occurred"
        "Invalid_Key": errors.AuthenticationFailed,
        "PaymentRequired": errors.AccountSuspended,
        "PoorReputation": errors.AccountSuspended,
        "ServiceUnavailable": errors.ProviderUnavailable,
        "Unknown_Subaccount": errors.RequestRefused,  # named by an option of the mail
        "Unknown_Template": errors.UnsupportedFeature,
    },
    rules=(
        Rule(errors.SenderRefused, "ValidationError", r'"from_email":.*email address'),
        Rule(errors.RecipientRejected, "ValidationError", r'"to":.*email address'),
    ),
)

# https://mailchimp.com/developer/transactional/api/messages/send-new-message/ (2026-11)
ACCEPTED = {
    "sent": RecipientStatus.ACCEPTED,
    "queued": RecipientStatus.QUEUED,
    "scheduled": RecipientStatus.QUEUED,
}

# The reject_reason, or the status "invalid". A refusal for our own sake is worth another try.
REFUSED = plugin.Refusals(
    {
        # Said nothing that we understand.
        "": (RecipientStatus.UNKNOWN, errors.OutcomeUnknown),
        "unsub": (RecipientStatus.SUPPRESSED, errors.RecipientSuppressed),
        "spam": (RecipientStatus.SUPPRESSED, errors.RecipientSuppressed),
        "hard-bounce": (RecipientStatus.SUPPRESSED, errors.RecipientSuppressed),
        "soft-bounce": (RecipientStatus.SUPPRESSED, errors.RecipientSuppressed),
        "custom": (RecipientStatus.SUPPRESSED, errors.RecipientSuppressed),
        "unsigned": (RecipientStatus.REFUSED, errors.SenderRefused),
        "invalid-sender": (RecipientStatus.REFUSED, errors.SenderRefused),
        "test-mode-limit": (RecipientStatus.REFUSED, errors.QuotaExceeded),
        # For a reason we do not know.
        "rejected": (RecipientStatus.REFUSED, errors.RequestRefused),
        # A rule of the account's owner.
        "rule": (RecipientStatus.REFUSED, errors.MessageRejected),
        "invalid": (RecipientStatus.INVALID, errors.RecipientRejected),
    }
)

# https://mailchimp.com/developer/transactional/docs/tags-metadata/ (2026-11): of JSON
MAX_METADATA_BYTES = 250

# https://mailchimp.com/developer/transactional/docs/templates-dynamic-content/ (2026-11): an
# expression begins with two braces, a backslash before it escapes. Three braces keep a value
# from being escaped for HTML, as everywhere in Handlebars; at Mandrill unconfirmed.
HANDLEBARS = plugin.MergeLanguage(
    "{{{%s}}}",
    r"[\\{]*\{\{|[\\{]+(?=\0)",
    {"{": "literal_brace", "\\": "literal_backslash"},
)

# Options that would change who gets the mail, who sees whom, and who sends it.
RESERVED = {"key"} | {
    f"message.{name}" for name in ("bcc_address", "from_email", "preserve_recipients", "to")
}

FILE = plugin.FileFields("name", "content", "type")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mandrill:
    """
    Sends through Mandrill.

    The key is made under Settings, "SMTP & API Info".

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
    maturity: ClassVar[str] = "stable"
    unconfirmed: ClassVar[tuple[str, ...]] = (
        "that send-raw reads the headers X-MC-Metadata, X-MC-Tags and X-MC-Track",
        "how often it repeats a webhook, and at which statuses",
        "the words of a ValidationError",
        "that three braces keep a value as it is",
        "how many recipients and bytes a call may have",
        "repeated headers, and mails without subject or text",
    )

    # Envelope sender: return_path_domain is a domain only, an option. Headers per recipient: no
    # such parameter. Repeated headers, mails without subject or text: unconfirmed.
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
        | Feature.TAGS
        | Feature.METADATA
        | Feature.TRACKING
        | Feature.SEND_AT
        | Feature.TEMPLATES
        | Feature.TEMPLATE_FROM
        | Feature.TEMPLATE_SUBJECT
        | Feature.MERGE
        | Feature.MERGE_METADATA,
        max_metadata_bytes=MAX_METADATA_BYTES,
        max_recipients=1000,  # unconfirmed
        max_merge=1000,  # unconfirmed
        max_bytes=25 * plugin.MB,  # unconfirmed
        max_delay=YEAR,
    )
    webhook_retries: ClassVar[plugin.WebhookRetries] = plugin.WebhookRetries(
        statuses=plugin.ONLY_5XX
    )

    api_key: plugin.Secret = field(repr=False)
    webhook_key: plugin.Secrets = field(default="", repr=False)
    webhook_url: str = ""
    base_url: str = "https://mandrillapp.com"

    def build_request(self, message: plugin.Message) -> plugin.HTTPRequest:
        if message.mime or message.alternatives:
            return self._raw(message)
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

    def build_batch(self, message: plugin.Message) -> plugin.HTTPRequest:
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
            and plugin.WrittenJSON.of_items(
                {"rcpt": email, "values": values}
                for email, values in message.merge_metadata.items()
            ),
        }
        return self._request(message, content | merge)

    def parse_response(self, response: plugin.Response, message: plugin.Message) -> plugin.Accepted:
        results = _results(response, message.recipients)
        accepted = [one.message_id for one in results.values() if one.status in ACCEPTED.values()]
        if not accepted:
            raise REFUSED.classify(response, {email: one.reason for email, one in results.items()})
        return plugin.Accepted(
            accepted[0],
            {email: one.status for email, one in results.items()},
            {email: one.message_id for email, one in results.items() if one.message_id},
        )

    def parse_batch(self, response: plugin.Response, message: plugin.Message) -> plugin.Outcomes:
        results = _results(response, message.to)
        return tuple(
            plugin.Accepted(one.message_id, {email: one.status})
            if one.status in ACCEPTED.values()
            else REFUSED.classify(response, {email: one.reason})
            for email, one in results.items()
        )

    def classify_error(
        self, response: plugin.Response, message: plugin.Message
    ) -> errors.SendError:
        answer = response.json_object()
        name = plugin.as_code(answer.get("name")) if answer.get("status") == "error" else ""
        problems = [plugin.Problem(name, plugin.as_words(answer.get("message")))] if name else []
        is_error_of_server = response.status_code >= 500  # noqa: PLR2004 -- see ERRORS
        return ERRORS.classify(
            response,
            problems,
            otherwise=errors.RequestRefused if problems and is_error_of_server else None,
        )

    def build_ping(self) -> plugin.HTTPRequest:
        return self._call("users/ping2", {})

    def account_checks(self, asked: plugin.AccountQuestion) -> Iterable[plugin.AccountCheck]:
        return account.checks(self._call, asked)

    def webhook_setups(self, url: str) -> Iterable[plugin.WebhookSetup]:
        request = self._call("webhooks/add", {"url": url, "events": list(account.EVENTS)})
        return (plugin.WebhookSetup(request, account.read_secret),)

    def verify_webhook(self, request: plugin.WebhookRequest, fetch: plugin.Fetch) -> str:
        # https://mailchimp.com/developer/transactional/guides/track-respond-activity-webhooks/
        # (2026-11). The address is ours to know: what the request says of it is not signed.
        if not self.webhook_url:
            raise errors.InvalidSignature(
                "mandrill signs the address of its webhook: set webhook_url as mandrill knows it"
            )
        signed = self.webhook_url + "".join(map("".join, sorted(read_form(request))))
        given = request.header("x-mandrill-signature")
        plugin.verify_hmac(given, self.webhook_key, signed.encode(), digest="sha1", base64=True)
        return given

    def parse_webhook(self, request: plugin.WebhookRequest) -> tuple[plugin.DeliveryEvent, ...]:
        return read_events(request)

    def _request(self, message: plugin.Message, content: dict[str, Any]) -> plugin.HTTPRequest:
        body: dict[str, Any] = {"message": plugin.filled(_common(message) | content)}
        method = "messages/send"
        if message.send_at is not None:
            body["send_at"] = message.send_at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
        if message.template_id:
            method = "messages/send-template"
            body |= {"template_name": message.template_id, "template_content": []}
        body = plugin.merge_options(body, message.options(self.name), reserved=RESERVED)
        return self._call(method, body)

    def _raw(self, message: plugin.Message) -> plugin.HTTPRequest:
        """
        Write a mail as MIME.

        It is sent as if it came by SMTP: what a vendor is asked to do stands in its header.
        https://mailchimp.com/developer/transactional/api/messages/send-mime-document/ and
        https://mailchimp.com/developer/transactional/docs/smtp-integration/ (2026-11)
        """
        if message.template_id or message.template_data:
            raise plugin.unsupported("mandrill takes no MIME beside a template", "TEMPLATES")
        body: dict[str, Any] = {
            "raw_message": _commands(message) + plugin.mime_text(message),
            "from_email": message.sender.email,
            "to": [address.email for address in message.recipients],
        }
        if message.send_at is not None:
            body["send_at"] = message.send_at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
        options = message.options(self.name)
        body = plugin.merge_options(body, options, reserved=RESERVED | {"raw_message", "to"})
        return self._call("messages/send-raw", body)

    def _call(self, method: str, body: dict[str, Any]) -> plugin.HTTPRequest:
        data = {"key": plugin.reveal(self.api_key), **body}
        return plugin.post_json(f"{self.base_url}/api/1.0/{method}", {}, data)


def _common(message: plugin.Message) -> dict[str, Any]:
    """
    What is the same for all recipients.
    """
    return {
        "from_email": message.sender.email,
        "from_name": message.sender.name,
        "to": _recipients(message),
        "attachments": FILE.files(message),
        "images": FILE.images(message),
        "tags": message.tags,
        "metadata": _metadata(message),
        "track_opens": message.track_opens,
        "track_clicks": message.track_clicks,
        "global_merge_vars": _merge_vars(message.template_data),
    }


def _recipients(message: plugin.Message) -> list[dict[str, str]] | plugin.WrittenJSON:
    rows = (
        {"email": address.email, "name": address.name, "type": kind}
        for kind, addresses in (("to", message.to), ("cc", message.cc), ("bcc", message.bcc))
        for address in addresses
    )
    # Thousands of a merge are in memory as bytes only; few are written faster with the rest.
    return plugin.WrittenJSON.of_items(rows) if message.is_merge else list(rows)


def _commands(message: plugin.Message) -> str:
    found = {"X-MC-Metadata": json.dumps(_metadata(message)), "X-MC-Tags": _tags(message)}
    if message.track_opens is not None or message.track_clicks is not None or message.mime:
        on = {"opens": message.track_opens, "clicks": message.track_clicks}
        found["X-MC-Track"] = ", ".join(name for name, is_on in on.items() if is_on) or "none"
    return "".join(f"{name}: {value}\r\n" for name, value in found.items() if value)


def _tags(message: plugin.Message) -> str:
    for tag in message.tags:
        if "," in tag or not tag.isascii():
            text = "mandrill takes no tag with a comma or beyond ASCII beside MIME"
            raise plugin.unsupported(text, "TAGS")
    return ",".join(message.tags)


def _headers(message: plugin.Message) -> dict[str, str]:
    # The Message-Id has a place of its own, and none in a batch, whose mails would share it.
    reply_to = plugin.address_line(message.reply_to)
    return plugin.filled({**plugin.own_headers(message), "Reply-To": reply_to})


def _metadata(message: plugin.Message) -> dict[str, str]:
    # Our id is a hint: it goes along where the vendor's limit leaves room for it.
    metadata = plugin.own_metadata(message)
    most = max(map(_size, message.merge_metadata.values()), default=0)
    if _size(metadata) + most > MAX_METADATA_BYTES:
        return dict(message.metadata)
    return metadata


def _size(data: Mapping[str, str]) -> int:
    return len(json.dumps(data))


def _merge_vars(data: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"name": name, "content": value} for name, value in data.items()]


def _template_merge(message: plugin.Message) -> dict[str, Any]:
    if plugin.rewrite(message.subject, str) != message.subject:
        text = "mandrill cannot merge a subject and a stored template in one call"
        raise errors.UnsupportedFeature(text, features=("MERGE",))
    return {
        "subject": message.subject,
        "merge_vars": [
            {"rcpt": email, "vars": _merge_vars(data)} for email, data in message.merge_data.items()
        ],
    }


def _text_merge(message: plugin.Message) -> dict[str, Any]:
    """
    The text as a Handlebars template with numbered variables, which no name can break.

    What Handlebars would read in the mail's own text becomes a variable too, so that it
    arrives as it stands.
    """
    numbers = {
        name: f"v{number}"
        for number, name in enumerate(plugin.variables(message, message.to[0].email))
    }

    return {
        "merge_language": "handlebars",
        "subject": HANDLEBARS.write(message.subject, numbers.__getitem__),
        "text": HANDLEBARS.write(message.text, numbers.__getitem__),
        "html": HANDLEBARS.write(message.html, numbers.__getitem__, html=True),
        "global_merge_vars": _merge_vars({**message.template_data, **HANDLEBARS.values}),
        "merge_vars": plugin.WrittenJSON.of_items(
            {
                "rcpt": address.email,
                "vars": _merge_vars({numbers[name]: value for name, value in data.items()}),
            }
            for address, data in zip(message.to, plugin.all_variables(message), strict=True)
        ),
    }


class Result(NamedTuple):
    """
    What Mandrill said of one recipient.
    """

    status: RecipientStatus
    reason: str = ""
    message_id: str = ""


def _results(
    response: plugin.Response, recipients: tuple[plugin.Address, ...]
) -> dict[str, Result]:
    """
    Read the list of an answer, in the order of *recipients*.

    Raises:
        OutcomeUnknown: If it is no such list.
    """
    entries = response.json()
    if not isinstance(entries, list) or not all(isinstance(one, dict) for one in entries):
        raise plugin.unreadable(response)
    said = plugin.by_recipient(((one.get("email"), one) for one in entries), recipients)
    return {one.email: _result(said.get(one.email, {})) for one in recipients}


def _result(entry: Mapping[str, Any]) -> Result:
    status, reason, mail_id = map(
        plugin.as_words, map(entry.get, ("status", "reject_reason", "_id"))
    )
    if status in ACCEPTED:
        return Result(ACCEPTED[status], "", mail_id)
    known = next((one for one in (reason, status) if one in REFUSED and one), "")
    return Result(REFUSED.status(known), known, mail_id)
