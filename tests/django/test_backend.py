from __future__ import annotations

from typing import Any

import pytest
from django.core import mail
from django.core.mail import EmailMessage, mail_admins, send_mail
from django.core.mail.message import BadHeaderError
from django.test import override_settings

from mailfailover import (
    AllProvidersFailed,
    ConfigurationError,
    ConnectionFailed,
    Message,
    RecipientRejected,
)
from mailfailover.django import EmailBackend, get_mailer, get_outbox
from mailfailover.django.anymail_status import AnymailRecipientStatus
from mailfailover.django.email_message import BadHeader
from mailfailover.providers.memory import Memory
from mailfailover.testing import FaultServer
from tests.chains import Scripted

TO = ["ann@example.org"]


def _fields(message: Message, *names: str) -> dict[str, Any]:
    return {name: getattr(message, name) for name in names}


def test_send_mail_goes_through_the_chain(mailbox: Memory) -> None:
    """
    Django's own function arrives with everything it was given, the text unchanged.
    """
    count = send_mail("Hi", "Hello", "me@example.com", TO, html_message="<p>Hello</p>")

    found = _fields(mailbox.messages[0], "subject", "text", "html")
    assert (1, {"subject": "Hi", "text": "Hello", "html": "<p>Hello</p>"}) == (count, found)
    assert "me@example.com" == str(mailbox.messages[0].from_email)


def test_mail_admins_goes_through_the_chain(mailbox: Memory) -> None:
    """
    So do the mails of Django that no caller of ours writes.
    """
    with override_settings(ADMINS=_admins(), SERVER_EMAIL="server@example.com"):
        mail_admins("Disk full", "Help")

    assert ["[Django] Disk full"] == [one.subject for one in mailbox.messages]


def _admins() -> list[Any]:
    import django

    return ["root@example.org"] if django.VERSION >= (6, 0) else [("Root", "root@example.org")]


def test_a_vendor_that_dies_is_replaced() -> None:
    """
    While the first vendor is down, Django's mail goes through the second.
    """
    with FaultServer("mailgun") as first, FaultServer("sendgrid") as second:
        chain = [
            f"mailgun://key:example.com@default?base_url={first.url}",
            f"sendgrid://key@default?base_url={second.url}",
        ]
        with override_settings(MAILFAILOVER={"CHAIN": chain}):
            first.fail("refuse")
            send_mail("Hi", "Hello", "shop@example.com", TO)
            get_mailer().close()

        assert (0, 1) == (len(first.accepted), len(second.accepted))


def test_a_message_says_what_became_of_it(mailbox: Memory) -> None:
    """
    ``anymail_status`` holds each recipient's status, and the receipt.
    """
    message = EmailMessage("Hi", "Hello", "shop@example.com", TO)

    message.send()

    status = message.anymail_status
    message_id = mailbox.messages[0].message_id
    assert ({"queued"}, message_id) == (status.status, status.message_id)
    assert {TO[0]: AnymailRecipientStatus(message_id, "queued")} == status.recipients
    assert "memory" == status.esp_response.provider


def test_each_mail_of_a_merge_has_its_id(mailbox: Memory) -> None:
    """
    ``anymail_status`` tells the vendor's id of each recipient's mail, and all of them as a set.
    """
    message = EmailMessage("Hi", "Hello", "shop@example.com", [*TO, "bob@example.org"])
    message.merge_data = {}

    message.send()

    status = message.anymail_status
    first, second = (mail.message_id for mail in mailbox.messages)
    assert {first, second} == status.message_id
    assert {TO[0]: first, "bob@example.org": second} == {
        email: one.message_id for email, one in status.recipients.items()
    }


def test_an_error_is_raised() -> None:
    """
    What a mailer raises reaches whoever sends, and the status says that nothing was sent.
    """
    message = EmailMessage("Hi", "Hello", "shop@example.com", TO)

    with (
        override_settings(MAILFAILOVER={"CHAIN": Scripted("a", RecipientRejected("nobody"))}),
        pytest.raises(RecipientRejected),
    ):
        message.send()

    assert message.anymail_status.status is None


def test_fail_silently_swallows_errors_of_sending() -> None:
    """
    The count says that nothing was sent.
    """
    backend = EmailBackend(
        fail_silently=True, chain=Scripted("a", ConnectionFailed("down")), timeout=0.2
    )

    sent = backend.send_messages([EmailMessage("Hi", "Hello", "shop@example.com", TO)])

    assert 0 == sent


def test_a_mail_fails_only_when_all_providers_do() -> None:
    """
    Without ``fail_silently`` the whole trail is told.
    """
    backend = EmailBackend(chain=Scripted("a", ConnectionFailed("down")), timeout=0.2)

    with pytest.raises(AllProvidersFailed):
        backend.send_messages([EmailMessage("Hi", "Hello", "shop@example.com", TO)])


