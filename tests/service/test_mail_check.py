from __future__ import annotations

from typing import Any

from mailfailover import Attachment, Message
from mailfailover.service.mail_check import check_mail
from tests.samples import each

GOOD: dict[str, Any] = {
    "to": "ann@example.com",
    "from_email": "shop@example.com",
    "subject": "Your order is on its way",
    "text": "Hello Ann, order number seventeen left our warehouse today. https://example.com/17",
    "html": "<p>Hello Ann, order number seventeen left our warehouse today.</p>"
    '<a href="https://example.com/17">Follow it</a>'
    '<img src="cid:logo" alt="Our logo">',
    "attachments": [Attachment("logo.png", b"\x89PNG", content_id="logo")],
}


def remarks(**fields: Any) -> list[tuple[str, str]]:
    """
    Return the severity and the text of what is found in a good mail with other *fields*.
    """
    return [(one.severity, one.text) for one in check_mail(Message(**{**GOOD, **fields}))]


def test_nothing_is_wrong_with_a_good_mail() -> None:
    """
    A usual mail has no remarks.
    """
    assert [] == remarks()
    assert [] == remarks(html="", attachments=[])


@each(
    ("fields", "severity", "text"),
    [
        ({"subject": ""}, "problem", "There is no subject"),
        ({"subject": "x" * 200}, "warning", "The subject has 200 characters"),
        ({"text": "", "html": "", "attachments": []}, "problem", "There is no text"),
        ({"to": (), "cc": "ann@example.com"}, "warning", "There is nobody in To"),
        ({"subject": "Hello {{ name }}"}, "problem", "The subject has {{ name }} in it"),
        ({"text": ""}, "warning", "no plain text"),
        ({"text": "View this mail in a browser"}, "warning", "0% of the words of the HTML"),
        ({"stream": "news"}, "problem", "stream 'news' has no List-Unsubscribe"),
    ],
)
def test_missing_parts_are_told(fields: dict[str, Any], severity: str, text: str) -> None:
    """
    Each is one remark with what to do.
    """
    found = remarks(**fields)

    assert [severity] == [one for one, words in found if text in words], found


@each(
    ("html", "severity", "text"),
    [
        ('<a href="">Go</a>', "problem", "'Go' leads nowhere"),
        ('<a href="#">Go</a>', "problem", "'Go' leads nowhere"),
        ('<a href="/order">Go</a>', "problem", "'Go' is not absolute"),
        ('<a href="http://[">Go</a>', "problem", "'Go' is not absolute"),
        ('<a href="javascript:go()">Go</a>', "problem", "is a script"),
        ('<a href="http://example.com">Go</a>', "warning", "is not encrypted"),
        ('<a href="https://localhost:8000/">Go</a>', "problem", "which only you can reach"),
        ('<a href="https://10.0.0.1/">Go</a>', "problem", "which only you can reach"),
        (
            '<a href="https://t.example.net/x">https://bank.example.com</a>',
            "warning",
            "shows bank.example.com and leads to t.example.net",
        ),
        ('<img src="cid:other" alt="">', "problem", "'cid:other' is not attached"),
        ('<img src="/logo.png" alt="">', "problem", "no absolute address"),
        ('<img src="https://example.com/x.png">', "warning", "no alt text"),
        ("<p>Hello", "warning", "'logo' is attached and shown nowhere"),
        ("<form><input></form>", "warning", "has a <form>"),
        ("<p>" + "x " * 60_000, "warning", "Gmail cuts it off"),
    ],
)
def test_faults_of_the_html_are_told(html: str, severity: str, text: str) -> None:
    """
    Each is one remark with what to do.
    """
    found = remarks(html=html)

    assert severity in [one for one, words in found if text in words], found


@each(
    "link",
    [
        '<a href="mailto:help@example.com">Write</a>',
        '<a href="tel:+49123">Call</a>',
        '<a href="https://www.example.com/a">https://example.com</a>',
        '<a name="top"></a>' * 0
        + '<a href="https://example.com">One<a href="https://example.com">Two',
    ],
)
def test_usual_links_are_well(link: str) -> None:
    """
    Neither schemes without a host nor sloppy HTML are faults.
    """
    assert [] == remarks(html=GOOD["html"] + link)


def test_a_large_mail_is_told() -> None:
    """
    The size is that on the wire, in base64.
    """
    big = Attachment("big.bin", b"x" * 9 * 1024 * 1024)

    found = remarks(attachments=[*GOOD["attachments"], big])

    assert [("warning", True)] == [(severity, "12 MB" in text) for severity, text in found]


def test_a_finished_mail_is_checked_too() -> None:
    """
    A mail that goes as it is is read for that.
    """
    raw = b"From: a@example.com\r\nTo: b@example.com\r\nSubject: Hi\r\n\r\nHello there\r\n"

    assert () == check_mail(Message.from_mime(raw, to="b@example.com"))


def test_a_merge_may_have_placeholders() -> None:
    """
    They are filled in for each recipient.
    """
    merge = {"ann@example.com": {"name": "Ann"}}

    assert [] == remarks(subject="Hello {{name}}", merge_data=merge)


def test_a_newsletter_with_its_header_is_well() -> None:
    """
    Either way of setting it will do.
    """
    link = "https://example.com/u/1"

    assert [] == remarks(stream="news", unsubscribe=link)
    assert [] == remarks(stream="news", headers={"List-Unsubscribe": f"<{link}>"})
