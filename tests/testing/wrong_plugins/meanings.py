"""
Plugins that say all words of a mail, and mean another.
"""

from __future__ import annotations

import email
import email.policy
import json
from base64 import b64encode
from typing import TYPE_CHECKING, Any, ClassVar

from mailfailover.plugin import (
    MB,
    Address,
    Alternative,
    Attachment,
    Capabilities,
    Feature,
    HTTPRequest,
    Message,
    mime_bytes,
)
from tests.testing.wrong_plugins import Wrong
from tests.testing.wrong_plugins.good import CAPABILITIES, JSON, Good

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

APART = "test_look_alikes_are_told_apart"
FILES = "test_other_forms_are_no_files"
ADDED = "test_nothing_is_added"
TYPES = "test_bodies_are_of_their_type"
AS_IT_IS = "test_mime_stays_as_it_is"
LOST = "test_nothing_is_lost"
TRACKED = "test_tracking_is_not_lost"


class GoodForms(Good):
    """
    A vendor that takes every form of a text, whole mails, and switches of tracking.
    """

    capabilities: ClassVar[Capabilities] = Capabilities(
        CAPABILITIES.features
        | Feature.CALENDAR
        | Feature.AMP
        | Feature.ALTERNATIVES
        | Feature.MIME
        | Feature.TRACKING,
        max_bytes=20 * MB,
    )

    def body(self, message: Message) -> dict[str, Any]:
        if message.mime:
            to = [one.email for one in message.recipients]
            metadata = {"to": to, "metadata": dict(message.metadata), "tags": list(message.tags)}
            return metadata | {"raw": b64encode(self.raw(message)).decode()}
        return super().body(message) | {
            "alternatives": [self.form(one) for one in message.alternatives],
            "track_opens": message.track_opens,
            "track_clicks": message.track_clicks,
        }

    def form(self, one: Alternative) -> dict[str, Any]:
        """
        One more form of the text.
        """
        return {"type": one.content_type, "content": one.content}

    def raw(self, message: Message) -> bytes:
        """
        A mail as it is.
        """
        return mime_bytes(message)


def writing(**fields: Callable[[Message], Any]) -> type[GoodForms]:
    """
    A plugin that writes these fields of its document in another way.
    """

    class Writing(GoodForms):
        def body(self, message: Message) -> dict[str, Any]:
            body = super().body(message)
            if message.mime:
                return body
            return body | {name: write(message) for name, write in fields.items()}

    return Writing


def unquoted(addresses: Iterable[Address]) -> list[str]:
    """
    Write mailboxes as one does who never met a comma.
    """
    return [f"{one.name} <{one.email}>" if one.name else one.email for one in addresses]


class FormsAsFiles(GoodForms):
    def body(self, message: Message) -> dict[str, Any]:
        files = [
            Attachment("invite.ics", one.content.encode(), one.content_type)
            for one in message.alternatives
        ]
        body = super().body(message.bound(alternatives=()))
        return body | {"attachments": [self.file(one) for one in (*message.attachments, *files)]}


class WithoutMethod(GoodForms):
    def form(self, one: Alternative) -> dict[str, Any]:
        return {"type": one.kind, "content": one.content}


class OneForm(GoodForms):
    def form(self, one: Alternative) -> dict[str, Any]:
        return {"type": "text/calendar; method=REQUEST", "content": one.content}


class FormsLost(GoodForms):
    def form(self, one: Alternative) -> dict[str, Any]:
        return {"type": one.content_type}


class WritesAgain(GoodForms):
    def raw(self, message: Message) -> bytes:
        mail = email.message_from_bytes(message.mime, policy=email.policy.SMTP)
        del mail["Bcc"]
        return mail.as_bytes()


class AddsHeader(GoodForms):
    def raw(self, message: Message) -> bytes:
        head, gap, body = mime_bytes(message).partition(b"\r\n\r\n")
        return head + b"\r\nX-Good: 1" + gap + body


class Strips(GoodForms):
    def raw(self, message: Message) -> bytes:
        return b"\r\n".join(line.rstrip() for line in mime_bytes(message).split(b"\r\n"))


class UnixLines(GoodForms):
    def raw(self, message: Message) -> bytes:
        return mime_bytes(message).replace(b"\r\n", b"\n")


class Flags(GoodForms):
    """
    Knows on and off only.
    """

    def body(self, message: Message) -> dict[str, Any]:
        flags = {"track_opens": bool(message.track_opens)}
        return super().body(message) | ({} if message.mime else flags)


def sending(headers: dict[str, str], write: Callable[[dict[str, Any]], bytes]) -> type[GoodForms]:
    """
    A plugin with a body of its own kind.
    """

    class Sending(GoodForms):
        def build_request(self, message: Message) -> HTTPRequest:
            request = super().build_request(message)
            rest = {name: one for name, one in request.headers.items() if name not in JSON}
            return HTTPRequest("POST", request.url, rest | headers, write(self.body(message)))

    return Sending


