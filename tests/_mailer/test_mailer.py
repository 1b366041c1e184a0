"""
The facade: defaults, many at once, staging, suppression, and asking who is up.
"""

from __future__ import annotations

from email.message import EmailMessage
from typing import TYPE_CHECKING, Any

import pytest

from mailfailover import (
    AttemptMade,
    ConfigurationError,
    InvalidMessage,
    Link,
    Mailer,
    MailFailed,
    MailSent,
    MemoryHealth,
    Message,
    Ping,
    ProviderChain,
    ProviderHealth,
    RecipientStatus,
)
from mailfailover.errors import (
    AuthenticationFailed,
    MessageRejected,
    OutcomeUnknown,
    RecipientSuppressed,
)
from mailfailover.plugin import Response
from mailfailover.providers.mailgun import Mailgun
from mailfailover.providers.memory import Memory
from mailfailover.testing import FakeTransport
from tests.chains import Scripted
from tests.samples import each

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SHOP = "shop@example.com"
HI: dict[str, Any] = {"to": "ann@example.org", "subject": "Hi", "text": "Hello"}


def test_its_sender_is_for_mails_without_one() -> None:
    """
    A mail's own sender stays.
    """
    sent = Memory()
    with Mailer(sent, from_email=SHOP) as mailer:
        mailer.send(**HI)
        mailer.send(Message(**HI), from_email="other@example.com")

    assert [mail.sender.email for mail in sent.messages] == [SHOP, "other@example.com"]
    assert repr(mailer) == "Mailer(memory)"


def test_what_is_no_message() -> None:
    """
    The error names the method that takes it.
    """
    with pytest.raises(TypeError, match="send_message"):
        Mailer("null://").send("Hello")  # type: ignore[arg-type]  # the claim


def test_settings_of_one_send() -> None:
    """
    They hold for that one alone.
    """
    a = Scripted("a", OutcomeUnknown("?"))
    mailer = Mailer({"a": a, "b": "memory://"}, from_email=SHOP)

    with pytest.raises(OutcomeUnknown):
        mailer.send(**HI, on_unknown="raise", timeout=3)
    assert mailer.send(**HI, via="b").provider == "b"
    assert mailer.send(**HI).possible_duplicate


@each(
    ("settings", "problem"),
    [
        ({"timeout": 0}, "timeout must be a number of seconds above 0, not 0"),
        ({"attempt_timeout": "x"}, "attempt_timeout must be a number"),
        ({"on_unknown": "maybe"}, "on_unknown must be 'resend' or 'raise', not 'maybe'"),
        ({"on_suppressed": "no"}, "on_suppressed must be 'raise' or 'switch', not 'no'"),
        ({"from_email": "x"}, "from_email"),
        ({"redirect_to": "x"}, "redirect_to"),
        ({"allow_recipients": ["a b"]}, "allow_recipients must hold addresses and domains"),
        ({"allow_recipients": [5]}, "allow_recipients must hold addresses and domains"),
    ],
)
def test_wrong_settings(settings: dict[str, Any], problem: str) -> None:
    """
    Each is refused by its name when the mailer is made.
    """
    with pytest.raises(ConfigurationError, match=problem):
        Mailer("null://", **settings)


def test_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """
    All settings of it count, and what is given takes precedence.
    """
    environ = {"MAILFAILOVER_DSN": "memory://", "MAILFAILOVER_FROM_EMAIL": SHOP}
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    config = tmp_path / "mail.toml"
    config.write_text(f'[mailer]\nfrom_email = "{SHOP}"\n[providers.main]\nscheme = "memory"\n')

    for mailer in (Mailer(), Mailer.from_env(environ), Mailer.from_env()):
        assert (str(mailer.from_email), mailer.chain.keys) == (SHOP, ("memory",))
    assert str(Mailer(from_email="a@example.com").from_email) == "a@example.com"
    assert Mailer.from_config(config).chain.keys == ("main",)


def test_many_keep_their_order() -> None:
    """
    One that fails harms no other.
    """
    a = Scripted("a", lambda m: m.id if m.subject != "2" else _refuse())
    mailer = Mailer(a, from_email=SHOP)
    mails = [Message("ann@example.org", subject=str(n), text="Hi") for n in range(5)]

    outcomes = mailer.send_many(mails)

    assert [outcome.message for outcome in outcomes] == mails
    assert [outcome.ok for outcome in outcomes] == [True, True, False, True, True]
    assert type(outcomes[2].error) is MessageRejected


def _refuse() -> str:
    raise MessageRejected("no")


