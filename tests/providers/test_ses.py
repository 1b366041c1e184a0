"""
Amazon SES: what goes on the wire, how it is signed, and what its answers mean.
"""

from __future__ import annotations

import json
import sys
from base64 import b64decode, urlsafe_b64decode
from dataclasses import replace
from datetime import UTC, datetime
from email.header import decode_header, make_header
from email.utils import parseaddr
from typing import TYPE_CHECKING, Any

import pytest

from mailfailover.errors import (
    AccountSuspended,
    AuthenticationFailed,
    ConfigurationError,
    InvalidMessage,
    MessageRejected,
    OutcomeUnknown,
    ProviderUnavailable,
    QuotaExceeded,
    RateLimited,
    RecipientRejected,
    RequestRefused,
    SenderRefused,
    SendError,
    UnsupportedFeature,
)
from mailfailover.plugin import (
    Address,
    Attachment,
    HTTPRequest,
    Message,
    Response,
)
from mailfailover.providers import ses
from mailfailover.providers.ses import SES
from mailfailover.testing import PLAIN, SAMPLES, ProviderContract
from mailfailover.testing._marked import fitting
from mailfailover.testing._wire_text import body_bytes
from tests.providers.bodies import read_json
from tests.providers.round_trip import RoundTrip
from tests.providers.specs import load_spec
from tests.samples import each

if TYPE_CHECKING:
    from pathlib import Path

PROVIDER = SES(access_key_id="AKIDEXAMPLE", secret_access_key="secret-key", region="eu-west-1")
URL = "https://email.eu-west-1.amazonaws.com/v2/email/outbound-emails"
SENT = Response(200, {}, b'{"MessageId": "0102018f"}')


def _refusal(status: int, code: str, text: str = "") -> Response:
    headers = {"x-amzn-ErrorType": f"{code}:http://internal.amazon.com/coral/"}
    return Response(status, headers, json.dumps({"message": text}).encode())


def _not_verified(identities: str) -> Response:
    text = (
        "Email address is not verified. The following identities failed the check in region "
        f"EU-WEST-1: {identities}"
    )
    return _refusal(400, "MessageRejected", text)


ERRORS: list[tuple[Response, type[SendError]]] = [
    (_not_verified("shop@example.com"), SenderRefused),
    (_not_verified("The Shop <Shop@Example.com>, ann@example.org"), SenderRefused),
    (_not_verified("example.com"), SenderRefused),
    (_not_verified("somebody@example.net"), SenderRefused),
    (_not_verified("ANN@example.org"), AccountSuspended),
    (_refusal(400, "MessageRejected", "Email address is not verified."), SenderRefused),
    (_refusal(400, "MessageRejected", "Message contains a virus"), MessageRejected),
    (_refusal(400, "MessageRejected", "Sending suspended for this account"), AccountSuspended),
    (_refusal(400, "MessageRejected", "Sending paused for this account."), AccountSuspended),
    (_refusal(400, "MessageRejected", "Illegal filename 'a.exe'"), UnsupportedFeature),
    (_refusal(400, "MessageRejected", "It has other faults"), RequestRefused),
    (_refusal(400, "BadRequestException", "Illegal address"), RecipientRejected),
    (_refusal(400, "BadRequestException", "Missing final '@domain'"), RecipientRejected),
    (_refusal(400, "BadRequestException", "Domain contains dot-dot"), RecipientRejected),
    (
        _refusal(400, "BadRequestException", "Invalid email address shop@example.com."),
        SenderRefused,
    ),
    (
        _refusal(400, "BadRequestException", "Message length is more than 41943040"),
        UnsupportedFeature,
    ),
    (_refusal(400, "BadRequestException", "Duplicate header"), RequestRefused),
    (_refusal(400, "MailFromDomainNotVerifiedException"), SenderRefused),
    (_refusal(400, "AccountSuspendedException"), AccountSuspended),
    (_refusal(400, "SendingPausedException"), AccountSuspended),
    (_refusal(404, "NotFoundException", "Template welcome does not exist"), UnsupportedFeature),
    (_refusal(404, "NotFoundException", "Configuration set <x> does not exist."), RequestRefused),
    (_refusal(429, "TooManyRequestsException", "Too many requests"), RateLimited),
    (_refusal(429, "TooManyRequestsException", "Daily message quota exceeded."), QuotaExceeded),
    (_refusal(400, "ThrottlingException", "Maximum sending rate exceeded."), RateLimited),
    (_refusal(400, "ThrottlingException", "Daily message quota exceeded."), QuotaExceeded),
    (_refusal(400, "ThrottlingException", "Rate exceeded"), RateLimited),
    (_refusal(400, "LimitExceededException"), QuotaExceeded),
    (_refusal(400, "ExpiredTokenException"), AuthenticationFailed),
    (_refusal(400, "IncompleteSignature"), AuthenticationFailed),
    (
        _refusal(403, "InvalidSignatureException", "The signature does not match"),
        AuthenticationFailed,
    ),
    (_refusal(403, "AccessDeniedException"), AuthenticationFailed),
    (Response(403, {}, b'{"Message": "Missing Authentication Token"}'), AuthenticationFailed),
    (Response(400, {}, b'{"__type": "com.amazon#SendingPausedException"}'), AccountSuspended),
    (_refusal(500, "InternalServerErrorException"), ProviderUnavailable),
    (_refusal(500, "InternalFailure"), ProviderUnavailable),
    (_refusal(503, "ServiceUnavailable"), ProviderUnavailable),
    (_refusal(503, "NeverDocumented"), ProviderUnavailable),
    (Response(503, {}, b'{"message": "Service Unavailable"}'), OutcomeUnknown),
    (Response(504, {}, b'{"message": "Endpoint request timed out"}'), OutcomeUnknown),
]


