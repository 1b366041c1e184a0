"""
The programs of docs/relay.md, run with the settings that stand there.
"""

from __future__ import annotations

import re
import shlex
import shutil
import smtplib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mailfailover.cli.command_line import cli
from tests.programs import free_port
from tests.relay.command import arrives, relay, run
from tests.services import postfix

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = (Path(__file__).parents[2] / "docs/relay.md").read_text("utf-8")
MAIL = "From: a@example.com\r\nTo: b@example.com\r\nSubject: {}\r\n\r\nHello\r\n"

# The machine's own programs may send, and nothing is delivered here.
SATELLITE = """
virtual_mailbox_domains =
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = permit_mynetworks, reject
default_transport = smtp
"""

DJANGO = """
import django
from django.conf import settings

settings.configure(EMAIL_BACKEND="django.core.mail.backends.smtp.EmailBackend", **SETTINGS)
django.setup()

from django.core.mail import send_mail

send_mail("django", "Hello", "a@example.com", ["b@example.org"])
"""

PHP = """<?php
exit(mail("b@example.org", "php", "Hello", "From: a@example.com") ? 0 : 1);
"""


@pytest.fixture(scope="module", name="port")
def _port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, int]]:
    folder, port = tmp_path_factory.mktemp("relay"), free_port()
    with relay(folder, port):
        yield folder, port


def block(program: str, port: int) -> str:
    """
    The settings of a program, with the port of this test.
    """
    found = re.search(rf"\*\*{program}.*?```\w*\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    return found[1].replace("2525", str(port))


def test_postfix_as_a_satellite(port: tuple[Path, int]) -> None:
    """
    A mail that Postfix takes for elsewhere leaves through the port.
    """
    if reason := postfix.why_not():
        pytest.skip(reason)
    folder, number = port

    with postfix.running(SATELLITE + block("Postfix as a satellite", number)) as satellite:
        with smtplib.SMTP("127.0.0.1", satellite.submission, timeout=20) as client:
            client.sendmail("a@example.com", ["b@example.com"], MAIL.format("satellite"))

        assert arrives("satellite", folder), satellite.log


def test_msmtp(port: tuple[Path, int], tmp_path: Path) -> None:
    """
    With its configuration file.
    """
    if shutil.which("msmtp") is None:
        pytest.skip("msmtp is not installed")
    rc, mail = tmp_path / "msmtprc", tmp_path / "mail"
    rc.write_text(block("msmtp", port[1]))
    rc.chmod(0o600)
    mail.write_text(MAIL.format("msmtprc"))

    run(["sh", "-c", f"msmtp --file={rc} b@example.com < {mail}"], tmp_path)

    assert arrives("msmtprc", port[0])


def test_php(port: tuple[Path, int], tmp_path: Path) -> None:
    """
    ``mail()`` of PHP.
    """
    if shutil.which("php") is None or shutil.which("msmtp") is None:
        pytest.skip("PHP or msmtp is not installed")
    (tmp_path / "send.php").write_text(PHP)
    (tmp_path / "php.ini").write_text(block("PHP", port[1]))

    run(["php", "-c", str(tmp_path / "php.ini"), "send.php"], tmp_path)

    assert arrives("php", port[0])


def test_django(port: tuple[Path, int], tmp_path: Path) -> None:
    """
    Django's own backend for SMTP.
    """
    settings = f"SETTINGS = {{}}\nexec('''{block('Django', port[1])}''', {{}}, SETTINGS)\n"

    run([sys.executable, "-W", "ignore", "-c", settings + DJANGO], tmp_path)

    assert arrives("django", port[0])


def test_containers_and_services_name_options_that_there_are() -> None:
    """
    The commands of the files for Docker Compose and systemd.
    """
    commands = re.findall(r"(?:command: |ExecStart=.*/)mailfailover (relay .*)", PAGE)

    assert 2 == len(commands)
    for command in commands:
        name, *options = shlex.split(command)
        found = cli.commands[name].make_context(name, options)
        assert found.params["listen"]


def test_containers_and_services_set_variables_that_there_are() -> None:
    """
    Each is documented with the command or the configuration.
    """
    names = set(re.findall(r"\bMAILFAILOVER_[A-Z_]+", PAGE))
    pages = "".join(
        (Path(__file__).parents[2] / f"docs/{page}.md").read_text("utf-8")
        for page in ("configuration", "command-line", "service")
    )

    assert names
    assert set() == {name for name in names if name not in pages}
