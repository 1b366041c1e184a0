"""
Unisender Go, and UniOne, its name abroad, through ``POST /email/send.json``.

https://godocs.unisender.ru/web-api-ref, https://docs.unione.io/en/web-api-ref (2026-11)
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC
from hashlib import md5
from typing import Any, ClassVar

from mailfailover import errors, plugin
from mailfailover.plugin import Feature, RecipientStatus
from mailfailover.providers._unisender_events import read_events

# The host of an account's data center.
# https://godocs.unisender.ru/web-api-ref, https://docs.unione.io/en/web-api-ref (2026-11)
HOSTS = {
    "go1": "https://go1.unisender.ru",
    "go2": "https://go2.unisender.ru",
    "eu": "https://eu1.unione.io",
    "us": "https://us1.unione.io",
}

LANGUAGES = {"go1": "ru", "go2": "ru", "eu": "en", "us": "en"}

DAY = 24 * 3600.0

# Over a limit or against a rule of this vendor's that others do not have: files and their
# names, metadata, tags, templates and their variables, the time to send at, copies, headers.
# https://docs.unione.io/en/web-api-ref#api-errors (2026-11)
BEYOND_LIMITS = (
    *(199, *range(207, 213), *range(216, 222), 223, 224, 601, 1507, 1508, *range(1516, 1519)),
    *(1524, 1525, 1529, *range(1532, 1536), *range(1540, 1548), 1551, 1554, 1557, 1559, 1561),
    *(1562, *range(1565, 1572), *range(1578, 1587), *range(1590, 1598), *range(10001, 10010)),
)

# By the code in the body; what is not here is a fault of ours. The same page.
ERRORS = plugin.Errors(
    {
        "101": errors.AuthenticationFailed,
        "102": errors.AuthenticationFailed,
        "105": errors.AuthenticationFailed,  # the API is switched off
        "106": errors.AccountSuspended,
        "114": errors.AuthenticationFailed,  # or the account is in another region
        "150": errors.OutcomeUnknown,  # "an unknown internal error occurred"
        "204": errors.RecipientSuppressed,  # there is nobody left to send to; see REFUSED
        "205": errors.SenderRefused,
        "206": errors.SenderRefused,
        "215": errors.AccountSuspended,
        "901": errors.QuotaExceeded,
        "902": errors.QuotaExceeded,
        "903": errors.AccountSuspended,  # may write to its own domains only
        "904": errors.AccountSuspended,  # no money
        "905": errors.QuotaExceeded,
        "906": errors.QuotaExceeded,
        # A key seen before: that mail was taken, by all we know, but nobody says so.
        "1573": errors.OutcomeUnknown,
        "1574": errors.SenderRefused,
        "1575": errors.AccountSuspended,
        "1598": errors.SenderRefused,
        "1599": errors.QuotaExceeded,
        **dict.fromkeys(map(str, BEYOND_LIMITS), errors.UnsupportedFeature),
    }
)
NOBODY_LEFT = "204"

# Their words repeat the key.
WRONG_KEY = ("101", "102")

# Why a recipient is left out.
# https://docs.unione.io/en/web-api-ref#email-send (2026-11)
SUPPRESSED = (RecipientStatus.SUPPRESSED, errors.RecipientSuppressed)
REFUSED = plugin.Refusals(
    {
        "": (RecipientStatus.UNKNOWN, errors.OutcomeUnknown),  # not named at all
        "unsubscribed": SUPPRESSED,
        "complained": SUPPRESSED,
        "blocked": SUPPRESSED,
        "permanent_unavailable": SUPPRESSED,
        "temporary_unavailable": SUPPRESSED,  # bounced in the last days
        # For a reason we do not know.
        "refused": (RecipientStatus.REFUSED, errors.RequestRefused),
        "invalid": (RecipientStatus.INVALID, errors.RecipientRejected),
    }
)

# https://docs.unione.io/en/cc-and-bcc (2026-11): of To, of Cc and of blind copies
MAX_COPIES = 10

# https://docs.unione.io/en/web-api-ref#email-send (2026-11)
MAX_METADATA = 10
MAX_NAME = 78

# Other headers are ignored; but for these, where the vendor's support has allowed an account to
# leave off the footer. Names of files differ and have no "/".
# https://docs.unione.io/en/web-api-ref#email-send, and the models of the vendor's own client,
# PyPI unione-sdk 1.2.4 (2026-10)
HEADER = re.compile(r"(?!x-unione)x-.+", re.IGNORECASE)
ALLOWED = re.compile(
    r"list-(unsubscribe|subscribe|help|owner|archive)|in-reply-to|references", re.IGNORECASE
)

# What the engines of stored templates may read in a subject or a sender's name.
READ_BY_ENGINES = re.compile(r"[{}$#]")

# https://godocs.unisender.ru/simple-template-engine (2026-11): two braces begin a variable, in
# texts, subject and from_name: the vendor's own client, PyPI unione-sdk 1.2.4 (2026-10).
# That a value stands as it is, not escaped and not looked into, is unconfirmed.
SIMPLE = plugin.MergeLanguage(
    "{{%s}}", r"[{}]{2,}|[{}](?=\0)|(?<=\0)[{}]", {"{": "brace_open", "}": "brace_close"}
)

# Where a webhook has its MD5: read without the rest, which is a stranger's until it is verified.
AUTH = re.compile(rb'"auth"\s{0,99}:\s{0,99}"([0-9a-f]{32})"')

# Options that would change who gets the mail and who sends it; headers could do so too.
RESERVED = {"from_email", "headers"}

FILE = plugin.FileFields("name", "content", "type")


@dataclass(frozen=True, slots=True, kw_only=True)
class UnisenderGo:
    """
    Sends through Unisender Go or UniOne.

    The key stands in the account's settings, or on its page of projects.

    Provider options are laid over the JSON of the mail: ``{"bypass_global": 1, "options":
    {"custom_backend_id": 7}}``. Without *skip_unsubscribe*, which the vendor's support has to
    allow, a footer with a link to unsubscribe is added to each mail. Support has to allow
    ``track_opens=False`` and ``track_clicks=False`` too.

    The vendor ignores headers beyond ``X-...``: a mail that has any is refused here. With
    *skip_unsubscribe* it passes on In-Reply-To, References and those of lists, except
    List-Unsubscribe-Post: it never takes an https URL to unsubscribe. Files need names that
    differ. Blind copies go to verified domains of one's own only.

    A template's own subject is used where the mail has none. Webhooks are read in the format
    JSON, not where it is packed with gzip.

    Attributes:
        api_key: The key of an account or a project; it verifies webhooks too.

        region: Where the account is: ``"go1"`` or ``"go2"`` of Unisender Go, ``"eu"`` or
            ``"us"`` of UniOne.

        skip_unsubscribe: Whether the vendor's support has allowed mails without its footer.

        base_url: Scheme and host, for a proxy; that of *region* where empty.

    .. versionadded:: 0.1.0
    """

    name: ClassVar[str] = "unisender"
    userinfo: ClassVar[tuple[str, ...]] = ("api_key",)
    maturity: ClassVar[str] = "stable"
    unconfirmed: ClassVar[tuple[str, ...]] = (
        "that a merged value is neither escaped nor looked into",
        "files without content",
    )
    idempotency_ttl: ClassVar[float] = 60.0

    # Subject, a body and To are required; a header is a key of an object, the same for all of
    # a merge. There is no envelope sender, and the vendor makes the Message-ID.
    capabilities: ClassVar[plugin.Capabilities] = plugin.Capabilities(
        Feature.HTML
        | Feature.REPLY_TO
        | Feature.HEADERS
        | Feature.ATTACHMENTS
        | Feature.INLINE_IMAGES
        | Feature.AMP
        | Feature.TAGS
        | Feature.METADATA
        | Feature.TRACKING
        | Feature.SEND_AT
        | Feature.TEMPLATES
        | Feature.TEMPLATE_FROM
        | Feature.TEMPLATE_SUBJECT
        | Feature.MERGE
        | Feature.MERGE_METADATA,
        max_tags=4,
        max_metadata=MAX_METADATA,
        max_recipients=3 * MAX_COPIES,
        max_merge=500,
        max_bytes=10 * plugin.MB,
        max_delay=DAY,
    )
    webhook_retries: ClassVar[plugin.WebhookRetries] = plugin.WebhookRetries(
        statuses=plugin.ONLY_5XX
    )

    api_key: plugin.Secret = field(repr=False)
    region: str = "go1"
    skip_unsubscribe: bool = False
    base_url: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "base_url", plugin.regional_url(self, HOSTS))

    def build_request(self, message: plugin.Message) -> plugin.HTTPRequest:
        """
        Write a mail.

        Raises:
            UnsupportedFeature:
                If there are more than 10 of To, Cc or Bcc, headers that it ignores, files of
                one name, AMP beside a template, the data of a template without one, or with one a
                subject or sender's name that it could take for its own code.
        """
        for kind in ("to", "cc", "bcc"):
            if len(getattr(message, kind)) > MAX_COPIES:
                text = f"unisender takes 10 addresses as {kind}"
                raise plugin.unsupported(text, f"max_recipients={MAX_COPIES}")
        plugin.check_template_data(message)
        _check_template(message)
        people = {"To": message.to, "CC": message.cc}
        lines = {name: ", ".join(map(_mailbox, some)) for name, some in people.items() if some}
        content = {
            "recipients": [{"email": address.email} for address in message.recipients],
            "subject": message.subject,
            "body": _body(message),
            "from_name": message.sender.name,
            "headers": self._headers(message) | lines,
            "global_substitutions": message.template_data,
            "template_engine": "" if message.template_id else "none",
        }
        return self._request(message, content)

    def build_batch(self, message: plugin.Message) -> plugin.HTTPRequest:
        """
        Write a merge with ``substitutions`` for each recipient, who sees only himself.

        Raises:
            UnsupportedFeature: As ``build_request``; or if a name is too long.
        """
        if any(len(address.name) > MAX_NAME for address in message.to):
            text = "unisender takes no names of more than 78 characters into a merge"
            raise plugin.unsupported(text, "MERGE")
        merge = _template_merge(message) if message.template_id else _text_merge(message)
        return self._request(message, merge | {"headers": self._headers(message)})

    def parse_response(self, response: plugin.Response, message: plugin.Message) -> plugin.Accepted:
        mail_id, said = _read(response, message.recipients)
        if "accepted" not in said.values():
            raise REFUSED.classify(response, said)
        return plugin.Accepted(
            mail_id, {one: REFUSED.status(why) for one, why in said.items() if why != "accepted"}
        )

    def parse_batch(self, response: plugin.Response, message: plugin.Message) -> plugin.Outcomes:
        mail_id, said = _read(response, message.to)
        return tuple(
            plugin.Accepted(mail_id)
            if why == "accepted"
            else REFUSED.classify(response, {email: why})
            for email, why in said.items()
        )

    def classify_error(
        self, response: plugin.Response, message: plugin.Message
    ) -> errors.SendError:
        answer = response.json_object()
        code = plugin.as_code(answer.get("code"), int) if answer.get("status") == "error" else ""
        if code == NOBODY_LEFT and (said := _named(answer, message.recipients)):
            return REFUSED.classify(response, said)
        text = "" if code in WRONG_KEY else plugin.as_words(answer.get("message"))
        return ERRORS.classify(response, [plugin.Problem(code, text)] if code else ())

    def build_ping(self) -> plugin.HTTPRequest:
        return self._call("system/ping", {})

    def verify_webhook(self, request: plugin.WebhookRequest, fetch: plugin.Fetch) -> str:
        # https://docs.unione.io/en/web-api-ref#callback-format (2026-11): the MD5 of the body
        # in which the API key stands in the place of that MD5.
        found = AUTH.search(request.body)
        start, end = found.span(1) if found else (0, 0)
        before, given, after = request.body[:start], request.body[start:end], request.body[end:]
        signed = [before + key.encode() + after for key in plugin.reveal_all(self.api_key)]
        expected = [md5(one, usedforsecurity=False).hexdigest() for one in signed]
        if not plugin.check_secret(given, expected):
            raise errors.InvalidSignature("the webhook is not signed with the key of unisender")
        return plugin.sha256_hex(request.body)

    def parse_webhook(self, request: plugin.WebhookRequest) -> tuple[plugin.DeliveryEvent, ...]:
        return read_events(request)

    def _headers(self, message: plugin.Message) -> dict[str, str]:
        # Where it is not ASCII a value goes out as raw bytes (django-anymail, 2026-07).
        headers = plugin.own_headers(message, encoded=True)
        for name in headers:
            if not HEADER.fullmatch(name) and not (
                self.skip_unsubscribe and ALLOWED.fullmatch(name)
            ):
                raise plugin.unsupported(f"unisender does not pass on the header {name}", "HEADERS")
        return headers

    def _request(self, message: plugin.Message, content: dict[str, Any]) -> plugin.HTTPRequest:
        footer = {"skip_unsubscribe": 1 if self.skip_unsubscribe else None}
        body = plugin.filled(_common(message) | footer | content)
        body = plugin.merge_options(body, message.options(self.name), reserved=RESERVED)
        return self._call("email/send", {"message": body})

    def _call(self, method: str, body: dict[str, Any]) -> plugin.HTTPRequest:
        headers = {"Accept": "application/json", "X-API-KEY": plugin.reveal(self.api_key)}
        path = f"{LANGUAGES[self.region]}/transactional/api/v1/{method}.json"
        return plugin.post_json(f"{self.base_url}/{path}", headers, body)


def _common(message: plugin.Message) -> dict[str, Any]:
    """
    What is the same for all recipients.
    """
    when = message.send_at and message.send_at.astimezone(UTC)
    return {
        "from_email": message.sender.email,
        "reply_to": "".join(address.email for address in message.reply_to),
        "reply_to_name": "".join(map(_reply_name, message.reply_to)),
        "attachments": _checked(FILE.files(message)),
        "inline_attachments": _checked(FILE.images(message)),
        "tags": list(dict.fromkeys(message.tags)),
        "global_metadata": _metadata(message),
        "track_read": None if message.track_opens is None else int(message.track_opens),
        "track_links": None if message.track_clicks is None else int(message.track_clicks),
        "options": {"send_at": f"{when:%Y-%m-%d %H:%M:%S}"} if when else {},
        "template_id": message.template_id,
        "idempotence_key": message.idempotency_key,
    }


def _body(message: plugin.Message) -> dict[str, str]:
    amp = "".join(one.content for one in message.alternatives)
    if amp and message.template_id:
        raise plugin.unsupported("unisender takes no AMP beside a template", "AMP")
    return plugin.filled({"html": message.html, "plaintext": message.text, "amp": amp})


def _mailbox(address: plugin.Address) -> str:
    return f"{_name(address)} <{address.email}>" if address.name else address.email


def _name(address: plugin.Address) -> str:
    """
    A name as an encoded word where it would need quotes: those are read wrongly.

    By the workaround in public client code (django-anymail, 2026-11).
    """
    return plugin.encode_header(address.name) if str(address).startswith('"') else address.name


def _reply_name(address: plugin.Address) -> str:
    # Here a name that is not ASCII goes out as raw bytes too (django-anymail, 2026-07).
    return _name(address) if address.name.isascii() else plugin.encode_header(address.name)


def _checked(files: list[dict[str, Any]]) -> list[dict[str, Any]]:
    names = [one["name"] for one in files]
    if len(names) != len(set(names)) or "/" in "".join(names):
        text = "unisender takes files whose names differ, without '/'"
        raise plugin.unsupported(text, "ATTACHMENTS")
    return files


def _metadata(message: plugin.Message) -> dict[str, str]:
    # All of a recipient's count, those of the merge too.
    own = message.merge_metadata.values()
    most = max((len(message.metadata.keys() | one.keys()) for one in own), default=0)
    beside = max(most - len(message.metadata), 0)
    return plugin.own_metadata(message, limit=MAX_METADATA - beside)


def _check_template(message: plugin.Message) -> None:
    if message.template_id and READ_BY_ENGINES.search(message.subject + message.sender.name):
        text = (
            "unisender takes no '{', '}', '$' or '#' in the subject or the sender's name of a "
            "template"
        )
        raise plugin.unsupported(text, "TEMPLATE_OVERRIDE")


def _template_merge(message: plugin.Message) -> dict[str, Any]:
    if plugin.rewrite(message.subject, str) != message.subject:
        text = "unisender cannot merge a subject and a stored template in one call"
        raise plugin.unsupported(text, "MERGE")
    _check_template(message)
    data = (message.merge_data.get(address.email, {}) for address in message.to)
    return {
        "recipients": plugin.WrittenJSON.of_items(_recipients(message, data)),
        "subject": message.subject,
        "from_name": message.sender.name,
        "global_substitutions": message.template_data,
    }


def _text_merge(message: plugin.Message) -> dict[str, Any]:
    """
    The texts with numbered variables, which no name can break.

    What the vendor would read in the mail's own text becomes a variable too, so that it
    arrives as it stands.
    """
    numbers = {
        name: f"v{number}" for number, name in enumerate(next(plugin.all_variables(message)))
    }

    data = (
        {numbers[name]: value for name, value in one.items()}
        for one in plugin.all_variables(message)
    )
    name_of = numbers.__getitem__
    return {
        "template_engine": "simple",
        "recipients": plugin.WrittenJSON.of_items(_recipients(message, data)),
        "subject": SIMPLE.write(message.subject, name_of),
        "body": plugin.filled(
            {
                "html": SIMPLE.write(message.html, name_of, html=True),
                "plaintext": SIMPLE.write(message.text, name_of),
            }
        ),
        "from_name": SIMPLE.literal(message.sender.name),
        "global_substitutions": SIMPLE.values,
    }


def _recipients(
    message: plugin.Message, data: Iterable[Mapping[str, str]]
) -> Iterator[dict[str, Any]]:
    for address, own in zip(message.to, data, strict=True):
        recipient = {
            "email": address.email,
            "substitutions": {**plugin.filled({"to_name": address.name}), **own},
            "metadata": message.merge_metadata.get(address.email),
        }
        yield plugin.filled(recipient)


def _read(
    response: plugin.Response, recipients: Iterable[plugin.Address]
) -> tuple[str, dict[str, str]]:
    """
    The id of the mail, and what the vendor said of each recipient: "accepted" or why not.

    Raises:
        OutcomeUnknown: If it is no such answer.
    """
    answer = response.json_object()
    mail_id, emails = answer.get("job_id"), answer.get("emails")
    if answer.get("status") != "success" or not isinstance(mail_id, str) or not mail_id:
        raise plugin.unreadable(response)
    pairs = ((email, "accepted") for email in (emails if isinstance(emails, list) else ()))
    said = _named(answer, recipients) | plugin.by_recipient(pairs, recipients)
    return mail_id, {one.email: said.get(one.email, "") for one in recipients}


def _named(answer: Mapping[str, Any], recipients: Iterable[plugin.Address]) -> dict[str, str]:
    """
    Find the *recipients* that an answer leaves out, each with its reason in words of REFUSED.
    """
    failed = plugin.as_object(answer.get("failed_emails"))
    return {
        email: why if why in REFUSED else "refused"
        for email, said in plugin.by_recipient(failed.items(), recipients).items()
        if (why := str(said))
    }
