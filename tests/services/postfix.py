"""
A Postfix of our own: its configuration, queue and mailbox in a directory, on free ports.
"""

from __future__ import annotations

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
    from collections.abc import Iterator, Sequence

POSTFIX = shutil.which("postfix", path="/usr/sbin:/usr/local/sbin")
SASLPASSWD = shutil.which("saslpasswd2", path="/usr/sbin:/usr/local/sbin")
PLAIN_LOGIN = "*/sasl2/libplain.so"

USER, PASSWORD, REALM = "shop", "s3cret-Xq", "mail.example.com"

# Everybody at these domains has a mailbox but Eve, and the mail of all is in one. Who has
# logged in may write to others too: that mail is thrown away.
MAIN = """
compatibility_level = 3.6
queue_directory = {root}/spool
data_directory = {root}/data
mail_owner = postfix
setgid_group = postdrop
maillog_file = {root}/log
maillog_file_prefixes = {root}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mail.example.com
mydestination =
mynetworks =
alias_maps =
local_recipient_maps =
smtputf8_enable = yes
allow_percent_hack = no
allow_untrusted_routing = yes
swap_bangpath = no
virtual_mailbox_domains = example.org, example.net, example.edu, xn--bcher-kva.example
virtual_mailbox_base = {root}
virtual_mailbox_maps = regexp:{root}/mailboxes
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
default_transport = discard:
message_size_limit = 1000000
smtpd_relay_restrictions = permit_sasl_authenticated, reject_unauth_destination
smtpd_sender_restrictions = check_sender_access inline:{{ blocked@example.com=REJECT }}
smtpd_recipient_restrictions =
  check_recipient_access inline:{{ {{ later@example.org = 450 4.2.0 Greylisted }} }}
smtpd_tls_security_level = may
smtpd_tls_auth_only = yes
smtpd_tls_chain_files = {root}/server.pem
smtpd_tls_loglevel = 1
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = cyrus
smtpd_sasl_local_domain = mail.example.com
cyrus_sasl_config_path = {root}/sasl
"""
MASTER = """
127.0.0.1:{submission} inet n - n - - smtpd
127.0.0.1:{smtps} inet n - n - - smtpd -o smtpd_tls_wrappermode=yes
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""
SASL = """
pwcheck_method: auxprop
auxprop_plugin: sasldb
sasldb_path: {root}/sasldb2
mech_list: PLAIN LOGIN
"""


@dataclass(frozen=True, slots=True)
class Postfix:
    """
    A running Postfix.

    Attributes:
        root: Where all of it is.

        submission: The port that offers STARTTLS.

        smtps: The port that speaks TLS from the first byte.
    """

    root: Path
    submission: int
    smtps: int

    @property
    def ca_file(self) -> str:
        """
        The certificate to trust it by.
        """
        return str(self.root / "ca.pem")

    @property
    def log(self) -> str:
        """
        All that it has said.
        """
        return (self.root / "log").read_text()

    def delivered(self, message_id: str, count: int, seconds: float = 20) -> list[bytes]:
        """
        Wait for *count* copies of the mail with this Message-ID.
        """
        wanted = f"\nMessage-ID: {message_id}\n".encode()
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            every = [path.read_bytes() for path in self.root.glob("mail/new/*")]
            found = [data for data in every if wanted in data]
            if len(found) >= count:
                return found
            time.sleep(0.02)
        raise AssertionError(f"{count} mails were due within {seconds} s\n{self.log}")


def why_not() -> str:
    """
    What is missing to start one, "" if nothing is.
    """
    if POSTFIX is None or SASLPASSWD is None or not any(Path("/usr/lib").glob(PLAIN_LOGIN)):
        return "Postfix is not installed: apt-get install postfix sasl2-bin libsasl2-modules"
    if os.geteuid() != 0:
        return "Postfix can be started by root only"
    return ""


@contextmanager
def running(main: str = "", master: str = "") -> Iterator[Postfix]:
    """
    Start one, with more lines of its two configuration files, and stop it.
    """
    with tempfile.TemporaryDirectory(prefix="mailfailover-postfix-") as name:
        root = Path(name)
        postfix = Postfix(root, *free_ports(2))
        _configure(postfix, main, master)
        _run([POSTFIX or "", "-c", name, "start"])
        try:
            _wait_for(postfix)
            yield postfix
        finally:
            _run([POSTFIX or "", "-c", name, "stop"])


def _configure(postfix: Postfix, main: str, master: str) -> None:
    root = postfix.root
    root.chmod(0o755)  # its processes are those of other users
    owner = pwd.getpwnam("postfix")
    names = {"root": root, "uid": owner.pw_uid, "gid": owner.pw_gid}
    ports = {"submission": postfix.submission, "smtps": postfix.smtps}
    (root / "main.cf").write_text(MAIN.format(**names) + main)
    (root / "master.cf").write_text(MASTER.format(**ports) + master)
    (root / "mailboxes").write_text("!/^eve@/ mail/\n")
    for directory in ("spool", "data", "mail", "sasl"):
        (root / directory).mkdir()
    os.chown(root / "data", owner.pw_uid, owner.pw_gid)
    os.chown(root / "mail", owner.pw_uid, owner.pw_gid)
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost", "127.0.0.1")
    (root / "server.pem").write_bytes(certificate.private_key_and_cert_chain_pem.bytes())
    authority.cert_pem.write_to_path(root / "ca.pem")
    _add_account(root, owner.pw_gid)


def _add_account(root: Path, group: int) -> None:
    (root / "sasl" / "smtpd.conf").write_text(SASL.format(root=root))
    accounts = root / "sasldb2"
    command = [SASLPASSWD or "", "-p", "-c", "-f", str(accounts), "-u", REALM, USER]
    subprocess.run(command, input=PASSWORD.encode(), check=True, capture_output=True)
    os.chown(accounts, 0, group)
    accounts.chmod(0o640)


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise AssertionError(f"{' '.join(command)} failed: {done.stdout}{done.stderr}")


def _wait_for(postfix: Postfix) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if greets(postfix.submission, b"220 "):
            return
    raise AssertionError(f"Postfix does not answer\n{postfix.log}")
