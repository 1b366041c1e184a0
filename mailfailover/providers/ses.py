"""
Amazon SES, through ``POST /v2/email/outbound-emails``.

https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html (2026-11)
"""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, ClassVar

from mailfailover import errors, plugin
from mailfailover.plugin import Feature
from mailfailover.providers import _ses_account as account
from mailfailover.providers._ses_events import read_events

# https://docs.aws.amazon.com/general/latest/gr/ses.html (2026-11); China has a domain of its own.
HOST = "https://email.{}.amazonaws.com{}"
REGION = re.compile(r"[a-z0-9-]+")

# By name, because most come as 400; a name that is not here means what its status does.
# botocore's model sesv2/2019-09-27, and
# https://docs.aws.amazon.com/ses/latest/APIReference-V2/CommonErrors.html (2026-11)
#
# The same names mean several things: then the words decide; the first that match count.
# https://docs.aws.amazon.com/ses/latest/dg/manage-sending-quotas-errors.html,
# https://docs.aws.amazon.com/ses/latest/dg/troubleshoot-error-messages.html (2026-11), and
# answers quoted in public issues, which the vendor does not confirm.
ERRORS = plugin.Errors(
    {
        "AccountSuspendedException": errors.AccountSuspended,
        "LimitExceededException": errors.QuotaExceeded,
        "MailFromDomainNotVerifiedException": errors.SenderRefused,
        "SendingPausedException": errors.AccountSuspended,
        "ThrottlingException": errors.RateLimited,
        "ExpiredTokenException": errors.AuthenticationFailed,
        "IncompleteSignature": errors.AuthenticationFailed,
        "InternalFailure": errors.ProviderUnavailable,
        "InternalServerErrorException": errors.ProviderUnavailable,
        "ServiceUnavailable": errors.ProviderUnavailable,
        "TooManyRequestsException": errors.RateLimited,
    },
    {
        r"Maximum sending rate exceeded": errors.RateLimited,
        r"Daily (message|sending) quota exceeded": errors.QuotaExceeded,
        r"Sending (paused|suspended) for this account": errors.AccountSuspended,
        r"Template .*does not exist": errors.UnsupportedFeature,
        r"Message length is more than|Illegal filename": errors.UnsupportedFeature,
        r"contains? a virus": errors.MessageRejected,  # unconfirmed
        r"Illegal address|Invalid email address": errors.RecipientRejected,
        r"Missing (domain|final '@domain')": errors.RecipientRejected,
        r"(Domain|Local address) (contains|starts|ends)": errors.RecipientRejected,
    },
)
NOT_VERIFIED = "Email address is not verified"
CODE = re.compile(r"(?:.*#)?(\w+)(?::.*)?")

# https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_MessageHeader.html,
# https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_Attachment.html (2026-11)
MAX_HEADERS = 15
MAX_HEADER = 996
MAX_TYPE = 78
MAX_FILENAME = 255
MAX_LINE = 998  # RFC 5322, 2.1.1; whether SES breaks longer ones of a simple mail: unconfirmed

# https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_MessageTag.html (2026-11)
TAG = re.compile(r"[A-Za-z0-9_-]{1,256}")
MAX_TAG = 256

TAG_NAME = "tag"
OTHERS = "mailfailover-others"

# Options that would change who gets the mail and who sends it.
RESERVED = {"Content.Raw", "Destination", "FromEmailAddress"}

