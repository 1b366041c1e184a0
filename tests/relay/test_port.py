"""
The SMTP port, spoken to by smtplib and by hand.
"""

from __future__ import annotations

import smtplib
import socket
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
import trustme

from mailfailover import Address as Mailbox
from mailfailover import ConfigurationError
from mailfailover.relay import Address, Relay
from mailfailover.relay.certificates import Certificates
from mailfailover.relay.listener import MAX_OF_ONE_PEER
from mailfailover.service.rules import Rules
from tests.samples import each

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mailfailover.plugin import Message
    from mailfailover.service.parts import Service

AUTHORITY = trustme.CA()
MAIL = (
    "From: Shop <shop@example.com>\r\nTo: Ann <ann@example.org>\r\nSubject: Hi\r\n"
    "Message-ID: <1@example.com>\r\nX-MF-Tag: order\r\n\r\n.dot\r\n"
)


def client(relay: Relay) -> smtplib.SMTP:
    """
    A client that said EHLO.
    """
    found = smtplib.SMTP("127.0.0.1", relay.ports[0], timeout=20)
    found.ehlo()
    return found


def stored(service: Service) -> list[Message]:
    """
    The mails of the outbox, oldest first.
    """
    mails = (service.outbox.get(one.id) for one in reversed(service.outbox.list()))
    return [mail.message for mail in mails if mail and mail.message]


def talk(relay: Relay, *said: bytes) -> bytes:
    """
    Say something and return all that is answered until the server or we hang up.
    """
    with socket.create_connection(("127.0.0.1", relay.ports[0]), timeout=20) as sock:
        heard = sock.recv(1000)
        for one in said:
            sock.sendall(one)
            heard += sock.recv(100_000)
        with suppress(OSError):
            sock.sendall(b"QUIT\r\n")
            while more := sock.recv(100_000):
                heard += more
        return heard


def test_mail_lies_in_the_outbox_as_fields(relay: Relay, service: Service) -> None:
    """
    A plain mail can go through every provider; a dot at a line's start is one.
    """
    with client(relay) as smtp:
        refused = smtp.sendmail("shop@example.com", ["ann@example.org", "bob@example.org"], MAIL)

    (message,) = stored(service)
    assert {} == refused
    assert (
        (Mailbox("ann@example.org", "Ann"),),
        (Mailbox("bob@example.org"),),
        "Hi",
        ".dot\n",
        ("order",),
        {"Message-ID": "<1@example.com>"},
        "",
        b"",
    ) == (
        message.to,
        message.bcc,
        message.subject,
        message.text,
        message.tags,
        message.headers,
        message.envelope_from,
        message.mime,
    )


def test_mail_that_fields_do_not_hold_goes_as_it_is(relay: Relay, service: Service) -> None:
    """
    Only a trace header is added and commands are taken out.
    """
    flowed = MAIL.replace("\r\n\r\n", "\r\nContent-Type: text/plain; format=flowed\r\n\r\n")

    with client(relay) as smtp:
        smtp.sendmail("bounce@example.com", ["ann@example.org"], flowed)

    (message,) = stored(service)
    trace, _, rest = message.mime.partition(b"\r\nFrom:")
    assert trace.startswith(b"Received: from ")
    assert b"with ESMTP id " + message.id.encode() in trace
    assert flowed.replace("X-MF-Tag: order\r\n", "").encode() == b"From:" + rest
    assert "bounce@example.com" == message.envelope_from


def test_extensions_that_are_offered(relay: Relay) -> None:
    """
    Clients may pipeline, ask for reports and send 8 bits; nobody is offered what is not there.
    """
    with client(relay) as smtp:
        offered = {name for name in smtp.esmtp_features if name != "auth"}

    assert {"size", "8bitmime", "smtputf8", "pipelining", "enhancedstatuscodes", "dsn", "help"} == (
        offered
    )


def test_commands_may_come_at_once(relay: Relay, service: Service) -> None:
    """
    A pipelining client hears one answer for each.
    """
    commands = (
        b"EHLO x\r\nMAIL FROM:<a@example.com> RET=HDRS ENVID=e1\r\n"
        b"RCPT TO:<b@example.org> NOTIFY=NEVER\r\nDATA\r\n"
    )

    heard = talk(relay, commands, MAIL.encode() + b".\r\n")

    assert b"250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n354" in heard
    assert b"250 2.0.0 Ok: queued as " in heard
    assert 1 == len(stored(service))


