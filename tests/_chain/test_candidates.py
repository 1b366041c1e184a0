from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

import pytest

from mailfailover import (
    Alternative,
    Attachment,
    Capabilities,
    Feature,
    InvalidMessage,
    Link,
    Message,
    UnsupportedFeature,
)
from mailfailover._chain.candidate import Candidate
from mailfailover._chain.candidates import candidates
from mailfailover._message.merge import for_recipient, part_for
from tests.chains import MAIL, NOW, Scripted, World
from tests.samples import each

NOTHING = Feature(0)


def able(name: str, features: Feature = NOTHING, **limits: Any) -> Scripted:
    """
    A provider that can do no more than this.
    """
    return Scripted(name, capabilities=Capabilities(features, **limits))


def found(message: Message, *parts: Any) -> list[tuple[str, Feature]]:
    """
    The keys of those who can carry *message*, and what is left off.
    """
    chain = World().chain(*parts)
    return [(one.link.key, one.dropped) for one in candidates(chain.parts, message)]


def only(message: Message, link: Link) -> Candidate:
    """
    The one who can carry it.
    """
    (candidate,) = candidates(World().chain(link).parts, message)
    return candidate


def test_who_needs_nothing_dropped_comes_first() -> None:
    """
    In the order given, and after them those for whom tags are left off.
    """
    message = MAIL.replace(tags=["a", "b"])
    one_tag = able("one", Feature.TAGS, max_tags=1)

    assert found(message, able("none"), one_tag, able("all", Feature.TAGS)) == [
        ("all", NOTHING),
        ("none", Feature.TAGS),
        ("one", Feature.TAGS),
    ]


@each(
    ("fields", "needed", "preference"),
    [
        ({"headers": {"Message-ID": "<a@b.example>"}}, NOTHING, Feature.MESSAGE_ID),
        (
            {"template_id": "t", "text": "", "subject": ""},
            Feature.TEMPLATES,
            Feature.TEMPLATE_FROM,
        ),
        (
            {"template_id": "t", "text": ""},
            Feature.TEMPLATES | Feature.TEMPLATE_FROM,
            Feature.TEMPLATE_SUBJECT,
        ),
    ],
)
def test_a_preference_chooses_and_never_refuses(
    fields: dict[str, Any], needed: Feature, preference: Feature
) -> None:
    """
    Who can keep it comes first; the others carry the mail too, and it is told what they leave off.
    """
    message = MAIL.replace(**fields, droppable=NOTHING)

    assert [("able", NOTHING), ("unable", preference)] == found(
        message, able("unable", needed), able("able", needed | preference)
    )


def test_what_may_not_be_left_off_is_passed_by() -> None:
    """
    A mail that says so loses no tag.
    """
    message = MAIL.replace(tags=["a"], metadata={"k": "v"}, droppable=Feature.METADATA)

    assert found(message, able("none"), able("tags", Feature.TAGS)) == [("tags", Feature.METADATA)]


CANNOT: dict[str, tuple[dict[str, Any], Scripted, str]] = {
    "send_at": ({"send_at": NOW + timedelta(hours=1)}, able("a"), "SEND_AT"),
    "attachment": ({"attachments": [Attachment("a.txt", b"a")]}, able("a"), "ATTACHMENTS"),
    "template": ({"template_id": "welcome"}, able("a"), "TEMPLATES, TEMPLATE_OVERRIDE"),
    "template of another": (
        {"template_id": {"b": "1"}, "text": ""},
        able("a", Feature.TEMPLATES),
        "TEMPLATES",
    ),
    "recipients": ({"cc": ["b@x.example"]}, able("a", max_recipients=1), "max_recipients=1"),
    "copies": ({"bcc": ["b@x.example"]}, able("a", max_copies=0), "max_copies=0"),
    "size": ({"text": "x" * 2000}, able("a", max_bytes=2000), "max_bytes=2000"),
    "too far ahead": (
        {"send_at": NOW + timedelta(days=4)},
        able("a", Feature.SEND_AT, max_delay=259200.0),
        "max_delay=259200",
    ),
}


