from __future__ import annotations

import traceback
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailfailover import Link, Message, ProviderChain
from mailfailover._setup.dsn import build_chain_spec, parse_dsn
from mailfailover._setup.ordering import Failover, Random, RoundRobin, Shares, Weighted
from mailfailover._setup.route import Route
from mailfailover._setup.url_link import usage
from mailfailover.errors import ConfigurationError
from mailfailover.providers.file import File
from mailfailover.providers.mailgun import Mailgun
from mailfailover.providers.memory import Memory
from mailfailover.providers.null import Null
from mailfailover.providers.sendgrid import SendGrid
from mailfailover.providers.smtp import SMTP
from tests.samples import each

SECRET = "pl4nted"


class Simple:
    """
    The least that a provider can be.
    """

    name = "simple"

    def send(self, message: Message) -> None: ...


def only(text: str) -> Link:
    """
    The link that the DSN of one provider gives.
    """
    (link,) = parse_dsn(text).links()
    return link


def refusal(text: str) -> str:
    """
    The text of the error that *text* raises, once it is sure that it shows no secret.
    """
    with pytest.raises(ConfigurationError) as caught:
        parse_dsn(text)
    assert SECRET not in "".join(traceback.format_exception(caught.value))
    assert (None, None) == (caught.value.__cause__, caught.value.__context__)
    return str(caught.value)


@each(
    ("text", "provider"),
    [
        ("mailgun://key:mg.example@default", Mailgun(api_key="key", domain="mg.example")),
        (
            "mailgun://k:d@proxy.example/mg/",
            Mailgun(api_key="k", domain="d", base_url="https://proxy.example/mg"),
        ),
        (
            "mailgun://k:d@LOCALHOST:8025",
            Mailgun(api_key="k", domain="d", base_url="http://localhost:8025"),
        ),
        ("mailgun://k@?domain=d", Mailgun(api_key="k", domain="d")),
        ("sendgrid://SG.a%3Ab+c@default/", SendGrid(api_key="SG.a:b+c")),
        ("sendgrid://k@[::1]:80", SendGrid(api_key="k", base_url="http://[::1]:80")),
        ("smtp://mail.example", SMTP(host="mail.example")),
        (
            "smtp://me:p:@%2F@h:2525?ca_file=/a/b",
            SMTP(host="h", port=2525, username="me", password="p:@/", ca_file="/a/b"),
        ),
        ("mailgun://:d@?api_key=k", Mailgun(api_key="k", domain="d")),
        ("smtp://[2001:db8::1]:25", SMTP(host="2001:db8::1", port=25)),
        ("smtps://h", SMTP(host="h", tls="implicit")),
        ("smtp://h?tls=none&port=26", SMTP(host="h", tls="none", port=26)),
        ("file:///var/spool/my%20mail", File(directory="/var/spool/my mail")),
        ("file://?directory=mails", File(directory="mails")),
        ("null://", Null()),
        ("null://default", Null()),
        ("mailfailover:null://", Null()),
    ],
)
def test_url_sets_the_fields_of_a_provider(text: str, provider: Any) -> None:
    """
    Credentials, host, port, path and options go where the provider's class says.
    """
    assert provider == only(text).provider


def test_memory_dsn_gives_a_provider_of_its_own() -> None:
    """
    Each ``memory://`` keeps its own mails.
    """
    provider = only("memory://?max_messages=5").provider

    assert isinstance(provider, Memory)
    assert 5 == provider.max_messages


@given(st.text(st.characters(exclude_categories=["Cs", "Cc", "Zs", "Zl", "Zp"]), min_size=1))
def test_any_secret_survives_percent_encoding(secret: str) -> None:
    """
    Whatever characters a key has, encoded it comes out the same, also inside a strategy.
    """
    text = f"failover(sendgrid://{quote(secret, safe='+')}@default)"

    try:
        found = only(text).provider
    except ConfigurationError as exc:
        # What the provider itself does not take as a key; never a fault of the grammar.
        assert "api_key of sendgrid" in str(exc)  # noqa: PT017 -- one of two right ends
        return

    assert SendGrid(api_key=secret) == found


