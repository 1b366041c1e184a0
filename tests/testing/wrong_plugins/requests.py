"""
Plugins whose requests say something else than the mail.
"""

from __future__ import annotations

import html as markup
import itertools
import os
import socket
import time
import uuid
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mailfailover.errors import UnsupportedFeature
from mailfailover.plugin import Attachment, HTTPRequest, Message, json_body
from tests.testing.wrong_plugins import Wrong
from tests.testing.wrong_plugins.good import Good

if TYPE_CHECKING:
    from collections.abc import Callable

PLACES = "test_recipients_have_their_places"
BODIES = "test_text_and_html_have_their_places"
EXACT = "test_values_arrive_as_they_are"
CUT = "test_nothing_is_cut"
LOST = "test_nothing_is_lost"
PURE = "test_requests_are_pure"
IO = "test_requests_need_no_io"
STATE = "test_mails_leave_nothing_behind"
PING = "test_ping_sends_nothing"
SEND_AT = "test_send_at_is_not_lost"
KEY = "test_idempotency_key_is_not_lost"


def writing(**fields: Callable[[Message], Any]) -> type[Good]:
    """
    A plugin that writes these fields of its document in another way.
    """

    class Writing(Good):
        def body(self, message: Message) -> dict[str, Any]:
            return super().body(message) | {name: write(message) for name, write in fields.items()}

    return Writing


def filing(**fields: Callable[[Attachment], Any]) -> type[Good]:
    """
    The same for the fields of a file.
    """

    class Filing(Good):
        def file(self, one: Attachment) -> dict[str, Any]:
            return super().file(one) | {name: write(one) for name, write in fields.items()}

    return Filing


def emails(addresses: Any) -> list[str]:
    """
    Write *addresses* as a header does.
    """
    return [str(one) for one in addresses]


class BccTyped(Good):
    def body(self, message: Message) -> dict[str, Any]:
        people = [{"email": str(one), "type": "to"} for one in message.recipients]
        return super().body(message) | {"to": people, "cc": [], "bcc": []}


class OneList(Good):
    def body(self, message: Message) -> dict[str, Any]:
        body = super().body(message) | {"recipients": emails(message.recipients)}
        return {name: value for name, value in body.items() if name not in ("to", "cc", "bcc")}


class ByGet(Good):
    def build_request(self, message: Message) -> HTTPRequest:
        request = super().build_request(message)
        return HTTPRequest("GET", request.url, request.headers, request.body)


class PingSends(Good):
    def build_ping(self) -> HTTPRequest:
        body = json_body({"to": "postmaster@example.com", "text": "ping"})
        return HTTPRequest("POST", f"{self.base_url}/v1/mails", self.headers(), body)


class PingIsMail(Good):
    def build_ping(self) -> HTTPRequest:
        mail = Message("ops@example.com", from_email="ops@example.com", text="ping", id="ping")
        return self.build_request(mail)


class ChangesMessage(Good):
    def build_request(self, message: Message) -> HTTPRequest:
        object.__setattr__(message, "tags", (*message.tags, "good"))
        return super().build_request(message)


class Reads(Good):
    def body(self, message: Message) -> dict[str, Any]:
        return super().body(message) | {"signature": Path(os.devnull).read_text("utf-8")}


class Resolves(Good):
    def body(self, message: Message) -> dict[str, Any]:
        return super().body(message) | {"at": len(socket.getaddrinfo("127.0.0.1", 1))}


class Connects(Good):
    def body(self, message: Message) -> dict[str, Any]:
        with socket.socket() as connection:
            connection.settimeout(0)
            connection.connect_ex(("127.0.0.1", 9))
        return super().body(message)


class Sleeps(Good):
    def body(self, message: Message) -> dict[str, Any]:
        time.sleep(0)
        return super().body(message)


class Prints(Good):
    def body(self, message: Message) -> dict[str, Any]:
        print("sending")  # noqa: T201 -- the fault
        return super().body(message)


class Counts(Good):
    numbers = itertools.count()

    def body(self, message: Message) -> dict[str, Any]:
        return super().body(message) | {"number": next(self.numbers)}


class FreshKey(Good):
    def idempotency(self, message: Message) -> dict[str, str]:
        return {"Idempotency-Key": f"{message.idempotency_key}-{uuid.uuid4()}"}


class DatedKey(Good):
    def idempotency(self, message: Message) -> dict[str, str]:
        return {"Idempotency-Key": f"{message.idempotency_key}-{time.time() // 60:.0f}"}