class TestContract(ProviderContract):
    provider = PROVIDER
    accepted = SENT
    accepted_id = "0102018f"
    errors = ERRORS


def _body_of(message: Message) -> Any:
    return read_json(PROVIDER.build_request(message))


def _mailbox(text: str) -> Address:
    name, email = parseaddr(text)
    return Address(email, str(make_header(decode_header(name))))


class TestRoundTrip(RoundTrip):
    provider = PROVIDER

    def expected(self, message: Message) -> Message:
        """
        SES gives each mail a Message-ID, and MIME ends its lines in its own way.
        """
        headers = {name: v for name, v in message.headers.items() if name.lower() != "message-id"}
        return message.bound(headers=headers)

    def decode(self, request: HTTPRequest) -> dict[str, Any]:
        body = read_json(request)
        fields = _content(body["Content"])
        if "FromEmailAddress" in body:
            fields["from_email"] = _mailbox(body["FromEmailAddress"])
        for kind in ("to", "cc", "bcc"):
            named = [
                _mailbox(one) for one in body["Destination"].get(f"{kind.title()}Addresses", ())
            ]
            if kind not in fields:
                fields[kind] = named
            assert [one.email for one in fields[kind]] == [one.email for one in named]
        if "ReplyToAddresses" in body:
            fields["reply_to"] = [_mailbox(one) for one in body["ReplyToAddresses"]]
        return {
            **fields,
            **_data(body["EmailTags"]),
            "envelope_from": body.get("FeedbackForwardingEmailAddress", ""),
        }


def _content(content: dict[str, Any]) -> dict[str, Any]:
    (kind, data), *others = content.items()
    assert not others
    if kind == "Raw":
        mail = Message.from_email_message(b64decode(data["Data"]))
        names = ("from_email", "to", "cc", "reply_to", "subject", "text", "html", "attachments")
        headers = {name: v for name, v in mail.headers.items() if name != "Message-ID"}
        found = {name: getattr(mail, name) for name in names} | {"headers": headers}
        return {**found, "unsubscribe": mail.unsubscribe}
    fields: dict[str, Any] = {
        "headers": {
            one["Name"]: str(make_header(decode_header(one["Value"])))
            for one in data.get("Headers", ())
        },
        "attachments": [
            Attachment(
                one["FileName"],
                b64decode(one["RawContent"]),
                one["ContentType"],
                one.get("ContentId", ""),
            )
            for one in data.get("Attachments", ())
        ],
    }
    if kind == "Template":
        template = {"template_id": data["TemplateName"]}
        return {**fields, **template, "template_data": json.loads(data["TemplateData"])}
    return {
        **fields,
        "subject": data["Subject"]["Data"],
        "text": data["Body"].get("Text", {}).get("Data", ""),
        "html": data["Body"].get("Html", {}).get("Data", ""),
    }