def test_link_options() -> None:
    """
    All that a link can have is an option of the URL.
    """
    text = (
        "eu=null://?from_email=App%20<app@example.com>&labels=fast,cheap&weight=2.5&share=0.1"
        "&rate=10/s&quota=50000/d&slow=2.5&templates.welcome=d-1&templates.bye=d-2"
    )
    strategy = parse_dsn(text)

    expected = Link(
        Null(),
        "eu",
        from_email="App <app@example.com>",
        labels=("fast", "cheap"),
        weight=2.5,
        share=0.1,
        rate="10/s",
        quota="50000/d",
        slow=2.5,
        templates={"welcome": "d-1", "bye": "d-2"},
    )
    assert Shares(Failover(expected)) == strategy


A, B, C = (Link(Null(), key) for key in "abc")


@each(
    ("text", "strategy"),
    [
        ("null://", Failover(Link(Null()))),
        (" a=null://\n", Failover(A)),
        ("failover(a=null:// b=null://)", Failover(A, B)),
        ("random( a=null://\n\tb=null:// )", Random(A, B)),
        ("weighted(a=null://)", Weighted(A)),
        ("failover(random(a=null:// b=null://)c=null://)", Failover(Random(A, B), C)),
        (
            "route(stream:bulk=a=null:// tag:x%20y=random(b=null://) c=null://)",
            Route({"stream:bulk": A, "tag:x y": Random(B)}, C),
        ),
        ("route(domain:example.com=a=null://)", Route({"domain:example.com": A})),
    ],
)
def test_strategies_in_text(text: str, strategy: Any) -> None:
    """
    Strategies nest, children are separated by white space, rules stand in route.
    """
    assert strategy == parse_dsn(text)


def test_roundrobin_in_text() -> None:
    """
    Two that turn are never equal, so what they hold is compared.
    """
    strategy = parse_dsn("roundrobin(a=null:// b=null://)")

    assert isinstance(strategy, RoundRobin)
    assert (A, B) == strategy.links()


@each(
    ("text", "problem"),
    [
        ("", "the chain is empty: name a provider, for example console://"),
        (
            f"null:// smtp://u:{SECRET}@h",
            (
                "there is white space or a comma outside of a strategy: write several providers as "
                "failover(... ...), and inside a value a space as %20 and a comma as %2C"
            ),
        ),
        (
            f"null://,smtp://u:{SECRET}@h",
            (
                "there is white space or a comma outside of a strategy: write several providers as "
                "failover(... ...), and inside a value a space as %20 and a comma as %2C"
            ),
        ),
        (
            f"failover(null://, smtp://u:{SECRET}@h)",
            (
                "the chain cannot be read near its provider 1: a comma follows it: separate "
                "providers by spaces (a comma is %2C). The form is failover(... ...); inside a "
                "provider write ( as %28 and ) as %29"
            ),
        ),
        (
            f"failover(null://,b=smtp://u:{SECRET}@h)",
            (
                "the chain cannot be read near its provider 1: a comma follows it: separate "
                "providers by spaces (a comma is %2C). The form is failover(... ...); inside a "
                "provider write ( as %28 and ) as %29"
            ),
        ),
        (
            f"failovr(smtp://u:{SECRET}@h)",
            (
                "there is an unknown strategy. Did you mean 'failover'? "
                "The strategies are: failover, random, roundrobin, weighted, route"
            ),
        ),
        (
            f"random(stream:bulk=smtp://u:{SECRET}@h)",
            "a rule stands in random(): rules belong directly into route()",
        ),
        (
            f"route(a=null:// stream:x=smtp://u:{SECRET}@h)",
            "only the last child of route() may stand without a rule, as the default",
        ),
        (
            f"route(tag:x=null:// tag:x=smtp://u:{SECRET}@h)",
            "two children of route() have the same rule: put them into one failover()",
        ),
        ("failover()", "failover() is empty: give it at least one provider"),
        ("route()", "route() has no rule: give it one, such as stream:bulk, or use failover()"),
        (
            f"failover(sendgrid://{SECRET}@default sendgrid://{SECRET}@default)",
            (
                "two providers are called 'sendgrid': give each a key of its own, "
                "write eu=sendgrid://... us=sendgrid://..."
            ),
        ),
        (
            f"route(tag:%zz=smtp://u:{SECRET}@h)",
            "a rule has a % without two hex digits after it: write % as %25",
        ),
    ],
)
def test_chain_that_cannot_be_read(text: str, problem: str) -> None:
    """
    The error says what is wrong with the chain, and shows nothing of it.
    """
    assert problem == refusal(text)