@each("name", CANNOT)
def test_what_nobody_can_express_is_named(name: str) -> None:
    """
    With the provider that lacks it, and what to do.
    """
    fields, provider, lacks = CANNOT[name]

    with pytest.raises(UnsupportedFeature) as caught:
        found(MAIL.replace(**fields), provider)

    assert str(caught.value) == (
        f"no provider of this chain can express the mail: a lacks {lacks}. "
        "Add a provider that can, or leave it off"
    )
    assert caught.value.features == tuple(lacks.split(", "))


def test_each_provider_s_lack_is_named() -> None:
    """
    The features of all, each once.
    """
    message = MAIL.replace(html="<p>", send_at=NOW)

    with pytest.raises(UnsupportedFeature) as caught:
        found(message, able("a"), able("b", Feature.HTML))

    assert "a lacks HTML, SEND_AT; b lacks SEND_AT" in str(caught.value)
    assert caught.value.features == ("HTML", "SEND_AT")


class Undeclared:
    """
    A provider that only says how to send.
    """

    name = "undeclared"

    def send(self, message: Message) -> None:
        """
        Send nothing.
        """


def test_a_provider_that_declares_nothing_gets_text_and_html_to_the_addresses_of_to() -> None:
    """
    Whatever else a mail has, this provider might lose in silence.
    """
    message = MAIL.replace(to=["a@x.example", "b@x.example"], html="<p>Hello</p>")
    more = message.replace(cc="c@x.example", attachments=Attachment("a.txt", b"a"))

    assert found(message, Undeclared()) == [("undeclared", NOTHING)]
    with pytest.raises(UnsupportedFeature) as caught:
        found(more, Undeclared())
    assert caught.value.features == ("ATTACHMENTS", "max_copies=0")


def test_within_the_limits_it_is_carried() -> None:
    """
    A limit is what is still allowed.
    """
    message = MAIL.replace(send_at=NOW + timedelta(days=3), cc=["b@x.example"])
    provider = able(
        "a",
        Feature.SEND_AT,
        max_delay=259200.0,
        max_recipients=2,
        max_copies=1,
        max_bytes=10_000,
        max_tags=0,
    )

    assert found(message, provider) == [("a", NOTHING)]


def test_via_names_keys_and_labels() -> None:
    """
    Nobody else is tried, and the order stays that of the chain.
    """
    links = [
        Link(Scripted("a"), labels="eu"),
        Link(Scripted("b")),
        Link(Scripted("c"), labels="eu"),
    ]

    assert found(MAIL.replace(via="eu"), *links) == [("a", NOTHING), ("c", NOTHING)]
    assert found(MAIL.replace(via=["b", "c"]), *links) == [("b", NOTHING), ("c", NOTHING)]


BAD: dict[str, tuple[dict[str, Any], str, str]] = {
    "nobody to send to": ({"to": ()}, "to", "to is empty: name at least one recipient"),
    "unknown via": ({"via": "x"}, "via", "via names no provider of this chain; known: a, b"),
    "no sender": (
        {"from_email": None},
        "from_email",
        "from_email is missing: give it to the message, the mailer or the link",
    ),
}


@each("name", BAD)
def test_what_is_missing_is_named(name: str) -> None:
    """
    With the field and the remedy.
    """
    fields, field, text = BAD[name]

    with pytest.raises(InvalidMessage) as caught:
        found(MAIL.replace(**fields), Scripted("a"), Scripted("b"))

    assert (str(caught.value), caught.value.field) == (text, field)


def test_a_link_s_own_sender_will_do() -> None:
    """
    A mail without a sender goes where a link has one.
    """
    links = [Scripted("a"), Link(Scripted("b"), from_email="b@link.example")]
    chain = World().chain(*links)

    (candidate,) = candidates(chain.parts, MAIL.replace(from_email=None))

    assert (candidate.link.key, candidate.domain) == ("b", "link.example")


def test_the_link_s_sender_replaces_the_mail_s_which_becomes_reply_to() -> None:
    """
    Answers go where they would have gone.
    """
    link = Link(Scripted("a"), from_email="Verified <post@link.example>")

    bound = only(MAIL, link).bind(MAIL)

    expected = MAIL.replace(from_email="Verified <post@link.example>", reply_to=MAIL.sender)
    assert bound == expected