def _data(email_tags: list[dict[str, str]]) -> dict[str, Any]:
    found = {one["Name"]: one["Value"] for one in email_tags}
    del found["mailfailover-id"]
    others = json.loads(urlsafe_b64decode(found.pop("mailfailover-others", "e30=")))
    tags = [found.pop("tag")] if "tag" in found else []
    metadata = {**found, **others.get("metadata", {})}
    return {"tags": tags or others.get("tags", []), "metadata": metadata}


PLAIN_SIMPLE = {
    "Subject": {"Data": "Your order", "Charset": "UTF-8"},
    "Body": {"Text": {"Data": "It is on its way.\n", "Charset": "UTF-8"}},
}
PLAIN_BODY: dict[str, Any] = {
    "FromEmailAddress": "The Shop <shop@example.com>",
    "Destination": {"ToAddresses": ["Ann <ann@example.org>"]},
    "Content": {"Simple": PLAIN_SIMPLE},
    "EmailTags": [{"Name": "mailfailover-id", "Value": "plain"}],
}


def test_plain_mail() -> None:
    """
    A mail is a JSON document with its parts as fields.
    """
    request = PROVIDER.build_request(PLAIN)

    assert ("POST", URL) == (request.method, request.url)
    assert PLAIN_BODY == read_json(request)


def test_every_field() -> None:
    """
    Each field of a message has its place in the document.
    """
    message = PLAIN.replace(
        cc="bob@example.net",
        bcc=Address("cat@example.edu", "Cät"),
        reply_to=("help@example.com", "Shop <shop@example.com>"),
        html="<p>It is</p>",
        headers={"X-Order": "1234", "X-Name": "Änne", "Message-ID": "<own@example.com>"},
        attachments=Attachment("r.pdf", b"text", "application/pdf"),
        tags="order",
        metadata={"order": "1234"},
        envelope_from="bounces@example.com",
    )
    provider = replace(PROVIDER, configuration_set="main")

    assert read_json(provider.build_request(message)) == {
        "FromEmailAddress": "The Shop <shop@example.com>",
        "Destination": {
            "ToAddresses": ["Ann <ann@example.org>"],
            "CcAddresses": ["bob@example.net"],
            "BccAddresses": ["=?utf-8?q?C=C3=A4t?= <cat@example.edu>"],
        },
        "ReplyToAddresses": ["help@example.com", "Shop <shop@example.com>"],
        "FeedbackForwardingEmailAddress": "bounces@example.com",
        "ConfigurationSetName": "main",
        "EmailTags": [
            {"Name": "mailfailover-id", "Value": "plain"},
            {"Name": "tag", "Value": "order"},
            {"Name": "order", "Value": "1234"},
        ],
        "Content": {
            "Simple": {
                "Subject": {"Data": "Your order", "Charset": "UTF-8"},
                "Body": {
                    "Text": {"Data": "It is on its way.\n", "Charset": "UTF-8"},
                    "Html": {"Data": "<p>It is</p>", "Charset": "UTF-8"},
                },
                "Headers": [
                    {"Name": "X-Order", "Value": "1234"},
                    {"Name": "X-Name", "Value": "=?utf-8?b?w4RubmU=?="},
                ],
                "Attachments": [
                    {
                        "FileName": "r.pdf",
                        "ContentType": "application/pdf",
                        "ContentDisposition": "ATTACHMENT",
                        "ContentTransferEncoding": "BASE64",
                        "RawContent": "dGV4dA==",
                    }
                ],
            }
        },
    }


