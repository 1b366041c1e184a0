"""
No key, body or address leaves through an error, whatever happens: markers are planted and searched.
"""

from __future__ import annotations

import logging
import pickle
import traceback
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from mailfailover import Mailer, MailFailoverError, Message, ProviderChain, SendError, errors
from mailfailover.plugin import Accepted, HTTPRequest, Response
from mailfailover.providers.mailgun import Mailgun
from mailfailover.providers.sendgrid import SendGrid
from mailfailover.testing import FakeClock, FakeTransport, FaultServer, faults

if TYPE_CHECKING:
    from collections.abc import Callable

KEY = "key-MARKERSECRET123"
BODY = "MARKERBODY"
ADDRESS = "markeraddress@example.org"
MARKERS = ("MARKERSECRET", BODY, "markeraddress", "MARKERSUBJECT")
QUOTING = f"cannot take {ADDRESS} with {KEY}: {ADDRESS}"

KINDS = [
    kind
    for name in errors.__all__
    if isinstance(kind := getattr(errors, name), type) and issubclass(kind, SendError)
]


def mail() -> Message:
    """
    A mail full of markers.
    """
    return Message(
        ADDRESS,
        from_email="shop@example.com",
        subject="MARKERSUBJECT",
        text=BODY,
        metadata={"a": BODY},
    )


def told(error: BaseException, caplog: pytest.LogCaptureFixture) -> str:
    """
    All that anybody can read of *error*.
    """
    formatter = logging.Formatter()
    logged = [formatter.format(one) for one in caplog.records if one.levelno >= logging.INFO]
    trails = [repr(getattr(error, "attempts", ()))]
    parts: list[BaseException | None] = [error]
    parts += [attempt.error for attempt in getattr(error, "attempts", ())]
    for part in parts:
        if part is not None:
            trails += [str(part), repr(part), "".join(traceback.format_exception(part))]
            trails.append(pickle.dumps(part).decode("latin-1"))
    return "\n".join((*logged, *trails))


def failure(chain: Any, caplog: pytest.LogCaptureFixture, transport: Any = None) -> str:
    """
    What is told of the error that a send of *mail* ends in.
    """
    caplog.set_level(logging.INFO)
    clock = FakeClock()
    made = ProviderChain(chain, transport=transport, clock=clock, sleep=clock.sleep)
    with pytest.raises(MailFailoverError) as caught:
        Mailer(made, timeout=1).send(mail())
    return told(caught.value, caplog)


class Raising:
    """
    A provider whose code raises what quotes everything.
    """

    name = "raising"

    def __init__(self, make: Callable[[], BaseException]) -> None:
        self.make = make

    def send(self, message: Message) -> None:
        """
        Raise it, with a cause and a context that quote as well.
        """
        try:
            raise KeyError(QUOTING)
        except KeyError as exc:
            raise self.make() from exc


class Building:
    """
    A provider whose every step raises on demand.
    """

    name = "building"
    capabilities = Mailgun.capabilities
    step: ClassVar[str] = ""

    def __init__(self, step: str) -> None:
        self.failing = step

    def build_request(self, message: Message) -> HTTPRequest:
        self._fail("build")
        return HTTPRequest(url="https://example.com", headers={"Authorization": KEY})

    def parse_response(self, response: Response, message: Message) -> Accepted:
        self._fail("parse")
        return Accepted("1")

    def classify_error(self, response: Response, message: Message) -> SendError:
        self._fail("classify")
        return errors.RequestRefused("no")

    def _fail(self, step: str) -> None:
        if step == self.failing:
            raise ValueError(QUOTING)


@pytest.mark.parametrize("kind", [*KINDS, ValueError, RuntimeError], ids=lambda k: k.__name__)
def test_a_plugins_own_words_are_masked(
    kind: type[Exception], caplog: pytest.LogCaptureFixture
) -> None:
    """
    Of its addresses nothing is told, and of a foreign exception only kind and place.
    """
    said = failure(Raising(lambda: kind(f"cannot take {ADDRESS}")), caplog)

    assert [marker for marker in MARKERS if marker in said] == []


@pytest.mark.parametrize("step", ["build", "parse", "classify"])
def test_a_plugins_bugs_tell_nothing(step: str, caplog: pytest.LogCaptureFixture) -> None:
    """
    Whichever of its functions raises.
    """
    status = 400 if step == "classify" else 200
    transport = FakeTransport(*[Response(status, {}, b"{}")] * 9)

    said = failure(Building(step), caplog, transport)

    assert [marker for marker in MARKERS if marker in said] == []


@pytest.mark.parametrize("status", [400, 401, 403, 429, 500, 502, 503])
def test_a_vendor_that_echoes_everything(status: int, caplog: pytest.LogCaptureFixture) -> None:
    """
    Its words are told without addresses and without our key.
    """
    body = f'{{"message": "bad key {KEY} of {ADDRESS}"}}'.encode()
    transport = FakeTransport(*[Response(status, {}, body)] * 99)

    said = failure(Mailgun(api_key=KEY, domain="example.com"), caplog, transport)

    assert [marker for marker in MARKERS if marker in said] == []


@pytest.mark.parametrize(
    "fault",
    [faults.refuse(), faults.reset_after_read(), faults.garbage(), faults.hang_after_read()],
    ids=str,
)
def test_what_the_wire_does_tells_nothing(fault: Any, caplog: pytest.LogCaptureFixture) -> None:
    """
    The libraries' exceptions hold requests with keys; ours do not hang on them.
    """
    caplog.set_level(logging.INFO)
    with FaultServer("sendgrid") as vendor:
        vendor.fail(fault)
        provider = SendGrid(api_key=KEY, base_url=vendor.url)
        with Mailer(provider, timeout=0.5) as mailer, pytest.raises(MailFailoverError) as caught:
            mailer.send(mail())

    said = told(caught.value, caplog)
    assert [marker for marker in MARKERS if marker in said] == []
    assert "MARKER" not in repr(provider)