FILE = plugin.FileFields(
    "FileName",
    "RawContent",
    "ContentType",
    "ContentId",
    always={"ContentDisposition": "ATTACHMENT", "ContentTransferEncoding": "BASE64"},
    inline={"ContentDisposition": "INLINE"},
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SES:
    """
    Sends through Amazon SES.

    The key is made in IAM and may ``ses:SendEmail`` and ``ses:SendRawEmail``; with the extra
    ``ses`` installed, credentials can come from the environment, a profile or a role instead.

    Provider options are laid over the JSON of the call: ``{"ListManagementOptions":
    {"ContactListName": "news"}}``.

    A simple mail goes as fields, any other as MIME that is written here, with its files in
    memory. SES gives each mail a Message-ID of its own. A template's subject is always used,
    and one whose data is incomplete is accepted and never sent: only an event tells.

    Metadata and a tag become message tags, which need a configuration set to be seen. Those
    with other than ASCII letters, digits, ``-`` and ``_``, and more tags than one, go
    together into one that is encoded, about 190 bytes.

    An account in the sandbox counts as suspended for all recipients but its verified ones.
    SES accepts mails to suppressed recipients: those show in events only.

    ``build_ping`` needs ``ses:GetAccount``.

    Attributes:
        access_key_id:
            Of a key; where empty, credentials come from botocore's chain (environment,
            profile, role), which may ask the network just before a mail is written.

        secret_access_key: Of the same key.

        session_token: For temporary credentials.

        region: Where the sender is verified.

        configuration_set: Its name; the sender's own where empty.

        webhook_topic_arn:
            The SNS topic whose notifications are taken as webhooks. Needs the extra webhooks;
            "raw message delivery" of the subscription must be off, because it leaves the
            signature out.

        base_url: Scheme and host, for a proxy; that of *region* where empty. The host and
            path that are called are signed.

    .. versionadded:: 0.1.0
    """

    name: ClassVar[str] = "ses"
    userinfo: ClassVar[tuple[str, ...]] = ("access_key_id", "secret_access_key")
    maturity: ClassVar[str] = "stable"
    unconfirmed: ClassVar[tuple[str, ...]] = (
        "how it marks inline images, which is why such mails go as MIME",
        "whether it breaks long lines of a simple mail",
        "repeated headers, and mails without subject, text or To",
    )

    # Tracking belongs to the configuration set. Merges: stored templates only, which escape
    # and fail in ways of their own. Non-ASCII local parts: refused by the vendor's manual.
    # Repeated headers, mails without subject or text or To: unconfirmed. A mail as MIME gets the
    # Message-ID and the Date of SES, so a DKIM signature of one's own must not cover them.
    # https://docs.aws.amazon.com/ses/latest/dg/header-fields.html (2026-11)
    # https://docs.aws.amazon.com/ses/latest/dg/send-email-authentication-dkim-manual.html (2026-11)
    capabilities: ClassVar[plugin.Capabilities] = plugin.Capabilities(
        Feature.HTML
        | Feature.REPLY_TO
        | Feature.MULTIPLE_REPLY_TO
        | Feature.HEADERS
        | Feature.ATTACHMENTS
        | Feature.INLINE_IMAGES
        | Feature.CALENDAR
        | Feature.AMP
        | Feature.ALTERNATIVES
        | Feature.MIME
        | Feature.TAGS
        | Feature.METADATA
        | Feature.TEMPLATES
        | Feature.TEMPLATE_FROM
        | Feature.ENVELOPE_FROM,
        max_recipients=50,
        max_bytes=40 * plugin.MB,
    )
    # Three retries, 20 s apart, unless the topic has a policy of its own.
    webhook_retries: ClassVar[plugin.WebhookRetries] = plugin.WebhookRetries(
        attempts=4,
        span=3600.0,
        page="https://docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html"
        " (2026-11)",
        given_up="any 4xx but 429",
        statuses=plugin.ONLY_5XX,
    )

    access_key_id: str = ""
    secret_access_key: plugin.Secret = field(default="", repr=False)
    session_token: plugin.Secret = field(default="", repr=False)
    region: str = "us-east-1"
    configuration_set: str = ""
    webhook_topic_arn: plugin.Secrets = ""
    base_url: str = ""

    def __post_init__(self) -> None:
        if not REGION.fullmatch(self.region):
            raise errors.ConfigurationError("region of ses is no name such as 'eu-west-1'")
        if bool(self.access_key_id) != bool(self.secret_access_key):
            raise errors.ConfigurationError(
                "ses needs access_key_id and secret_access_key: give both, or neither to use "
                "botocore's credentials"
            )
        host = HOST.format(self.region, ".cn" if self.region.startswith("cn-") else "")
        object.__setattr__(self, "base_url", self.base_url or host)

    def build_request(self, message: plugin.Message) -> plugin.HTTPRequest:
        """
        Write a mail as fields, by its template or as MIME.

        Raises:
            UnsupportedFeature: If tags, metadata, or what goes with a template do not fit.
        """
        body = {
            **_content(message),
            "FeedbackForwardingEmailAddress": message.envelope_from,
            "EmailTags": _email_tags(message),
            "ConfigurationSetName": self.configuration_set,
        }
        body = plugin.merge_options(
            plugin.filled(body), message.options(self.name), reserved=RESERVED
        )
        return plugin.HTTPRequest(
            "POST",
            f"{self.base_url}/v2/email/outbound-emails",
            {"Content-Type": "application/json"},
            plugin.json_body(body),
            self._sign,
        )

    def parse_response(self, response: plugin.Response, message: plugin.Message) -> plugin.Accepted:
        return plugin.accepted(response, response.json_object().get("MessageId"))

    def classify_error(
        self, response: plugin.Response, message: plugin.Message
    ) -> errors.SendError:
        answer = response.json_object()
        code = _code(response, answer)
        text = plugin.as_words(answer.get("message", answer.get("Message")))
        if NOT_VERIFIED in text:
            return _not_verified(response, code, text, message)
        # API Gateway, in front of SES, names no code: {"Message": "Missing Authentication Token"}.
        is_own = code or (text and response.status_code == 403)  # noqa: PLR2004 -- Forbidden
        error = ERRORS.classify(response, [plugin.Problem(code, text)] if is_own else ())
        sender = message.from_email.email if message.from_email else ""
        if isinstance(error, errors.RecipientRejected) and sender and sender in text:
            kind = errors.SenderRefused
            return plugin.classify_http(response, code=code, kind=kind, detail=text)
        return error

    def build_ping(self) -> plugin.HTTPRequest:
        return plugin.HTTPRequest("GET", f"{self.base_url}/v2/email/account", auth=self._sign)

    def account_checks(self, asked: plugin.AccountQuestion) -> Iterable[plugin.AccountCheck]:
        return account.checks(self._ask, self.configuration_set, asked)

    def _ask(self, path: str) -> plugin.HTTPRequest:
        return plugin.HTTPRequest("GET", f"{self.base_url}/v2/email/{path}", auth=self._sign)

    def verify_webhook(self, request: plugin.WebhookRequest, fetch: plugin.Fetch) -> str:
        return plugin.verify_sns(request, fetch, self.webhook_topic_arn)

    def parse_webhook(self, request: plugin.WebhookRequest) -> tuple[plugin.DeliveryEvent, ...]:
        return read_events(request, TAG_NAME, OTHERS)

    def _sign(self, request: plugin.HTTPRequest, now: float) -> dict[str, str]:
        who = self._credentials()
        return plugin.sign_aws(request, now, who, region=self.region, service="ses")

    def _credentials(self) -> plugin.AWSCredentials:
        if self.access_key_id:
            return plugin.AWSCredentials(
                self.access_key_id,
                plugin.reveal(self.secret_access_key),
                plugin.reveal(self.session_token),
            )
        found = _botocore_credentials()
        return plugin.AWSCredentials(found.access_key, found.secret_key, found.token or "")


def _botocore_credentials() -> Any:
    """
    Ask botocore, which refreshes what expires.

    Raises:
        AuthenticationFailed: If it is not installed, or finds none.
    """
    try:
        from botocore.exceptions import BotoCoreError  # type: ignore[import-untyped]  # has none
    except ImportError:
        text = "ses has no access_key_id, and botocore is not installed: install mailfailover[ses]"
        raise errors.AuthenticationFailed(text) from None
    try:
        if chain := _botocore_session().get_credentials():
            return chain.get_frozen_credentials()
    except BotoCoreError as exc:
        text = f"botocore could not get credentials for ses ({type(exc).__name__})"
        raise errors.AuthenticationFailed(text) from exc
    raise errors.AuthenticationFailed("ses has no access_key_id, and botocore found no credentials")


@cache
def _botocore_session() -> Any:
    from botocore.session import get_session  # type: ignore[import-untyped]  # has none

    return get_session()


def _content(message: plugin.Message) -> dict[str, Any]:
    """
    The mail itself, its sender and its recipients.
    """
    if message.template_id:
        _check_fits(message)
        content = {"Template": _template(message)}
    elif _is_simple(message):
        content = {"Simple": _simple(message)}
    else:
        # The From of the MIME text counts, with its name; the envelope is named here.
        return {
            "Destination": _destination(message, names=False),
            "Content": {"Raw": {"Data": plugin.Base64(plugin.mime_bytes(message))}},
        }
    return {
        "FromEmailAddress": plugin.encoded_address(message.sender),
        "Destination": _destination(message, names=True),
        "ReplyToAddresses": [plugin.encoded_address(address) for address in message.reply_to],
        "Content": content,
    }


def _destination(message: plugin.Message, *, names: bool) -> dict[str, list[str]]:
    kinds = {"ToAddresses": message.to, "CcAddresses": message.cc, "BccAddresses": message.bcc}
    return {
        kind: [plugin.encoded_address(address) if names else address.email for address in addresses]
        for kind, addresses in kinds.items()
        if addresses
    }


def _is_simple(message: plugin.Message) -> bool:
    """
    Whether SES writes the same MIME of our fields as we would.

    How it marks inline images, and what becomes of the parameters of a type, are unconfirmed.
    """
    lines = f"{message.text}\n{message.html}".splitlines()
    return (
        not message.mime
        and not message.alternatives
        and all(len(line.encode()) <= MAX_LINE for line in lines)
        and _headers_fit(message)
        and all(_file_fits(one) and not one.content_id for one in message.attachments)
    )


def _check_fits(message: plugin.Message) -> None:
    if message.alternatives:
        features = (one.feature.name or "" for one in message.alternatives)
        raise plugin.unsupported("ses takes no other form beside a template", *features)
    if not _headers_fit(message):
        text = "ses takes 15 headers with a template, each of at most 995 characters"
        raise plugin.unsupported(text, "HEADERS")
    if not all(map(_file_fits, message.attachments)):
        text = "ses takes attachments with a template only by a plain type and ASCII file name"
        raise plugin.unsupported(text, "ATTACHMENTS")


def _headers_fit(message: plugin.Message) -> bool:
    headers = _headers(message)
    return len(headers) <= MAX_HEADERS and all(
        one["Value"] and len(one["Name"]) + len(one["Value"]) <= MAX_HEADER for one in headers
    )


def _file_fits(attachment: plugin.Attachment) -> bool:
    name, kind = attachment.filename, attachment.content_type.lower()
    return (
        name.isascii()
        and len(name) <= MAX_FILENAME
        and not set(name) & set('"\\')
        and len(kind) <= MAX_TYPE
        and ";" not in kind
        and not kind.startswith("message/")
    )


def _simple(message: plugin.Message) -> dict[str, Any]:
    return plugin.filled(
        {
            "Subject": _text(message.subject),
            "Body": plugin.filled({"Text": _text(message.text), "Html": _text(message.html)}),
            "Headers": _headers(message),
            "Attachments": FILE.all(message),
        }
    )


def _text(text: str) -> dict[str, str]:
    return {"Data": text, "Charset": "UTF-8"} if text else {}


def _template(message: plugin.Message) -> dict[str, Any]:
    template = str(message.template_id)
    return plugin.filled(
        {
            "TemplateArn" if template.startswith("arn:") else "TemplateName": template,
            "TemplateData": json.dumps(message.template_data, ensure_ascii=False),
            "Headers": _headers(message),
            "Attachments": FILE.all(message),
        }
    )


def _headers(message: plugin.Message) -> list[dict[str, str]]:
    headers = plugin.own_headers(message, encoded=True)
    return [{"Name": name, "Value": value} for name, value in headers.items()]


def _email_tags(message: plugin.Message) -> list[dict[str, str]]:
    """
    Our id, the tag and the metadata; what is not allowed in a message tag goes encoded.
    """
    tags, metadata = list(message.tags), dict(message.metadata)
    found = {plugin.MAIL_ID: message.id}
    if len(tags) == 1 and TAG.fullmatch(tags[0]):
        found[TAG_NAME] = tags.pop()
    for name, value in message.metadata.items():
        if (
            TAG.fullmatch(name)
            and TAG.fullmatch(value)
            and name not in {plugin.MAIL_ID, TAG_NAME, OTHERS}
        ):
            found[name] = metadata.pop(name)
    if tags or metadata:
        found[OTHERS] = _packed(plugin.filled({"tags": tags, "metadata": metadata}))
    return [{"Name": name, "Value": value} for name, value in found.items()]


def _packed(data: dict[str, Any]) -> str:
    """
    *data* as JSON in base64, with spaces at its end so that it needs no padding.
    """
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()
    packed = urlsafe_b64encode(text + b" " * (-len(text) % 3)).decode("ascii")
    if len(packed) > MAX_TAG:
        raise plugin.unsupported(
            "ses takes few tags and metadata beyond ASCII letters, digits, '-' and '_': "
            "shorten them",
            *map(str.upper, data),
        )
    return packed


def _code(response: plugin.Response, answer: Mapping[str, Any]) -> str:
    given = response.headers.get("x-amzn-errortype") or answer.get("__type")
    found = CODE.fullmatch(given) if isinstance(given, str) else None
    return found[1] if found else ""


def _not_verified(
    response: plugin.Response, code: str, text: str, message: plugin.Message
) -> errors.SendError:
    """
    Tell a sandbox, which wants the recipients verified too, from an unverified sender.
    """
    text, _, identities = text.rpartition(":")
    named = set(re.findall(r"[^\s,;<>]+", identities.lower()))
    found = plugin.recipients_in(identities, message.recipients)
    senders = {message.envelope_from.lower()}
    if message.from_email:
        senders |= {message.from_email.email.lower(), message.from_email.domain}
    kind = errors.SenderRefused if senders & named or not found else errors.AccountSuspended
    detail = text or NOT_VERIFIED
    if kind is errors.AccountSuspended:
        detail = f"the account is in the sandbox, and a recipient is not verified ({detail})"
    error = plugin.classify_http(response, code=code, kind=kind, detail=detail)
    error.recipients = found
    return error
