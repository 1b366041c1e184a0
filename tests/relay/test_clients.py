"""
Real clients and the real command: what was answered 250 is at the provider, whatever dies.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import smtplib
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.programs import free_port
from tests.relay.command import arrives, relay, run, subjects

if TYPE_CHECKING:
    from collections.abc import Iterator

KILLS = int(os.environ.get("MAILFAILOVER_ROUNDS", "5"))
CLIENTS_AT_ONCE = 4
IDLE = 150
LARGE = 200 * 1024 * 1024
MAIL = "From: a@example.com\r\nTo: b@example.org\r\nSubject: {}\r\n\r\nHello\r\n"


CLIENTS = {
    "curl": "curl -sS --url smtp://127.0.0.1:{port} --mail-from a@example.com "
    "--mail-rcpt b@example.org -T {mail}",
    "swaks": "swaks --server 127.0.0.1:{port} --from a@example.com --to b@example.org "
    "--data {mail}",
    "msmtp": "msmtp --host=127.0.0.1 --port={port} --from=a@example.com b@example.org",
}


@pytest.fixture(scope="module", name="port")
def _port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, int]]:
    folder, port = tmp_path_factory.mktemp("relay"), free_port()
    with relay(folder, port):
        yield folder, port


@pytest.mark.parametrize("name", CLIENTS)
def test_client_of_others(name: str, port: tuple[Path, int], tmp_path: Path) -> None:
    """
    Its mail is at the provider.
    """
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed")
    folder, number = port
    mail = tmp_path / "mail.eml"
    mail.write_text(MAIL.format(name))

    command = CLIENTS[name].format(port=number, mail=mail).split()
    with mail.open() as given:
        subprocess.run(command, stdin=given, check=True, capture_output=True, timeout=60)

    deadline = time.monotonic() + 30
    while name not in subjects(folder, 1) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert name in subjects(folder, 1)
    assert "example.org" not in (folder / "log").read_text()


NODEMAILER = """
const transport = require("nodemailer").createTransport({host: "127.0.0.1", port: PORT});
transport.sendMail({from: "a@example.com", to: "b@example.org", subject: "nodemailer",
  text: "Hello", html: "<p>Hello</p>"}).then(() => transport.close());
