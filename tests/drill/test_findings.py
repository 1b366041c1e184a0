from __future__ import annotations

from mailfailover import Mailer, Message
from mailfailover.drill import find
from mailfailover.providers.memory import Memory
from mailfailover.testing import PLAIN, RICH, SAMPLES
from tests.samples import each

MAILGUN = "mailgun://KEY:mg.example.com@default?webhook_signing_key=W"
SENDGRID = "sendgrid://KEY@default?share=0.1"


def kinds(chain: object, *messages: Message) -> dict[str, tuple[str, ...]]:
    """
    The links of each kind of finding.
    """
    return {one.kind: one.keys for one in find(Mailer(chain), messages)}


def test_two_vendors_with_nothing_in_common_are_fine() -> None:
    """
    Where webhooks are set up and both get mails.
    """
    chain = f"failover({MAILGUN} ses://A:B@default?region=eu-west-1&webhook_topic_arn=T&share=0.1)"

    assert () == find(Mailer(chain), [PLAIN])


def test_a_chain_of_one_has_nothing_to_fail_over_to() -> None:
    """
    Which is the first single point of failure.
    """
    assert {"alone": ("mailgun",)} == kinds(MAILGUN, PLAIN)


@each(
    ("chain", "keys", "what"),
    [
        (
            "resend://K@default ses://A:B@default?region=us-east-1",
            ("resend", "ses"),
            "resend, ses stand on cloud:aws",
        ),
        (
            "resend://K@default cloudflare://T:ACCOUNT@default",
            ("resend", "cloudflare"),
            "resend, cloudflare stand on edge:cloudflare",
        ),
        (
            "mailgun://K:mg.example.com@default smtp://u:p@smtp.mailgun.org",
            ("mailgun", "smtp"),
            "mailgun, smtp stand on vendor:mailgun",
        ),
        (
            "one=smtp://mail.example.org two=smtp://mail.example.org:2525",
            ("one", "two"),
            "one, two stand on host:mail.example.org",
        ),
        (
            "ses://A:B@default?region=us-east-1 smtp://u:p@email-smtp.us-east-1.amazonaws.com",
            ("ses", "smtp"),
            "ses, smtp stand on aws:us-east-1",
        ),
    ],
)
def test_links_that_share_a_cloud_an_edge_a_vendor_or_a_host(
    chain: str, keys: tuple[str, ...], what: str
) -> None:
    """
    They can go down together; a fact about a vendor has a source.
    """
    found = [one for one in find(Mailer(f"failover({chain})")) if one.kind == "shared"]

    assert any(one.keys == keys and one.text.startswith(what) for one in found)
    assert all(one.source for one in found)


def test_a_standby_that_cannot_carry_the_mails_is_named_with_what_it_lacks() -> None:
    """
    By the user's own mails.
    """
    chain = f"failover({MAILGUN} {SENDGRID})"
    found = [one for one in find(Mailer(chain), [SAMPLES["template"]]) if one.kind == "features"]

    assert 1 == len(found) or [] == found  # both know templates
    mime = Message.from_mime(
        b"From: shop@example.com\r\nSubject: s\r\n\r\nt\r\n", to="ann@example.org"
    )
    found = [one for one in find(Mailer(chain), [mime]) if one.kind == "features"]
    assert [(("sendgrid",), "sendgrid cannot carry some of the mails: mime")] == [
        (one.keys, one.text) for one in found
    ]


def test_what_a_standby_would_leave_off_is_named_too() -> None:
    """
    Tags and metadata are no reason to fail, but a difference.
    """
    found = [
        one
        for one in find(Mailer(f"failover({MAILGUN} smtp://mail.example.org)"), [RICH])
        if one.kind == "features"
    ]

    assert [("smtp",)] == [one.keys for one in found]
    assert "tags" in found[0].text


def test_too_many_recipients_are_named_as_such() -> None:
    """
    A limit is no feature.
    """
    from mailfailover import Capabilities, Feature

    class Small:
        name = "small"
        capabilities = Capabilities(Feature.HTML, max_recipients=1)

        def send(self, message: Message) -> None:
            raise NotImplementedError

    found = find(Mailer([Small()]), [PLAIN.replace(to=["a@example.org", "b@example.org"])])

    assert ["small cannot carry some of the mails: its size or number of recipients"] == [
        one.text for one in found if one.kind == "features"
    ]


def test_a_sender_that_a_link_does_not_send_for_is_named() -> None:
    """
    As far as a provider's own setting tells, and where the link has no sender of its own.
    """
    other = PLAIN.replace(from_email="shop@other.example")

    assert ("mailgun",) == kinds(MAILGUN, other)["sender"]
    assert "sender" not in kinds(f"{MAILGUN}&from_email=shop@example.com", other)
    assert "sender" not in kinds(MAILGUN, PLAIN)


def test_links_without_webhooks_are_deaf() -> None:
    """
    An outage behind a yes is seen by events only.
    """
    chain = f"failover({MAILGUN} {SENDGRID} memory://)"

    assert ("sendgrid", "memory") == kinds(chain, PLAIN)["webhooks"]


def test_a_standby_without_any_traffic_is_cold() -> None:
    """
    A share keeps it proven.
    """
    assert ("sendgrid",) == kinds(f"failover({MAILGUN} sendgrid://K@default)", PLAIN)["cold"]
    assert "cold" not in kinds(f"failover({MAILGUN} {SENDGRID})", PLAIN)
    assert "cold" not in kinds(f"random({MAILGUN} sendgrid://K@default)", PLAIN)


def test_a_provider_with_code_of_its_own_is_played_by_another() -> None:
    """
    The findings say so.
    """
    assert ("memory",) == kinds([Memory()], PLAIN)["unknown"]


def test_a_finding_is_json_safe() -> None:
    """
    For programs.
    """
    found = find(Mailer(MAILGUN), [PLAIN])[0]

    assert {
        "kind": "alone",
        "keys": ("mailgun",),
        "text": "there is one provider, and nothing to fail over to",
        "remedy": "add a second vendor to the chain",
        "source": "",
    } == found.to_dict()
