from __future__ import annotations

import base64
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from aiosmtpd.smtp import LoginPassword

from mailfailover.outbox import Outbox
from mailfailover.relay.desk import Desk, Given, Letter
from mailfailover.relay.envelope import Wishes, take_parameters
from mailfailover.relay.gate import CLOSED, NO_KEY, Gate
from mailfailover.relay.loops import PERIOD, Loops
from mailfailover.relay.submissions import Submissions
from mailfailover.service.rules import Caller, Rules
from mailfailover.testing import FakeClock
from tests.samples import each

if TYPE_CHECKING:
    from mailfailover.service.parts import Service


def session(address: str, auth_data: Any = None) -> Any:
    """
    A session of a client at *address*.
    """
    return SimpleNamespace(peer=(address, 12345), auth_data=auth_data)


@pytest.mark.parametrize(
    ("address", "may"),
    [("127.0.0.1", True), ("::1", True), ("192.0.2.1", False), ("2001:db8::1", False), ("", False)],
)
def test_without_a_key_only_this_machine_sends(
    service: Service, address: str, *, may: bool
) -> None:
    """
    The port is no open relay, wherever it listens.
    """
    found = Gate(service.keys).caller(session(address))

    assert isinstance(found, Caller) if may else found == CLOSED


def test_with_a_key_everybody_logs_in(service: Service) -> None:
    """
    Also who is on this machine; a revoked key opens nothing.
    """
    key = service.keys.add("shop", Rules(senders=("example.com",)))
    gate = Gate(service.keys)

    result = gate.log_in(None, None, None, "PLAIN", LoginPassword(b"any", key.encode()))
    known = gate.caller(session("192.0.2.1", result.auth_data))
    service.keys.revoke(service.keys.list()[0].id)

    assert NO_KEY == gate.caller(session("127.0.0.1"))
    assert isinstance(known, Caller)
    assert ("example.com",) == known.rules.senders
    assert {"envelope_from", "headers"} <= set(known.rules.grants)
    assert not gate.log_in(None, None, None, "PLAIN", LoginPassword(b"", key.encode())).success
    assert not gate.log_in(None, None, None, "PLAIN", None).success


@each(
    ("arg", "left", "found"),
    [
        ("FROM:<a@b.example>", "FROM:<a@b.example>", {}),
        (
            "FROM:<a@b.example> SIZE=1 ret=hdrs ENVID=a+2Bb",
            "FROM:<a@b.example> SIZE=1",
            {"RET": "HDRS", "ENVID": "a+2Bb"},
        ),
        ("FROM:<a@b.example> AUTH=<> SIZE=1", "FROM:<a@b.example> SIZE=1", {"AUTH": "<>"}),
        ("FROM:<> AUTH=a+40b", "FROM:<>", {"AUTH": "a+40b"}),
        ("FROM:a@b.example RET=FULL", "FROM:a@b.example RET=FULL", {}),
        ('FROM:<"a b>"@b.example> RET=FULL', 'FROM:<"a b>"@b.example>', {"RET": "FULL"}),
    ],
)
def test_parameters_of_dsn(arg: str, left: str, found: dict[str, str]) -> None:
    """
    They are taken out, the others stay for aiosmtpd.
    """
    assert (left, found) == take_parameters(arg, "RET", "ENVID", "AUTH")


@each(
    ("parameter", "ok"),
    [
        ("NOTIFY=NEVER", True),
        ("NOTIFY=success,failure,delay", True),
        ("NOTIFY=NEVER,FAILURE", False),
        ("NOTIFY=", False),
        ("AUTH=", False),
        ("NOTIFY=x", False),
        ("ORCPT=rfc822;a+2B@b.example", True),
        ("ORCPT=rfc822", False),
        ("ORCPT=;a", False),
        ("ORCPT=rfc822;a+b", False),
    ],
)
def test_values_of_dsn(parameter: str, *, ok: bool) -> None:
    """
    What RFC 3461 does not allow is refused.
    """
    if ok:
        assert 1 == len(
            take_parameters(f"TO:<a@b.example> {parameter}", "NOTIFY", "ORCPT", "AUTH")[1]
        )
        return
    with pytest.raises(ValueError, match=r"501 5\.5\.4"):
        take_parameters(f"TO:<a@b.example> {parameter}", "NOTIFY", "ORCPT", "AUTH")


def test_loops_are_forgotten() -> None:
    """
    Who sends the same mail once an hour goes on; who has no Message-ID is not counted.
    """
    clock = FakeClock()
    loops = Loops(clock)

    often = [loops.is_loop("<1@x>", ["b@x", "a@x"]) for _ in range(11)]
    clock.advance(PERIOD + 1)

    assert [False] * 10 + [True] == often
    assert not loops.is_loop("<1@x>", ["a@x", "b@x"])
    assert not any(loops.is_loop("", ["a@x"]) for _ in range(20))
    assert not any(loops.is_loop(f"<{number}@y>", ["a@x"]) for number in range(10_001))


KEY = Caller("", "a program", Rules(grants=("headers",)))
MAIL = b"From: a@example.com\r\nX-MF-Tag: t\r\nAuto-Submitted: no\r\nSubject: secret\r\n\r\nx\r\n"


@pytest.mark.parametrize("key", ["", base64.b64encode(bytes(32)).decode()], ids=["open", "sealed"])
def test_header_of_a_sealed_mail_is_not_kept(service: Service, key: str) -> None:
    """
    Where mails are encrypted at rest, their subject does not lie beside them.
    """
    engine = service.outbox.engine
    submissions = Submissions(engine)
    submissions.init()
    own = replace(service, outbox=Outbox(engine, key=key or ()))

    desk = Desk(own, submissions)
    letter = desk.read(
        Given(MAIL, "a@example.com", ("b@example.org",), Wishes(), KEY, "127.0.0.1", "x", "SMTP")
    )
    assert isinstance(letter, Letter)
    (reply,) = desk.store([letter])

    (kept,) = submissions.open()
    assert reply.startswith("250 2.0.0 ")
    assert kept.header == (
        "Auto-Submitted: no\r\n"
        if key
        else "From: a@example.com\r\nAuto-Submitted: no\r\nSubject: secret\r\n"
    )