@pytest.mark.parametrize(
    ("command", "reply"),
    [
        (b"MAIL FROM:<a@example.com> RET=ALL\r\n", b"501 5.5.4 The value of RET is wrong"),
        (b"MAIL FROM:<a@example.com> RET=FULL RET=HDRS\r\n", b"501 5.5.4 RET stands there twice"),
        (b"MAIL FROM:<a@example.com> FOO=BAR\r\n", b"555 5.5.0 "),
        (b"MAIL FROM:<a b@example.com>\r\n", b"553 5.1"),
        (b"RCPT TO:<a@example.com>\r\n", b"503 5.5.0 "),
        (b"DATA\r\n", b"503 5.5.1 "),
        (b"EXPN list\r\n", b"502 5.5.0 "),
        (b"XYZ\r\n", b"500 5.5.0 "),
        (b"MAIL FROM:<a@example.com> SIZE=999999\r\n", b"552 5.5.0 "),
    ],
)
def test_wrong_command_hears_why(relay: Relay, command: bytes, reply: bytes) -> None:
    """
    Each refusal has an enhanced status code.
    """
    assert b"\r\n" + reply in talk(relay, b"EHLO x\r\n", command)


@pytest.mark.parametrize(
    "end",
    [
        b"\n.\n",
        b"\n.\r\n",
        b"\r.\r",
        b"\r.\r\n",
        b"\r\n.\r",
        b"\r\n.\n",
        b"\r\r\n.\r\r\n",
        b"\n\n.\r\n\r\n",
    ],
)
def test_smuggled_mail_is_refused(relay: Relay, service: Service, end: bytes) -> None:
    """
    Nothing but CRLF, a dot and CRLF ends a mail; a lone CR or LF refuses all of it.
    """
    smuggled = (
        b"Subject: x\r\n\r\nx" + end + b"MAIL FROM:<e@evil.example>\r\nRCPT TO:<b@example.org>\r\n"
        b"DATA\r\nSubject: smuggled\r\n\r\nx\r\n.\r\n"
    )
    start = (
        b"EHLO x\r\n",
        b"MAIL FROM:<a@example.com>\r\n",
        b"RCPT TO:<b@example.org>\r\n",
        b"DATA\r\n",
    )

    heard = talk(relay, *start, smuggled)

    assert [] == stored(service)
    assert b"550 5.6.11 A line ends in a bare CR or LF" in heard


def test_too_large_a_mail_is_refused(relay: Relay, service: Service) -> None:
    """
    It is read to its end and not kept.
    """
    with client(relay) as smtp:
        smtp.mail("a@example.com")
        smtp.rcpt("b@example.org")
        code, _ = smtp.data(b"Subject: x\r\n\r\n" + b"x" * 70 + b"\r\n" + b"y\r\n" * 50_000)

    assert 552 == code
    assert [] == stored(service)


def test_line_without_an_end_is_refused(relay: Relay, service: Service) -> None:
    """
    It fills no memory.
    """
    with client(relay) as smtp:
        smtp.mail("a@example.com")
        smtp.rcpt("b@example.org")
        code, _ = smtp.data(b"Subject: x\r\n\r\n" + b"x" * 90_000)

    assert 500 == code
    assert [] == stored(service)


def test_recipients_are_counted(relay: Relay) -> None:
    """
    A thousand may get one mail; the next is asked for later.
    """
    with client(relay) as smtp:
        smtp.mail("a@example.com")
        codes = {smtp.rcpt(f"b{number}@example.org")[0] for number in range(1000)}
        more = smtp.rcpt("c@example.org")

    assert {250} == codes
    assert (452, b"4.5.3 Too many recipients") == more


def test_null_sender_is_a_sender(relay: Relay, service: Service) -> None:
    """
    The bounces of others come with it.
    """
    with client(relay) as smtp:
        smtp.sendmail("", ["ann@example.org"], MAIL)

    assert "" == stored(service)[0].envelope_from
    assert [] == relay.submissions.open()


@pytest.fixture(name="key")
def _key(service: Service) -> str:
    rules = Rules(senders=("example.com",), recipients=("example.org",))
    return service.keys.add("shop", rules)


def test_without_a_key_nobody_sends_once_there_is_one(relay: Relay, key: str) -> None:
    """
    Neither does this machine.
    """
    with client(relay) as smtp:
        reply = smtp.mail("shop@example.com")

    assert key
    assert (530, b"5.7.0 Log in with an API key as the password") == reply