@each(
    "fields",
    [
        {"reply_to": "help@example.com"},
        {"from_email": "Other name <post@link.example>"},
        {"from_email": None},
    ],
    ids=["own reply_to", "same address", "no sender"],
)
def test_a_reply_to_is_made_only_where_answers_would_go_astray(fields: dict[str, Any]) -> None:
    """
    Not beside one of the mail's own, nor for the same address.
    """
    message = MAIL.replace(**fields)
    link = Link(Scripted("a"), from_email="post@link.example")

    assert only(message, link).bind(message).reply_to == message.reply_to


def test_who_cannot_say_reply_to_cannot_replace_the_sender() -> None:
    """
    The answers would be lost, which nobody asked for.
    """
    link = Link(able("a"), from_email="post@link.example")

    with pytest.raises(UnsupportedFeature, match="a lacks REPLY_TO"):
        only(MAIL, link)


def test_templates_have_another_id_at_each_vendor() -> None:
    """
    By chain key in the message, by name in the link, and as they are elsewhere.
    """
    by_key = MAIL.replace(text="", template_id={"a": "id-of-a"})
    by_name = MAIL.replace(text="", template_id="welcome")
    link = Link(Scripted("a"), templates={"welcome": "41", "id-of-a": "42"})

    assert only(by_key, link).bind(by_key).template_id == "42"
    assert only(by_name, link).bind(by_name).template_id == "41"
    assert only(by_name, Link(Scripted("b"))).bind(by_name).template_id == "welcome"


def test_options_of_the_key_go_over_those_of_the_provider_s_name() -> None:
    """
    The provider sees one mapping, under its own name, and nobody else's.
    """
    message = MAIL.replace(
        provider_options={"acme": {"pool": "1", "ip": "x"}, "eu": {"pool": "2"}, "b": {"n": 1}}
    )

    bound = only(message, Link(Scripted("acme"), "eu")).bind(message)

    assert bound.provider_options == {"acme": {"pool": "2", "ip": "x"}}


def test_the_idempotency_key_is_the_same_for_every_attempt() -> None:
    """
    Made of the mail's id and the chain key; no two mails, parts or links share one.
    """
    link, other = (Link(Scripted("a", idempotency_ttl=60.0), key) for key in ("one", "two"))
    merge = MAIL.replace(
        to=["a@x.example", "b@x.example"], merge_metadata={"a@x.example": {"k": 1}}
    )
    mails = [
        MAIL,
        MAIL.replace(id="m2"),
        part_for(merge, merge.to[:1]),
        for_recipient(merge, merge.to[1]),
    ]

    def keys(link: Link) -> list[str]:
        return [Candidate(link, "example.com").bind(mail).idempotency_key for mail in mails]

    assert keys(link) == keys(link)
    assert len({*keys(link), *keys(other)}) == 8
    assert {UUID(key).version for key in keys(link)} == {5}
    assert keys(link)[0] == str(uuid5(NAMESPACE_URL, "mailfailover:m1::one"))


def test_without_idempotency_the_mail_is_not_touched() -> None:
    """
    Where nothing is to change, nothing is copied.
    """
    assert only(MAIL, Link(Scripted("a"))).bind(MAIL) is MAIL


def test_what_is_left_off_is_left_off_the_mail() -> None:
    """
    Tags down to what the provider takes.
    """
    message = MAIL.replace(tags=["a", "b"])
    link = Link(able("a", Feature.TAGS, max_tags=1))

    assert only(message, link).bind(message) == message.replace(tags=["a"])


TWO = MAIL.replace(to=["a@x.example", "b@x.example"], merge_metadata={"a@x.example": {"k": "1"}})
BOTH = Feature.MERGE | Feature.MERGE_METADATA


def batching(name: str, features: Feature) -> Scripted:
    """
    A provider with code for merges.
    """
    return Scripted(name, capabilities=Capabilities(features), build_batch=None)


def test_a_merge_goes_in_one_call_where_it_can() -> None:
    """
    It needs the code and every feature for that; else each recipient gets a mail of his own.
    """
    providers = [
        batching("all", BOTH),
        batching("some", Feature.MERGE | Feature.METADATA),
        able("no code", BOTH | Feature.METADATA),
    ]
    links = [Link(one, key) for one, key in zip(providers, "abc", strict=True)]

    assert [one.batch for one in candidates(World().chain(*links).parts, TWO)] == [
        True,
        False,
        False,
    ]


