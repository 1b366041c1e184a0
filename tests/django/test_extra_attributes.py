from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from django.core.mail import EmailMessage
from django.utils.functional import lazystr
from django.utils.timezone import override

from mailfailover import InvalidMessage, Message
from mailfailover.django.email_message import message_fields
from tests.samples import each

TO = ["ann@example.org", "Bob <bob@example.org>"]


def _read(defaults: Any = None, /, to: Any = TO, **attributes: Any) -> Message:
    message = EmailMessage("Hi", "Hello", "me@example.com", to)
    vars(message).update(attributes)
    return Message(**message_fields(message, defaults or {}, "first"))


def test_plain_attributes_are_read() -> None:
    """
    What anymail calls so is called so here.
    """
    found = _read(
        tags=["welcome", lazystr("new")],
        metadata={"order": 7, "paid": True},
        track_opens=True,
        track_clicks=False,
        template_id=12,
        envelope_sender="Bounces <bounces@example.com>",
    )

    assert ("welcome", "new") == found.tags
    assert {"order": "7", "paid": "True"} == dict(found.metadata)
    assert (True, False) == (found.track_opens, found.track_clicks)
    assert ("12", "bounces@example.com") == (found.template_id, found.envelope_from)


@each(
    ("value", "expected"),
    [
        (datetime(2036, 1, 2, 3, tzinfo=UTC), datetime(2036, 1, 2, 3, tzinfo=UTC)),
        (datetime(2036, 1, 2, 3), datetime(2036, 1, 2, 1, tzinfo=UTC)),  # noqa: DTZ001 -- that it is
        (date(2036, 1, 2), datetime(2036, 1, 1, 22, tzinfo=UTC)),
        (2_082_758_400, datetime(2036, 1, 1, tzinfo=UTC)),
    ],
    ids=["aware", "naive", "date", "timestamp"],
)
def test_send_at_is_a_time_of_djangos_zone(value: Any, expected: datetime) -> None:
    """
    A naive time and a date are in the zone that Django works in, a number is Unix time.
    """
    with override(timezone(timedelta(hours=2))):
        assert expected == _read(send_at=value).send_at


def test_merge_data_makes_a_mail_for_each() -> None:
    """
    Global data is joined with everybody's own, also for those who have none.
    """
    found = _read(
        merge_data={"ann@example.org": {"name": "Ann"}},
        merge_global_data={"name": "friend", "shop": "Acme"},
        merge_metadata={"bob@example.org": {"user": 2}},
        merge_headers={"ann@example.org": {"X-A": "1"}},
    )

    assert {
        "ann@example.org": {"name": "Ann", "shop": "Acme"},
        "bob@example.org": {"name": "friend", "shop": "Acme"},
    } == {email: dict(own) for email, own in found.merge_data.items()}
    assert {"bob@example.org": {"user": "2"}} == dict(found.merge_metadata)
    assert {"ann@example.org": {"X-A": "1"}} == dict(found.merge_headers)


@each("name", ["merge_data", "merge_metadata", "merge_headers"])
def test_who_is_no_recipient_is_left_out_of_a_merge(name: str) -> None:
    """
    A project may keep the data of all its customers in one mapping.
    """
    found = _read(**{name: {"ann@example.org": {"a": "1"}, "carl@example.org": {"a": "2"}}})

    assert {"ann@example.org": {"a": "1"}} == {
        email: dict(own) for email, own in getattr(found, name).items() if own
    }


@each("name", ["merge_data", "merge_metadata", "merge_headers"])
def test_an_empty_merge_makes_a_mail_for_each(name: str) -> None:
    """
    Setting it, even to nothing, keeps recipients from seeing each other.
    """
    assert _read(**{name: {}}).is_merge


def test_global_data_alone_fills_the_template() -> None:
    """
    Without data of recipients it is the template's, in one mail.
    """
    found = _read(merge_global_data={"shop": "Acme"}, template_id="t1")

    assert ({"shop": "Acme"}, False) == (dict(found.template_data), found.is_merge)


def test_global_data_without_a_use_is_refused() -> None:
    """
    It would be dropped silently otherwise.
    """
    with pytest.raises(InvalidMessage, match="merge_global_data needs a template_id"):
        _read(merge_global_data={"shop": "Acme"})


def test_esp_extra_is_for_the_first_provider() -> None:
    """
    It was written for the vendor that the project had before: the first of the chain.
    """
    assert {"first": {"o:dkim": "no"}} == dict(_read(esp_extra={"o:dkim": "no"}).provider_options)


def test_esp_extra_can_name_its_providers() -> None:
    """
    By their keys it holds options of several.
    """
    extra = {"mailgun": {"o:dkim": "no"}, "sendgrid": {"ip_pool_name": "a"}}

    assert extra == dict(_read(esp_extra=extra).provider_options)


def test_defaults_are_joined() -> None:
    """
    Lists and mappings are added to, other values replaced; None leaves the default off.
    """
    defaults = {"tags": ["shop"], "metadata": {"a": 1}, "track_opens": True, "template_id": "t"}

    found = _read(defaults, tags=["welcome"], metadata={"b": 2}, track_opens=False)

    assert (("shop", "welcome"), False, "t") == (found.tags, found.track_opens, found.template_id)
    assert {"a": "1", "b": "2"} == dict(found.metadata)
    assert () == _read(defaults, tags=None).tags


def test_anymails_own_message_is_read() -> None:
    """
    A message of anymail's class, whose attributes are unset, is one of Django.
    """
    unset = type("UNSET", (object,), {})  # as anymail.utils has it

    found = _read({"tags": ["shop"]}, tags=unset, metadata=unset, merge_data=unset)

    assert (("shop",), {}, False) == (found.tags, dict(found.metadata), found.is_merge)


def test_fields_of_ours_can_be_given() -> None:
    """
    What anymail has no name for stands in one attribute.
    """
    found = _read(mailfailover={"stream": "newsletter", "via": "first"})

    assert ("newsletter", ("first",)) == (found.stream, found.via)


def test_fields_of_ours_are_a_dict() -> None:
    """
    Anything else is an error that names the attribute.
    """
    with pytest.raises(InvalidMessage, match="mailfailover, set on the message, must be a dict"):
        _read(mailfailover="newsletter")
