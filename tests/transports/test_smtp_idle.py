from __future__ import annotations

import os
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from mailfailover._values.wire import SMTPReply, SMTPResponse
from mailfailover.errors import ConnectionFailed
from mailfailover.testing import SMTPFaultServer, faults
from mailfailover.transports.smtp import SMTPTransport
from tests.transports.smtp_requests import ANN, BAD, to, verbs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailfailover.testing import Fault

MAIL = ["MAIL", "RCPT", "DATA"]


class Clock:
    """
    A clock that stands still until told.
    """

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """
    What idle connections age by.
    """
    return Clock()


@pytest.fixture
def smtp(clock: Clock) -> Iterator[SMTPTransport]:
    """
    A transport whose connections age by the clock.
    """
    made = SMTPTransport(clock=clock)
    yield made
    made.close()


def test_connection_is_reused(smtp: SMTPTransport, relay: SMTPFaultServer) -> None:
    """
    The next mail to the same server needs no new connection.
    """
    smtp.send(to(relay), 5)
    smtp.send(to(relay), 5)

    assert [["EHLO", *MAIL, *MAIL]] == verbs(relay)


def test_accounts_do_not_share(smtp: SMTPTransport, relay: SMTPFaultServer) -> None:
    """
    A mail for other settings gets a connection of its own; both are kept.
    """
    first = to(relay)
    second = replace(first, local_hostname="other.example")

    for request in (first, second, first, second):
        smtp.send(request, 5)

    assert [["EHLO", *MAIL, *MAIL]] * 2 == verbs(relay)


def test_old_connection_is_closed(
    smtp: SMTPTransport, relay: SMTPFaultServer, clock: Clock
) -> None:
    """
    After 30 idle seconds a connection is ended and a new one made.
    """
    smtp.send(to(relay), 5)
    clock.now = 30.5
    smtp.send(to(relay), 5)

    wait_until(lambda: [["EHLO", *MAIL, "QUIT"], ["EHLO", *MAIL]] == verbs(relay))


def wait_until(condition: object, seconds: float = 5.0) -> None:
    """
    Give the server a moment to read what was sent.
    """
    assert callable(condition)
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends
        time.sleep(0.005)


def test_close_says_goodbye(smtp: SMTPTransport, relay: SMTPFaultServer) -> None:
    """
    Closing quits each idle connection; the transport can be used again.
    """
    smtp.send(to(relay), 5)
    smtp.close()
    smtp.send(to(relay), 5)

    wait_until(lambda: [["EHLO", *MAIL, "QUIT"], ["EHLO", *MAIL]] == verbs(relay))


def test_close_of_a_dead_connection(smtp: SMTPTransport, relay: SMTPFaultServer) -> None:
    """
    Nothing is said of a goodbye that fails.
    """
    smtp.send(to(relay), 5)
    relay.drop_connections()
    time.sleep(0.05)

    smtp.close()
    smtp.close()

    assert 1 == len(relay.accepted)


def test_mail_after_a_refusal(smtp: SMTPTransport, relay: SMTPFaultServer) -> None:
    """
    A mail refused half-way is reset before the next one on the same connection.
    """
    refused = smtp.send(to(relay, recipients=(BAD,)), 5)
    accepted = smtp.send(to(relay), 5)

    assert (False, True) == (refused.ok, accepted.ok)
    assert [["EHLO", "MAIL", "RCPT", "RSET", *MAIL]] == verbs(relay)


def test_refused_reset_makes_a_new_connection(smtp: SMTPTransport, relay: SMTPFaultServer) -> None:
    """
    A connection that cannot be reset is not used.
    """
    relay.fail("rset", (502, "5.5.1 Not implemented"))
    smtp.send(to(relay, recipients=(BAD,)), 5)

    assert smtp.send(to(relay), 5).ok
    assert [["EHLO", "MAIL", "RCPT", "RSET"], ["EHLO", *MAIL]] == verbs(relay)


def test_refused_data_leaves_the_connection_clean(
    smtp: SMTPTransport, relay: SMTPFaultServer
) -> None:
    """
    After a refusal of the final dot the server has forgotten the mail by itself.
    """
    relay.fail("dot", (554, "5.7.1 Spam"), times=1)

    smtp.send(to(relay), 5)
    smtp.send(to(relay), 5)

    assert [["EHLO", *MAIL, *MAIL]] == verbs(relay)


STALE = {
    "close": faults.close_after_read(),
    "reset": faults.reset_after_read(),
    "garbage": faults.garbage(),
}