def test_a_mail_for_each_recipient_needs_what_his_data_asks_for() -> None:
    """
    Metadata of a merge is metadata of each mail made of it, and is never lost in silence.
    """
    strict = TWO.replace(droppable=Feature(0))

    assert found(TWO, able("a")) == [("a", Feature.METADATA)]
    with pytest.raises(UnsupportedFeature, match="a lacks METADATA"):
        found(strict, able("a"))


def limited(room: int) -> Link:
    """
    A provider with code for merges and so much room for metadata.
    """
    limits = Capabilities(BOTH | Feature.METADATA, max_metadata_bytes=room)
    return Link(Scripted("a", capabilities=limits, build_batch=None))


def test_metadata_of_a_merge_that_are_within_the_limits_go_in_one_call() -> None:
    """
    To the byte.
    """
    candidate = only(TWO, limited(len('{"k":"1"}')))

    assert (True, NOTHING) == (candidate.batch, candidate.dropped)


def test_metadata_of_a_merge_that_are_too_many_go_in_mails_of_their_own() -> None:
    """
    Each recipient's are cut there; without leave to do so the provider is passed by.
    """
    link = limited(len('{"k":"1"}') - 1)

    candidate = only(TWO, link)

    assert not candidate.batch
    assert {} == candidate.bind(for_recipient(TWO, TWO.to[0])).metadata
    with pytest.raises(UnsupportedFeature, match="a lacks METADATA"):
        only(TWO.replace(droppable=Feature(0)), link)


HEADERS: list[tuple[Any, str]] = [
    ("1", "HEADERS"),
    (("1", "2"), "HEADERS, REPEATED_HEADERS"),
]


@pytest.mark.parametrize(("value", "lacks"), HEADERS, ids=["one", "repeated"])
def test_headers_of_a_merge_are_headers_of_each_mail(value: Any, lacks: str) -> None:
    """
    A provider that knows no headers is passed by.
    """
    message = MAIL.replace(merge_headers={"ann@example.org": {"X-Order": value}})

    with pytest.raises(UnsupportedFeature) as caught:
        found(message, able("a"))

    assert caught.value.features == tuple(lacks.split(", "))


def test_the_recipients_of_a_merge_are_not_counted_as_one_mail_s() -> None:
    """
    Each gets his own.
    """
    link = Link(able("a", Feature.METADATA, max_recipients=1))

    assert only(TWO, link).dropped == NOTHING


RAW = Message.from_mime(b"From: a@example.com\nSubject: x\n\nx", to="b@example.org")


def test_mime_goes_to_those_who_take_it() -> None:
    """
    And to nobody who would make another mail of it.
    """
    assert found(RAW, able("none"), able("raw", Feature.MIME)) == [("raw", NOTHING)]


@each(
    ("message", "feature"),
    [
        (RAW, "MIME"),
        (MAIL.replace(alternatives=Alternative("text/calendar", "x")), "CALENDAR"),
        (MAIL.replace(alternatives=Alternative("text/x-amp-html", "x")), "AMP"),
        (MAIL.replace(alternatives=Alternative("text/watch-html", "x")), "ALTERNATIVES"),
    ],
)
def test_form_that_nobody_carries_is_refused(message: Message, feature: str) -> None:
    """
    It never becomes a file: the error names the feature before any call.
    """
    with pytest.raises(UnsupportedFeature) as raised:
        found(message, able("none", Feature.ATTACHMENTS | Feature.HTML))

    assert (feature,) == raised.value.features


def test_sender_of_a_link_would_change_the_bytes() -> None:
    """
    A link with another sender passes by what goes as it is; its own sender's mail it takes.
    """
    raw = able("raw", Feature.MIME | Feature.REPLY_TO)

    assert [("own", NOTHING)] == found(
        RAW,
        Link(raw, "other", from_email="x@example.com"),
        Link(raw, "own", from_email="A <a@example.com>"),
    )


def test_merge_with_another_form_goes_one_by_one() -> None:
    """
    Vendors fill in text and HTML only.
    """
    message = Message(
        to="a@example.org",
        from_email="s@example.com",
        subject="s",
        text="Hi {{name}}",
        alternatives=Alternative("text/x-amp-html", "<b>{{name}}</b>"),
        merge_data={"a@example.org": {"name": "A & B"}},
    )

    candidate = only(message, Link(Scripted("all")))

    assert not candidate.batch
    assert "<b>A &amp; B</b>" == for_recipient(message, message.to[0]).alternatives[0].content
