"""
A hundred mails as programs send them every day.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from mailfailover import Address, Alternative, Attachment, Message

if TYPE_CHECKING:
    from collections.abc import Mapping

ANN = Address("ann@example.org", "Ann O'Hara")
BOB = Address("bob@example.net", "Bob Müller")
SHOP = Address("shop@example.com", "The Shop")
NOW = datetime.now(UTC)
PDF = b"%PDF-1.7\n" + bytes(range(256)) * 40
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
ICS = b"BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nEND:VCALENDAR\r\n"
TEXT = "Dear Ann,\n\nyour order 1234 is on its way.\n\nYours\nThe Shop\n"
HTML = "<!DOCTYPE html><html><body><p>Your order <b>1234</b> is on its way.</p></body></html>"


def _to(*names: str) -> dict[str, Any]:
    return {"to": [Address(f"reader{n}@example.org", name) for n, name in enumerate(names)]}


def _file(name: str, content: bytes = PDF, kind: str = "", cid: str = "") -> dict[str, Any]:
    html = f'<p><img src="cid:{cid}"></p>' if cid else ""
    return {"attachments": Attachment(name, content, kind, cid), "html": html}


FIELDS: dict[str, dict[str, Any]] = {
    # Recipients and their names
    "plain": {},
    "no names": {"to": "ann@example.org", "from_email": "shop@example.com"},
    "non-ASCII name": _to("Änne Müßig"),
    "Japanese name": _to("山田太郎"),
    "Cyrillic name": _to("Анна Иванова"),
    "Arabic name": _to("محمد علي"),
    "name with emoji": _to("Ann 🎉"),
    "name, given name": _to("O'Hara, Ann"),
    "company, legal form": _to("Shop & Sons, Inc."),
    "name with quotes": _to('Ann "The Pen" O\'Hara'),
    "name with brackets": _to("Ann (Sales) [EU]"),
    "name with angle brackets": _to("Ann <Sales>"),
    "name with a semicolon": _to("Ann; Bob"),
    "name with an at": _to("ann@work"),
    "name with a colon": _to("Team: Sales"),
    "name with a backslash": _to("Shop \\ Co"),
    "name with an ampersand": _to("Müller & Söhne"),
    "name with braces": _to("Ann {VIP}"),
    "name with a percent sign": _to("100% Ann"),
    "name with a dollar": _to("A$AP #1"),
    "name with a full stop": _to("Dr. Ann O. Hara"),
    "name with a slash": _to("Ann/Bob"),
    "long name": _to("International Association of Very Long Names and Titles " * 2),
    "name of one letter": _to("A"),
    "sender with comma": {"from_email": Address("shop@example.com", "Shop, Inc.")},
    "sender non-ASCII": {"from_email": Address("shop@example.com", "Bücher Müller")},
    "sender with quotes": {"from_email": Address("shop@example.com", 'The "Shop"')},
    "sender with braces": {"from_email": Address("shop@example.com", "{Shop}")},
    "plus address": {"to": "ann+shop@example.org"},
    "capitals in address": {"to": "Ann.OHara@Example.org"},
    "apostrophe in address": {"to": "o'hara@example.org"},
    "subdomain": {"to": "ann@mail.eu.example.org"},
    "international domain": {"to": "ann@bücher.example"},
    "three recipients": {"to": [ANN, BOB, "cat@example.edu"]},
    "fifty recipients": {"to": [f"reader{n}@example.org" for n in range(50)]},
    "cc": {"cc": BOB},
    "eleven in cc": {"cc": [f"reader{n}@example.org" for n in range(11)]},
    "bcc": {"bcc": "archive@example.com"},
    "cc and bcc": {"cc": BOB, "bcc": "archive@example.com"},
    "bcc only": {"to": (), "bcc": ["ann@example.org", "bob@example.net"]},
    "reply_to": {"reply_to": "help@example.com"},
    "reply_to with a name": {"reply_to": Address("help@example.com", "Help, please")},
    "reply_to non-ASCII": {"reply_to": Address("help@example.com", "Hilfe für Änne")},
    # Subjects
    "non-ASCII subject": {"subject": "Ihre Bestellung für Änne"},
    "emoji in subject": {"subject": "🎉 Your order is on its way 🎉"},
    "Japanese subject": {"subject": "ご注文ありがとうございます"},
    "subject of 100": {"subject": "x" * 100},
    "subject of 255": {"subject": "Order " * 42 + "abc"},
    "subject of 300": {"subject": "Order " * 50},
    "subject of 998": {"subject": "Order " * 166},
    "subject with quotes": {"subject": 'About "your" order'},
    "subject with braces": {"subject": "{Your} {{order}}"},
    "subject with a percent sign": {"subject": "50% off %name%"},
    "subject with a dollar": {"subject": "Only $5 #now ${today}"},
    "subject with angle brackets": {"subject": "a < b > c & d"},
    "subject with a comma": {"subject": "Ann, your order"},
    "subject with double blanks": {"subject": "Your  order"},
    # Bodies
    "HTML alone": {"text": "", "html": HTML},
    "text and HTML": {"html": HTML},
    "non-ASCII bodies": {"text": "Grüße 日本 🚚\n", "html": "<p>Grüße 日本 🚚</p>"},
    "braces in text": {"text": "{{name}} {name} {% if a %} ${name}\n"},
    "braces in HTML": {"html": "<style>p{color:red}</style><p>{{name}} {% if a %}</p>"},
    "template languages": {"text": "%recipient.name% *|NAME|* -name- <%= name %> #name [[name]]\n"},
    "long line": {"text": "x" * 3000, "html": f"<p>{'y' * 3000}</p>"},
    "dots": {"text": ".\n..\n.\n"},
    "1 MB HTML": {"html": "<p>" + "word " * 200_000 + "</p>"},
    "Windows lines": {"text": "first\r\nsecond\r\n"},
    # Files
    "PDF": _file("invoice.pdf", kind="application/pdf"),
    "two files": {"attachments": [Attachment("a.pdf", PDF), Attachment("b.csv", b"a,b\n")]},
    "two files of one name": {"attachments": [Attachment("a.pdf", PDF), Attachment("a.pdf", PNG)]},
    "file with blanks": _file("Your invoice (March).pdf"),
    "file non-ASCII": _file("Rechnung für Änne.pdf"),
    "file with quotes": _file('The "final" invoice.pdf'),
    "file with a comma": _file("invoice, final; signed.pdf"),
    "file with a backslash": _file("a\\b.pdf"),
    "file with a slash": _file("2026/invoice.pdf"),
    "file without ending": _file("README", b"Read me\n", "text/plain"),
    "file of its own type": _file("report.pdf", kind="application/x-report"),
    "text file": _file("notes.txt", "Grüße\n".encode(), "text/plain; charset=utf-8"),
    "CSV": _file("orders.csv", b"a,b\n", "text/csv"),
    "Excel": _file("orders.xlsx"),
    "ZIP": _file("orders.zip"),
    "JSON": _file("orders.json", b"{}"),
    "XML": _file("orders.xml", b"<a/>"),
    "empty file": _file("empty.txt", b""),
    "calendar file": _file("invite.ics", ICS, "text/calendar; method=REQUEST"),
    "forwarded mail": _file("mail.eml", b"Subject: a\r\n\r\nb\r\n", "message/rfc822"),
    "inline image": _file("logo.png", PNG, "image/png", "logo"),
    "inline image of a host": _file("logo.png", PNG, "image/png", "logo.1@example.com"),
    "invitation": {
        "html": HTML,
        "alternatives": Alternative("text/calendar; method=REQUEST", ICS.decode()),
    },
    # Headers
    "header": {"headers": {"X-Order": "1234"}},
    "header non-ASCII": {"headers": {"X-Customer": "Änne"}},
    "long header": {"headers": {"X-Trace": "a" * 300}},
    "auto-submitted": {"headers": {"Auto-Submitted": "auto-generated"}},
    "precedence": {"headers": {"Precedence": "bulk", "X-Auto-Response-Suppress": "All"}},
    "importance": {"headers": {"X-Priority": "1", "Importance": "high"}},
    "thread": {
        "headers": {
            "In-Reply-To": "<1@example.com>",
            "References": "<0@example.com> <1@example.com>",
        }
    },
    "list id": {"headers": {"List-Id": "News <news.example.com>"}},
    "unsubscribe by URL": {"unsubscribe": "https://example.com/u?a=1"},
    "unsubscribe by mail": {"unsubscribe": "mailto:u@example.com"},
    "own message id": {"headers": {"Message-ID": "<1234@example.com>"}},
    # For the vendor
    "tag": {"tags": "order"},
    "tag with a blank": {"tags": "new order"},
    "three tags": {"tags": ("order", "spring", "eu")},
    "metadata": {"metadata": {"order_id": "1234", "customer": "Änne"}},
    "metadata with a hyphen": {"metadata": {"order-id": "1234"}},
    "tracking off": {"html": HTML, "track_opens": False, "track_clicks": False},
    "tracking on": {"html": HTML, "track_opens": True, "track_clicks": True},
    "tracking of a text": {"track_opens": False, "track_clicks": False},
    "in an hour": {"send_at": NOW + timedelta(hours=1)},
    "merge": {
        "to": [ANN, BOB],
        "subject": "Order {{order}}",
        "text": "Dear {{name}}\n",
        "html": "<p>Dear {{name}}</p>",
        "merge_data": {
            "ann@example.org": {"name": "Ann & Co", "order": 1},
            "bob@example.net": {"name": "Bob", "order": 2},
        },
    },
}

_BASICS: dict[str, Any] = {
    "to": ANN,
    "from_email": SHOP,
    "subject": "Your order 1234",
    "text": TEXT,
}

USUAL: Mapping[str, Message] = MappingProxyType(
    {name: Message(**_BASICS | fields) for name, fields in FIELDS.items()}
)
"""
Mails by what is special about them.
"""
