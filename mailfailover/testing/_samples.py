"""
Mails of every kind, for trying out a provider, a chain or a program of one's own.
"""

from __future__ import annotations

from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING

from mailfailover._message.address import Address
from mailfailover._message.attachment import Attachment
from mailfailover._message.message import Message

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["PLAIN", "RICH", "SAMPLES"]

FROM = Address("shop@example.com", "The Shop")
ANN = Address("ann@example.org", "Ann")
BOB = Address("bob@example.net", "Bob")
CAT = Address("cat@example.edu", "Cat")

# The smallest PNG: one transparent pixel.
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010804000000b51c0c020000"
    "000b4944415478da6360600000000300012b094d840000000049454e44ae426082"
)
REPORT = Attachment("report.pdf", b"%PDF-1.4\n%%EOF\n", "application/pdf")
LOGO = Attachment("logo.png", PIXEL, "image/png", content_id="logo")

# Fixed, so that a request made of a sample is the same in every run.
CREATED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def _mail(id: str, **fields: object) -> Message:
    basics: dict[str, object] = {
        "to": ANN,
        "from_email": FROM,
        "subject": "Your order",
        "text": "It is on its way.\n",
        "id": id,
        "created": CREATED,
    }
    return Message(**basics | fields)  # type: ignore[arg-type]  # checked by Message itself


PLAIN = _mail("plain")
"""One recipient, a subject, a text."""

RICH = _mail(
    "rich",
    to=(ANN, BOB),
    cc=CAT,
    bcc="dan@example.org",
    reply_to="help@example.com",
    html='<p>It is <b>on its way</b>.</p><img src="cid:logo">',
    headers={"X-Order": "1234"},
    attachments=(REPORT, LOGO),
    tags="order",
    metadata={"order": "1234"},
    track_opens=True,
    track_clicks=False,
)
"""Everything that most vendors can express."""

_MERGE = {
    "to": (ANN, BOB, CAT),
    "subject": "Order {{order}}",
    "text": "Dear {{name}}, order {{order}} is on its way.\n",
    "merge_data": {
        "ann@example.org": {"name": "Ann", "order": 1},
        "bob@example.net": {"name": "Bob & Sons", "order": 2},
        "cat@example.edu": {"name": "Cät", "order": 3},
    },
}