def test_a_message_without_recipients_is_not_sent(mailbox: Memory) -> None:
    """
    It counts as none, as with Django's own backends.
    """
    sent = EmailBackend().send_messages([EmailMessage("Hi", "Hello", "shop@example.com")])

    assert (0, ()) == (sent, mailbox.messages)


@pytest.mark.parametrize("messages", [[], None])
def test_no_messages_are_none(messages: Any) -> None:
    """
    An empty list sends nothing.
    """
    assert 0 == EmailBackend(chain="memory://").send_messages(messages)


@pytest.mark.parametrize(
    "fields",
    [
        {"subject": "Hi\nBcc: eve@example.org"},
        {"from_email": "me@example.com\r\nBcc: eve@example.org"},
        {"to": ["ann@example.org\nBcc: eve@example.org"]},
        {"headers": {"X-A": "1\r\nBcc: eve@example.org"}},
        {"headers": {"X-A\nBcc": "eve@example.org"}},
    ],
    ids=["subject", "from", "to", "value", "name"],
)
def test_header_injection_is_djangos_error(mailbox: Memory, fields: dict[str, Any]) -> None:
    """
    A form that catches ``BadHeaderError`` catches ours, and nothing is sent.
    """
    message = EmailMessage(**({"body": "Hello", "to": TO} | fields))

    with pytest.raises(BadHeaderError) as caught:
        message.send()

    assert (BadHeader, ()) == (type(caught.value), mailbox.messages)
    assert "eve@" not in str(caught.value)


def test_options_take_precedence_over_settings() -> None:
    """
    What a backend is given replaces what ``MAILFAILOVER`` says, the rest of which holds.
    """
    first, second = Memory(), Memory()

    with override_settings(MAILFAILOVER={"CHAIN": first, "REDIRECT_TO": "qa@example.com"}):
        backend = EmailBackend(chain=second)
        backend.send_messages([EmailMessage("Hi", "Hello", "shop@example.com", TO)])

    assert () == first.messages
    assert ["qa@example.com"] == [str(one) for one in second.messages[0].to]


def test_a_mailer_is_kept(mailbox: Memory) -> None:
    """
    Each message gets a backend of its own, whose mailer is the same: it knows who is up.
    """
    assert EmailBackend().mailer is EmailBackend().mailer is get_mailer()


def test_mailers_made_on_the_fly_do_not_pile_up() -> None:
    """
    After many others an old mailer is forgotten, and made anew.
    """
    first = EmailBackend(chain="null://", timeout=1).mailer
    for seconds in range(2, 40):
        _ = EmailBackend(chain="null://", timeout=seconds).mailer

    assert first is not EmailBackend(chain="null://", timeout=1).mailer


def test_an_unknown_setting_is_told() -> None:
    """
    The error names it, and the one that was meant.
    """
    with (
        override_settings(MAILFAILOVER={"CHIAN": "memory://"}),
        pytest.raises(ConfigurationError, match="no setting 'CHIAN'; did you mean 'CHAIN'"),
    ):
        EmailBackend()


def test_settings_that_are_no_dict_are_told() -> None:
    """
    A DSN alone is no settings.
    """
    with (
        override_settings(MAILFAILOVER="memory://"),
        pytest.raises(ConfigurationError, match="MAILFAILOVER must be a dict, not str"),
    ):
        EmailBackend()


SEEN: list[Any] = []


def test_observers_are_named_by_their_paths() -> None:
    """
    A dotted path is imported, as elsewhere in Django's settings.
    """
    SEEN.clear()
    observers = ["tests.django.test_backend.observe"]

    with override_settings(MAILFAILOVER={"CHAIN": "null://", "OBSERVERS": observers}):
        send_mail("Hi", "Hello", "shop@example.com", TO)

    assert ["AttemptMade", "MailSent"] == [type(one).__name__ for one in SEEN]


def observe(event: object) -> None:
    """
    Note what observers are told.
    """
    SEEN.append(event)


def test_a_path_that_leads_nowhere_is_told() -> None:
    """
    The error quotes the path.
    """
    with (
        override_settings(MAILFAILOVER={"CHAIN": "null://", "OBSERVERS": ["no.where"]}),
        pytest.raises(ConfigurationError, match=r"names 'no\.where', which cannot be imported"),
    ):
        get_mailer()


def test_without_an_outbox_there_is_none(mailbox: Memory) -> None:
    """
    Asking for it says how to get one.
    """
    with pytest.raises(ConfigurationError, match=r'\{"OUTBOX": True\}'):
        get_outbox()


def test_djangos_test_runner_keeps_mail_at_home(mailbox: Memory) -> None:
    """
    In Django's own tests mails land in ``mail.outbox``, as ever.
    """
    from django.test.utils import setup_test_environment, teardown_test_environment

    setup_test_environment()
    try:
        send_mail("Hi", "Hello", "shop@example.com", TO)
        found = [one.subject for one in mail.outbox]
    finally:
        teardown_test_environment()

    assert (["Hi"], ()) == (found, mailbox.messages)
