from __future__ import annotations

from typing import Any

import pytest

from mailfailover import Address, ConfigurationError, InvalidMessage
from mailfailover._mailer.staging import Staging
from tests.chains import MAIL
from tests.samples import each

HOME = "Dev <dev@example.com>"


def staging(redirect_to: str | None = HOME, allowed: Any = ()) -> Staging:
    """
    A system that keeps its mail at home.
    """
    found = Staging.make(redirect_to, allowed)
    assert found is not None
    return found


@each("allowed", [(), "", [], [""]])
def test_without_a_setting_everybody_may_get_mail(allowed: Any) -> None:
    """
    Empty settings, as of an environment, are none.
    """
    assert Staging.make(None, allowed) is None


@each(
    "allowed",
    [
        "ann@example.org",
        "ANN@EXAMPLE.ORG",
        "example.org",
        "@example.org",
        ["x.example", "Example.ORG"],
    ],
)
def test_an_allowed_recipient_gets_his_mail(allowed: Any) -> None:
    """
    By address or domain, in any case; the mail is not touched.
    """
    assert staging(allowed=allowed).keep_home(MAIL) is MAIL


def test_an_international_domain_is_allowed_in_either_form() -> None:
    """
    As people write it, and as it goes out.
    """
    mail = MAIL.replace(to="ann@bücher.example")

    for allowed in ("bücher.example", "xn--bcher-kva.example", "ann@bücher.example"):
        assert staging(allowed=allowed).keep_home(mail) is mail


@each("allowed", ["example.or", "sub.example.org", "bob@example.org"])
def test_all_others_are_replaced(allowed: str) -> None:
    """
    A part of a domain, or another address, allows nobody.
    """
    assert staging(allowed=allowed).keep_home(MAIL) == MAIL.replace(to=HOME)


def test_home_gets_one_copy() -> None:
    """
    Many vendors refuse an address that is named twice, in to and cc for example.
    """
    mail = MAIL.replace(
        to=["a@x.example", "b@x.example"],
        cc=["ok@qa.example", "c@x.example"],
        bcc=["d@x.example", "ok@qa.example"],
    )

    kept = staging(allowed="qa.example").keep_home(mail)

    assert kept == mail.replace(to=HOME, cc="ok@qa.example", bcc=())


def test_home_may_be_an_address() -> None:
    """
    As well as its text.
    """
    home = Address("dev@example.com")

    assert Staging.make(home, ()) == Staging(home, frozenset())


def test_a_merge_is_not_redirected() -> None:
    """
    All its recipients would be one.
    """
    mail = MAIL.replace(merge_data={"ann@example.org": {}})

    with pytest.raises(InvalidMessage) as error:
        staging().keep_home(mail)

    assert (str(error.value), error.value.field) == (
        "a merge cannot be redirected: name its recipients in allow_recipients",
        "merge_data",
    )
    assert staging(allowed="example.org").keep_home(mail) is mail


def test_without_a_home_the_mail_is_refused() -> None:
    """
    It names the setting, not the recipient.
    """
    with pytest.raises(InvalidMessage) as error:
        staging(None, "example.net").keep_home(MAIL)

    assert error.value.field == "to"
    assert str(error.value) == (
        "a recipient is not in allow_recipients: this mailer keeps its mail at home; "
        "add the address or its domain, or set redirect_to"
    )


WRONG: list[tuple[Any, Any, str]] = [
    ("nobody", (), "redirect_to: "),
    (5, (), "redirect_to: "),
    (None, ["a@b@c"], "allow_recipients must hold addresses and domains, such as example.com"),
    (None, ["org", "not a domain"], "allow_recipients must hold addresses and domains"),
    (None, [None], "allow_recipients must hold addresses and domains"),
]


@each(("home", "allowed", "problem"), WRONG)
def test_what_is_no_address_is_refused(home: Any, allowed: Any, problem: str) -> None:
    """
    By the name of the setting.
    """
    with pytest.raises(ConfigurationError, match=problem):
        Staging.make(home, allowed)
