from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from mailfailover._message.address import Address
from mailfailover._values.features import DROPPABLE, Feature
from mailfailover.cli.sendmail import Envelope, read_mail
from tests.cli.running import dsn_of, process, run
from tests.samples import each

if TYPE_CHECKING:
    from pathlib import Path

    from mailfailover.testing import FaultServer

# As Vixie's cron of Debian writes it.
CRON = """\
From: root (Cron Daemon)
To: root
Subject: Cron <root@web1> test -x /usr/sbin/backup
MIME-Version: 1.0
Content-Type: text/plain; charset=UTF-8
Content-Transfer-Encoding: 8bit
X-Cron-Env: <SHELL=/bin/sh>
X-Cron-Env: <HOME=/root>
Message-Id: <20261124040001.1A2B3@web1.example.com>
Date: Tue, 24 Nov 2026 04:00:01 +0000 (UTC)

Sicherung läuft über
.
last line
""".encode()

LETTER = b"""\
Received: from localhost by mail.example.com; Tue, 24 Nov 2026 04:00:00 +0000
From: Shop <shop@example.com>
To: Ann <ann@example.com>, bob@example.com
Cc: carol@example.com
Bcc: dave@example.com
Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=
Message-ID: <1@example.com>
X-Priority: 1
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: multipart/alternative; boundary=c

--c
Content-Type: text/plain

plain
--c
Content-Type: text/html

<p>rich</p>
--c--
--b
Content-Type: application/pdf; name=a.pdf
Content-Disposition: attachment; filename=a.pdf
Content-Transfer-Encoding: base64

JVBERg==
--b--
"""


def people(vendor: FaultServer) -> dict[str, list[str]]:
    """
    Return whom the only mail was sent to.
    """
    (request,) = vendor.accepted
    (group,) = json.loads(request.body)["personalizations"]
    return {
        kind: [one["email"] for one in group[kind]] for kind in ("to", "cc", "bcc") if kind in group
    }


def body_of(vendor: FaultServer) -> dict[str, Any]:
    """
    Return the vendor's request for the only mail.
    """
    found: dict[str, Any] = json.loads(vendor.accepted[0].body)
    return found


def test_header_names_the_recipients(vendor: FaultServer) -> None:
    """
    With -t all of To, Cc and Bcc get the mail, as it was written.
    """
    done = run("send", "-t", "-i", "--dsn", dsn_of(vendor), stdin=LETTER)

    assert (0, "") == (done.exit_code, done.stderr)
    assert {
        "to": ["ann@example.com", "bob@example.com"],
        "cc": ["carol@example.com"],
        "bcc": ["dave@example.com"],
    } == people(vendor)
    body = body_of(vendor)
    assert ["plain", "<p>rich</p>"] == [one["value"].strip() for one in body["content"]]
    assert [("a.pdf", "JVBERg==")] == [(a["filename"], a["content"]) for a in body["attachments"]]
    assert "Grüße" in json.dumps(body, ensure_ascii=False)
    assert "X-Priority" in json.dumps(body)
    assert "Received" not in json.dumps(body)


def test_arguments_name_the_recipients(vendor: FaultServer) -> None:
    """
    Without -t only the arguments get the mail: in the header's place, or as Bcc.
    """
    run("send", "--dsn", dsn_of(vendor), "bob@example.com", "eve@example.com", stdin=LETTER)

    assert {"to": ["bob@example.com"], "bcc": ["eve@example.com"]} == people(vendor)


def test_one_stranger_to_the_header_is_its_recipient(vendor: FaultServer) -> None:
    """
    Alone he may stand in To, where vendors need somebody.
    """
    run("send", "--dsn", dsn_of(vendor), "eve@example.com", stdin=LETTER)

    assert {"to": ["eve@example.com"]} == people(vendor)


def test_strangers_do_not_see_each_other() -> None:
    """
    Several recipients of whom the header says nothing all become Bcc.
    """
    fields = read_mail(LETTER, Envelope(recipients=("e@example.com, f@example.com",)))

    found = {name: fields[name] for name in ("to", "cc", "bcc")}
    bcc = (Address("e@example.com"), Address("f@example.com"))
    assert {"to": (), "cc": (), "bcc": bcc} == found


def test_options_name_the_recipients(vendor: FaultServer) -> None:
    """
    With --to nobody of the header gets the mail by accident.
    """
    run("send", "--dsn", dsn_of(vendor), "--to", "eve@example.com", stdin=LETTER)

    assert {"to": ["eve@example.com"]} == people(vendor)


def test_options_complete_the_mail(vendor: FaultServer, tmp_path: Path) -> None:
    """
    Sender and tags are replaced, headers and attachments added.
    """
    (tmp_path / "b.txt").write_text("b")

    run(
        *("send", "-t", "--dsn", dsn_of(vendor), "--from", "new@example.com", "--tag", "night"),
        *("--header", "X-New: 1", "--attach", "b.txt"),
        stdin=LETTER,
    )

    body = body_of(vendor)
    assert {"email": "new@example.com"} == body["from"]
    assert ["night"] == body["categories"]
    assert ["a.pdf", "b.txt"] == [one["filename"] for one in body["attachments"]]
    assert {"X-Priority", "X-New"} <= {*json.dumps(body).split('"')}