class NowKey(Good):
    def idempotency(self, message: Message) -> dict[str, str]:
        day = datetime.now().strftime("%Y-%m-%d")  # noqa: DTZ005 -- the fault
        return {"Idempotency-Key": f"{message.idempotency_key}-{day}"}


class ObjectKey(Good):
    def idempotency(self, message: Message) -> dict[str, str]:
        return {"Idempotency-Key": f"{message.idempotency_key}-{id(message)}"}


class OwnKey(Good):
    def idempotency(self, message: Message) -> dict[str, str]:
        return {"Idempotency-Key": message.id}


class Remembers(Good):
    def body(self, message: Message) -> dict[str, Any]:
        REMEMBERED.extend(message.tags)
        REMEMBERED.append(message.subject)
        return super().body(message) | {"tags": [*message.tags, *REMEMBERED]}


REMEMBERED: list[str] = []


class LastSubject(Good):
    def body(self, message: Message) -> dict[str, Any]:
        last, LAST[:] = LAST[:], [message.subject]
        return super().body(message) | {"subject": message.subject or last[0], "thread": last}


LAST: list[str] = [""]


class Refuses(Good):
    def build_request(self, message: Message) -> HTTPRequest:
        if message.attachments:
            raise UnsupportedFeature("no files today", features=("ATTACHMENTS",))
        return super().build_request(message)


class Crashes(Good):
    def build_request(self, message: Message) -> HTTPRequest:
        if len(message.to) > 2:
            raise KeyError("third")
        return super().build_request(message)


def naive(message: Message) -> Any:
    """
    The time on the sender's wall.
    """
    return message.send_at and message.send_at.replace(tzinfo=None).isoformat()


def mislabelled(message: Message) -> Any:
    """
    The same, called UTC.
    """
    return message.send_at and message.send_at.strftime("%Y-%m-%dT%H:%M:%SZ")


def local_epoch(message: Message) -> Any:
    """
    The same in seconds.
    """
    when = message.send_at
    return when and int(when.replace(tzinfo=None).timestamp())


def day(message: Message) -> Any:
    """
    The day alone.
    """
    return message.send_at and f"{message.send_at:%Y-%m-%d}"