SAMPLES: Mapping[str, Message] = MappingProxyType(
    {
        "plain": PLAIN,
        "rich": RICH,
        # Addresses
        "no_names": _mail("no_names", to="ann@example.org", from_email="shop@example.com"),
        "non_ascii_names": _mail(
            "non_ascii_names",
            to=Address("ann@example.org", "Änne Müßig"),
            from_email=Address("shop@example.com", "お店"),
        ),
        "quotes_in_names": _mail(
            "quotes_in_names",
            to=Address("ann@example.org", 'Ann "The Pen" O\'Hara'),
            from_email=Address("shop@example.com", "Shop \\ Co"),
        ),
        "commas_in_names": _mail(
            "commas_in_names",
            to=(Address("ann@example.org", "Hara, Ann"), Address("bob@example.net", "a@b, c")),
            from_email=Address("shop@example.com", "Shop, Inc. <sales>"),
        ),
        "long_name": _mail("long_name", to=Address("ann@example.org", "Änne" + " Müßig" * 20)),
        "odd_local_part": _mail("odd_local_part", to="o'hara+a=b!c#d$e%f@example.org"),
        "quoted_local_part": _mail("quoted_local_part", to='"ann hara"@example.org'),
        "international_domain": _mail("international_domain", to="ann@bücher.example"),
        "unicode_local_part": _mail("unicode_local_part", to="änne@example.org"),
        "cc": _mail("cc", cc=(BOB, CAT)),
        "bcc": _mail("bcc", bcc=(BOB, CAT)),
        "bcc_only": _mail("bcc_only", to=(), bcc=(ANN, BOB)),
        "many_recipients": _mail(
            "many_recipients", to=[f"reader{number}@example.org" for number in range(30)]
        ),
        "reply_to": _mail("reply_to", reply_to=BOB),
        "two_reply_to": _mail("two_reply_to", reply_to=(BOB, CAT)),
        "envelope_from": _mail("envelope_from", envelope_from="bounces@example.com"),
        # Subject and bodies
        "non_ascii_subject": _mail("non_ascii_subject", subject="Ihre Bestellung: für dich ✓ 日本"),
        "long_subject": _mail("long_subject", subject="Your order" + " für dich" * 100),
        "empty_subject": _mail("empty_subject", subject=""),
        "html_only": _mail("html_only", text="", html="<p>It is on its way.</p>"),
        "html_and_text": _mail("html_and_text", html="<p>It is on its way.</p>"),
        "empty_body": _mail("empty_body", text=""),
        "non_ascii_bodies": _mail(
            "non_ascii_bodies", text="Grüße, 日本 🚚\n", html="<p>Grüße, 日本 🚚</p>"
        ),
        "dots_and_from": _mail("dots_and_from", text=".\r\n..\r\nFrom here\r\n.\r\n"),
        "long_line": _mail("long_line", text="x" * 3000, html=f"<p>{'y' * 3000}</p>"),
        "code_like_text": _mail(
            "code_like_text", text="100% %recipient.name% *|NAME|* -name- {name} <%= name %>\n"
        ),
        # Headers
        "header": _mail("header", headers={"X-Order": "1234"}),
        "non_ascii_header": _mail("non_ascii_header", headers={"X-Order": "für Änne"}),
        "repeated_header": _mail("repeated_header", headers={"X-Order": ("1234", "5678")}),
        "own_message_id": _mail("own_message_id", headers={"Message-ID": "<own@example.com>"}),
        "unsubscribe": _mail(
            "unsubscribe", unsubscribe=("https://example.com/u?a=1", "mailto:u@example.com")
        ),
        # Attachments
        "attachment": _mail("attachment", attachments=REPORT),
        "attachments_of_one_name": _mail(
            "attachments_of_one_name", attachments=(REPORT, Attachment("report.pdf", b"other"))
        ),
        "quote_in_file_name": _mail(
            "quote_in_file_name", attachments=Attachment('the "final"; report.txt', b"text")
        ),
        "non_ascii_file_name": _mail(
            "non_ascii_file_name", attachments=Attachment("Übersicht 日本.txt", b"text")
        ),
        "empty_attachment": _mail("empty_attachment", attachments=Attachment("empty.bin", b"")),
        "all_bytes": _mail(
            "all_bytes", attachments=Attachment("all.bin", bytes(range(256)) * 3 + b"\r\n.\r\n")
        ),
        "inline_image": _mail("inline_image", html='<img src="cid:logo">', attachments=LOGO),
        # For the vendor
        "tag": _mail("tag", tags="order"),
        "tags": _mail("tags", tags=("order", "first, second")),
        "metadata": _mail("metadata", metadata={"order": "1234", "für": "Änne, 日本"}),
        "tracking": _mail("tracking", html="<p>Hello</p>", track_opens=True, track_clicks=False),
        "send_at": _mail("send_at", send_at=datetime(2031, 5, 6, 7, 8, 9, tzinfo=UTC)),
        "template": _mail(
            "template", subject="", text="", template_id="welcome", template_data={"name": "Änne"}
        ),
        # A mail for each recipient
        "merge": _mail("merge", **_MERGE),
        "merge_html": _mail("merge_html", **_MERGE, html="<p>Dear {{name}}</p>"),
        "merge_metadata": _mail(
            "merge_metadata",
            **_MERGE,
            metadata={"shop": "1"},
            merge_metadata={"ann@example.org": {"order": "1"}},
        ),
        "merge_headers": _mail(
            "merge_headers", **_MERGE, merge_headers={"ann@example.org": {"X-Order": "1"}}
        ),
    }
)
"""
Mails by name, one for each feature; a provider need not take features that it does not declare.

The samples are the same in every run: their ids are their names, and their dates are fixed.
"""
