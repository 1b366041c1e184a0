"""
Attempts to send through the SMTP port and the service from another host, over a real network.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
import trustme

from tests.relay.hosts import OURS, Hosts, two_hosts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PORT = "2525"
# A provider that really sends, and to which no mail gets.
DSN = "mailgun://key:example.com@default?base_url=http://127.0.0.1:9"

SMTP = """
import smtplib, ssl, sys

host, key, tls = sys.argv[1:]
context = ssl.create_default_context()
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
with smtplib.SMTP(host, 2525, timeout=20) as client:
    if tls:
        client.starttls(context=context)
    client.ehlo()
    if key:
        try:
            client.login("shop", key)
        except smtplib.SMTPException as exc:
            print("login", getattr(exc, "smtp_code", "not offered"))
    sender, _ = client.mail("shop@example.com")
    recipient, _ = client.rcpt("ann@example.org")
    print(sender, recipient)
"""

POST = """
import sys, urllib.error, urllib.request

fields = b"to=ann@example.org&from_email=shop@example.com&subject=Hi&text=Hello"
headers = {"Authorization": f"Bearer {sys.argv[3]}"} if sys.argv[3] else {}
headers["Host"] = sys.argv[2]
url = f"http://{sys.argv[1]}:2525/email/api/1.0/send"
try:
    answer = urllib.request.urlopen(urllib.request.Request(url, fields, headers), timeout=20)
    print(answer.status)
except urllib.error.HTTPError as exc:
    print(exc.code)
"""


@pytest.fixture(scope="module")
def hosts() -> Iterator[Hosts]:
    """
    Two hosts with a network of their own.
    """
    with two_hosts() as both:
        yield both


@contextmanager
def serving(hosts: Hosts, folder: Path, *command: str) -> Iterator[None]:
    """
    A command of mailfailover on our host, until it listens.
    """
    env = os.environ | {
        "MAILFAILOVER_DATABASE": f"sqlite:///{folder}/mails.db",
        "MAILFAILOVER_DSN": DSN,
    }
    started = [*hosts.ours, sys.executable, "-m", "mailfailover", *command]
    with (
        (folder / "log").open("ab") as log,
        subprocess.Popen(started, env=env, stdout=log, stderr=log, cwd=folder) as process,
    ):
        try:
            listens = f"import socket; socket.create_connection(('{OURS}', {PORT}), 5).close()"
            deadline = time.monotonic() + 60
            while run(hosts.foreign, listens).returncode:
                assert process.poll() is None, (folder / "log").read_text()
                assert time.monotonic() < deadline, (folder / "log").read_text()
            yield
        finally:
            process.terminate()


def run(host: list[str], program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """
    Run a program of Python on a host.
    """
    return subprocess.run(
        [*host, sys.executable, "-c", program, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def said(hosts: Hosts, program: str, *arguments: str) -> str:
    """
    Run a program on the other host and return what it prints.
    """
    done = run(hosts.foreign, program, OURS, *arguments)
    assert 0 == done.returncode, done.stderr
    return done.stdout.strip()


def add_key(folder: Path) -> str:
    """
    Make an API key by the command.
    """
    env = os.environ | {"MAILFAILOVER_DATABASE": f"sqlite:///{folder}/mails.db"}
    command = [sys.executable, "-m", "mailfailover", "keys", "add", "shop"]
    return subprocess.run(
        command, env=env, capture_output=True, text=True, check=True
    ).stdout.strip()


def certificate(folder: Path) -> list[str]:
    """
    Write a certificate, and return the options that name it.
    """
    made = trustme.CA().issue_cert(OURS)
    made.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    made.private_key_pem.write_to_path(folder / "key.pem")
    return [f"--tls-cert={folder}/cert.pem", f"--tls-key={folder}/key.pem"]


def test_without_a_key_the_port_takes_nothing_from_another_host(
    hosts: Hosts, tmp_path: Path
) -> None:
    """
    Neither in the clear nor over TLS.
    """
    options = certificate(tmp_path)
    with serving(hosts, tmp_path, "relay", "--listen", f"{OURS}:{PORT}", *options):
        found = [said(hosts, SMTP, "", tls) for tls in ("", "tls")]

    assert ["550 503"] * 2 == found


def test_with_a_key_another_host_logs_in_over_tls_only(hosts: Hosts, tmp_path: Path) -> None:
    """
    A key in the clear would be anybody's on the way.
    """
    key = add_key(tmp_path)
    options = certificate(tmp_path)
    with serving(hosts, tmp_path, "relay", "--listen", f"{OURS}:{PORT}", *options):
        clear, none, wrong, right = (
            said(hosts, SMTP, given, tls)
            for given, tls in ((key, ""), ("", "tls"), (f"{key[:-1]}!", "tls"), (key, "tls"))
        )

    assert "login not offered" == clear.splitlines()[0]
    assert "530 503" == none
    assert ["login 535", "530 503"] == wrong.splitlines()
    assert "250 250" == right


def test_the_service_takes_nothing_from_another_host_without_its_key(
    hosts: Hosts, tmp_path: Path
) -> None:
    """
    Whatever name the request calls us by.
    """
    serve = ("serve", "--host", OURS, "--port", PORT)
    names = (OURS, "localhost", "127.0.0.1")
    with serving(hosts, tmp_path, *serve):
        closed = [said(hosts, POST, name, "") for name in names]
    key = add_key(tmp_path)
    with serving(hosts, tmp_path, *serve):
        none, right = (said(hosts, POST, OURS, given) for given in ("", key))

    assert ["403"] * 3 == closed
    assert ("401", "202") == (none, right)
