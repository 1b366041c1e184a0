from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from mailfailover._message.address import Address
from mailfailover._provider.capabilities import UNDECLARED
from mailfailover._provider.link import Limit, Link
from mailfailover._provider.protocols import SimpleProvider
from mailfailover._provider.provider_check import check_base_url
from mailfailover._values.features import Feature
from mailfailover.errors import ConfigurationError
from mailfailover.plugin import Capabilities
from tests.samples import each

if TYPE_CHECKING:
    from mailfailover._message.message import Message


class Simple:
    """
    The least that can send.
    """

    name = "simple"

    def send(self, message: Message) -> None:
        """
        Send nothing.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Acme:
    """
    A provider with secrets and an address.
    """

    name: ClassVar[str] = "acme"
    capabilities: ClassVar[Capabilities] = Capabilities(Feature.HTML, max_tags=1)
    key: str = field(repr=False)
    webhook_key: str = field(default="", repr=False)
    token: Any = field(default=None, repr=False)
    base_url: str = "https://api.acme.example"

    def send(self, message: Message) -> None:
        """
        Send nothing.
        """


def test_link_by_default() -> None:
    """
    A provider alone is a link under its own name; undeclared, it gets text and HTML.
    """
    link = Link(Simple())

    assert ("simple", None, {}, (), 1.0, 0.0, None, None, None, UNDECLARED) == (
        link.key,
        link.from_email,
        link.templates,
        link.labels,
        link.weight,
        link.share,
        link.rate,
        link.quota,
        link.slow,
        link.capabilities,
    )


def test_link_refuses_capabilities_of_another_type() -> None:
    """
    A set of features alone is told from Capabilities when the chain is made.
    """
    provider = Simple()
    provider.capabilities = Feature.HTML  # type: ignore[attr-defined]  # the fault

    with pytest.raises(ConfigurationError, match=r"must be Capabilities\(\.\.\.\), not Feature"):
        Link(provider)


def test_link_with_everything() -> None:
    """
    All that belongs to one account.
    """
    link = Link(
        Acme(key="k"),
        "eu",
        from_email="Shop <shop@b.example>",
        templates={"welcome": "t-1"},
        labels=["bulk", "europe"],
        weight=2,
        share=0.1,
        rate="10/s",
        quota=Limit(5, 60.0),
        slow=5,
    )

    assert (
        "eu",
        Address("shop@b.example", "Shop"),
        {"welcome": "t-1"},
        ("bulk", "europe"),
        2,
        0.1,
        Limit(10, 1.0),
        Limit(5, 60.0),
        5,
        Acme.capabilities,
    ) == (
        link.key,
        link.from_email,
        link.templates,
        link.labels,
        link.weight,
        link.share,
        link.rate,
        link.quota,
        link.slow,
        link.capabilities,
    )
    assert frozenset({"eu", "bulk", "europe"}) == link.names
    assert "Link('eu', Acme)" == repr(link)


def test_link_takes_one_label_and_an_address() -> None:
    """
    A str is one label, and an Address needs no parsing.
    """
    sender = Address("shop@b.example")
    link = Link(Simple(), labels="bulk", from_email=sender)

    assert (("bulk",), sender) == (link.labels, link.from_email)


def test_link_keeps_what_it_was_given() -> None:
    """
    Later changes of the caller's mapping change nothing.
    """
    templates = {"a": "b"}
    link = Link(Simple(), templates=templates)

    templates["a"] = "c"

    assert {"a": "b"} == link.templates


@each(
    ("options", "problem"),
    [
        ({"key": "a b"}, "key 'a b' may have letters, digits, '_', '.' and '-' only"),
        ({"key": 5}, "key 5 may have letters"),
        ({"weight": 0}, "weight of 'simple' must be a number above 0, not 0"),
        ({"weight": math.inf}, "weight of 'simple' must be a number above 0, not inf"),
        ({"weight": math.nan}, "weight of 'simple' must be a number above 0, not nan"),
        ({"weight": "2"}, "weight of 'simple' must be a number above 0, not '2'"),
        ({"weight": True}, "weight of 'simple' must be a number above 0, not True"),
        ({"share": 1.1}, "share of 'simple' must be a number between 0 and 1, not 1.1"),
        ({"share": None}, "share of 'simple' must be a number between 0 and 1, not None"),
        ({"from_email": "shop"}, "from_email of 'simple': address is not a valid address"),
        ({"from_email": 5}, "from_email of 'simple': address must be a str, not int"),
        ({"templates": 5}, "templates of 'simple' must map template ids to template ids"),
        ({"templates": {"a": ""}}, "templates of 'simple' must map template ids"),
        ({"labels": [""]}, "labels of 'simple' must be a str or several, none of them empty"),
        ({"labels": [5]}, "labels of 'simple' must be a str or several"),
        ({"rate": "fast"}, "rate of 'simple' 'fast' is not of the form 10/s"),
        ({"rate": 5}, "rate of 'simple' must be a str such as 10/s, not int"),
        ({"quota": "5"}, "quota of 'simple' '5' is not of the form 10/s"),
        ({"slow": 0}, "slow of 'simple' must be a number of seconds above 0, not 0"),
        ({"slow": math.inf}, "slow of 'simple' must be a number of seconds above 0, not inf"),
        ({"slow": "5"}, "slow of 'simple' must be a number of seconds above 0, not '5'"),
    ],
)
def test_broken_link(options: dict[str, Any], problem: str) -> None:
    """
    A wrong set-up is a ConfigurationError that names the option and the link.
    """
    with pytest.raises(ConfigurationError) as raised:
        Link(Simple(), **options)

    assert str(raised.value).startswith(problem)


@each(
    ("provider", "problem"),
    [
        (5, "int is not a provider: it needs a name, and build_request(message) or send(message)"),
        (type("Nameless", (), {"send": print})(), "Nameless is not a provider"),
        (type("Idle", (), {"name": "x"})(), "Idle is not a provider"),
        (Simple, "Simple is a class: make a provider of it, Simple(...)"),
    ],
)
def test_what_is_no_provider(provider: Any, problem: str) -> None:
    """
    The error says what is missing.
    """
    with pytest.raises(ConfigurationError) as raised:
        Link(provider)

    assert str(raised.value).startswith(problem)


@each(
    ("options", "problem"),
    [
        ({"key": ""}, "key of acme is empty: copy it anew from the vendor's console"),
        ({"key": "k\n"}, "key of acme has a space or control character"),
        ({"key": " k"}, "key of acme has a space or control character"),
        ({"key": "k", "webhook_key": "k "}, "webhook_key of acme has a space"),
    ],
)
def test_broken_secret(options: dict[str, Any], problem: str) -> None:
    """
    A key that was copied badly is found before the vendor refuses it, and is not shown.
    """
    with pytest.raises(ConfigurationError) as raised:
        Link(Acme(**options))

    assert str(raised.value).startswith(problem)


def test_secret_may_be_unset_or_asked_for() -> None:
    """
    An optional secret may be empty, and a callable is asked later.
    """
    provider = Acme(key="k", token=lambda: " t ")

    assert provider is Link(provider).provider


def test_slash_at_the_end_of_base_url_is_cut() -> None:
    """
    A provider appends whole paths.
    """
    provider = Acme(key="k", base_url="https://proxy.example/acme/")

    assert dataclasses.replace(provider, base_url="https://proxy.example/acme") == (
        Link(provider).provider
    )


@each(
    "url",
    [
        "https://api.example",
        "https://api.example:8443/prefix",
        "HTTPS://API.example",
        "http://localhost:8080",
        "http://127.0.0.1",
        "http://[::1]:8080",
    ],
)
def test_base_url(url: str) -> None:
    """
    TLS, or no way off this machine.
    """
    assert url == check_base_url(url, "acme")


@each(
    ("url", "problem"),
    [
        ("", "is not of the form https://host[:port][/prefix]"),
        ("api.example", "is not of the form"),
        ("ftp://api.example", "is not of the form"),
        ("https://", "is not of the form"),
        ("https://api.example:x", "is not of the form"),
        ("https://[::1", "is not of the form"),
        ("https://api.example/?a=1", "is not of the form"),
        ("https://api.example/?", "is not of the form"),
        ("https://api.example/#a", "is not of the form"),
        ("https://user:key@api.example", "must not contain credentials"),
        ("https://api.example/a b", "must not contain credentials, spaces"),
        ("https://api.example/\n", "must not contain credentials, spaces or control characters"),
        ("http://api.example", "is plain http: use https (http is for loopback hosts only)"),
        ("http://localhost.example", "is plain http"),
    ],
)
def test_broken_base_url(url: str, problem: str) -> None:
    """
    The error never quotes the URL, which may hold a key.
    """
    with pytest.raises(ConfigurationError) as raised:
        check_base_url(url, "acme")

    assert str(raised.value).startswith(f"base_url of acme {problem}")
    assert "key" not in str(raised.value)


@each(
    ("text", "limit"),
    [
        ("10/s", Limit(10, 1.0)),
        ("600/m", Limit(600, 60.0)),
        ("1/h", Limit(1, 3600.0)),
        ("50000/d", Limit(50000, 86400.0)),
    ],
)
def test_limit(text: str, limit: Limit) -> None:
    """
    A count in each second, minute, hour or day.
    """
    assert limit == Limit.parse(text, "rate")


@each("text", ["", "10", "10/", "10/y", "/s", "0/s", "-1/s", "1.5/s", "٣/s", "1 /s"])
def test_broken_limit(text: str) -> None:
    """
    Nothing is guessed.
    """
    with pytest.raises(ConfigurationError, match="is not of the form 10/s: a count, /, and s, m"):
        Limit.parse(text, "rate")


def test_any_object_with_a_name_and_send_is_a_provider() -> None:
    """
    No base class is needed.
    """
    assert isinstance(Simple(), SimpleProvider)
    assert not isinstance(object(), SimpleProvider)