def test_many_are_messages() -> None:
    """
    Nothing is sent where one is none.
    """
    a = Scripted("a")

    with pytest.raises(TypeError, match=r"takes Messages, not str \(number 2\)"):
        Mailer(a, from_email=SHOP).send_many([Message("ann@example.org"), "x"])  # type: ignore[list-item]  # the claim
    assert a.mails == []


def test_an_interrupt_passes() -> None:
    """
    It ends the wait for the others.
    """

    def interrupt(_: Message) -> str:
        raise KeyboardInterrupt

    mailer = Mailer(Scripted("a", interrupt), from_email=SHOP)

    with pytest.raises(KeyboardInterrupt):
        mailer.send_many([Message("ann@example.org", subject="Hi", text="Hi")])


def test_the_standard_librarys_messages() -> None:
    """
    With fields for what they cannot say.
    """
    plain = EmailMessage()
    plain["From"] = SHOP
    plain["To"] = "ann@example.org"
    plain["Subject"] = "Hi"
    plain.set_content("Hello\n")
    sent = Memory()

    receipt = Mailer({"m": sent}).send_message(plain, tags=["a"], via="m", timeout=5)

    (mail,) = sent.messages
    assert (mail.tags, mail.text, mail.id) == (("a",), "Hello\n", receipt.mail_id)


class Suppressed:
    """
    A list of one.
    """

    def find(self, message: Message) -> Mapping[str, str]:
        """
        Whoever complained.
        """
        return {
            one.email: "complained"
            for one in message.recipients
            if one.email == "angry@example.org"
        }


def test_suppressed_recipients_are_left_out_and_named() -> None:
    """
    Before any call, in a shared mail and in a merge.
    """
    sent = Memory()
    mailer = Mailer(sent, from_email=SHOP, suppressions=Suppressed())
    both = ["ann@example.org", "angry@example.org"]

    shared = mailer.send(to=both, subject="Hi", text="Hi")
    merged = mailer.send(to=both, subject="Hi", text="Hi", merge_data={one: {} for one in both})
    alone = mailer.send(**HI)

    expected = {
        "ann@example.org": RecipientStatus.ACCEPTED,
        "angry@example.org": RecipientStatus.SUPPRESSED,
    }
    assert (shared.recipients, merged.recipients) == (expected, expected)
    assert alone.rejected == {}
    assert [len(mail.recipients) for mail in sent.messages] == [1, 1, 1]
    with pytest.raises(RecipientSuppressed, match="nothing was sent"):
        mailer.send(to="angry@example.org", subject="Hi", text="Hi")


def test_observers_hear_how_a_send_ended() -> None:
    """
    With the whole receipt, or the error; the mail is the one that was to be sent.
    """
    heard: list[object] = []
    a = Scripted("a", "id", OutcomeUnknown("?"))
    mailer = Mailer(
        a, from_email=SHOP, suppressions=Suppressed(), observers=[heard.append], on_unknown="raise"
    )
    both = mailer.prepare(to=["ann@example.org", "angry@example.org"], subject="Hi", text="Hi")
    angry = both.replace(to="angry@example.org", id="m2")

    receipt = mailer.send(both)
    with pytest.raises(RecipientSuppressed) as left_out:
        mailer.send(angry)
    with pytest.raises(OutcomeUnknown) as unknown:
        mailer.send(both)

    assert [event for event in heard if not isinstance(event, AttemptMade)] == [
        MailSent(both, receipt),
        MailFailed(angry, left_out.value),
        MailFailed(both, unknown.value),
    ]
    assert receipt.rejected == {"angry@example.org": RecipientStatus.SUPPRESSED}


def test_staging_keeps_mail_at_home() -> None:
    """
    Whoever is not allowed is replaced, each only once.
    """
    sent = Memory()
    mailer = Mailer(
        sent,
        from_email=SHOP,
        redirect_to="dev@example.com",
        allow_recipients=["@qa.example", "b@x.org"],
    )

    mailer.send(to=["a@x.org", "b@x.org", "c@qa.example"], cc="d@x.org", subject="Hi", text="Hi")
    mailer.send(to="b@x.org", subject="Hi", text="Hi")

    assert [[one.email for one in mail.recipients] for mail in sent.messages] == [
        ["dev@example.com", "b@x.org", "c@qa.example"],
        ["b@x.org"],
    ]
    with pytest.raises(InvalidMessage, match="a merge cannot be redirected"):
        mailer.send(to="a@x.org", subject="Hi", text="Hi", merge_data={"a@x.org": {}})


def test_without_a_home_a_stranger_is_refused() -> None:
    """
    The text says what to change.
    """
    mailer = Mailer("null://", from_email=SHOP, allow_recipients="example.com")

    with pytest.raises(InvalidMessage, match="is not in allow_recipients"):
        mailer.send(**HI)