def test_key_is_the_password(relay: Relay, service: Service, key: str) -> None:
    """
    Whatever the user is called, by PLAIN and by LOGIN.
    """
    for auth in ("auth_plain", "auth_login"):
        with client(relay) as smtp:
            smtp.user, smtp.password = "any", key
            smtp.auth(auth.removeprefix("auth_").upper(), getattr(smtp, auth))
            smtp.sendmail("shop@example.com", ["ann@example.org"], MAIL)

    assert 2 == len(stored(service))


def test_wrong_key_is_refused(relay: Relay, key: str) -> None:
    """
    A wrong secret and no key at all sound alike.
    """
    for wrong in (key[:-1] + "?", "x"):
        with client(relay) as smtp, pytest.raises(smtplib.SMTPAuthenticationError) as raised:
            smtp.login("any", wrong)
        assert 535 == raised.value.smtp_code


@pytest.mark.parametrize(
    ("sender", "recipient", "header"),
    [
        ("eve@evil.example", "ann@example.org", "shop@example.com"),
        ("shop@example.com", "eve@evil.example", "shop@example.com"),
        ("shop@example.com", "ann@example.org", "eve@evil.example"),
        ("shop@example.com", "ann@example.org", "shop@example.com, eve@evil.example"),
    ],
)
def test_rules_of_the_key_hold(  # noqa: PLR0917 -- three of them are the case
    relay: Relay, service: Service, key: str, sender: str, recipient: str, header: str
) -> None:
    """
    Of the envelope and of the header.
    """
    mail = MAIL.replace("shop@example.com", header)

    with client(relay) as smtp:
        smtp.login("any", key)
        with pytest.raises(
            (smtplib.SMTPResponseException, smtplib.SMTPRecipientsRefused)
        ) as raised:
            smtp.sendmail(sender, [recipient], mail)

    assert b"5.7.1 " in str(raised.value).encode()
    assert [] == stored(service)


def test_same_mail_again_and_again_is_a_loop(relay: Relay, service: Service) -> None:
    """
    A provider whose mails come back is told so.
    """
    with client(relay) as smtp:
        for _ in range(10):
            smtp.sendmail("shop@example.com", ["ann@example.org"], MAIL)
        with pytest.raises(smtplib.SMTPDataError, match="goes round in a loop"):
            smtp.sendmail("shop@example.com", ["ann@example.org"], MAIL)

    assert 10 == len(stored(service))


def test_mail_that_passed_too_many_servers_is_a_loop(relay: Relay, service: Service) -> None:
    """
    Each of them left a Received header.
    """
    with client(relay) as smtp, pytest.raises(smtplib.SMTPDataError, match="loop"):
        smtp.sendmail("a@example.com", ["b@example.org"], "Received: x\r\n" * 50 + MAIL)

    assert [] == stored(service)


def test_accepted_mail_is_on_the_disk(relay: Relay, service: Service) -> None:
    """
    A database that is gone is told, and the client keeps the mail.
    """
    service.outbox.engine.dispose()
    with service.outbox.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE outbox_mails")

    with client(relay) as smtp, pytest.raises(smtplib.SMTPDataError, match="could not be stored"):
        smtp.sendmail("a@example.com", ["b@example.org"], MAIL)


@pytest.fixture(name="tls")
def _tls(service: Service, tmp_path: Path) -> Iterator[tuple[Relay, Path, Path]]:
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    issued = AUTHORITY.issue_cert("localhost", "127.0.0.1")
    cert.write_bytes(b"".join(one.bytes() for one in issued.cert_chain_pems))
    key.write_bytes(issued.private_key_pem.bytes())
    addresses = [Address("127.0.0.1", 0), Address("127.0.0.1", 0, tls=True)]
    relay = Relay(service, addresses, certificates=Certificates(cert, key))
    relay.start()
    yield relay, cert, key
    relay.stop()


def _trusting() -> Any:
    import ssl

    context = ssl.create_default_context()
    AUTHORITY.configure_trust(context)
    return context


def test_starttls_and_implicit_tls(tls: tuple[Relay, Path, Path], service: Service) -> None:
    """
    Both take mails, and AUTH in them.
    """
    relay, _, _ = tls
    key = service.keys.add("shop")

    with client(relay) as smtp:
        smtp.starttls(context=_trusting())
        smtp.login("any", key)
        smtp.sendmail("shop@example.com", ["ann@example.org"], MAIL)
    with smtplib.SMTP_SSL("127.0.0.1", relay.ports[1], context=_trusting(), timeout=20) as smtp:
        smtp.login("any", key)
        smtp.sendmail("shop@example.com", ["ann@example.org"], MAIL)

    assert 2 == len(stored(service))


