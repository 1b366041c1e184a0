from __future__ import annotations

from typing import Any

import pytest

from mailfailover.errors import ConfigurationError
from mailfailover.plugin import Message
from mailfailover.service.problems import FieldError
from mailfailover.service.rules import GRANTS, LOCAL, Caller, Rules
from tests.samples import each

MAIL = Message(to="ann@example.com", from_email="shop@example.com", subject="Hi", text="Hello")


def objections(message: Message, **rules: Any) -> tuple[FieldError, ...]:
    """
    What a key with these rules hears.
    """
    return Caller("k", "test", Rules(**rules)).objections(message)


def test_rules_come_back_from_json() -> None:
    """
    What is stored is what was set, in its normal form.
    """
    rules = Rules(
        senders=("Shop@Example.com", "Bücher.example"),
        recipients=("example.com",),
        rate="10/s",
        quota="500/d",
        max_recipients=5,
        grants=("headers", "admin", "headers"),
    )

    assert rules == Rules.from_json(rules.to_json())
    assert ("shop@example.com", "xn--bcher-kva.example") == rules.senders
    assert ("admin", "headers") == rules.grants


@each(
    ("rules", "error"),
    [
        ({"grants": ("everything",)}, "there is no grant 'everything'; known: admin, "),
        ({"max_recipients": 0}, "max_recipients must be at least 1"),
        ({"rate": "fast"}, "rate 'fast' is not of the form"),
        ({"rate": "5/d", "quota": "50/d"}, "rate and quota count in the same period"),
        ({"senders": ("not an address@",)}, "an entry of senders is neither"),
        ({"recipients": ("",)}, "an entry of recipients is neither"),
        ({"recipients": ("a@b@c.example",)}, "an entry of recipients is neither"),
    ],
)
def test_wrong_rules_are_refused(rules: dict[str, Any], error: str) -> None:
    """
    A key whose rules mean nothing is never made.
    """
    with pytest.raises(ConfigurationError, match=error):
        Rules(**rules)


@each(
    ("allowed", "email", "ok"),
    [
        ("shop@example.com", "shop@example.com", True),
        ("shop@example.com", "Shop@EXAMPLE.com", True),
        ("shop@example.com", "eve@example.com", False),
        ("example.com", "eve@example.com", True),
        ("example.com", "eve@mail.example.com", False),
        ("example.com", "eve@notexample.com", False),
        ("example.com", '"example.com"@evil.example', False),
        ("example.com", '"eve@evil.example"@example.com', True),
    ],
)
def test_senders_are_those_allowed(allowed: str, email: str, *, ok: bool) -> None:
    """
    An entry is one address, or all of one domain and of no other.
    """
    found = objections(MAIL.replace(from_email=email), senders=(allowed,))

    expected = FieldError("from_email", "this API key may not send from this address")
    assert (() if ok else (expected,)) == found


@each("field", ["to", "cc", "bcc"])
def test_recipients_are_those_allowed(field: str) -> None:
    """
    No list of a mail can name anybody else; the objection quotes no address.
    """
    fields: Any = {field: ["ann@example.com", "eve@evil.example", "bob@other.example"]}
    mail = MAIL.replace(**fields)

    found = objections(mail, recipients=("example.com", "bob@other.example"))

    assert (FieldError(field, "this API key may not send to recipient 2"),) == found


@each(
    ("fields", "grant"),
    [
        ({"headers": {"X-A": "b"}}, "headers"),
        ({"merge_headers": {"ann@example.com": {"X-A": "b"}}}, "headers"),
        ({"envelope_from": "bounces@example.com"}, "envelope_from"),
        ({"provider_options": {"mailgun": {"o": "p"}}}, "provider_options"),
    ],
)
def test_dangerous_fields_need_a_grant(fields: dict[str, Any], grant: str) -> None:
    """
    Only a key that was given the right uses them.
    """
    mail = MAIL.replace(**fields)

    assert (FieldError(next(iter(fields)), f"this API key has no grant {grant!r}"),) == objections(
        mail
    )
    assert () == objections(mail, grants=(grant,))


RAW = "From: {}\nSender: {}\nSubject: x\n\nx"


@each(
    ("author", "sender", "ok"),
    [
        ("shop@example.com", "shop@example.com", True),
        ("eve@evil.example", "shop@example.com", False),
        ("shop@example.com, eve@evil.example", "shop@example.com", False),
        ("shop@example.com", "eve@evil.example", False),
        ("(", "shop@example.com", False),
    ],
)
def test_finished_mail_is_from_those_allowed(author: str, sender: str, *, ok: bool) -> None:
    """
    What its bytes say counts as well as what is said beside them.
    """
    raw = RAW.format(author, sender).encode()
    mail = Message.from_mime(raw, to="ann@example.com", from_email="shop@example.com")

    found = objections(mail, senders=("shop@example.com",), grants=("headers",))

    expected = FieldError("from_email", "this API key may not send from this address")
    assert (() if ok else (expected,)) == found
    assert "mime" in [one.field for one in objections(mail)]


@each("rules", [{"max_recipients": 2}, {"rate": "2/s"}, {"quota": "2/d"}])
def test_recipients_are_counted(rules: dict[str, Any]) -> None:
    """
    A mail to more than a key may ever send to is refused, not delayed.
    """
    mail = MAIL.replace(cc="bob@example.com", bcc="cat@example.com")

    assert (
        FieldError("to", "a mail of this API key may have at most 2 recipients"),
    ) == objections(mail, **rules)


def test_this_machine_sees_all_and_has_no_grant_to_write() -> None:
    """
    Without keys, who sits at the machine looks at everything and posts plain mails.
    """
    assert LOCAL.sees_all
    assert {"admin"} == set(GRANTS) & set(LOCAL.rules.grants)
    assert () == LOCAL.objections(MAIL)
    assert not Caller("k", "shop", Rules()).sees_all
