from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailfailover import DeliveryEvent, EventType, Message
from mailfailover.errors import ConfigurationError, InvalidMessage, InvalidSignature
from mailfailover.testing import PLAIN
from mailfailover.unsubscribe import UnsubscribeLinks
from tests.samples import each

SECRET = "a secret of sixteen"
URL = "https://example.com/unsubscribe"
LINKS = UnsubscribeLinks(URL, SECRET)
NOW = 1_800_000_000.0


def token_of(link: str) -> str:
    """
    What a link adds to the URL.
    """
    assert link.startswith(f"{URL}/")
    return link.removeprefix(f"{URL}/")


def test_click_is_an_event() -> None:
    """
    A link names its recipient, stream and mail.
    """
    event = LINKS.read(token_of(LINKS.url_for("ann@example.org", "news", "01A")), NOW)

    assert (
        DeliveryEvent(
            event_id=event.event_id,
            type=EventType.UNSUBSCRIBED,
            provider="unsubscribe-link",
            mail_id="01A",
            recipient="ann@example.org",
            timestamp=event.timestamp,
            metadata={"mailfailover-stream": "news"},
        )
        == event
    )
    assert event.timestamp is not None
    assert NOW == event.timestamp.timestamp()


def test_click_is_now_where_nobody_says() -> None:
    """
    Two clicks are two events.
    """
    token = token_of(LINKS.url_for("ann@example.org"))

    first, second = LINKS.read(token), LINKS.read(token, NOW)

    assert first.event_id != second.event_id


@given(
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=80),
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=40),
)
def test_any_recipient_comes_back(recipient: str, stream: str) -> None:
    """
    Whatever letters the address and the stream have, the link is one for a header.
    """
    link = LINKS.url_for(recipient, stream, "01A")

    event = LINKS.read(token_of(link), NOW)

    assert (recipient, stream) == (event.recipient, event.metadata["mailfailover-stream"])
    assert link.isascii()
    assert not set(link) & set("<> ,")


@each(
    "token",
    ["", ".", "a", "a.b", "YQ.YQ", "é.é", "\udcff.a", "=" * 9, "." * 5000, "A" * 100_000],
)
def test_other_token_is_refused(token: str) -> None:
    """
    Garbage is none of our links.
    """
    with pytest.raises(InvalidSignature, match="none of ours"):
        LINKS.read(token, NOW)


def test_altered_link_is_refused() -> None:
    """
    Whoever has a link cannot make one for somebody else.
    """
    token = token_of(LINKS.url_for("ann@example.org", "news"))
    other = token_of(LINKS.url_for("bob@example.org", "news"))
    data, _, signature = token.partition(".")

    for forged in (
        f"{other.partition('.')[0]}.{signature}",
        f"{data}.{signature[:-2]}",
        f"{data}.",
        data,
        f"{data[:-1]}.{signature}",
    ):
        with pytest.raises(InvalidSignature):
            LINKS.read(forged, NOW)


def test_secret_can_be_changed() -> None:
    """
    The first of several signs, and all hold.
    """
    token = token_of(LINKS.url_for("ann@example.org"))
    both = UnsubscribeLinks(URL, (SECRET + " anew", SECRET))
    asked = UnsubscribeLinks(URL, lambda: SECRET)

    assert both.read(token, NOW) == asked.read(token, NOW) == LINKS.read(token, NOW)
    with pytest.raises(InvalidSignature):
        LINKS.read(token_of(both.url_for("ann@example.org")), NOW)


@each("secret", ["", "short", (), (SECRET, "short")])
def test_short_secret_is_refused(secret: Any) -> None:
    """
    Nobody shall guess it.
    """
    with pytest.raises(ConfigurationError, match="16 characters or more"):
        UnsubscribeLinks(URL, secret)


@each("url", ["", "http://example.com", "https://exämple.com", f"{URL}?a=b", f"{URL}#a", f"{URL} "])
def test_url_must_fit_a_header(url: str) -> None:
    """
    RFC 8058 wants https, and a token goes to its end.
    """
    with pytest.raises(ConfigurationError, match="must be https"):
        UnsubscribeLinks(url, SECRET)


def test_link_of_a_mail() -> None:
    """
    A mail to one gets his link in both headers; a mailto beside it stays.
    """
    mail = PLAIN.replace(stream="news", unsubscribe=("https://old.example", "mailto:u@example.com"))

    found = LINKS.add_to(mail)

    link = LINKS.url_for("ann@example.org", "news", mail.id)
    assert mail.replace(unsubscribe=(link, "mailto:u@example.com")) == found
    assert {
        "List-Unsubscribe": f"<{link}>, <mailto:u@example.com>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    } == dict(found.header_items())


def test_links_of_a_merge() -> None:
    """
    Each recipient of a merge gets his own, beside his other headers.
    """
    mail = PLAIN.replace(
        to=("ann@example.org", "bob@example.org"),
        stream="news",
        merge_headers={"ann@example.org": {"X-A": "1"}, "bob@example.org": {"X-A": "2"}},
        unsubscribe="mailto:u@example.com",
    )

    found = LINKS.add_to(mail)

    assert () == found.unsubscribe
    assert {
        email: {
            "X-A": number,
            "List-Unsubscribe": (
                f"<{LINKS.url_for(email, 'news', mail.id)}>, <mailto:u@example.com>"
            ),
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        }
        for email, number in (("ann@example.org", "1"), ("bob@example.org", "2"))
    } == found.merge_headers


def test_shared_mail_has_no_link() -> None:
    """
    Of several readers of one mail nobody knows who clicks.
    """
    shared = Message(("a@example.org", "b@example.org"), from_email="c@example.org", text="Hi")

    with pytest.raises(InvalidMessage, match="one recipient's"):
        LINKS.add_to(shared)
