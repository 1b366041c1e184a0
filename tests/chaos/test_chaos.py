"""
The vendors on real sockets: what they take, and how they fail.
"""

from __future__ import annotations

import http.client
import json
import socket
import ssl
from typing import TYPE_CHECKING, Any

import pytest
import trustme

from mailfailover import Mailer
from mailfailover.chaos import Chaos
from mailfailover.chaos._answers import message_ids
from mailfailover.chaos._certificates import Certificates
from mailfailover.errors import (
    AccountSuspended,
    AuthenticationFailed,
    ConfigurationError,
    ConnectionFailed,
    MailFailoverError,
    OutcomeUnknown,
    ProviderUnavailable,
    QuotaExceeded,
    RateLimited,
    RecipientRejected,
    SenderRefused,
    SendError,
    UnsupportedFeature,
)
from mailfailover.testing import RecordedRequest
from mailfailover.testing._dialects import find_dialect
from mailfailover.transports.http import HTTPTransport
from tests.samples import each

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

VENDORS = Chaos().vendors


@pytest.fixture(scope="module")
def town() -> Iterator[Chaos]:
    """
    All vendors on one port.
    """
    with Chaos() as chaos:
        yield chaos


@pytest.fixture
def chaos(town: Chaos) -> Iterator[Chaos]:
    """
    All vendors, healthy before and after.
    """
    town.clear()
    yield town
    town.heal()


def send(dsn: str, timeout: float = 5.0, **fields: Any) -> Any:
    """
    One mail through one provider.
    """
    mail = {"to": "ann@example.org", "subject": "Your order", "text": "It is on its way."}
    with Mailer(dsn, from_email="shop@example.com", on_unknown="raise", attempt_timeout=0.5) as one:
        return one.send(**(mail | fields), timeout=timeout)


def failure(dsn: str, **fields: Any) -> SendError:
    """
    What the first attempt ended in.
    """
    with pytest.raises(MailFailoverError) as caught:
        send(dsn, timeout=0.4, **fields)
    error = caught.value.attempts[0].error
    assert isinstance(error, SendError)
    return error


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_vendor_takes_a_mail(chaos: Chaos, vendor: str) -> None:
    """
    The provider sends through its vendor here, which keeps the mail with the id it gave.
    """
    receipt = send(chaos.dsn(vendor))

    (mail,) = chaos.mails(vendor)
    number = receipt.provider_message_id
    has_id = vendor not in ("msgraph", "smtp")
    assert dict(mail.message_ids) == ({"ann@example.org": number} if has_id else {})
    assert (mail.sender, mail.subject) == ("shop@example.com", "Your order")
    assert (mail.recipients, mail.fate) == (("ann@example.org",), "delivered")
    assert mail.mail_id in (receipt.mail_id, "")


@pytest.mark.parametrize("vendor", ["postmark", "mailjet", "sparkpost", "mailgun"])
def test_a_merge_has_an_id_for_each(chaos: Chaos, vendor: str) -> None:
    """
    As many as the vendor gives, in one call.
    """
    people = ("ann@example.org", "bob@example.net")
    receipt = send(
        chaos.dsn(vendor),
        to=people,
        text="Dear {{name}}",
        merge_data={email: {"name": email[:3]} for email in people},
    )

    (mail,) = chaos.mails(vendor)
    assert mail.recipients == people
    assert mail.message_ids["ann@example.org"] == receipt.provider_message_id
    assert set(mail.message_ids) == set(people)


@each("vendor", [one for one in VENDORS if one != "smtp"])
@each("recipients", [(), ("no address",), ("a@example.com", "x@y z")])
def test_what_no_provider_writes_has_no_id(vendor: str, recipients: tuple[str, ...]) -> None:
    """
    A program may send what it likes; its mail is kept all the same.
    """
    dialect = find_dialect(vendor)
    empty = RecordedRequest("POST", "/", (), b"{}", 0.0, 1)

    found = message_ids(vendor, dialect.accept(empty), recipients)

    assert set(found) <= set(recipients)


MEANT: list[tuple[str, dict[str, Any], type[SendError], int]] = [
    ("refuse", {}, OutcomeUnknown, 0),
    ("hang", {}, OutcomeUnknown, 0),
    ("cut", {}, OutcomeUnknown, 1),
    ("unreadable", {}, OutcomeUnknown, 1),
    ("edge", {}, ConnectionFailed, 0),
    ("edge", {"status": 520}, OutcomeUnknown, 0),
    ("edge", {"status": 502}, OutcomeUnknown, 0),
    ("internal", {}, ProviderUnavailable, 0),
    ("auth", {}, AuthenticationFailed, 0),
    ("suspended", {}, AccountSuspended, 0),
    ("quota", {}, QuotaExceeded, 0),
    ("rate_limited", {}, RateLimited, 0),
]


