from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import pytest

from mailfailover import Mailer, errors
from mailfailover._message.address import Address
from mailfailover._message.attachment import Attachment
from mailfailover._message.message import Message
from mailfailover.errors import ConfigurationError, SendError, Verdict
from mailfailover.plugin import (
    Accepted,
    Feature,
    RecipientStatus,
    SMTPReply,
    SMTPRequest,
    SMTPResponse,
)
from mailfailover.providers.smtp import SMTP
from mailfailover.testing import ProviderContract
from tests.providers.bodies import as_mime, read_blind, read_mime
from tests.providers.round_trip import RoundTrip
from tests.samples import each

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SECRET = "s3cret-Xq"
ACCEPTED = SMTPReply(250, "2.0.0 Ok: queued as 4WxYz0", ".")
UNKNOWN_USER = SMTPReply(550, "5.1.1 User unknown", "rcpt")
GREYLISTED = SMTPReply(450, "4.2.0 Greylisted", "rcpt")
NO_RELAY = SMTPReply(554, "5.7.1 Relay access denied", "rcpt")


def server(**options: Any) -> SMTP:
    """
    A server with an account.
    """
    return SMTP(**({"host": "mail.example", "username": "me", "password": SECRET} | options))


def mail(**fields: Any) -> Message:
    """
    A plain mail.
    """
    plain: dict[str, Any] = {
        "to": "ann@b.example",
        "from_email": "me@a.example",
        "subject": "Hi",
        "text": "Hello",
        "id": "01JD",
    }
    return Message(**(plain | fields))


def refusing(reply: SMTPReply, *recipients: str) -> SMTPResponse:
    """
    The answer of a server that said *reply* to each of *recipients*.
    """
    return SMTPResponse(reply, dict.fromkeys(recipients, reply))


class TestContract(ProviderContract):
    provider = server()
    message = mail(to=["ann@b.example", "bob@b.example"])
    accepted = SMTPResponse(ACCEPTED)
    accepted_id = "4WxYz0"
    errors = (
        (
            SMTPResponse(SMTPReply(535, "5.7.8 Bad credentials", "auth")),
            errors.AuthenticationFailed,
        ),
        (SMTPResponse(SMTPReply(550, "5.7.1 Not your domain", "mail")), errors.SenderRefused),
        (refusing(UNKNOWN_USER, "ann@b.example", "bob@b.example"), errors.RecipientRejected),
        (SMTPResponse(SMTPReply(554, "5.6.0 Corrupt", ".")), errors.MessageRejected),
        (SMTPResponse(SMTPReply(451, "4.3.0 Disk trouble", ".")), errors.ProviderUnavailable),
    )
    partial = (
        (
            SMTPResponse(ACCEPTED, {"bob@b.example": UNKNOWN_USER}),
            Accepted("4WxYz0", {"bob@b.example": RecipientStatus.INVALID}),
        ),
    )


class TestRoundTrip(RoundTrip):
    provider = server()
    expected = staticmethod(as_mime)

    def decode(self, request: SMTPRequest) -> dict[str, Any]:
        fields = read_blind(read_mime(request.data), request.recipients)
        sender = fields["from_email"].email
        return fields | {"envelope_from": request.mail_from.replace(sender, "")}


def test_request_is_envelope_and_mime() -> None:
    """
    The request holds the server, the envelope and the mail as MIME with canonical lines.
    """
    message = mail()

    expected = message.as_email_message()
    assert SMTPRequest(
        host="mail.example",
        port=587,
        tls="starttls",
        username="me",
        password=SECRET,
        mail_from="me@a.example",
        recipients=("ann@b.example",),
        data=expected.as_bytes(policy=expected.policy.clone(linesep="\r\n")),
    ) == server().build_request(message)


def test_bcc_is_in_the_envelope_only() -> None:
    """
    To, Cc and Bcc all are recipients, each once; the data names no Bcc.
    """
    message = mail(
        to=["ann@b.example", "bob@b.example"],
        cc=["Bob <bob@b.example>", "cat@b.example"],
        bcc=["dan@b.example", "ann@b.example"],
    )

    request = server().build_request(message)

    assert ("ann@b.example", "bob@b.example", "cat@b.example", "dan@b.example") == (
        request.recipients
    )
    assert b"dan@" not in request.data
    assert b"bcc" not in request.data.lower()


