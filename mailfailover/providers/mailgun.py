"""
Mailgun, through ``POST /v3/<domain>/messages``.

https://documentation.mailgun.com/docs/mailgun/api-reference/send/mailgun/messages (2026-11)
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC
from functools import cache
from typing import Any, ClassVar
from urllib.parse import quote, urlencode

from mailfailover import errors, plugin
from mailfailover.plugin import Feature
from mailfailover.providers import _mailgun_account as account
from mailfailover.providers._mailgun_events import read_events, read_signature

# https://documentation.mailgun.com/docs/mailgun/api-reference/api-overview (2026-11)
HOSTS = {"us": "https://api.mailgun.net", "eu": "https://api.eu.mailgun.net"}

DAY = 86400.0
DOMAIN = re.compile(r"[\w-]+(\.[\w-]+)*")

# Mailgun has no codes, only words; the first that matches counts.
# https://documentation.mailgun.com/docs/mailgun/quickstart-guide/responses, the vendor's
# OpenAPI file, and answers quoted in public client code and issues (2026-11). The wording of
# those marked is unconfirmed by the vendor.
ERRORS = plugin.Errors(
    words={
        r"'?(to|cc|bcc)'? parameter is not a valid address": errors.RecipientRejected,
        r"'?from'? parameter is not a valid address": errors.SenderRefused,
        r"Header name must be pure ASCII": errors.MessageRejected,
        r"limited to 16 ?KB": errors.UnsupportedFeature,
        r"Domain not found": errors.SenderRefused,  # or it belongs to the other region
        r"requests-per-\w+ limit exceeded": errors.RateLimited,
        r"is not allowed to send: .*limit exceeded": errors.QuotaExceeded,  # unconfirmed
        r"domain is unverified": errors.SenderRefused,  # unconfirmed
        r"is not allowed to send: (Sandbox|Free accounts)": errors.SenderRefused,  # unconfirmed
        # The next two are unconfirmed.
        r"account is disabled|Account (disabled|inactivity)": errors.AccountSuspended,
        r"account is on probation": errors.AccountSuspended,
    }
)
RETRY_AFTER = re.compile(r"try again after (\d+) seconds")

# Mailgun answers a path that it does not know with 200 and these words.
WRONG_URL = b"Mailgun Magnificent API"

# Options that would change who gets the mail and who sends it.
RESERVED = {"from", "h:from", "recipient-variables", "attachment", "inline"}
RESERVED |= {prefix + name for prefix in ("", "h:") for name in ("to", "cc", "bcc")}
BODIES = {"text", "html", "amp-html"}

# Mailgun repeats a webhook for 8 hours, perhaps as it was first signed (its manual does not
# say). A token is good only once, so a wide window lets nobody in.
# https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/webhook-retries (2026-11)
SIGNED_WITHIN = 9 * 3600.0

# The other forms of a text go as MIME, by "Send an email in MIME format" of the page above.
AMP = "text/x-amp-html"

YES_NO = {True: "yes", False: "no"}

# What Mailgun replaces in a batch; %recipient% and %recipient_email% are built in.
# https://documentation.mailgun.com/docs/mailgun/user-manual/sending-messages/batch-sending
# (2026-11). That it replaces once, not again in what it filled in, is unconfirmed.
PLACEHOLDER = "%recipient"
VARIABLE = "%recipient.{}%"

# Where a text has PLACEHOLDER as its own words, this variable brings them back. A colon keeps
# our variables apart from those of the mail.
LITERAL = "text:0"

# Which of the ways to write these in the file name of a form Mailgun reads is not documented, so
# a mail with such a file goes as MIME.
UNCLEAR = re.compile(r'["\\]')

Field = tuple[str, str | plugin.Attachment | plugin.WrittenJSON]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailgun:
    """
    Sends through Mailgun.

    The key is made under "API Security" in Mailgun's console; a sending key of the domain is
    enough.

    Provider options are raw form fields, ``{"o:testmode": "yes", "o:tag": ["a", "b"]}``, and
    replace those of the same name. A bool becomes yes or no, a mapping JSON, a list several
    fields of the name, and None leaves the field out.

    A mail goes as MIME where a form has no sure way to say what it has: a form of its text
    other than AMP, or a file name with a quote or a backslash.

    ``build_ping`` reads the domain, which a key for sending alone may not.

    Attributes:
        api_key: An account's key, or a domain's key for sending.

        domain: The sending domain, as Mailgun knows it.

        region: Where the domain is kept, ``"us"`` or ``"eu"``.

        webhook_signing_key: Verifies webhooks; another one than *api_key*. Two while it changes.

        base_url: Scheme and host, for a proxy; that of *region* where empty.

    .. versionadded:: 0.1.0
    """

    name: ClassVar[str] = "mailgun"
    userinfo: ClassVar[tuple[str, ...]] = ("api_key", "domain")
    maturity: ClassVar[str] = "stable"
    unconfirmed: ClassVar[tuple[str, ...]] = (
        "the words of errors that its documents do not list",
        "that it does not look for variables in what it filled in",
        "repeated headers, and mails without subject",
    )

    # Envelope sender: only its domain can be chosen, by another `domain`. Repeated headers,
    # mails without subject: unconfirmed. A template excludes text and html.
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
        | Feature.MERGE_METADATA
        | Feature.MERGE_HEADERS,
        max_tags=3,  # by the manual; a help page says 10 (both 2026-11)
        max_recipients=1000,
        max_merge=1000,
        max_bytes=25 * plugin.MB,
        max_delay=3 * DAY,  # some plans: 7
    )
    webhook_retries: ClassVar[plugin.WebhookRetries] = plugin.WebhookRetries(
        attempts=7,
        span=8 * 3600.0,
        page="https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/webhook-retries"
        " (2026-11)",
        given_up="406",
    )

    api_key: plugin.Secret = field(repr=False)
    domain: str
    region: str = "us"
    webhook_signing_key: plugin.Secrets = field(default="", repr=False)
    base_url: str = ""

    def __post_init__(self) -> None:
        if not DOMAIN.fullmatch(self.domain):
            raise errors.ConfigurationError(
                "domain of mailgun is not a domain name: give the sending domain alone, "
                "such as mg.example.com"
            )
        object.__setattr__(self, "base_url", plugin.regional_url(self, HOSTS))

    def build_request(self, message: plugin.Message) -> plugin.HTTPRequest:
        """
        Write a mail as a form, or as MIME where a form cannot say what it has.

        Raises:
            UnsupportedFeature: If MIME or AMP stands beside a template.
        """
        if _needs_mime(message):
            return self._request(message, [*_mime(message)], "v3/{}/messages.mime")
        metadata = plugin.own_metadata(message)
        fields = [
            *_content(message, message.subject, message.text, message.html),
            ("h:Message-Id", message.message_id),
            *((f"h:{name}", value) for name, value in plugin.own_headers(message).items()),
            *((f"v:{key}", value) for key, value in metadata.items()),
        ]
        if message.template_data:
            fields.append(("t:variables", json.dumps(message.template_data, ensure_ascii=False)))
        return self._request(message, fields)

    def build_batch(self, message: plugin.Message) -> plugin.HTTPRequest:
        """
        Write a merge with ``recipient-variables``, one set of them for each recipient.

        Raises:
            UnsupportedFeature:
                As ``build_request``; if it needs MIME, which goes one by one; or if a stored
                template has a variable with the name of a key of metadata: in a merge both go
                into the same fields.
        """
        if _needs_mime(message):
            raise plugin.unsupported("mailgun takes MIME to one recipient each", "MERGE")
        shared = _shared(message)
        own = {
            name: f"{name[0]}:{number}"
            for number, (name, value) in enumerate(shared.items())
            if value is None
        }
        fields: list[Field] = [
            *_content(
                message,
                _rewrite(message.subject),
                _rewrite(message.text),
                _rewrite(message.html, html=True),
            ),
            *(
                (name, VARIABLE.format(own[name]) if value is None else _literal(value))
                for name, value in shared.items()
            ),
        ]
        emails = (address.email for address in message.to)
        sets = _sets(message, own) if own else plugin.all_variables(message)
        if any(VARIABLE.format(LITERAL) in str(value) for _, value in fields):
            sets = ({**found, LITERAL: PLACEHOLDER} for found in sets)
        per_recipient = plugin.WrittenJSON.of_pairs(zip(emails, sets, strict=True))
        return self._request(message, [*fields, ("recipient-variables", per_recipient)])

    def parse_response(self, response: plugin.Response, message: plugin.Message) -> plugin.Accepted:
        answer = response.json_object()
        text, mail_id = answer.get("message"), answer.get("id")
        if isinstance(mail_id, str) and isinstance(text, str) and text.startswith("Queued"):
            return plugin.Accepted(mail_id)
        if WRONG_URL in response.body:
            detail = "no such address at Mailgun; check base_url, region and domain"
            raise plugin.classify_http(response, kind=errors.RequestRefused, detail=detail)
        raise plugin.unreadable(response)

    def parse_batch(self, response: plugin.Response, message: plugin.Message) -> plugin.Outcomes:
        return (self.parse_response(response, message),) * len(message.to)

    def classify_error(
        self, response: plugin.Response, message: plugin.Message
    ) -> errors.SendError:
        text = response.json_object().get("message")
        error = ERRORS.classify(
            response, [plugin.Problem(text=text)] if isinstance(text, str) else ()
        )
        if error.retry_after is None and (seconds := RETRY_AFTER.search(str(text))):
            error.retry_after = float(seconds[1])
        return error

    def build_ping(self) -> plugin.HTTPRequest:
        return plugin.HTTPRequest(
            "GET", self._url("v4/domains/{}"), {"Authorization": self._auth()}
        )

    def account_checks(self, asked: plugin.AccountQuestion) -> Iterable[plugin.AccountCheck]:
        return account.checks(self.domain, self._ask, asked)

    def webhook_setups(self, url: str) -> Iterable[plugin.WebhookSetup]:
        return (
            plugin.WebhookSetup(self._form("v3/domains/{}/webhooks", [("id", event), ("url", url)]))
            for event in account.EVENTS
        )

    def _ask(self, path: str) -> plugin.HTTPRequest:
        return plugin.HTTPRequest("GET", self._url(path), {"Authorization": self._auth()})

    def _form(self, path: str, fields: list[tuple[str, str]]) -> plugin.HTTPRequest:
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        headers = {"Authorization": self._auth(), **kind}
        return plugin.HTTPRequest("POST", self._url(path), headers, urlencode(fields).encode())

    def verify_webhook(self, request: plugin.WebhookRequest, fetch: plugin.Fetch) -> str:
        # What is signed is a time and a token, not the event: the token must not come again.
        # A webhook of a subaccount is signed with the key of its parent too.
        # https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/securing-webhooks
        block = read_signature(request)
        timestamp, token = (plugin.as_text(block.get(name)) for name in ("timestamp", "token"))
        given = [plugin.as_text(block.get(name)) for name in ("signature", "parent-signature")]
        plugin.verify_hmac(given, self.webhook_signing_key, f"{timestamp}{token}".encode())
        plugin.verify_time(timestamp, request, window=SIGNED_WITHIN)
        return token

    def parse_webhook(self, request: plugin.WebhookRequest) -> tuple[plugin.DeliveryEvent, ...]:
        return read_events(request)

    def _request(
        self, message: plugin.Message, fields: Sequence[Field], path: str = "v3/{}/messages"
    ) -> plugin.HTTPRequest:
        if options := message.options(self.name):
            fields = [*_with_options(fields, options)]
        content_type, body = plugin.multipart_body(message, fields)
        headers = {"Authorization": self._auth(), "Content-Type": content_type}
        return plugin.HTTPRequest("POST", self._url(path), headers, body)

    def _url(self, path: str) -> str:
        return f"{self.base_url}/{_path(path, self.domain)}"

    def _auth(self) -> str:
        return plugin.basic_auth("api", plugin.reveal(self.api_key))


@cache
def _path(path: str, domain: str) -> str:
    return path.format(quote(domain, safe=""))


def _needs_mime(message: plugin.Message) -> bool:
    forms = any(one.kind != AMP for one in message.alternatives)
    names = (one.filename for one in message.attachments if not one.content_id)
    return bool(message.mime) or forms or any(map(UNCLEAR.search, names))


def _content(message: plugin.Message, subject: str, text: str, html: str) -> Iterator[Field]:
    """
    Yield what is the same for all recipients.
    """
    yield "from", str(message.sender)
    for name, addresses in ("to", message.to), ("cc", message.cc), ("bcc", message.bcc):
        if addresses:
            yield name, plugin.address_line(addresses)
    for name, value in ("subject", subject), ("text", text), ("html", html):
        if value:
            yield name, value
    if message.alternatives and message.template_id:
        raise plugin.unsupported("mailgun takes no AMP beside a template", "AMP")
    for alternative in message.alternatives:
        yield "amp-html", alternative.content
    for attachment in message.attachments:
        yield "inline" if attachment.content_id else "attachment", attachment
    yield from _settings(message)


def _settings(message: plugin.Message) -> Iterator[Field]:
    if message.reply_to:
        yield "h:Reply-To", plugin.address_line(message.reply_to)
    if message.template_id:
        yield "template", str(message.template_id)
    yield from _hints(message)


def _mime(message: plugin.Message) -> Iterator[Field]:
    """
    Yield a mail as MIME, for what the fields of a form cannot say.
    """
    if message.template_id:
        raise plugin.unsupported("mailgun takes no MIME beside a template", "TEMPLATES")
    yield "to", ", ".join(address.email for address in message.recipients)
    yield "message", plugin.Attachment("mail.eml", plugin.mime_bytes(message), "message/rfc822")
    yield from ((f"v:{key}", value) for key, value in plugin.own_metadata(message).items())
    if message.mime and message.track_opens is message.track_clicks is None:
        yield "o:tracking", "no"  # It would change the bytes, where the account has it on.
    yield from _hints(message)


def _hints(message: plugin.Message) -> Iterator[Field]:
    for tag in message.tags:
        yield "o:tag", tag
    if message.track_opens is not None:
        yield "o:tracking-opens", YES_NO[message.track_opens]
    if message.track_clicks is not None:
        yield "o:tracking-clicks", YES_NO[message.track_clicks]
    if message.send_at is not None:
        from email.utils import format_datetime  # costly to import, rarely needed

        yield "o:deliverytime", format_datetime(message.send_at.astimezone(UTC))


def _rewrite(text: str, *, html: bool = False) -> str:
    return plugin.rewrite(_literal(text), VARIABLE.format, html=html)


def _literal(text: str) -> str:
    return text.replace(PLACEHOLDER, VARIABLE.format(LITERAL))


def _user_variables(mail: plugin.Message) -> dict[str, str]:
    """
    What goes into ``v:`` for one recipient of a merge: metadata, and the data of a template.
    """
    data = {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in mail.template_data.items()
    }
    if data.keys() & mail.metadata.keys():
        text = "mailgun cannot merge template_data and metadata that share a name"
        raise plugin.unsupported(text, "MERGE", "TEMPLATES")
    return {**data, **plugin.own_metadata(mail)}


def _fields(mail: plugin.Message) -> dict[str, str]:
    """
    The fields that may differ among the mails of a merge.
    """
    return {f"h:{name}": value for name, value in plugin.own_headers(mail).items()} | {
        f"v:{name}": value for name, value in _user_variables(mail).items()
    }


def _shared(message: plugin.Message) -> dict[str, str | None]:
    """
    Return the fields of all mails of a merge, with None for a value that differs among them.

    One that is missing counts as empty: so do events tell the metadata of others.
    """
    mails = plugin.without_texts(message)
    last = next(mails)
    found: dict[str, str | None] = {**_fields(last)}
    for mail in mails:
        if mail is last:
            continue
        last, fields = mail, _fields(mail)
        found |= {name: "" for name in fields if name not in found}
        found |= dict.fromkeys(name for name in found if found[name] != fields.get(name, ""))
    return found


def _sets(message: plugin.Message, own: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """
    Yield the variables of each recipient, with his *own* fields under the names given there.
    """
    for found, mail in zip(
        plugin.all_variables(message), plugin.without_texts(message), strict=True
    ):
        fields = _fields(mail)
        yield {**found, **{name: fields.get(field, "") for field, name in own.items()}}


def _with_options(fields: Iterable[Field], options: Mapping[str, Any]) -> Iterator[Field]:
    replaced = {name.lower() for name in options}
    if found := sorted(replaced & RESERVED):
        raise errors.InvalidMessage(
            f"provider_options of mailgun cannot set {found[0]}: use the message's own field",
            field="provider_options",
        )
    for name, value in fields:
        if name.lower() not in replaced:
            yield name, value
    for name, option in options.items():
        for one in option if isinstance(option, (list, tuple)) else (option,):
            if one is not None:
                yield name, _as_text(name, one)


def _as_text(name: str, option: object) -> str:
    if isinstance(option, bool):
        return YES_NO[option]
    text = json.dumps(option) if isinstance(option, Mapping) else str(option)
    if not name.isprintable() or not (text.isprintable() or name in BODIES):
        raise errors.InvalidMessage(
            f"the option {name!r} of mailgun has a control character: remove it",
            field="provider_options",
        )
    return text