"""

PHPMAILER = """<?php
require "/usr/share/php/libphp-phpmailer/autoload.php";
$mail = new PHPMailer\\PHPMailer\\PHPMailer(true);
$mail->isSMTP();
$mail->Host = "127.0.0.1";
$mail->Port = PORT;
$mail->setFrom("a@example.com");
$mail->addAddress("b@example.org");
$mail->Subject = "PHPMailer";
$mail->msgHTML("<p>Hello</p>");
$mail->send();
"""

SENDMAIL = """<?php
exit(mail("b@example.org", "sendmail", "Hello", "From: a@example.com") ? 0 : 1);
"""


def test_nodemailer(port: tuple[Path, int], tmp_path: Path) -> None:
    """
    Its mail is at the provider.
    """
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed")
    install = ["npm", "install", "--no-audit", "--no-fund", "nodemailer"]
    done = subprocess.run(install, cwd=tmp_path, capture_output=True, timeout=120, check=False)
    if done.returncode:
        pytest.skip("nodemailer cannot be had from here")
    (tmp_path / "send.js").write_text(NODEMAILER.replace("PORT", str(port[1])))

    run(["node", "send.js"], tmp_path)

    assert arrives("nodemailer", port[0])


def test_phpmailer(port: tuple[Path, int], tmp_path: Path) -> None:
    """
    Its mail is at the provider.
    """
    if shutil.which("php") is None or not Path("/usr/share/php/libphp-phpmailer").exists():
        pytest.skip("PHPMailer is not installed")
    (tmp_path / "send.php").write_text(PHPMAILER.replace("PORT", str(port[1])))

    run(["php", "send.php"], tmp_path)

    assert arrives("PHPMailer", port[0])


def test_a_replacement_of_sendmail(port: tuple[Path, int], tmp_path: Path) -> None:
    """
    What PHP's ``mail()`` hands to the program in sendmail's place is at the provider.
    """
    if shutil.which("php") is None or shutil.which("msmtp") is None:
        pytest.skip("PHP or msmtp is not installed")
    (tmp_path / "send.php").write_text(SENDMAIL)
    program = f"msmtp --host=127.0.0.1 --port={port[1]} --read-envelope-from -t"

    run(["php", "-d", f'sendmail_path="{program}"', "send.php"], tmp_path)

    assert arrives("sendmail", port[0])


def _send_until_it_dies(port: int, name: str, accepted: list[str]) -> None:
    """
    Send mails until the port is gone, and note each that was answered 250.
    """
    try:
        with smtplib.SMTP("127.0.0.1", port, timeout=20) as smtp:
            for number in range(10_000):
                subject = f"{name}-{number}"
                smtp.sendmail("a@example.com", ["b@example.org"], MAIL.format(subject))
                accepted.append(subject)
    except (OSError, smtplib.SMTPException):
        return


def test_every_250_survives_a_kill(tmp_path: Path) -> None:
    """
    The process is killed while clients send; what it accepted is sent by it or by the next.
    """
    port, chance = free_port(), random.Random(7)
    accepted: list[str] = []
    for round_ in range(KILLS):
        with relay(tmp_path, port) as process, ThreadPoolExecutor(CLIENTS_AT_ONCE) as pool:
            for client in range(CLIENTS_AT_ONCE):
                pool.submit(_send_until_it_dies, port, f"{round_}-{client}", accepted)
            time.sleep(chance.uniform(0.05, 1.0))
            process.send_signal(signal.SIGKILL)

    with relay(tmp_path, port):
        deadline = time.monotonic() + 60 + KILLS
        # The provider also has mails that were stored before their 250 was sent.
        while not set(accepted) <= (found := set(subjects(tmp_path, len(accepted)))):
            assert time.monotonic() < deadline, set(accepted) - found
            time.sleep(0.2)

    assert len(accepted) > KILLS


def test_idle_clients_stop_nobody(port: tuple[Path, int]) -> None:
    """
    150 connections that say nothing leave room for a mail.
    """
    idle = [socket.create_connection(("127.0.0.1", port[1]), timeout=20) for _ in range(IDLE)]
    try:
        with smtplib.SMTP("127.0.0.1", port[1], timeout=20) as smtp:
            smtp.sendmail("a@example.com", ["b@example.org"], MAIL.format("among idle ones"))
    finally:
        for one in idle:
            one.close()

    assert arrives("among idle ones", port[0])


def test_an_endless_mail_costs_no_memory(tmp_path: Path) -> None:
    """
    200 MB of DATA are refused, in bounded memory, and the next mail is taken.
    """
    number = free_port()
    chunk = b"x" * 998 + b"\r\n"
    with relay(tmp_path, number, "--workers", "0") as process:
        before = _memory(process.pid)
        with socket.create_connection(("127.0.0.1", number), timeout=60) as sock:
            answers = sock.makefile("rb")
            said = [answers.readline()]
            for command in (b"HELO a", b"MAIL FROM:<a@example.com>", b"RCPT TO:<b@example.org>"):
                sock.sendall(command + b"\r\n")
                said.append(answers.readline())
            sock.sendall(b"DATA\r\n")
            said.append(answers.readline())
            with suppress(OSError):  # it may end the connection meanwhile
                for _ in range(LARGE // (len(chunk) * 100)):
                    sock.sendall(chunk * 100)
                sock.sendall(b".\r\n")
                said.append(answers.readline())
        used = _memory(process.pid) - before
        with smtplib.SMTP("127.0.0.1", number, timeout=20) as smtp:
            smtp.sendmail("a@example.com", ["b@example.org"], MAIL.format("after it"))

    assert b"354" == said[4][:3]
    assert [b"552"] * len(said[5:]) == [one[:3] for one in said[5:]]
    assert used < 100 * 1024


def _memory(pid: int) -> int:
    """
    The kB that a process has in memory.
    """
    text = Path(f"/proc/{pid}/status").read_text()
    return int(text.partition("VmHWM:")[2].split()[0])


def test_service_with_a_port(tmp_path: Path) -> None:
    """
    ``serve --smtp`` takes mails beside the service.
    """
    port = free_port()

    with relay(tmp_path, port, command=["serve", "--port", "0", "--smtp"]):
        with smtplib.SMTP("127.0.0.1", port, timeout=20) as smtp:
            smtp.sendmail("a@example.com", ["b@example.org"], MAIL.format("beside"))
        found = subjects(tmp_path, 1)

    assert ["beside"] == found