def test_envelope_from_is_mail_from() -> None:
    """
    Bounces go to envelope_from, while From stays.
    """
    request = server().build_request(mail(envelope_from="bounce@a.example"))

    assert "bounce@a.example" == request.mail_from
    assert b"From: me@a.example\r\n" in request.data


@each(
    ("fields", "smtputf8"),
    [
        pytest.param({}, False, id="ASCII"),
        pytest.param({"subject": "Grüße", "text": "schön"}, False, id="text"),
        pytest.param({"from_email": Address("me@a.example", "Jörg")}, False, id="name"),
        pytest.param({"to": "ann@bücher.example"}, False, id="domain"),
        pytest.param({"to": "jörg@b.example"}, True, id="to"),
        pytest.param({"bcc": "jörg@b.example"}, True, id="bcc"),
        pytest.param({"from_email": "jörg@b.example"}, True, id="from"),
        pytest.param({"reply_to": "jörg@b.example"}, True, id="reply_to"),
        pytest.param({"envelope_from": "jörg@b.example"}, True, id="envelope_from"),
    ],
)
def test_smtputf8_for_local_parts_only(fields: dict[str, Any], smtputf8: bool) -> None:
    """
    Only a non-ASCII part before an @ needs SMTPUTF8; all else is encoded in ASCII.
    """
    request = server().build_request(mail(**fields))

    assert smtputf8 is request.smtputf8
    assert request.data.isascii() or smtputf8


def test_lines_are_canonical() -> None:
    """
    However the text and the attachments end their lines, the data has CRLF only.
    """
    message = mail(
        text="a\nb\r\nc\rd\n.\n", html="<p>\r", attachments=[Attachment("x.bin", b"\n\r\0\n")]
    )

    data = server().build_request(message).data

    assert data.count(b"\r\n") == data.count(b"\n") == data.count(b"\r")


def test_building_is_pure() -> None:
    """
    The same mail makes the same request each time.
    """
    message = mail(html="<b>Hi</b>", attachments=[Attachment("x.txt", b"x")])

    assert server().build_request(message) == server().build_request(message)


@each(("tls", "port"), [("starttls", 587), ("implicit", 465), ("none", 25)])
def test_port_follows_tls(tls: str, port: int) -> None:
    """
    Without a port the one registered for that kind of TLS is used.
    """
    assert port == SMTP(host="localhost", tls=tls).build_ping().port  # type: ignore[arg-type]  # a str from parametrize


def test_ping_has_no_mail() -> None:
    """
    A ping is a transaction without recipients, with every setting of the server.
    """
    provider = SMTP(
        host="mail.example",
        port=2525,
        username="me",
        access_token=lambda: "fresh",
        tls="implicit",
        ca_file="/ca.pem",
        local_hostname="app.a.example",
    )

    assert (
        SMTPRequest(
            host="mail.example",
            port=2525,
            tls="implicit",
            ca_file="/ca.pem",
            username="me",
            access_token="fresh",
            local_hostname="app.a.example",
        )
        == provider.build_ping()
    )


def test_smtps_means_implicit_tls() -> None:
    """
    The class says what the scheme smtps sets; smtp sets nothing.
    """
    assert {"smtps": {"tls": "implicit"}} == SMTP.schemes


def test_password_is_asked_for_each_mail() -> None:
    """
    A callable password is called for each request, so it may change.
    """
    passwords = iter(["one", "two"])
    provider = server(password=lambda: next(passwords))

    assert ["one", "two"] == [provider.build_ping().password, provider.build_ping().password]


def test_secrets_are_not_shown() -> None:
    """
    Neither the provider nor its request shows password or token.
    """
    provider = server(password="", access_token=SECRET)

    assert SECRET not in repr(provider) + repr(provider.build_ping())


