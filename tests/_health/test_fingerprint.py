from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from mailfailover import Link
from mailfailover._health.fingerprint import fingerprint
from mailfailover.plugin import EVERYTHING
from mailfailover.providers.mailgun import Mailgun
from mailfailover.providers.null import Null
from tests.chains import Scripted

if TYPE_CHECKING:
    from collections.abc import Callable

    from mailfailover import Message


def mailgun(api_key: str | Callable[[], str] = "key-5ecret", region: str = "eu") -> Mailgun:
    """
    An account.
    """
    return Mailgun(api_key=api_key, domain="mg.example", region=region)


@dataclass(frozen=True, slots=True)
class Branches:
    """
    A provider with more than one address.
    """

    name: ClassVar[str] = "branches"
    capabilities = EVERYTHING
    hosts: tuple[str, ...] = ()
    choose: object = field(default=None, repr=False)

    def send(self, message: Message) -> None:
        raise NotImplementedError


def test_an_account_is_the_same_in_every_chain() -> None:
    """
    Whatever its key and its labels are there.
    """
    one = fingerprint(Link(mailgun(), "a", labels="x"))

    assert one == fingerprint(Link(mailgun(), "b"))


def test_it_is_the_same_in_every_process() -> None:
    """
    It depends on nothing but the configuration.
    """
    assert "null:91ea1842" == fingerprint(Link(Null()))[:13]
    assert "mailgun:" == fingerprint(Link(mailgun()))[:8]


def test_other_accounts_have_other_names() -> None:
    """
    Whether a secret differs, or what everybody may see.
    """
    accounts = [mailgun(), mailgun("key-0ther"), mailgun(region="us")]

    assert 3 == len({fingerprint(Link(one)) for one in accounts})


def test_no_secret_stands_in_it() -> None:
    """
    It is the provider's name and a hash.
    """
    name, _, digest = fingerprint(Link(mailgun())).partition(":")

    assert ("mailgun", 32) == (name, len(bytes.fromhex(digest)) * 2)


def test_what_cannot_be_written_down_is_told_apart_by_its_key() -> None:
    """
    A secret that a function returns, a setting that is an object, a provider without fields.
    """
    for provider in (mailgun(lambda: "k"), Branches(("a",), object()), Scripted("x")):
        assert fingerprint(Link(provider, "a")) != fingerprint(Link(provider, "b"))


def test_lists_belong_to_a_configuration() -> None:
    """
    Two providers with other lists of hosts are two.
    """
    assert fingerprint(Link(Branches(("a",)), "k")) != fingerprint(Link(Branches(("b",)), "k"))
    assert fingerprint(Link(Branches(("a",)), "k")) == fingerprint(Link(Branches(("a",)), "l"))
