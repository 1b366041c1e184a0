"""
The login: turns a new connection into one that takes mails (greeting, EHLO, TLS, AUTH).
"""

from __future__ import annotations

import ssl
from base64 import b64encode
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from mailfailover._values.wire import Stage
from mailfailover.errors import AuthenticationFailed, ConnectionFailed
from mailfailover.transports._dial import dial
from mailfailover.transports._smtp_connection import CONTINUE, Connection, Refused, is_success

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mailfailover._values.wire import SMTPReply, SMTPRequest
    from mailfailover.transports._smtp_connection import Conversation


def open_session(request: SMTPRequest, progress: Conversation) -> Connection:
    """
    Connect and log in as *request* says.

    Raises:
        Refused: The server said no.
        AuthenticationFailed: There is no way to log in.
        ConnectionFailed: There is no way to TLS.
        OSError, Garbled: Anything else; nothing of the mail was sent.
    """
    progress.step = "connect"
    progress.connecting()
    connection = Connection(dial(request.host, request.port, progress), progress)
    try:
        _greet(connection, request)
        if request.username:
            log_in(connection, request)
    except BaseException:
        connection.close()
        raise
    return connection


def _greet(connection: Connection, request: SMTPRequest) -> None:
    if request.tls == "implicit":
        connection.secure(tls_context(request.ca_file), request.host)
    connection.progress.connected()
    connection.progress.step = "greeting"
    greeting = connection.reply("connect")
    if not is_success(greeting):
        raise Refused(greeting)
    _say_hello(connection, request)
    if request.tls == "starttls":
        _start_tls(connection, request)


@lru_cache(maxsize=32)
def tls_context(ca_file: str) -> ssl.SSLContext:
    """
    The settings of TLS, loaded once: certificates and host names are checked.
    """
    try:
        return ssl.create_default_context(cafile=ca_file or None)
    except OSError as exc:
        message = f"ca_file cannot be read: {exc.strerror}; give the path of a PEM file"
        raise ConnectionFailed(message, stage=Stage.CONNECTED) from exc


def _say_hello(connection: Connection, request: SMTPRequest) -> None:
    name = request.local_hostname or connection.address
    _, *lines = connection.demand("ehlo", f"EHLO {name}").text.split("\n")
    pairs = (line.partition(" ") for line in lines)
    connection.extensions = {keyword.upper(): rest for keyword, _, rest in pairs}


def _start_tls(connection: Connection, request: SMTPRequest) -> None:
    if "STARTTLS" not in connection.extensions:
        message = (
            "the server offers no STARTTLS: use smtps:// (tls='implicit'), or tls='none' for a "
            "relay on this machine"
        )
        raise ConnectionFailed(message, stage=Stage.CONNECTED)
    connection.demand("starttls", "STARTTLS")
    connection.secure(tls_context(request.ca_file), request.host)
    # What was offered in the clear may have been forged (RFC 3207 4.2).
    _say_hello(connection, request)


def log_in(connection: Connection, request: SMTPRequest) -> None:
    """
    Log in with the first mechanism that both sides have.

    Raises:
        Refused: The server does not know us.
        AuthenticationFailed: There is no common mechanism, or somebody could listen.
    """
    if not connection.is_private:
        message = "no log-in without TLS: use tls='starttls' or tls='implicit'"
        raise AuthenticationFailed(message, stage=Stage.CONNECTED)
    offered = connection.extensions.get("AUTH", "").upper().split()
    for mechanism, *words in _mechanisms(request):
        if mechanism in offered:
            reply = _authenticate(connection, mechanism, words)
            if not is_success(reply):
                secrets = (*words, request.password, request.access_token)
                raise Refused(_without(reply, secrets))
            return
    what = "an access token" if request.access_token else "a password"
    message = f"the server offers no log-in with {what}; it offers: {' '.join(offered) or 'none'}"
    raise AuthenticationFailed(message, stage=Stage.CONNECTED)


def _mechanisms(request: SMTPRequest) -> Iterator[tuple[str, ...]]:
    """
    Yield the name of each mechanism, what follows it on its line, and the answers after it.
    """
    user, password, token = request.username, request.password, request.access_token
    if token:
        # A refusal is first explained by a challenge, which wants an empty answer:
        # https://developers.google.com/gmail/imap/xoauth2-protocol (2026-11).
        yield "XOAUTH2", _base64(f"user={user}\1auth=Bearer {token}\1\1"), ""
    else:
        yield "PLAIN", _base64(f"\0{user}\0{password}")
        yield "LOGIN", "", _base64(user), _base64(password)


def _authenticate(connection: Connection, mechanism: str, words: list[str]) -> SMTPReply:
    initial, *answers = words
    reply = connection.command("auth", f"AUTH {mechanism} {initial}".rstrip())
    for answer in answers:
        if reply.code != CONTINUE["auth"]:
            break
        reply = connection.command("auth", answer)
    return reply


def _without(reply: SMTPReply, secrets: Iterable[str]) -> SMTPReply:
    # Some servers quote the line that they do not like.
    text = reply.text
    for secret in filter(None, secrets):
        text = text.replace(secret, "<secret>")
    return replace(reply, text=text)


def _base64(text: str) -> str:
    return b64encode(text.encode()).decode("ascii")