@each(
    ("options", "problem"),
    [
        pytest.param({"host": ""}, "host is missing", id="no host"),
        pytest.param({"host": "a b"}, "host is missing", id="space in host"),
        pytest.param({"tls": "ssl"}, "tls is unknown", id="tls"),
        pytest.param({"port": 0}, "port must be between", id="port 0"),
        pytest.param({"port": 65536}, "port must be between", id="port too large"),
        pytest.param({"local_hostname": "a\r\nb"}, "local_hostname is no", id="local_hostname"),
        pytest.param({"access_token": "x"}, "both given", id="both secrets"),
        pytest.param({"username": ""}, "a log-in needs username", id="no username"),
        pytest.param({"password": ""}, "a log-in needs username", id="no password"),
        pytest.param({"username": "a\0b"}, "username has a control", id="username"),
        pytest.param({"tls": "none"}, "in the clear", id="in the clear"),
    ],
)
def test_unworkable_setup_is_refused(options: dict[str, Any], problem: str) -> None:
    """
    A set-up that cannot work raises at once, says what to change, and shows no secret.
    """
    with pytest.raises(ConfigurationError) as caught:
        server(**options)

    assert str(caught.value).startswith("smtp: ")
    assert problem in str(caught.value)
    assert SECRET not in str(caught.value)


@each("host", ["localhost", "127.0.0.1", "::1"])
def test_log_in_on_this_machine_needs_no_tls(host: str) -> None:
    """
    A password may be sent in the clear to this machine.
    """
    assert host == server(host=host, tls="none", local_hostname="[127.0.0.1]").host


def test_relay_without_log_in() -> None:
    """
    A relay that wants no log-in works without TLS and without username, wherever it is.
    """
    assert "" == SMTP(host="relay.example", tls="none").build_ping().username


def test_unsupported_features() -> None:
    """
    What SMTP has no standard for is not declared, so it is never lost in silence.
    """
    missing = ~SMTP.capabilities.features

    assert missing == (
        Feature.TAGS
        | Feature.METADATA
        | Feature.TRACKING
        | Feature.SEND_AT
        | Feature.TEMPLATES
        | Feature.TEMPLATE_FROM
        | Feature.TEMPLATE_SUBJECT
        | Feature.TEMPLATE_OVERRIDE
        | Feature.MERGE
        | Feature.MERGE_METADATA
        | Feature.MERGE_HEADERS
        | Feature.MERGE_UNEVEN_HEADERS
    )


@each(
    ("text", "found"),
    [
        ("2.0.0 Ok: queued as 4WxYz0", "4WxYz0"),
        ("2.6.0 Queued mail: queued as <4WxYz0@mx>.", "4WxYz0@mx"),
        ("OK id=1tABC-000000005vi-0000", "1tABC-000000005vi-0000"),
        ("2.0.0 4ANAbc12345 Message accepted for delivery", "4ANAbc12345"),
        ("Ok 0102018f2c3d4e5f-aaaa-bbbb-000000", "0102018f2c3d4e5f-aaaa-bbbb-000000"),
        ("2.0.0 OK", ""),
        ("Great success", ""),
    ],
)
def test_queue_id(text: str, found: str) -> None:
    """
    The id of the mail at the server is read from the reply, where it has one.
    """
    response = SMTPResponse(SMTPReply(250, text, "."))

    assert Accepted(found, {}) == server().parse_response(response, mail())


def test_partial_acceptance_names_the_refused() -> None:
    """
    Who does not exist is invalid, who was refused for another reason is refused.
    """
    response = SMTPResponse(
        ACCEPTED,
        {"bob@b.example": UNKNOWN_USER, "cat@b.example": GREYLISTED, "dan@b.example": NO_RELAY},
    )

    assert Accepted(
        "4WxYz0",
        {
            "bob@b.example": RecipientStatus.INVALID,
            "cat@b.example": RecipientStatus.REFUSED,
            "dan@b.example": RecipientStatus.REFUSED,
        },
    ) == server().parse_response(response, mail())


def test_all_unknown_stops() -> None:
    """
    When no recipient exists, the send ends, and the error names them.
    """
    response = SMTPResponse(
        UNKNOWN_USER, {"ann@b.example": UNKNOWN_USER, "bob@b.example": UNKNOWN_USER}
    )

    error = server().classify_error(response, mail(to=["ann@b.example", "bob@b.example"]))

    assert (errors.RecipientRejected, ("ann@b.example", "bob@b.example")) == (
        type(error),
        error.recipients,
    )


