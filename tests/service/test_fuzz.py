"""
Posts of all kinds of nonsense; MAILFAILOVER_POSTS is how many.

What it counted is shown by ``--log-cli-level=INFO``.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import tempfile
from collections import Counter
from email import message_from_bytes
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from mailfailover import Mailer
from mailfailover._sql.database import open_engine
from mailfailover.outbox import Outbox
from mailfailover.service.app import create_app
from mailfailover.service.keys import Keys
from mailfailover.service.parts import Service
from mailfailover.service.reading import POSTED
from mailfailover.service.rules import Rules

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailfailover.plugin import Message

POSTS = int(os.environ.get("MAILFAILOVER_POSTS", "400"))
SEND = "/email/api/1.0/send"
_LOG = logging.getLogger(__name__)

ALLOWED = "example.com"
EVIL = "eve@evil.example"
PIECES = (
    "ann@example.com",
    "Ann <ann@example.com>",
    '"Doe, Ann" <ann@example.com>',
    EVIL,
    f"Ann <{EVIL}>",
    f'"ann@example.com" <{EVIL}>',
    f"ann@example.com <{EVIL}>",
    f"{EVIL}<ann@example.com>",
    f'"{EVIL}"@example.com',
    "ann@example.com@evil.example",
    "ann@[192.0.2.1]",
    "group: ann@example.com, eve@evil.example;",
    f"(comment) {EVIL}",
    ",",
    ";",
    "<",
    ">",
    '"',
    "\\",
    "(",
    "\r\n",
    "\n",
    "\r",
    "\x00",
    "\x85",
    "\u2028",
    f"\r\nBcc: {EVIL}\r\n",
    f"\nBcc: {EVIL}\n\n",
    f"=?UTF-8?Q?=0ABcc:_{EVIL}?=",
    "=?UTF-8?B?DQpCY2M6IGV2ZUBldmlsLmV4YW1wbGU=?=",
    "=?utf-8?q?=22_=3Ceve=40evil.example=3E?=",
    "ünïcödé",
    "\ud800",
    "例え.jp",
    "{{name}}",
    "%0d%0aBcc: eve@evil.example",
    "' OR 1=1 --",
    "../../../etc/passwd",
    "file:///etc/passwd",
    "https://evil.example/",
    "Hello",
    " ",
    "",
)
NAMES = (*POSTED, "id", "created", "callback_url", "csrf", "attachment", "inline", "__proto__", "")
PLAIN = {"to": "ann@example.com", "from_email": "a@example.com", "subject": "Hi", "text": "Hi"}
KINDS = (
    "application/json",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "multipart/form-data",
    "text/plain",
)


class Nonsense:
    """
    Makes requests, from nearly right to utterly wrong.
    """

    def __init__(self, seed: int) -> None:
        self.rng = Random(seed)

    def request(self) -> dict[str, Any]:
        """
        Return one, as arguments of a test client.
        """
        make = self.rng.choice((self._json, self._json, self._form, self._form, self._bytes))
        return {"headers": self._headers(), **make()}

    def text(self) -> str:
        """
        Return a few pieces, one after the other.
        """
        return "".join(self.rng.choices(PIECES, k=self.rng.choice((1, 1, 1, 2, 3))))

    def _json(self) -> dict[str, Any]:
        data: dict[str, Any] = dict(PLAIN)
        for _ in range(self.rng.choice((0, 1, 1, 1, 2, 3))):
            data[self.rng.choice(NAMES)] = self._value(3)
        return {"data": json.dumps(data), "content_type": "application/json"}

    def _value(self, depth: int) -> Any:
        kind = self.rng.randrange(9 if depth else 6)
        if kind < 4:
            return self.text()
        if kind == 4:
            return self.rng.choice((None, True, False, 0, -1, 1e308, 10**30, 0.5))
        if kind == 5:
            return "ann@example.com"
        if kind == 6:
            return [self._value(depth - 1) for _ in range(self.rng.randrange(4))]
        names = (*PIECES, "filename", "content", "content_type", "content_id")
        return {
            self.rng.choice(names): self._value(depth - 1) for _ in range(self.rng.randrange(4))
        }

    def _form(self) -> dict[str, Any]:
        data: dict[str, Any] = dict(PLAIN)
        for _ in range(self.rng.choice((0, 1, 1, 1, 2, 3))):
            texts = [self.text() for _ in range(self.rng.choice((1, 1, 2)))]
            data[self.rng.choice(NAMES)] = [one.encode("utf-8", "replace") for one in texts]
        if self.rng.random() < 0.5:
            pairs = {
                name: [one.decode("utf-8", "replace") for one in value]
                if isinstance(value, list)
                else value
                for name, value in data.items()
            }
            return {"data": pairs}
        return {"data": self._multipart(data), "content_type": KINDS[2]}

    def _multipart(self, data: dict[str, Any]) -> bytes:
        """
        Return a form whose parts are called as nobody should call them.
        """
        parts = []
        for name, value in data.items():
            for one in value if isinstance(value, list) else [value.encode()]:
                head = f'Content-Disposition: form-data; name="{name}"'
                if self.rng.random() < 0.2:
                    head += f'; filename="{self.text()}"\r\nContent-Type: {self.text()}'
                parts.append(b"--x\r\n" + head.encode("utf-8", "replace") + b"\r\n\r\n" + one)
        end = self.rng.choice((b"\r\n--x--\r\n", b"\r\n--x", b""))
        return b"\r\n".join(parts) + end

    def _bytes(self) -> dict[str, Any]:
        body = self.rng.choice((self.rng.randbytes(60), self.text().encode("utf-8", "replace")))
        return {"data": body, "content_type": self.rng.choice(KINDS)}

    def _headers(self) -> dict[str, str]:
        found = {}
        if self.rng.random() < 0.2:
            found["Idempotency-Key"] = self._header()
        if self.rng.random() < 0.1:
            found["Prefer"] = f"wait={self._header()}"
        if self.rng.random() < 0.1:
            found["X-Request-Id"] = self._header()
        return found

    def _header(self) -> str:
        # A server hands on no line breaks in a header, so they need not be tried.
        return "".join(one for one in self.text() if one.isprintable() and ord(one) < 256)


@pytest.fixture(name="service")
def _service() -> Iterator[Service]:
    """
    A service on a disk that is no disk, where there is one: there are many commits.
    """
    memory = "/dev/shm" if Path("/dev/shm").is_dir() else None
    directory = tempfile.mkdtemp(dir=memory)
    engine = open_engine(f"sqlite:///{directory}/mails.db")
    found = Service(mailer=Mailer("null://"), outbox=Outbox(engine), keys=Keys(engine))
    found.outbox.init()
    found.keys.init()
    yield found
    engine.dispose()
    shutil.rmtree(directory)


# Werkzeug leaves the file of an upload that breaks off to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_nonsense_does_no_harm(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    """
    No post is a 500, none gets a mail to somebody the key may not send to, or a header in it.
    """
    rules = Rules(recipients=(ALLOWED,), grants=("headers", "envelope_from"))
    headers = {"Authorization": f"Bearer {service.keys.add('fuzz', rules)}"}
    client = create_app(service).test_client()
    nonsense = Nonsense(POSTS)
    statuses: Counter[int] = Counter()
    caplog.set_level(logging.WARNING, "mailfailover.access")

    for _ in range(POSTS):
        asked = nonsense.request()
        asked["headers"] |= headers
        answer = client.post(SEND, **asked)
        statuses[answer.status_code] += 1
        assert answer.status_code < 500, asked
        if answer.status_code == 202:
            mail = service.outbox.get(answer.get_json()["id"])
            assert mail is not None
            assert mail.message is not None
            _check(mail.message)

    _LOG.info("%d posts: %s", POSTS, dict(statuses))
    assert {202, 400} <= set(statuses)


OURS = {"from", "to", "cc", "reply-to", "subject", "date", "message-id", "mime-version"}
OURS |= {"content-type", "content-transfer-encoding", "list-unsubscribe", "list-unsubscribe-post"}


def _check(message: Message) -> None:
    """
    Make sure that a mail goes to nobody else, by its envelope and as MIME.
    """
    assert {one.domain for one in message.recipients} == {ALLOWED}
    written = message.as_email_message().as_bytes()
    read = message_from_bytes(written)
    custom = {name.lower() for name, _ in message.header_items()}
    names = [name.lower() for name in read.keys()]  # noqa: SIM118 -- a header may be repeated
    assert set(names) <= OURS | custom
    assert "bcc" not in names
    assert all(names.count(name) == 1 for name in ("from", "to", "subject") if name in names)