@each(
    "fields",
    [
        {"html": '<img src="cid:logo">', "attachments": SAMPLES["inline_image"].attachments},
        {"attachments": Attachment("a.ics", b"x", "text/calendar; method=REQUEST")},
        {"attachments": Attachment("a.eml", b"Subject: x\n\nx\n", "message/rfc822")},
        {"attachments": Attachment("ä.txt", b"x")},
        {"attachments": Attachment('a".txt', b"x")},
        {"attachments": Attachment("a" * 256, b"x")},
        {"attachments": Attachment("a", b"x", "application/" + "x" * 78)},
        {"text": "é" * 500},
        {"headers": {"X-Long": "word " * 220 + "."}},
        {"headers": {"X-Empty": ""}},
        {"headers": {f"X-{number}": "1" for number in range(16)}},
    ],
    ids=range(11),
)
def test_mime_where_fields_do_not_fit(fields: dict[str, Any]) -> None:
    """
    What SES might write otherwise than we would goes as MIME, to a bare envelope.
    """
    message = PLAIN.replace(bcc="Bob <bob@example.net>", **fields)
    body = _body_of(message)
    mail = Message.from_email_message(b64decode(body["Content"].pop("Raw")["Data"]))

    assert body == {
        "Destination": {"ToAddresses": ["ann@example.org"], "BccAddresses": ["bob@example.net"]},
        "Content": {},
        "EmailTags": [{"Name": "mailfailover-id", "Value": "plain"}],
    }
    assert (PLAIN.from_email, PLAIN.to, message.text, message.attachments) == (
        mail.from_email,
        mail.to,
        mail.text,
        mail.attachments,
    )


def test_mime_shows_no_bcc() -> None:
    """
    Only the envelope names who gets a blind copy.
    """
    message = SAMPLES["inline_image"].replace(bcc="bob@example.net")

    assert b"bob" not in b64decode(_body_of(message)["Content"]["Raw"]["Data"])


def test_template() -> None:
    """
    A stored template is named with its data, headers and files.
    """
    message = SAMPLES["template"].replace(
        headers={"X-Order": "1234"}, attachments=SAMPLES["inline_image"].attachments
    )
    content = _body_of(message)["Content"]
    file = content["Template"]["Attachments"][0]

    assert content == {
        "Template": {
            "TemplateName": "welcome",
            "TemplateData": '{"name": "Änne"}',
            "Headers": [{"Name": "X-Order", "Value": "1234"}],
            "Attachments": [
                {**file, "ContentDisposition": "INLINE", "ContentId": "logo"},
            ],
        }
    }


def test_template_by_arn() -> None:
    """
    A template of another account is named by its ARN.
    """
    arn = "arn:aws:ses:eu-west-1:123456789012:template/welcome"
    message = SAMPLES["template"].replace(template_id=arn, template_data={})

    assert _body_of(message)["Content"] == {"Template": {"TemplateArn": arn, "TemplateData": "{}"}}


@pytest.mark.parametrize(
    ("feature", "fields"),
    [
        ("HEADERS", {"headers": {"X-Long": "x" * 1000}}),
        ("ATTACHMENTS", {"attachments": Attachment("ä.txt", b"x")}),
    ],
)
def test_template_takes_no_mime(feature: str, fields: dict[str, Any]) -> None:
    """
    What would need MIME is refused together with a template, by the feature's name.
    """
    with pytest.raises(UnsupportedFeature, match="ses takes") as caught:
        PROVIDER.build_request(SAMPLES["template"].replace(**fields))

    assert (feature,) == caught.value.features


def test_reserved_names_of_metadata_go_encoded() -> None:
    """
    Metadata cannot take the place of our id or of the tag.
    """
    metadata = {"mailfailover-id": "1", "tag": "2", "mailfailover-others": "3"}
    message = PLAIN.replace(tags="order", metadata=metadata)
    email_tags = _body_of(message)["EmailTags"]

    assert ["mailfailover-id", "tag", "mailfailover-others"] == [one["Name"] for one in email_tags]
    assert {"tags": ["order"], "metadata": metadata} == _data(email_tags)


@each(
    ("fields", "features"),
    [
        ({"metadata": {"name": "ä" * 100}}, ("METADATA",)),
        ({"tags": ["a" * 100, "b" * 100]}, ("TAGS",)),
        ({"tags": ["ä"], "metadata": {"name": "ä" * 100}}, ("TAGS", "METADATA")),
    ],
)
def test_too_much_metadata_is_refused(fields: dict[str, Any], features: tuple[str, ...]) -> None:
    """
    What one message tag cannot hold is refused, never cut.
    """
    with pytest.raises(UnsupportedFeature, match="shorten them") as caught:
        PROVIDER.build_request(PLAIN.replace(**fields))

    assert features == caught.value.features


