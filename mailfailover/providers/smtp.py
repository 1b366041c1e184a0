"""
SMTP: any mail server, one's own or a vendor's.

::

    smtp://user:password@mail.example.com        STARTTLS on port 587
    smtps://user:password@mail.example.com       TLS from the first byte, port 465
    smtp://localhost?tls=none                    a relay on this machine, port 25

TLS is verified and never optional: a server that offers no STARTTLS gets no mail. There is
no log-in without it, except to this machine.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from mailfailover import errors, plugin
from mailfailover.plugin import Feature

# RFC 6409 (submission), RFC 8314 (implicit TLS), RFC 5321 (relay).
PORTS = {"starttls": 587, "implicit": 465, "none": 25}

# The mail's id in the reply to its data. Postfix: "2.0.0 Ok: queued as 4WxYz"; Exim:
# "OK id=1tABC-0001"; sendmail: "2.0.0 4ANAbc Message accepted for delivery"; Amazon SES:
# "Ok 0102018f...", docs.aws.amazon.com/ses/latest/DeveloperGuide/smtp-response-codes.html.
# All seen 2026-11; of other servers: unconfirmed.
QUEUE_ID = re.compile(
    r"queued as <?(?P<postfix>[\w.@+-]+)|\bid=(?P<exim>[\w-]+)"
    r"|(?P<sendmail>\w+) Message accepted|^Ok (?P<ses>[0-9a-f-]{20,})$",
    re.IGNORECASE | re.MULTILINE,
)

_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_HOST = re.compile(r"[^\s\x00-\x20\x7f/@?#\[\]]+")
_MAX_PORT = 65535


@dataclass(frozen=True, slots=True, kw_only=True)
class SMTP:
    """
    A mail server.

    Attributes:
        host: Its name, which its certificate must show.

        port: Where it listens; by *tls* 587, 465 or 25 where None.

        username: Whom to log in as, "" for a relay that wants no log-in.

        password: For AUTH PLAIN or LOGIN; a callable is asked once for each mail.

        access_token: Instead of a password: an OAuth 2.0 token for AUTH XOAUTH2, or a
            callable that returns a fresh one.

        tls: ``"starttls"``, ``"implicit"``, or ``"none"``, which logs in on this machine only.

        ca_file: A file of PEM certificates to trust instead of the system's.

        local_hostname: What to call ourselves in EHLO; our end's IP address where "".

        bounce_address: Where bounces come to, a domain (``bounces.example.com``) or a mailbox
            (``bounces@example.com``): each mail without its own *envelope_from* gets a sender
            there that names it. See :doc:`/bounces`.

        bounce_secret: Signs these senders, 16 characters or more; a tuple while it is changed.

    Raises:
        ConfigurationError: If these do not go together.

    .. versionadded:: 0.1.0
    """

    name: ClassVar[str] = "smtp"
    userinfo: ClassVar[tuple[str, ...]] = ("username", "password")
    maturity: ClassVar[str] = "stable"
    unconfirmed: ClassVar[tuple[str, ...]] = (
        "the form of queue ids of servers other than Postfix, Exim, sendmail and SES",
    )
    # The fields that a URL scheme sets, beside those of its own name.
    schemes: ClassVar[Mapping[str, Mapping[str, str]]] = {"smtps": {"tls": "implicit"}}
    # Tags, metadata, tracking and a time to send at have no standard header. How large a mail
    # may be, and whether addresses may be non-ASCII, the server tells when it is called.
    capabilities: ClassVar[plugin.Capabilities] = plugin.Capabilities(
        Feature.HTML
        | Feature.REPLY_TO
        | Feature.MULTIPLE_REPLY_TO
        | Feature.HEADERS
        | Feature.REPEATED_HEADERS
        | Feature.MESSAGE_ID
        | Feature.ATTACHMENTS
        | Feature.INLINE_IMAGES
        | Feature.CALENDAR
        | Feature.AMP
        | Feature.ALTERNATIVES
        | Feature.MIME
        | Feature.ENVELOPE_FROM
        | Feature.UNICODE_LOCAL_PART
        | Feature.EMPTY_BODY
        | Feature.EMPTY_SUBJECT
        | Feature.WITHOUT_TO
    )

    host: str
    port: int | None = None
    username: str = ""
    password: plugin.Secret = field(default="", repr=False)
    access_token: plugin.Secret = field(default="", repr=False)
    tls: Literal["starttls", "implicit", "none"] = "starttls"
    ca_file: str = ""
    local_hostname: str = ""
    bounce_address: str = ""
    bounce_secret: plugin.Secrets = field(default="", repr=False)

    def __post_init__(self) -> None:
        """
        Refuse a set-up that cannot work or would give a password away.
        """
        if problem := _problem(self):
            message = f"smtp: {problem}"
            raise errors.ConfigurationError(message)
        if self.bounce_address or self.bounce_secret:
            plugin.BounceAddresses(self.bounce_address, self.bounce_secret)

    @property
    def bounce_addresses(self) -> plugin.BounceAddresses | None:
        """
        What makes and reads the envelope senders, None where *bounce_address* is not set.
        """
        if not self.bounce_address:
            return None
        origin = f"{self.username}@{self.host}:{self.port or PORTS[self.tls]}"
        return plugin.BounceAddresses(self.bounce_address, self.bounce_secret, origin)

    def build_request(self, message: plugin.Message) -> plugin.SMTPRequest:
        mail_from = message.envelope_from or self._return_path(message)
        recipients = _recipients(message)
        data = message.as_bytes()
        header = data.partition(b"\r\n\r\n")[0]
        ascii_only = header.isascii() and all(map(str.isascii, (mail_from, *recipients)))

        return self._request(
            mail_from=mail_from,
            recipients=recipients,
            data=data,
            smtputf8=not ascii_only,
        )

    def _return_path(self, message: plugin.Message) -> str:
        addresses = self.bounce_addresses
        return addresses.make(message) if addresses else message.sender.email

    def build_ping(self) -> plugin.SMTPRequest:
        return self._request()

    def _request(
        self,
        mail_from: str = "",
        recipients: tuple[str, ...] = (),
        data: bytes = b"",
        *,
        smtputf8: bool = False,
    ) -> plugin.SMTPRequest:
        return plugin.SMTPRequest(
            host=self.host,
            port=self.port or PORTS[self.tls],
            tls=self.tls,
            ca_file=self.ca_file,
            username=self.username,
            password=plugin.reveal(self.password),
            access_token=plugin.reveal(self.access_token),
            mail_from=mail_from,
            recipients=recipients,
            data=data,
            smtputf8=smtputf8,
            local_hostname=self.local_hostname,
        )

    def parse_response(
        self, response: plugin.SMTPResponse, message: plugin.Message
    ) -> plugin.Accepted:
        found = QUEUE_ID.search(response.reply.text)
        return plugin.Accepted(
            found[found.lastgroup or 0] if found else "",
            {email: _status(reply) for email, reply in response.refused.items()},
        )

    def classify_error(
        self, response: plugin.SMTPResponse, message: plugin.Message
    ) -> errors.SendError:
        if not response.refused or len(response.refused) < len(_recipients(message)):
            return plugin.classify_smtp(response.reply)
        found = {email: plugin.classify_smtp(reply) for email, reply in response.refused.items()}
        # All were refused. While one of them may be reached in another way, the mail goes on.
        all_errors = list(found.values())
        error = next((e for e in all_errors if e.verdict is not errors.Verdict.STOP), all_errors[0])
        error.recipients = tuple(email for email, e in found.items() if type(e) is type(error))
        return error


def _recipients(message: plugin.Message) -> tuple[str, ...]:
    return tuple(dict.fromkeys(address.email for address in message.recipients))


def _status(reply: plugin.SMTPReply) -> plugin.RecipientStatus:
    if isinstance(plugin.classify_smtp(reply), errors.RecipientRejected):
        return plugin.RecipientStatus.INVALID
    return plugin.RecipientStatus.REFUSED


def _problem(server: SMTP) -> str:
    """
    What is wrong with a set-up and what to do about it, or "".
    """
    if not _HOST.fullmatch(server.host):
        return "host is missing or no host name: write smtp://user:password@mail.example.com"
    if server.tls not in PORTS:
        return f"tls is unknown; known: {', '.join(PORTS)}"
    if server.port is not None and not 0 < server.port <= _MAX_PORT:
        return f"port must be between 1 and {_MAX_PORT}, or left out"
    if server.local_hostname and not _HOST.fullmatch(server.local_hostname.strip("[]")):
        return "local_hostname is no host name: leave it out to use the IP address"
    return _login_problem(server)


def _login_problem(server: SMTP) -> str:
    if server.password and server.access_token:
        return "password and access_token are both given: keep one"
    if bool(server.username) != bool(server.password or server.access_token):
        return "a log-in needs username, and password or access_token: add the other, or drop both"
    if not server.username.isprintable():
        return "username has a control character: copy it anew"
    if server.username and server.tls == "none" and server.host not in _LOOPBACK:
        return (
            "tls='none' would send the password in the clear: use tls='starttls' or 'implicit', "
            "or no log-in"
        )
    return ""