@each(
    ("text", "near", "problem"),
    [
        (f"failover(null:// smtp://u:{SECRET}@h", 3, "a parenthesis is not closed"),
        (f"failover(null://) {SECRET}", 2, "there is text after the last closing parenthesis"),
        (f"a=failover(smtp://u:{SECRET}@h)", 1, "a strategy has no key; only a provider has one"),
        (
            f"failover(smtp://u:(){SECRET}@h)",
            2,
            "a provider is missing, or a parenthesis stands in the wrong place",
        ),
    ],
)
def test_parentheses_that_do_not_match(text: str, near: int, problem: str) -> None:
    """
    The error says near which provider the text breaks off.
    """
    assert (
        f"the chain cannot be read near its provider {near}: {problem}. The form is "
        "failover(... ...); inside a provider write ( as %28 and ) as %29"
    ) == refusal(text)


HINT = "in credentials write : as %3A, / as %2F, ? as %3F"
OPTIONS = (
    "Its options: access_token, bounce_address, bounce_secret, ca_file, from_email, host, labels, "
    "local_hostname, password, port, quota, rate, share, slow, tls, username, warmup, weight"
)


@each(
    ("url", "problem"),
    [
        (SECRET, "it is not of the form scheme://credentials@host?option=value"),
        (f"api:{SECRET}", "it is not of the form scheme://credentials@host?option=value"),
        (f"smtp://u:a/{SECRET}@h", f"there is an @ after the first slash; {HINT}"),
        (f"smtp://u:{SECRET}?x@h", f"its host or port is not valid; {HINT}"),
        (f"smtp://u:{SECRET}@h:0", "its port is not between 1 and 65535"),
        (f"smtp://u:{SECRET}@h:99999", "its port is not between 1 and 65535"),
        (f"smtp://u:{SECRET}@:25", "it has a port but no host: write host:port"),
        (
            f"smtp://u:{SECRET}%4@h",
            "a credential has a % without two hex digits after it: write % as %25",
        ),
        (
            f"smtp://u:{SECRET}%ff@h",
            "a credential has bytes that are not UTF-8: percent-encode its UTF-8 form",
        ),
        (f"smtp://h?{SECRET}", "its option 1 is not of the form name=value; write & as %26"),
        (f"smtp://h?={SECRET}", "its option 1 is not of the form name=value; write & as %26"),
        (f"smtp://h?tls=none&{SECRET}=x", f"smtp does not know option 2 of its URL. {OPTIONS}"),
        (
            f"smtp://h?passw={SECRET}",
            f"smtp does not know option 1 of its URL. Did you mean 'password'? {OPTIONS}",
        ),
        (f"smtp://u:{SECRET}@h?password={SECRET}", "password is given twice: keep one"),
        (
            f"smtp://h?templates.{SECRET}=a&templates.{SECRET}=b",
            "option 2 of its URL is given twice: keep one",
        ),
        (f"smtp://h?tls={SECRET}", "tls must be one of starttls, implicit, none"),
        (f"smtp://h?port={SECRET}", "port must be a whole number"),
        (f"smtp://h?weight={SECRET}", "weight must be a number"),
        (
            f"smtp://h?from_email={SECRET}",
            "from_email must be an address, such as App <app@example.com>",
        ),
        (f"smtp://u:{SECRET}@default", "smtp lacks host: write smtp://USERNAME:PASSWORD@HOST"),
        (
            f"mailgun://{SECRET}",
            "mailgun lacks api_key and domain: write mailgun://API_KEY:DOMAIN@default",
        ),
        ("file://", "file lacks directory: write file:///DIRECTORY"),
        (f"file://{SECRET}", "file takes no host: leave it out, or write default"),
        (f"smtp://h/{SECRET}", "smtp takes no path: remove it"),
        (f"mailgun://k:d@default/{SECRET}", "mailgun takes no path: remove it"),
        (
            f"null://{SECRET}@default",
            f"there are more credentials than null takes: none before the @; {HINT}",
        ),
        (
            f"sendgrid://user:{SECRET}@default",
            f"there are more credentials than sendgrid takes: 1 before the @; {HINT}",
        ),
        (
            f"sendgrid://%20{SECRET}@default",
            (
                "api_key of sendgrid has a space or control character at an end or in it: "
                "copy it anew from the vendor's console"
            ),
        ),
    ],
)
def test_url_that_does_not_fit(url: str, problem: str) -> None:
    """
    The error names the provider by number and key, the fault and the remedy, and no value.
    """
    assert f"provider 2 (eu) of the chain: {problem}" == refusal(f"failover(null:// eu={url})")