def test_options_are_laid_over() -> None:
    """
    Options extend what is there, and replace what is no mapping.
    """
    options = {"ListManagementOptions": {"ContactListName": "news"}, "EmailTags": []}
    message = PLAIN.replace(provider_options={"ses": options})

    assert _body_of(message) == {**PLAIN_BODY, **options}


@each("options", [{"Destination": {}}, {"FromEmailAddress": "x"}, {"Content": {"Raw": {}}}])
def test_options_change_nobody(options: dict[str, Any]) -> None:
    """
    Options cannot change who gets the mail or who sends it.
    """
    with pytest.raises(InvalidMessage, match="use the message's own field"):
        PROVIDER.build_request(PLAIN.replace(provider_options={"ses": options}))


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("us-east-1", "https://email.us-east-1.amazonaws.com"),
        ("cn-north-1", "https://email.cn-north-1.amazonaws.com.cn"),
    ],
)
def test_region(region: str, host: str) -> None:
    """
    Each region has a host of its own.
    """
    assert host == replace(PROVIDER, region=region, base_url="").base_url


def test_ping() -> None:
    """
    A ping reads the account's settings.
    """
    request = PROVIDER.build_ping()

    assert ("GET", "https://email.eu-west-1.amazonaws.com/v2/email/account") == (
        request.method,
        request.url,
    )


@each(
    ("fields", "text"),
    [
        ({"region": "eu/west"}, "region of ses is no name"),
        ({"access_key_id": "AKIDEXAMPLE"}, "give both, or neither"),
        ({"secret_access_key": "secret-key"}, "give both, or neither"),
    ],
)
def test_configuration_is_checked(fields: dict[str, str], text: str) -> None:
    """
    A set-up that cannot work is refused when it is made.
    """
    with pytest.raises(ConfigurationError, match=text):
        SES(**fields)


def test_sandbox_names_the_recipient_and_quotes_nobody() -> None:
    """
    In a sandbox the recipients at fault are known, and no identity is in the text.
    """
    message = PLAIN.replace(cc="bob@example.net")
    error = PROVIDER.classify_error(_not_verified("bob@example.net, hidden.example"), message)

    assert ("bob@example.net",) == error.recipients
    assert str(error) == (
        "HTTP 400 MessageRejected: the account is in the sandbox, and a recipient is not verified "
        "(Email address is not verified. The following identities failed the check in region "
        "EU-WEST-1)"
    )


def test_unverified_feedback_address_is_the_senders() -> None:
    """
    The address for bounces must be verified too; it is no recipient.
    """
    message = PLAIN.replace(envelope_from="bob@example.net", cc="bob@example.net")

    assert SenderRefused is type(PROVIDER.classify_error(_not_verified("bob@example.net"), message))


def test_errors_of_a_ping_need_no_sender() -> None:
    """
    The mail that a ping stands for has neither sender nor recipients.
    """
    answers = (
        _not_verified("a@example.com"),
        _refusal(400, "BadRequestException", "Illegal address"),
    )

    assert [SenderRefused, RecipientRejected] == [
        type(PROVIDER.classify_error(answer, Message())) for answer in answers
    ]


# Signatures

NOW = datetime(2026, 11, 24, 5, 6, 7, tzinfo=UTC)


def _sign(request: HTTPRequest) -> dict[str, str]:
    assert request.auth is not None
    return dict(request.auth(request, NOW.timestamp()))


def _signed_by_botocore(
    request: HTTPRequest, monkeypatch: pytest.MonkeyPatch, token: str | None = None
) -> dict[str, str]:
    """
    The headers that botocore adds to *request* at the same time.
    """
    auth = pytest.importorskip("botocore.auth")
    from botocore.awsrequest import AWSRequest  # type: ignore[import-untyped]  # has none
    from botocore.credentials import Credentials  # type: ignore[import-untyped]  # has none

    monkeypatch.setattr(auth, "get_current_datetime", lambda: NOW.replace(tzinfo=None))
    signed = AWSRequest(
        method=request.method,
        url=request.url,
        headers=dict(request.headers),
        data=body_bytes(request.body),
    )
    credentials = Credentials("AKIDEXAMPLE", "secret-key", token)
    auth.SigV4Auth(credentials, "ses", "eu-west-1").add_auth(signed)
    return {name: value for name, value in signed.headers.items() if name not in request.headers}


