"""
A Dovecot of our own: its configuration and its one mailbox in a directory, on free ports.
"""

from __future__ import annotations

import mailbox
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import trustme

from tests.services.ports import free_ports, greets

if TYPE_CHECKING:
    from collections.abc import Iterator

DOVECOT = shutil.which("dovecot", path="/usr/sbin:/usr/local/sbin")
IMAP = Path("/usr/lib/dovecot/imap")

USER, PASSWORD = "bounces", 'pa"ss wörd\\'

CONFIGURATION = """
base_dir = {root}/run
state_dir = {root}/state
log_path = {root}/log
protocols = imap
listen = 127.0.0.1
ssl = yes
ssl_cert = <{root}/server.pem
ssl_key = <{root}/server.key
disable_plaintext_auth = no
mail_location = maildir:{root}/mail
default_internal_user = dovecot
default_login_user = dovenull
first_valid_uid = 1
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
  }}
}}
passdb {{
  driver = passwd-file
  args = scheme=PLAIN {root}/users
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={root}
}}
{more}
"""


@dataclass(frozen=True, slots=True)
class Dovecot:
    """
    A running Dovecot.

    Attributes:
        root: Where all of it is.

        imap: The port that offers STARTTLS.

        imaps: The port that speaks TLS from the first byte.
    """

    root: Path
    imap: int
    imaps: int

    @property
    def ca_file(self) -> str:
        """
        The certificate to trust it by.
        """
        return str(self.root / "ca.pem")

    def put(self, *mails: bytes) -> None:
        """
        Deliver mails into the mailbox, which is empty then but for them.
        """
        shutil.rmtree(self.root / "mail", ignore_errors=True)
        box = mailbox.Maildir(self.root / "mail")
        for mail in mails:
            box.add(mail)
        for path in (self.root / "mail", *(self.root / "mail").rglob("*")):
            owner = pwd.getpwnam("dovecot")
            os.chown(path, owner.pw_uid, owner.pw_gid)

    def flags(self, folder: str = "") -> list[str]:
        """
        The flags of each mail of a folder, "S" for one that was read.
        """
        box = mailbox.Maildir(self.root / "mail" / folder, create=False)
        # Lower-case letters are keywords, which Dovecot numbers.
        return sorted("".join(filter(str.isupper, one.get_flags())) for one in box)


def why_not() -> str:
    """
    What is missing to start one, "" if nothing is.
    """
    if DOVECOT is None or not IMAP.exists():
        return "Dovecot is not installed: apt-get install dovecot-imapd"
    if os.geteuid() != 0:
        return "Dovecot can be started by root only"
    return ""


@contextmanager
def running(more: str = "") -> Iterator[Dovecot]:
    """
    Start one with *more* configuration, and stop it.
    """
    with tempfile.TemporaryDirectory(prefix="mailfailover-dovecot-") as name:
        root = Path(name)
        dovecot = Dovecot(root, *free_ports(2))
        _configure(dovecot, more)
        dovecot.put()
        process = subprocess.Popen([DOVECOT or "", "-F", "-c", str(root / "dovecot.conf")])
        try:
            _wait_for(dovecot, process)
            yield dovecot
        finally:
            process.terminate()
            process.wait(20)


def _configure(dovecot: Dovecot, more: str) -> None:
    root = dovecot.root
    root.chmod(0o755)  # its processes are those of other users
    owner = pwd.getpwnam("dovecot")
    names = {"uid": owner.pw_uid, "gid": owner.pw_gid, "imap": dovecot.imap, "more": more}
    text = CONFIGURATION.format(root=root, imaps=dovecot.imaps, **names)
    (root / "dovecot.conf").write_text(text)
    (root / "users").write_text(f"{USER}:{PASSWORD}\n")
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost", "127.0.0.1")
    certificate.private_key_pem.write_to_path(root / "server.key")
    certificate.cert_chain_pems[0].write_to_path(root / "server.pem")
    authority.cert_pem.write_to_path(root / "ca.pem")


def _wait_for(dovecot: Dovecot, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and process.poll() is None:
        if greets(dovecot.imap, b"* OK"):
            return
    log = dovecot.root / "log"
    said = log.read_text() if log.exists() else ""
    raise AssertionError(f"Dovecot does not answer\n{said}")