REQUESTS: dict[str, Wrong] = {
    # Recipients
    "bcc in to": Wrong(
        writing(to=lambda m: emails(m.recipients), bcc=lambda _: []), PLACES, "blind copy"
    ),
    "bcc in cc": Wrong(
        writing(cc=lambda m: emails((*m.cc, *m.bcc)), bcc=lambda _: []), PLACES, "blind copy"
    ),
    "bcc in both": Wrong(writing(to=lambda m: emails(m.recipients)), PLACES, "blind copy"),
    "bcc as a header": Wrong(
        writing(headers=lambda m: {"X-To": ", ".join(emails(m.recipients))}), PLACES, "blind copy"
    ),
    "bcc of type to": Wrong(BccTyped, PLACES, "blind copy"),
    "one list for all": Wrong(OneList, PLACES, "make one request"),
    "no bcc": Wrong(writing(bcc=lambda _: []), PLACES, "bcc is incomplete"),
    "no cc": Wrong(writing(cc=lambda _: []), PLACES, "cc is incomplete"),
    "first of to": Wrong(writing(to=lambda m: emails(m.to[:1])), PLACES, "to is incomplete"),
    "last of to": Wrong(writing(to=lambda m: emails(m.to[-1:])), PLACES, "to is incomplete"),
    "first of cc": Wrong(writing(cc=lambda m: emails(m.cc[:1])), PLACES, "cc is incomplete"),
    "first of bcc": Wrong(writing(bcc=lambda m: emails(m.bcc[:1])), PLACES, "bcc is incomplete"),
    "twenty of to": Wrong(writing(to=lambda m: emails(m.to[:20])), PLACES, "to is incomplete"),
    "to and cc swapped": Wrong(
        writing(to=lambda m: emails(m.cc), cc=lambda m: emails(m.to)), PLACES, "of to is written"
    ),
    "cc and bcc swapped": Wrong(
        writing(cc=lambda m: emails(m.bcc), bcc=lambda m: emails(m.cc)), PLACES, "of cc is written"
    ),
    "cc in to": Wrong(
        writing(to=lambda m: emails((*m.to, *m.cc)), cc=lambda _: []), PLACES, "of cc is written"
    ),
    "sender as a copy": Wrong(
        writing(**{"from": lambda m: str(m.to[0]) if m.to else ""}), LOST, "zqfromqz"
    ),
    # Bodies
    "text and HTML swapped": Wrong(
        writing(text=lambda m: m.html, html=lambda m: m.text), BODIES, "HTML is sent as the text"
    ),
    "HTML as text": Wrong(writing(text=lambda m: m.html or m.text), BODIES, "sent as the text"),
    "text as HTML": Wrong(writing(html=lambda m: m.text), BODIES, "text is sent as the HTML"),
    "no HTML": Wrong(writing(html=lambda _: ""), LOST, "zqhtmlqz"),
    "no text beside HTML": Wrong(
        writing(text=lambda m: "" if m.html else m.text), LOST, "zqtextqz"
    ),
    # Values
    "subject escaped": Wrong(
        writing(subject=lambda m: markup.escape(m.subject)), EXACT, "subject is cut or changed"
    ),
    "subject in ASCII": Wrong(
        writing(subject=lambda m: m.subject.encode("ascii", "replace").decode()),
        EXACT,
        "subject is cut or changed",
    ),
    "subject cut at 78": Wrong(
        writing(subject=lambda m: m.subject[:78]), EXACT, "only the first 78 of its"
    ),
    "subject cut at 255": Wrong(
        writing(subject=lambda m: m.subject[:255]), EXACT, "only the first 255 of its"
    ),
    "subject twice quoted": Wrong(
        writing(subject=lambda m: m.subject.replace('"', '\\"')), EXACT, "subject is cut or changed"
    ),
    "lines joined": Wrong(
        writing(text=lambda m: " ".join(m.text.split("\n"))), EXACT, "text is cut or changed"
    ),
    "lines stripped": Wrong(
        writing(text=lambda m: "\n".join(line.strip() for line in m.text.split("\n"))),
        EXACT,
        "text is cut or changed",
    ),
    "blank lines lost": Wrong(
        writing(text=lambda m: "\n".join(filter(None, m.text.split("\n")))),
        EXACT,
        "text is cut or changed",
    ),
    "lines as br": Wrong(
        writing(text=lambda m: m.text.replace("\n", "<br>")), EXACT, "text is cut or changed"
    ),
    "text escaped": Wrong(
        writing(text=lambda m: markup.escape(m.text)), EXACT, "text is cut or changed"
    ),
    "text in latin-1": Wrong(
        writing(text=lambda m: m.text.encode("latin-1", "replace").decode("latin-1")),
        EXACT,
        "text is cut or changed",
    ),
    "HTML in one line": Wrong(
        writing(html=lambda m: m.html.replace("\n", "")), EXACT, "html is cut or changed"
    ),
    "HTML unescaped": Wrong(
        writing(html=lambda m: markup.unescape(m.html)), EXACT, "html is cut or changed"
    ),
    "metadata keys in lower case": Wrong(
        writing(metadata=lambda m: {key.lower(): value for key, value in m.metadata.items()}),
        EXACT,
        "a key of metadata is cut or changed",
    ),
    "metadata values in lower case": Wrong(
        writing(metadata=lambda m: {key: value.lower() for key, value in m.metadata.items()}),
        EXACT,
        "a value of metadata is",
    ),
    "one key of metadata": Wrong(
        writing(metadata=lambda m: dict([*m.metadata.items()][:1])), LOST, "zqmetakeytwoqz"
    ),
    "tags in lower case": Wrong(
        writing(tags=lambda m: [tag.lower() for tag in m.tags]), EXACT, "a tag is cut or changed"
    ),
    "one tag": Wrong(writing(tags=lambda m: m.tags[:1]), LOST, "zqtagtwoqz"),
    "names lost": Wrong(writing(to=lambda m: [one.email for one in m.to]), LOST, "zqtonameqz"),
    "names in capitals": Wrong(
        writing(to=lambda m: [str(one).upper() for one in m.to]), EXACT, "of to is"
    ),
    "header values in lower case": Wrong(
        writing(headers=lambda m: {name: value.lower() for name, value in m.header_items()}),
        EXACT,
        "a header is nowhere in the request as it is",
    ),
    "headers lost": Wrong(writing(headers=lambda _: {}), LOST, "zqheadervalueqz"),
    "reply_to lost": Wrong(writing(reply_to=lambda _: []), LOST, "zqreplyqz"),
    # Lengths
    "text cut at 1,000": Wrong(writing(text=lambda m: m.text[:1000]), CUT, "only the first 1000"),
    "text cut at 64 kB": Wrong(
        writing(text=lambda m: m.text[:65_535]), CUT, "only the first 65535 of its"
    ),
    "text cut at 100,000": Wrong(
        writing(text=lambda m: m.text[:100_000]), CUT, "only the first 100000 of its"
    ),
    "text cut at its last characters": Wrong(
        writing(text=lambda m: m.text[:-5] if len(m.text) > 500_000 else m.text),
        CUT,
        "text is cut or changed",
    ),
    "HTML cut at 64 kB": Wrong(
        writing(html=lambda m: m.html[:65_000]), CUT, "html is cut or changed: only the first"
    ),
    # Files
    "content id lost": Wrong(filing(content_id=lambda _: ""), LOST, "zqcidqz"),
    "content id of the name": Wrong(
        filing(content_id=lambda one: one.content_id and one.filename),
        "test_inline_images_keep_their_id",
        "content_id of an inline image",
    ),
    "files cut": Wrong(
        filing(content=lambda one: Good.file(Good(), one)["content"][:80_000]),
        CUT,
        "content of an attachment is cut",
    ),
    "file names lost": Wrong(filing(name=lambda _: "file"), LOST, "zqfileqz"),
    "file names in lower case": Wrong(
        filing(name=lambda one: one.filename.lower()), EXACT, "a file name is cut or changed"
    ),
    "types of files lost": Wrong(
        filing(type=lambda _: "application/octet-stream"), LOST, "zqtypeqz"
    ),
    "three files": Wrong(
        writing(attachments=lambda m: [Good().file(one) for one in m.attachments[:3]]),
        CUT,
        "a file name is",
    ),
    "one file of a name": Wrong(
        writing(
            attachments=lambda m: [*{f.filename: Good().file(f) for f in m.attachments}.values()]
        ),
        LOST,
        "zqcontentqz",
    ),
    # Time
    "send_at without its zone": Wrong(writing(send_at=naive), SEND_AT, "mind its zone"),
    "send_at of another zone": Wrong(writing(send_at=mislabelled), SEND_AT, "mind its zone"),
    "send_at as a local time": Wrong(writing(send_at=local_epoch), SEND_AT, "mind its zone"),
    "send_at without a time": Wrong(writing(send_at=day), SEND_AT, "send_at is not in the request"),
    "send_at lost": Wrong(
        writing(send_at=lambda _: None), SEND_AT, "send_at is not in the request"
    ),
    # Calls
    "mail by GET": Wrong(ByGet, "test_mails_are_posted", "a mail goes by GET"),
    "ping that sends": Wrong(PingSends, PING, "sends a mail"),
    "ping that is a mail": Wrong(PingIsMail, PING, "sends a mail"),
    "refuses what it declares": Wrong(Refuses, LOST, "no files today"),
    "crashes": Wrong(Crashes, PLACES, "build_request raises KeyError"),
    # Purity
    "key that is fresh": Wrong(FreshKey, PURE, "an attempt must be repeatable"),
    "key of the minute": Wrong(DatedKey, PURE, "an idempotency key too"),
    "key of the day": Wrong(NowKey, PURE, "an idempotency key too"),
    "key of the object": Wrong(ObjectKey, PURE, "an idempotency key too"),
    "key of its own": Wrong(OwnKey, KEY, "idempotency_key is not in the request"),
    "changes the message": Wrong(ChangesMessage, PURE, "has changed the message"),
    "counts": Wrong(Counts, PURE, "two requests for one message differ"),
    "random": Wrong(writing(nonce=lambda _: os.urandom(4).hex()), PURE, "two requests for one"),
    "time": Wrong(writing(now=lambda _: f"{time.time():.0f}"), PURE, "at another time"),
    "reads a file": Wrong(Reads, IO, "open"),
    "resolves a name": Wrong(Resolves, IO, "socket.getaddrinfo"),
    "connects": Wrong(Connects, IO, "socket"),
    "sleeps": Wrong(Sleeps, IO, "time.sleep"),
    "prints": Wrong(Prints, IO, "print"),
    "remembers": Wrong(Remembers, STATE, "what another one said before it"),
    "knows the last mail": Wrong(LastSubject, STATE, "another one said|the mails before it"),
}