@pytest.mark.parametrize(("kind", "options", "meant", "accepted"), MEANT)
def test_a_trouble_is_what_it_says(
    chaos: Chaos, kind: str, options: dict[str, Any], meant: type[SendError], accepted: int
) -> None:
    """
    The provider sees each kind as what it stands for, and the mailbox has the truth.
    """
    chaos.fail("mailgun", kind, **options)

    error = failure(chaos.dsn("mailgun"))

    assert (type(error), len(chaos.mails())) == (meant, accepted)


SMTP_MEANT: list[tuple[str, type[SendError], int]] = [
    ("hang", OutcomeUnknown, 0),
    ("cut", OutcomeUnknown, 1),
    ("unreadable", OutcomeUnknown, 1),
    ("refuse", ConnectionFailed, 0),
    ("unavailable", ProviderUnavailable, 0),
    ("internal", ProviderUnavailable, 0),
    ("rate_limited", RateLimited, 0),
    ("quota", QuotaExceeded, 0),
    ("sender", SenderRefused, 0),
    ("bad_recipient", RecipientRejected, 0),
    ("too_large", UnsupportedFeature, 0),
]


@pytest.mark.parametrize(("kind", "meant", "accepted"), SMTP_MEANT)
def test_a_trouble_over_smtp(
    chaos: Chaos, kind: str, meant: type[SendError], accepted: int
) -> None:
    """
    The same over SMTP, in its own replies.
    """
    chaos.fail("smtp", kind)

    error = failure(chaos.dsn("smtp"))

    assert (type(error), len(chaos.mails("smtp"))) == (meant, accepted)


@pytest.mark.parametrize(
    ("kind", "meant"), [("auth", AuthenticationFailed), ("suspended", AuthenticationFailed)]
)
def test_a_login_fails_over_smtp(chaos: Chaos, kind: str, meant: type[SendError]) -> None:
    """
    Any user name and password is right, until it is not.
    """
    dsn = chaos.dsn("smtp").replace("smtp://", "smtp://user:password@")
    send(dsn)
    chaos.fail("smtp", kind)

    assert type(failure(dsn)) is meant


def test_a_slow_vendor_takes_the_mail_late() -> None:
    """
    The answer takes as long as was said; whoever does not wait gets none.
    """
    with Chaos() as chaos:
        chaos.fail("mailgun", "slow", seconds=0.8)
        error = failure(chaos.dsn("mailgun"))
        (mail,) = chaos.mailbox.wait_for(1, 5.0)

    assert (type(error), mail.vendor) == (OutcomeUnknown, "mailgun")


def test_a_rate_limit_says_when(chaos: Chaos) -> None:
    """
    Retry-After is what the trouble says.
    """
    chaos.fail("sendgrid", "rate_limited", retry_after=7)

    error = failure(chaos.dsn("sendgrid"))

    assert isinstance(error, RateLimited)
    assert error.retry_after == 7


def test_a_vendor_with_a_port_of_its_own_refuses() -> None:
    """
    Nobody listens there until it is healed.
    """
    with Chaos(own_ports=True) as chaos:
        dsn = chaos.dsn("brevo")
        chaos.fail("brevo", "refuse")
        refused = failure(dsn)
        chaos.heal("brevo")
        send(dsn)

    assert type(refused) is ConnectionFailed
    assert [mail.vendor for mail in chaos.mails()] == ["brevo"]


def test_a_trouble_ends_by_itself() -> None:
    """
    It lasts as long as was said, the closed port included.
    """
    now = [100.0]
    with Chaos(own_ports=True, clock=lambda: now[0]) as chaos:
        dsn = chaos.dsn("brevo")
        chaos.fail("brevo", "refuse", lasts=30)
        failure(dsn)
        now[0] += 31
        chaos._conditions.tick()

        send(dsn)


def test_a_part_of_the_calls_fails() -> None:
    """
    The probability is that of each call.
    """
    chances = iter([0.2, 0.4])
    with Chaos(chance=lambda: next(chances)) as chaos:
        chaos.fail("mailgun", "auth", probability=0.3)
        refused = failure(chaos.dsn("mailgun"))
        chances = iter([0.4, 0.9, 0.9])
        send(chaos.dsn("mailgun"))

    assert type(refused) is AuthenticationFailed


def test_a_fifth_is_stuck() -> None:
    """
    Such a mail is accepted as any other, and nothing is heard of it.
    """
    chance = [0.1]
    with Chaos(chance=lambda: chance[0]) as chaos:
        chaos.fail("mandrill", "stuck")
        send(chaos.dsn("mandrill"))
        chance[0] = 0.3
        send(chaos.dsn("mandrill"))

    assert [mail.fate for mail in chaos.mails()] == ["stuck", "delivered"]


BAD_CERTIFICATES = ["expired_certificate", "wrong_certificate"]