def as_json(body: dict[str, Any]) -> bytes:
    """
    Write *body* as JSON.
    """
    return json.dumps(body, ensure_ascii=False).encode()


def in_latin_1(body: dict[str, Any]) -> bytes:
    """
    The same for a vendor of 1995.
    """
    return json.dumps(body, ensure_ascii=False).encode("latin-1", "backslashreplace")


MEANINGS: dict[str, Wrong] = {
    # Names
    "names without quotes": Wrong(writing(to=lambda m: unquoted(m.to)), APART, "quote the name"),
    "one line without quotes": Wrong(
        writing(to=lambda m: ", ".join(unquoted(m.to))), APART, "quote the name"
    ),
    "names without quotation marks": Wrong(
        writing(to=lambda m: [str(one).replace('\\"', "").replace('"', "") for one in m.to]),
        APART,
        "quote the name",
    ),
    "names of the sender": Wrong(
        writing(to=lambda m: [str(Address(one.email, m.sender.name)) for one in m.to]),
        LOST,
        "zqtonameqz",
    ),
    "address as name": Wrong(
        writing(to=lambda m: [f"{one.email} <{one.email}>" for one in m.to]), LOST, "zqtonameqz"
    ),
    "sender without address": Wrong(writing(**{"from": lambda m: m.sender.name}), LOST, "zqfromqz"),
    # Made up
    "HTML of the text": Wrong(
        writing(html=lambda m: m.html or f"<pre>{m.text}</pre>"), ADDED, "HTML is made up"
    ),
    "reply to the sender": Wrong(
        writing(reply_to=lambda m: [str(one) for one in m.reply_to or (m.sender,)]),
        ADDED,
        "Reply-To is made up",
    ),
    "text of the HTML": Wrong(
        writing(text=lambda m: m.text or "Open this mail in a browser."), ADDED, "text is made up"
    ),
    "prefix of the subject": Wrong(
        writing(subject=lambda m: f"[Good] {m.subject}"), ADDED, "something is added"
    ),
    "pixel in the HTML": Wrong(
        writing(html=lambda m: m.html and f'{m.html}<img src="https://good.example/o.gif">'),
        ADDED,
        "something is added",
    ),
    # Pairs and switches
    "metadata turned over": Wrong(
        writing(metadata=lambda m: {value: key for key, value in m.metadata.items()}),
        APART,
        "written as the key",
    ),
    "switches swapped": Wrong(
        writing(track_opens=lambda m: m.track_clicks, track_clicks=lambda m: m.track_opens),
        APART,
        "track_opens switches what the vendor calls 'click'",
    ),
    "unset is off": Wrong(Flags, TRACKED, "track_opens on, off and unset make no difference"),
    "one click lost": Wrong(
        writing(
            headers=lambda m: {
                name: value for name, value in m.header_items() if not name.endswith("Post")
            }
        ),
        "test_unsubscribing_is_one_click",
        "List-Unsubscribe-Post is nowhere",
    ),
    "headers of unsubscribe lost": Wrong(
        writing(headers=lambda m: dict(m.headers)), LOST, "zqurlqz"
    ),
    # Forms
    "forms as files": Wrong(FormsAsFiles, FILES, "text/calendar is written as a file"),
    "no method": Wrong(WithoutMethod, FILES, "method=REQUEST of a calendar is nowhere"),
    "one form": Wrong(OneForm, LOST, "zqtypeqz"),
    "forms lost": Wrong(FormsLost, LOST, "zqformqz"),
    # MIME
    "writes MIME again": Wrong(WritesAgain, AS_IT_IS, "a signature would break"),
    "a header in MIME": Wrong(AddsHeader, AS_IT_IS, "a signature would break"),
    "MIME without blanks": Wrong(Strips, AS_IT_IS, "a signature would break"),
    "MIME with other lines": Wrong(UnixLines, AS_IT_IS, "a signature would break"),
    # Bodies
    "no type": Wrong(sending({}, as_json), TYPES, "has a body and no Content-Type"),
    "JSON as a form": Wrong(
        sending({"Content-Type": "application/x-www-form-urlencoded"}, as_json),
        TYPES,
        "looks like json",
    ),
    "JSON as text": Wrong(
        sending({"Content-Type": "text/plain"}, as_json), TYPES, "looks like json"
    ),
    "JSON in latin-1": Wrong(sending(JSON, in_latin_1), TYPES, "no JSON in UTF-8"),
    "JSON called latin-1": Wrong(
        sending({"Content-Type": "application/json; charset=iso-8859-1"}, as_json),
        TYPES,
        "name no other charset",
    ),
    "JSON of Python": Wrong(
        sending(JSON, lambda body: repr(body).encode()), TYPES, "no JSON in UTF-8"
    ),
    "another boundary": Wrong(
        sending(
            {"Content-Type": "multipart/form-data; boundary=good"},
            lambda body: b"--other\r\n\r\n" + as_json(body) + b"\r\n--other--\r\n",
        ),
        TYPES,
        "boundary of the Content-Type",
    ),
}