class Pinging:
    """
    The simplest provider, with a ping.
    """

    name = "pinging"

    def send(self, message: Message) -> None:
        """
        Take it.
        """

    def ping(self) -> None:
        """
        Be up.
        """


def test_asking_who_is_up() -> None:
    """
    Each provider in its own way; the health is not touched.
    """
    transport = FakeTransport(
        Response(200, {}, b"{}"), Response(401, {}, b'{"message": "Invalid private key"}')
    )
    mailgun = Mailgun(api_key="key", domain="example.com")
    chain = {"good": mailgun, "bad": mailgun, "pinging": Pinging(), "mute": Scripted("mute")}
    mailer = Mailer(chain, transport=transport)

    pings = mailer.ping()

    assert [(key, one.ok, type(one.error)) for key, one in pings.items()] == [
        ("good", True, type(None)),
        ("bad", False, AuthenticationFailed),
        ("pinging", True, type(None)),
        ("mute", None, type(None)),
    ]
    assert pings["mute"] == Ping("mute", ok=None)
    assert dict.fromkeys(chain, ProviderHealth("closed", senders={})) == mailer.health.snapshot()


def test_a_chain_may_be_shared() -> None:
    """
    A mailer takes it as it is, or with more observers or another health.
    """
    chain = ProviderChain("memory://")
    health = MemoryHealth()
    seen: list[object] = []

    assert Mailer(chain).chain is chain
    other = Mailer(chain, health=health, observers=[seen.append], from_email=SHOP)
    other.send(**HI)

    assert (other.health, len(seen), other.chain.links) == (health, 2, chain.links)


@each(
    ("arguments", "problem"),
    [
        ({"provider": object()}, "object is not a provider"),
        ({"provider": Memory}, "Memory is a class: make a provider of it"),
        ({"key": "a b"}, "key 'a b' may have letters"),
        ({"weight": 0}, "weight of 'memory' must be a number above 0"),
        ({"share": 2}, "share of 'memory' must be a number between 0 and 1"),
        ({"rate": "10"}, "not of the form 10/s"),
        ({"rate": 10}, "rate of 'memory'"),
        ({"quota": "0/d"}, "quota of 'memory' '0/d' is not of the form"),
        ({"from_email": "x"}, "from_email of 'memory'"),
        ({"from_email": 5}, "from_email of 'memory'"),
        ({"templates": 5}, "templates of 'memory'"),
        ({"templates": {"a": 5}}, "templates of 'memory'"),
        ({"labels": 5}, "labels of 'memory'"),
        ({"labels": ["a", ""]}, "labels of 'memory'"),
    ],
)
def test_wrong_links(arguments: dict[str, Any], problem: str) -> None:
    """
    A link names itself and what is wrong.
    """
    with pytest.raises(ConfigurationError, match=problem):
        Link(**{"provider": Memory(), **arguments})


@each(
    ("url", "problem"),
    [
        ("ftp://example.com", "not of the form https"),
        ("https://", "not of the form https"),
        ("https://example.com:x", "not of the form https"),
        ("https://example.com?a", "not of the form https"),
        ("https://user:pass@example.com", "must not contain credentials"),
        ("http://example.com", "is plain http: use https"),
    ],
)
def test_wrong_base_urls(url: str, problem: str) -> None:
    """
    No key and no mail goes out in the clear, and no URL is quoted.
    """
    with pytest.raises(ConfigurationError, match=problem) as caught:
        Link(Mailgun(api_key="key", domain="example.com", base_url=url))

    assert "user:pass" not in str(caught.value)


@each("key", ["", "a b\n", " key"])
def test_wrong_keys(key: str) -> None:
    """
    A key that was copied badly is told at once, without quoting it.
    """
    with pytest.raises(ConfigurationError, match="api_key of mailgun"):
        Link(Mailgun(api_key=key, domain="example.com"))


def test_base_urls_lose_their_slash() -> None:
    """
    A provider adds the vendor's whole path.
    """
    link = Link(Mailgun(api_key="key", domain="example.com", base_url="https://proxy.example/x/"))

    assert link.provider.base_url == "https://proxy.example/x"  # type: ignore[union-attr]  # it is Mailgun


def test_health_tells_of_each_link_before_any_mail() -> None:
    """
    Those of a renewed chain too, with a health that was given.
    """
    mailer = Mailer("failover(a=null:// b=null://)", health=MemoryHealth())
    assert ["a", "b"] == [*mailer.health.snapshot()]

    mailer.chain.renew("failover(b=null:// c=null://)")

    assert {"b", "c"} <= {*mailer.health.snapshot()}
