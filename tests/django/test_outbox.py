from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from django.core.mail import EmailMessage, EmailMultiAlternatives, send_mail
from django.db import connections, transaction
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext

from mailfailover import DeliveryEvent, EventType, Message, OutcomeUnknown
from mailfailover.django import EmailBackend, get_outbox, get_worker
from mailfailover.outbox import State
from mailfailover.providers.memory import Memory

if TYPE_CHECKING:
    from mailfailover.webhooks import WebhookRequest

TO = ["ann@example.org"]


class _Cancelled(Exception):
    pass


class Doubtful:
    """
    A vendor that never answers, and tells later that it delivered.
    """

    name = "doubtful"

    def send(self, message: Message) -> str:
        raise OutcomeUnknown("no answer")

    def verify_webhook(self, request: WebhookRequest, fetch: object) -> str:
        return ""

    def parse_webhook(self, request: WebhookRequest) -> tuple[DeliveryEvent, ...]:
        mail_id = json.loads(request.body)["mail_id"]
        event = DeliveryEvent(
            event_id="e1",
            type=EventType.DELIVERED,
            mail_id=mail_id,
            recipient="ann@example.org",
            timestamp=datetime(2026, 11, 24, tzinfo=UTC),
        )
        return (event,)


def test_the_outbox_is_part_of_the_transaction(database: str) -> None:
    """
    A view that fails has sent no mail: neither the order nor its mail is there.
    """
    with override_settings(MAILFAILOVER={"CHAIN": Memory(), "OUTBOX": True}):
        with pytest.raises(_Cancelled), transaction.atomic(using=database):
            send_mail("Order", "Thanks", "shop@example.com", TO)
            raise _Cancelled
        with transaction.atomic(using=database):
            send_mail("Order 2", "Thanks", "shop@example.com", TO)

        subjects = [get_outbox().get(one.id).message.subject for one in get_outbox().list()]  # type: ignore[union-attr]

    assert ["Order 2"] == subjects


def test_messages_are_added_all_or_none(database: str) -> None:
    """
    One message that cannot be sent leaves none of its batch in the outbox.
    """
    good = EmailMessage("Hi", "Hello", "shop@example.com", TO)
    bad = EmailMessage("Hi", "Hello", "shop@example.com", ["not an address"])

    with override_settings(MAILFAILOVER={"CHAIN": Memory(), "OUTBOX": True}):
        with pytest.raises(ValueError, match="to"):
            EmailBackend().send_messages([good, bad])

        assert [] == get_outbox().list()


def test_many_messages_are_added_by_few_statements(database: str) -> None:
    """
    A hundred cost no more statements than ten, where the database can do it.
    """
    counts = []
    with override_settings(MAILFAILOVER={"CHAIN": Memory(), "OUTBOX": True}):
        for size in (10, 100):
            messages = [EmailMessage("Hi", "Hello", "shop@example.com", TO) for _ in range(size)]
            with CaptureQueriesContext(connections[database]) as queries:
                assert size == EmailBackend().send_messages(messages)
            counts.append(len(queries))
            assert size == len({one.anymail_status.mail_id for one in messages})

    is_mysql = connections[database].vendor == "mysql"
    assert is_mysql or counts[0] == counts[1]


def test_messages_that_cannot_be_sent_may_fail_silently(database: str) -> None:
    """
    The others are added then.
    """
    good = EmailMessage("Hi", "Hello", "shop@example.com", TO)
    bad = EmailMessage("Hi", "Hello", "shop@example.com", ["not an address"])

    with override_settings(MAILFAILOVER={"CHAIN": Memory(), "OUTBOX": True}):
        assert 1 == EmailBackend(fail_silently=True).send_messages([good, bad])

        assert 1 == len(get_outbox().list())


def test_a_message_in_the_outbox_is_queued(database: str) -> None:
    """
    Its status says so, with the id under which the outbox knows it.
    """
    message = EmailMultiAlternatives("Hi", "Hello", "shop@example.com", TO)

    with override_settings(MAILFAILOVER={"CHAIN": Memory(), "OUTBOX": "default"}):
        message.send()

        assert get_outbox().get(message.anymail_status.mail_id) is not None
    assert {"queued"} == message.anymail_status.status


WOKEN: list[str] = []


def wake(mail_id: str) -> None:
    """
    Note who was woken for.
    """
    WOKEN.append(mail_id)


def test_somebody_is_woken_after_the_commit(database: str) -> None:
    """
    ``ON_ADD`` hears of a mail when Django's transaction is committed, and not before.
    """
    WOKEN.clear()
    on_add = ["tests.django.test_outbox.wake"]

    with override_settings(MAILFAILOVER={"CHAIN": Memory(), "OUTBOX": True, "ON_ADD": on_add}):
        with transaction.atomic(using=database):
            send_mail("Hi", "Hello", "shop@example.com", TO)
            before = list(WOKEN)
        ids = [one.id for one in get_outbox().list()]

    assert ([], ids) == (before, WOKEN)


def test_an_event_settles_a_mail_in_doubt(database: str) -> None:
    """
    A mail that may have been sent is sent as soon as the vendor says so.
    """
    doubtful = Doubtful()
    settings = {"CHAIN": doubtful, "OUTBOX": True, "ON_UNKNOWN": "raise", "TIMEOUT": 0.5}
    with override_settings(MAILFAILOVER=settings):
        send_mail("Hi", "Hello", "shop@example.com", ["ann@example.org"])
        (mail,) = get_outbox().list()
        get_worker().run_once()
        before = get_outbox().list()[0].state

        answer = Client().post(
            "/email/webhooks/doubtful", {"mail_id": mail.id}, content_type="application/json"
        )

        after = get_outbox().list()[0].state
    assert (State.UNKNOWN, 200, State.SENT) == (before, answer.status_code, after)