def test_what_was_said_before_starttls_is_forgotten(tls: tuple[Relay, Path, Path]) -> None:
    """
    A command that stands in clear text behind STARTTLS is not obeyed (CVE-2024-34083).
    """
    relay, _, _ = tls

    with socket.create_connection(("127.0.0.1", relay.ports[0]), timeout=20) as sock:
        sock.recv(1000)
        sock.sendall(b"EHLO x\r\n")
        heard = b""
        while b"250 HELP\r\n" not in heard:
            heard += sock.recv(1000)
        sock.sendall(b"STARTTLS\r\nEHLO injected\r\nMAIL FROM:<e@evil.example>\r\n")
        assert sock.recv(1000).startswith(b"220")
        with _trusting().wrap_socket(sock, server_hostname="localhost") as safe:
            safe.sendall(b"NOOP\r\n")
            assert b"250" == safe.recv(1000)[:3]
            safe.sendall(b"RCPT TO:<b@example.org>\r\n")
            assert b"503" == safe.recv(1000)[:3]


def test_new_certificate_is_read(tls: tuple[Relay, Path, Path]) -> None:
    """
    It is shown to the next client; a broken one is not.
    """
    relay, cert, key = tls
    issued = AUTHORITY.issue_cert("localhost", "127.0.0.1", common_name="new")

    cert.write_bytes(b"".join(one.bytes() for one in issued.cert_chain_pems))
    key.write_bytes(issued.private_key_pem.bytes())
    relay._certificates.refresh()  # type: ignore[union-attr]
    shown = _shown(relay)
    cert.write_text("broken")
    relay._certificates.refresh()  # type: ignore[union-attr]

    assert "new" in shown
    assert shown == _shown(relay)


def _shown(relay: Relay) -> str:
    with (
        socket.create_connection(("127.0.0.1", relay.ports[1]), timeout=20) as sock,
        _trusting().wrap_socket(sock, server_hostname="localhost") as safe,
    ):
        return str(safe.getpeercert())


def test_too_many_connections_are_turned_away(service: Service) -> None:
    """
    Those who hold theirs stay, and one that ends makes room.
    """
    relay = Relay(service, [Address("127.0.0.1", 0)], max_connections=3)
    relay.start()
    try:
        held = [client(relay) for _ in range(3)]
        heard = talk(relay)
        held.pop().quit()
        again = client(relay)

        assert heard.startswith(b"421 4.7.0 Too many connections")
        assert 250 == again.noop()[0]
        again.close()
        for one in held:
            one.close()
    finally:
        relay.stop()
    assert MAX_OF_ONE_PEER < 200


def test_idle_client_is_turned_out(service: Service) -> None:
    """
    A client that says nothing holds nothing.
    """
    relay = Relay(service, [Address("127.0.0.1", 0)], idle_timeout=0.2)
    relay.start()
    try:
        with socket.create_connection(("127.0.0.1", relay.ports[0]), timeout=20) as sock:
            heard = b""
            while more := sock.recv(1000):
                heard += more
    finally:
        relay.stop()

    assert heard.startswith(b"220")


@each("text", ["2525", "host:", ":25", "host:x", "host:70000"])
def test_wrong_address_is_refused(text: str) -> None:
    """
    The error shows the form.
    """
    with pytest.raises(ConfigurationError, match="is not of the form HOST:PORT"):
        Address.parse(text)


def test_addresses_of_both_kinds() -> None:
    """
    IPv6 stands in brackets.
    """
    assert [Address("127.0.0.1", 25), Address("::1", 465, tls=True)] == [
        Address.parse("127.0.0.1:25"),
        Address.parse("[::1]:465", tls=True),
    ]


def test_port_that_is_taken_is_told(service: Service, relay: Relay) -> None:
    """
    The error names it.
    """
    second = Relay(service, [Address("127.0.0.1", relay.ports[0])])

    with pytest.raises(ConfigurationError, match="cannot be had"):
        second.start()
    second.stop()


def test_tls_needs_a_certificate(service: Service) -> None:
    """
    Nobody listens in the clear where TLS was asked for.
    """
    with pytest.raises(ConfigurationError, match="needs --tls-cert"):
        Relay(service, [Address("127.0.0.1", 0, tls=True)])