@each(
    ("other", "kind"),
    [(GREYLISTED, errors.RateLimited), (NO_RELAY, errors.SenderRefused)],
    ids=["greylisted", "no relay"],
)
@each("order", [list, lambda items: list(reversed(items))], ids=["first", "last"])
def test_mixed_refusals_go_on(
    other: SMTPReply, kind: type[SendError], order: Callable[[Any], Any]
) -> None:
    """
    While one of the refused recipients may be reached, the refusal of another ends nothing.
    """
    refused = dict(order([("ann@b.example", UNKNOWN_USER), ("bob@b.example", other)]))
    message = mail(to=["ann@b.example", "bob@b.example"])

    error = server().classify_error(SMTPResponse(list(refused.values())[-1], refused), message)

    assert (kind, ("bob@b.example",)) == (type(error), error.recipients)
    assert error.verdict is not Verdict.STOP


def test_refusal_of_the_mail_outweighs_that_of_a_recipient() -> None:
    """
    When the data is refused, that reply decides, also if a recipient was refused before.
    """
    full = SMTPReply(452, "4.3.1 Out of disk space", ".")
    response = SMTPResponse(full, {"bob@b.example": UNKNOWN_USER})

    error = server().classify_error(response, mail(to=["ann@b.example", "bob@b.example"]))

    assert (errors.ProviderUnavailable, ()) == (type(error), error.recipients)


def test_refused_ping_is_classified() -> None:
    """
    A ping has no recipients; its refusal is read from the reply.
    """
    response = SMTPResponse(SMTPReply(535, "5.7.8 Bad credentials", "auth"))

    assert errors.AuthenticationFailed is type(server().classify_error(response, Message()))


def test_provider_is_a_value() -> None:
    """
    Providers compare by their fields, hash and pickle.
    """
    assert {server()} == {server(), pickle.loads(pickle.dumps(server()))}  # noqa: S301 -- our own


HOME = {"bounce_address": "bounces.example.com", "bounce_secret": "sixteen letters."}


def test_a_bounce_address_is_the_sender_of_the_envelope() -> None:
    """
    It names the mail; the header does not change.
    """
    message = mail()
    own = server(**HOME)

    request = own.build_request(message)

    assert own.bounce_addresses is not None
    now = message.created.timestamp()
    assert message.id == own.bounce_addresses.read(request.mail_from, now).mail_id
    assert request.data == server().build_request(message).data


def test_the_sender_that_a_mail_asks_for_stays() -> None:
    """
    The caller said where bounces go.
    """
    message = mail(envelope_from="returns@example.com")

    assert "returns@example.com" == server(**HOME).build_request(message).mail_from


def test_without_a_bounce_address_nothing_is_signed() -> None:
    """
    The sender of the envelope is that of the mail.
    """
    assert server().bounce_addresses is None
    assert mail().sender.email == server().build_request(mail()).mail_from


@pytest.mark.parametrize(
    "given", [{"bounce_address": "bounces.example.com"}, {"bounce_secret": "x" * 16}]
)
def test_half_a_bounce_address_is_refused(given: dict[str, str]) -> None:
    """
    An address needs a key, and a key an address.
    """
    with pytest.raises(errors.ConfigurationError, match="bounce_"):
        server(**given)


def test_the_key_of_bounce_addresses_is_not_shown() -> None:
    """
    Not even where the provider is.
    """
    assert HOME["bounce_secret"] not in repr(server(**HOME))


def test_toml_has_two_keys_while_one_is_changed(tmp_path: Path) -> None:
    """
    The first one signs, and the mails of the second are still known.
    """
    config = tmp_path / "mail.toml"
    config.write_text(
        '[providers.own]\ndsn = "smtp://mail.example.com"\n'
        'bounce_address = "bounces.example.com"\n'
        'bounce_secret = ["the newer secret", "sixteen letters."]\n'
    )
    before = server(**HOME).build_request(mail()).mail_from

    with Mailer.from_config(config) as mailer:
        own = mailer.chain.links[0].provider

    assert isinstance(own, SMTP)
    assert own.bounce_addresses is not None
    assert "01JD" == own.bounce_addresses.read(before, mail().created.timestamp()).mail_id