def test_cron_mail_goes_to_who_reads_it(vendor: FaultServer) -> None:
    """
    Called as cron calls sendmail, for a local user, with a text of 8-bit characters.
    """
    cron = ("-FCronDaemon", "-i", "-odi", "-oem", "-B8BITMIME", "-f", "root", "root")
    own = ("--local-to", "Ops <ops@example.com>", "--from", "cron@example.com")

    done = run("send", *own, "--dsn", dsn_of(vendor), *cron, stdin=CRON)

    assert (0, "") == (done.exit_code, done.stderr)
    assert {"to": ["ops@example.com"]} == people(vendor)
    body = body_of(vendor)
    assert "Sicherung läuft über\n.\nlast line\n" == body["content"][0]["value"]
    assert "<SHELL=/bin/sh>, <HOME=/root>" in json.dumps(body)


def test_cron_mail_with_mailto_needs_no_help(vendor: FaultServer) -> None:
    """
    MAILTO in the crontab makes a header that names a real address.
    """
    mail = CRON.replace(b"To: root", b"To: ops@example.com")

    run("send", "-t", "-f", "cron@example.com", "--dsn", dsn_of(vendor), stdin=mail)

    assert {"to": ["ops@example.com"]} == people(vendor)
    assert {"email": "cron@example.com"} == body_of(vendor)["from"]


@pytest.mark.parametrize("arguments", [("-t",), ("root",)], ids=["header", "argument"])
def test_local_user_is_explained(arguments: tuple[str, ...]) -> None:
    """
    A name without a domain is refused with what to do about it.
    """
    done = run("send", "--dsn", "null://", *arguments, stdin=CRON)

    assert 1 == done.exit_code
    assert done.stderr.startswith(
        "mailfailover: to names a local user, without a domain: give --local-to"
    )


def test_local_user_in_the_header_harms_nobody_else(vendor: FaultServer) -> None:
    """
    Who is named by an argument gets the mail, whoever stands in its header.
    """
    sender = ("--from", "cron@example.com")

    run("send", "--dsn", dsn_of(vendor), *sender, "ops@example.com", stdin=CRON)

    assert {"to": ["ops@example.com"]} == people(vendor)


def test_envelope_sender_completes_the_mail() -> None:
    """
    Without From, -f is the sender, with the name of -F.
    """
    fields = read_mail(CRON, Envelope(sender="cron@example.com", name="Cron"))

    assert Address("cron@example.com", "Cron") == fields["from_email"]
    assert "envelope_from" not in fields


def test_envelope_sender_like_the_author_asks_for_nothing() -> None:
    """
    An envelope that only repeats the sender makes no provider unfit.
    """
    fields = read_mail(LETTER, Envelope(sender="shop@example.com"))

    assert Address("shop@example.com", "Shop") == fields["from_email"]
    assert "envelope_from" not in fields


def test_other_envelope_sender_may_be_left_off() -> None:
    """
    Bounces go elsewhere where the provider can, and the mail goes out everywhere.
    """
    fields = read_mail(LETTER, Envelope(sender="bounces@example.com"))

    assert "bounces@example.com" == fields["envelope_from"]
    assert DROPPABLE | Feature.ENVELOPE_FROM == fields["droppable"]


@each(
    ("mail", "words"),
    [
        (b"\n", "standard input is empty"),
        (b"Subject: x\n\ntext", "to is empty: the mail's header names nobody"),
        (b"To: a b c@d\n\ntext", "to is not a valid address"),
        (b"To: a@b.example\nContent-Type: multipart/mixed; boundary=x\n\ntext", "is broken"),
    ],
    ids=["empty", "nobody", "address", "broken"],
)
def test_bad_mail_is_refused(mail: bytes, words: str) -> None:
    """
    What cannot be sent as it is written is refused in one line.
    """
    done = run("send", "-t", "--dsn", "null://", "--from", "a@example.com", stdin=mail)

    assert 1 == done.exit_code
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_nobody_waits_for_a_terminal() -> None:
    """
    Somebody who only tries the command is told what it needs, instead of being waited for.
    """
    code = (
        "import pty, subprocess, sys\n"
        "_, terminal = pty.openpty()\n"
        "command = [sys.executable, '-m', 'mailfailover', 'send', '--dsn', 'null://']\n"
        "sys.exit(subprocess.run(command, stdin=terminal).returncode)"
    )

    done = process(code=code)

    assert 2 == done.returncode
    assert "Error: there is no mail: give --subject, --text or --html, or pipe" in done.stderr


def test_real_process_reads_a_pipe(vendor: FaultServer, tmp_path: Path) -> None:
    """
    The command takes a mail from a real pipe, as a program's sendmail.
    """
    (tmp_path / "mail.eml").write_bytes(CRON)
    code = (
        "import subprocess, sys\n"
        "mail = open('mail.eml', 'rb')\n"
        "command = [sys.executable, '-m', 'mailfailover', 'send', *sys.argv[1:]]\n"
        "sys.exit(subprocess.run(command, stdin=mail).returncode)"
    )

    done = process(
        "ops@example.com", "-f", "c@example.com", code=code, MAILFAILOVER_DSN=dsn_of(vendor)
    )

    assert (0, "") == (done.returncode, done.stderr)
    assert {"to": ["ops@example.com"]} == people(vendor)