@pytest.mark.parametrize("fault", STALE.values(), ids=STALE)
def test_stale_connection_is_replaced(
    smtp: SMTPTransport, relay: SMTPFaultServer, fault: Fault
) -> None:
    """
    An idle connection that dies before MAIL is accepted is replaced, unseen.
    """
    smtp.send(to(relay), 5)
    relay.fail("mail", fault, times=1)

    response = smtp.send(to(relay), 5)

    assert response.ok
    assert [["EHLO", *MAIL, "MAIL"], ["EHLO", *MAIL]] == verbs(relay)


def test_full_connection_is_replaced(smtp: SMTPTransport, relay: SMTPFaultServer) -> None:
    """
    A server that takes only so many mails on one connection gets the next on a new one.
    """
    smtp.send(to(relay), 5)
    relay.fail("mail", (421, "4.7.0 Too many messages on this connection"), times=1)

    assert smtp.send(to(relay), 5).ok
    assert 2 == relay.connections


def test_dropped_connections_are_replaced(smtp: SMTPTransport, relay: SMTPFaultServer) -> None:
    """
    A connection that the server closed while it was idle costs nothing.
    """
    smtp.send(to(relay), 5)
    relay.drop_connections()

    assert smtp.send(to(relay), 5).ok


def test_stale_connection_is_replaced_once(smtp: SMTPTransport, relay: SMTPFaultServer) -> None:
    """
    When the new connection fails in the same way, that is the end of the attempt.
    """
    smtp.send(to(relay), 5)
    relay.fail("mail", faults.close_after_read())

    with pytest.raises(ConnectionFailed, match="SMTP mail: the server closed the connection"):
        smtp.send(to(relay), 5)

    assert [["EHLO", *MAIL, "MAIL"], ["EHLO", "MAIL"]] == verbs(relay)


def test_silent_idle_connection_leaves_time_for_a_new_one(
    smtp: SMTPTransport, relay: SMTPFaultServer
) -> None:
    """
    An idle connection without an answer is given up after 3 seconds.
    """
    smtp.send(to(relay), 5)
    relay.fail("mail", faults.hang_after_read(), times=1)

    assert smtp.send(to(relay), 8).ok


def test_failure_after_mail_is_not_stale(smtp: SMTPTransport, relay: SMTPFaultServer) -> None:
    """
    Once MAIL was accepted on an idle connection, what fails is a failure like any other.
    """
    smtp.send(to(relay), 5)
    relay.fail("rcpt", faults.close_after_read(), times=1)

    with pytest.raises(ConnectionFailed, match="SMTP rcpt: "):
        smtp.send(to(relay), 5)

    assert 1 == relay.connections


def test_broken_off_mail_leaves_no_connection(smtp: SMTPTransport, relay: SMTPFaultServer) -> None:
    """
    A connection whose reply never came is not given to the next mail.
    """
    relay.fail("rcpt", faults.hang_after_read(), times=1)
    with pytest.raises(ConnectionFailed):
        smtp.send(to(relay), 0.2)

    assert smtp.send(to(relay), 5).ok
    assert 2 == relay.connections


def test_threads_do_not_share_a_connection(smtp: SMTPTransport) -> None:
    """
    Mails of many threads arrive once each, over at most as many connections.
    """
    with SMTPFaultServer() as relay:

        def send(number: int) -> None:
            for mail in range(10):
                name = f"{number}-{mail}"
                data = f"Message-ID: <{name}@a.example>\r\n\r\n{name}\r\n".encode()
                smtp.send(to(relay, data=data), 20)

        threads = [threading.Thread(target=send, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        expected = {f"{number}-{mail}": 1 for number in range(8) for mail in range(10)}
        assert expected == relay.accepted_ids()
        assert relay.connections <= 8


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_forked_child_has_its_own_connections(smtp: SMTPTransport, relay: SMTPFaultServer) -> None:
    """
    A child does not touch the parent's idle connection, nor does its end harm that.
    """
    smtp.send(to(relay), 5)

    child = os.fork()
    if not child:
        status = 1
        try:
            status = 0 if smtp.send(to(relay), 5).ok else 2
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    smtp.send(to(relay), 5)

    assert 0 == os.waitstatus_to_exitcode(status)
    assert [["EHLO", *MAIL, *MAIL], ["EHLO", *MAIL]] == verbs(relay)


def test_refused_mail_keeps_the_connection(smtp: SMTPTransport, relay: SMTPFaultServer) -> None:
    """
    A refused MAIL is an answer on an idle connection too, and leaves it usable.
    """
    smtp.send(to(relay), 5)
    relay.fail("mail", (550, "5.7.1 No"), times=1)

    response = smtp.send(to(relay), 5)
    smtp.send(to(relay, recipients=(ANN,)), 5)

    assert SMTPResponse(SMTPReply(550, "5.7.1 No", "mail")) == response
    assert [["EHLO", *MAIL, "MAIL", *MAIL]] == verbs(relay)