@pytest.mark.parametrize("kind", BAD_CERTIFICATES)
def test_a_bad_certificate_is_seen(tmp_path: Path, kind: str) -> None:
    """
    HTTPS on the same port, with a good certificate until the vendor shows another one.
    """
    with Chaos(own_ports=True) as chaos:
        authority = tmp_path / "ca.pem"
        authority.write_bytes(chaos.ca_pem)
        dsn = chaos.dsn("mailgun", tls=True)
        taken = _over_tls(dsn, authority)
        chaos.fail("mailgun", kind)
        refused = _over_tls(dsn, authority)

    assert (taken, type(refused), len(chaos.mails())) == (None, ConnectionFailed, 1)


def _over_tls(dsn: str, authority: Path) -> BaseException | None:
    transport = HTTPTransport(ca_file=str(authority))
    with Mailer(dsn, from_email="shop@example.com", transport=transport) as mailer:
        try:
            receipt = mailer.send(to="ann@example.org", subject="Hi", text="Hi", timeout=0.4)
        except MailFailoverError as exc:
            return exc.attempts[0].error
    return receipt.attempts[0].error


@pytest.mark.parametrize("kind", BAD_CERTIFICATES)
def test_a_bad_certificate_is_the_vendors_own(chaos: Chaos, kind: str) -> None:
    """
    On a port that vendors share, the name that the client says tells whose it is.
    """
    chaos.fail("mailgun", kind)

    assert [_is_trusted(chaos, name) for name in ("mailgun.localhost", "brevo.localhost")] == [
        False,
        True,
    ]


def _is_trusted(chaos: Chaos, name: str) -> bool:
    context = ssl.create_default_context(cadata=chaos.ca_pem.decode())
    host, _, port = chaos.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port))) as plain:
        try:
            context.wrap_socket(plain, server_hostname=name).close()
        except ssl.SSLCertVerificationError:
            return False
    return True


def test_the_host_names_the_vendor(chaos: Chaos) -> None:
    """
    Its own host, where a program cannot be told another one.
    """
    host, _, port = chaos.url.removeprefix("http://").partition(":")
    connection = http.client.HTTPConnection(host, int(port))
    connection.request("GET", "/v3/account", headers={"Host": "api.brevo.com"})

    assert "email" in json.loads(connection.getresponse().read())
    connection.close()


@pytest.mark.parametrize(
    ("vendor", "kind", "options", "problem"),
    [
        ("pigeon", "hang", {}, "vendor 'pigeon' is unknown; known: ahasend, "),
        ("mailgun", "asleep", {}, "kind 'asleep' is unknown to mailgun; known: refuse, hang"),
        ("azure", "quota", {}, "kind 'quota' is unknown to azure"),
        ("mailgun", "hang", {"for": 3}, "for is unknown; known: probability, "),
        ("mailgun", "hang", {"lasts": "long"}, "lasts must be a number of 0 or more, not 'long'"),
        ("mailgun", "hang", {"probability": 2}, "probability must be more than 0 and at most 1"),
        ("mailgun", "edge", {"status": 200}, "status must be between 400 and 599, not 200"),
    ],
)
def test_an_impossible_trouble_is_refused(
    chaos: Chaos, vendor: str, kind: str, options: dict[str, Any], problem: str
) -> None:
    """
    The error names the field, the problem and what is known.
    """
    with pytest.raises(ConfigurationError, match=problem):
        chaos.fail(vendor, kind, **options)


def test_all_vendors_can_fail_at_once(chaos: Chaos) -> None:
    """
    Each that knows the kind.
    """
    chaos.fail("*", "quota")

    failing = {name for name in chaos.vendors if chaos.describe(name)["troubles"]}
    assert {"mailgun", "smtp"} < failing
    assert "azure" not in failing


def test_the_mailbox_is_bounded() -> None:
    """
    The last mails are kept; numbers go on.
    """
    with Chaos(keep=2) as chaos:
        for _ in range(3):
            send(chaos.dsn("postmark"))

        assert [mail.number for mail in chaos.mails()] == [2, 3]
        assert chaos.mails(recipient="nobody@example.org") == ()
        assert len(chaos.mailbox.wait_for(2, 1.0)) == 2
        with pytest.raises(TimeoutError, match=r"2 of 3 mails after 0\.01 s"):
            chaos.mailbox.wait_for(3, 0.01)


def test_a_certificate_may_be_your_own(tmp_path: Path) -> None:
    """
    Then there is no authority of ours; what is no certificate is refused by name.
    """
    leaf = trustme.CA().issue_cert("localhost")
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    chain.write_bytes(b"".join(one.bytes() for one in leaf.cert_chain_pems))
    key.write_bytes(leaf.private_key_pem.bytes())
    certificates = Certificates(("localhost",), (chain, key), lambda _: "")

    assert isinstance(certificates.context(), ssl.SSLContext)
    key.write_bytes(b"")
    with pytest.raises(ConfigurationError, match="are no certificate and its key"):
        certificates.context()