def test_usage_names_all_that_is_required() -> None:
    """
    What neither credentials nor host set is shown as an option.
    """

    class Hosted:
        userinfo = ("key",)

        def __init__(self, key: str, base_url: str, project: str, zone: str) -> None: ...

    text = usage("hosted", Hosted)

    assert "hosted://KEY@HOST?project=PROJECT&zone=ZONE" == text


def test_number_counts_through_nested_strategies() -> None:
    """
    Providers are counted as they stand in the text, whatever their depth.
    """
    text = f"failover(null:// random(a=null:// sendgrid://x:{SECRET}@default))"

    assert refusal(text).startswith("provider 3 of the chain: ")


P = Simple()


@each(
    ("spec", "strategy"),
    [
        ("a=null://", Failover(A)),
        (P, Failover(Link(P))),
        (A, Failover(A)),
        (Random(A, B), Random(A, B)),
        (ProviderChain(Random(A, B)), Random(A, B)),
        (["a=null://", B, P], Failover(A, B, Link(P))),
        ((A, Random(B, C)), Failover(A, Random(B, C))),
        (["a=null://", "random(b=null:// c=null://)"], Failover(A, Random(B, C))),
        (
            {"a": "null://", "b": Null(), "x": Link(P, weight=3, templates={"t": "1"})},
            Failover(A, B, Link(P, "x", weight=3, templates={"t": "1"})),
        ),
    ],
    ids=["dsn", "provider", "link", "strategy", "chain", "list", "tuple", "nested", "mapping"],
)
def test_what_a_chain_can_be(spec: Any, strategy: Any) -> None:
    """
    All forms of a chain come to a strategy with a link for each provider.
    """
    assert strategy == build_chain_spec(spec)


@each(
    ("spec", "text"),
    [
        ([], "failover() is empty: give it at least one provider"),
        ({}, "failover() is empty: give it at least one provider"),
        ({1: "null://"}, "a key of the chain is not a text, or empty: name each provider"),
        ({"": "null://"}, "a key of the chain is not a text, or empty: name each provider"),
        ({"a": Random(B)}, "'a' is given as the key of a strategy: only a provider has one"),
        (
            {"a": "random(null://)"},
            "the DSN with the key 'a' is a strategy, which has none: remove one of them",
        ),
        (
            {"a": f"{SECRET}=null://"},
            "the DSN with the key 'a' has one of its own: remove one of them",
        ),
        (
            5,
            "int is not a provider: it needs a name, and build_request(message) or send(message)",
        ),
        (
            ["null://", ["null://"]],
            "list is not a provider: it needs a name, and build_request(message) or send(message)",
        ),
        (
            ["null://", Null()],
            (
                "two providers are called 'null': give each a key of its own, "
                "write eu=null://... us=null://..."
            ),
        ),
        (
            ["a=null://", f"smtp://u:{SECRET}@h?x=y"],
            f"provider 2 of the chain: smtp does not know option 1 of its URL. {OPTIONS}",
        ),
    ],
    ids=[
        "empty-list",
        "empty-mapping",
        "number-as-key",
        "empty-key",
        "key-of-strategy",
        "key-of-strategy-text",
        "two-keys",
        "number",
        "nested-list",
        "same-name",
        "position",
    ],
)
def test_what_a_chain_cannot_be(spec: Any, text: str) -> None:
    """
    Anything else is refused, with the reason.
    """
    with pytest.raises(ConfigurationError) as caught:
        build_chain_spec(spec)

    assert text == str(caught.value)