@pytest.mark.parametrize("name", fitting(SAMPLES, SES.capabilities))
def test_signature_is_botocores(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Every mail is signed byte for byte as botocore signs it.
    """
    request = PROVIDER.build_request(fitting(SAMPLES, SES.capabilities)[name])

    assert _sign(request) == _signed_by_botocore(request, monkeypatch)


@pytest.mark.parametrize(
    "base_url",
    [
        "",
        "http://localhost:8025",
        "http://127.0.0.1:80",
        "https://Proxy.example:443/with%20prefix/a~b",
    ],
)
def test_signature_of_a_ping_and_a_proxy(base_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A call without a body, and one to another host and path, are signed as botocore does.
    """
    request = replace(PROVIDER, base_url=base_url).build_ping()

    assert _sign(request) == _signed_by_botocore(request, monkeypatch)


def test_signature_with_a_session_token(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Temporary credentials, asked for when they are needed, sign their token too.
    """
    provider = replace(
        PROVIDER, secret_access_key=lambda: "secret-key", session_token=lambda: "the token"
    )
    request = provider.build_request(PLAIN)

    assert _sign(request) == _signed_by_botocore(request, monkeypatch, "the token")


def test_signature_of_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A large file is hashed piece by piece, as it will be written.
    """
    path = tmp_path / "large.bin"
    path.write_bytes(bytes(range(256)) * 1000)
    request = PROVIDER.build_request(PLAIN.replace(attachments=Attachment.from_path(path)))

    assert _sign(request) == _signed_by_botocore(request, monkeypatch)


@pytest.fixture
def no_aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """
    An environment in which botocore finds nothing, and asks no network.
    """
    pytest.importorskip("botocore")
    ses._botocore_session.cache_clear()
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return monkeypatch


def test_credentials_of_botocore(no_aws: pytest.MonkeyPatch) -> None:
    """
    Without a key of its own it signs with the credentials that botocore finds.
    """
    no_aws.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    no_aws.setenv("AWS_SECRET_ACCESS_KEY", "secret-key")
    request = SES(region="eu-west-1").build_request(PLAIN)

    assert _sign(request) == _signed_by_botocore(request, no_aws)


def test_no_credentials(no_aws: pytest.MonkeyPatch) -> None:
    """
    If botocore finds none, nothing is sent and the next provider is asked.
    """
    with pytest.raises(AuthenticationFailed, match="botocore found no credentials"):
        _sign(SES().build_ping())


def test_broken_credentials(no_aws: pytest.MonkeyPatch) -> None:
    """
    A set-up that botocore cannot use means the same, and shows nothing of it.
    """
    no_aws.setenv("AWS_PROFILE", "never-written")

    with pytest.raises(AuthenticationFailed, match=r"for ses \(ProfileNotFound\)"):
        _sign(SES().build_ping())


def test_without_botocore(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Without the extra it says what to install.
    """
    monkeypatch.setitem(sys.modules, "botocore.exceptions", None)

    with pytest.raises(AuthenticationFailed, match=r"install mailfailover\[ses\]"):
        _sign(SES().build_ping())


# The vendor's description

DESCRIBED = fitting(SAMPLES, SES.capabilities)


@each("name", DESCRIBED)
def test_vendor_description(name: str) -> None:
    """
    Each document is one that the vendor's description of the API allows.
    """
    spec = load_spec(
        "amazon_ses",
        "/paths/~1v2~1email~1outbound-emails/post/requestBody/content/application~1json/schema",
    )

    assert [] == spec.problems(_body_of(DESCRIBED[name]))


@pytest.mark.parametrize("name", DESCRIBED)
def test_model_of_botocore(name: str) -> None:
    """
    Each document is one that botocore's newer model of the API allows.
    """
    session = pytest.importorskip("botocore.session")
    from botocore.validate import ParamValidator  # type: ignore[import-untyped]  # has none

    model = session.get_session().get_service_model("sesv2")
    shape = model.operation_model("SendEmail").input_shape
    report = ParamValidator().validate(_body_of(DESCRIBED[name]), shape)

    assert "" == report.generate_report()
