"""
How a fleet sends: our chain, with health of its own or shared, and what others do.

Each policy makes a process's way of sending: a function of a mail that returns steps, the
generator of calls and pauses that :class:`~mailfailover.drill.loop.Loop` drives.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any, ClassVar

from mailfailover import MemoryHealth, Message, ProviderChain
from mailfailover._chain.driver import Call, Pause
from mailfailover._chain.policy import Policy
from mailfailover.errors import ConnectionFailed, OutcomeUnknown
from mailfailover.plugin import Accepted, Capabilities, HTTPRequest, Response, classify_http
from tests.simulation.vendors import Answer

if TYPE_CHECKING:
    from mailfailover.drill.loop import Loop
    from mailfailover.errors import SendError

Steps = Generator[Any, Any, Any]
Sender = Callable[[int], Steps]
Fleet = Callable[["Loop", tuple[str, ...], int], list[Sender]]
"""Makes the senders of so many processes."""

ATTEMPT_TIMEOUT = 10.0
TIMEOUT = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulated:
    """
    A provider whose request is its name.
    """

    name: str
    capabilities: ClassVar[Capabilities] = Capabilities()

    def build_request(self, message: Message) -> HTTPRequest:
        return HTTPRequest(url=self.name, headers={"mail": message.id})

    def parse_response(self, response: Response, message: Message) -> Accepted:
        return Accepted("1")

    def classify_error(self, response: Response, message: Message) -> SendError:
        return classify_http(response, own_envelope=True)

    def build_ping(self) -> HTTPRequest:
        return HTTPRequest(url=self.name)


class Wire:
    """
    A transport that only marks calls: the loop answers them.
    """

    def send(self, request: HTTPRequest, timeout: float) -> Response:
        raise NotImplementedError

    def close(self) -> None:
        """
        Nothing is open.
        """


WIRE = Wire()
ANSWERS: dict[Answer, Response | SendError] = {
    Answer.YES: Response(200),
    Answer.ERROR: Response(503, {}, b"{}"),
    Answer.LIMIT: Response(429, {"retry-after": "1"}, b"{}"),
}


def outcome(answer: Answer) -> Response | SendError:
    """
    What a transport makes of the vendor's answer.
    """
    if answer is Answer.REFUSED:
        return ConnectionFailed("nothing was sent: refused", stage="connecting")
    return ANSWERS.get(answer) or OutcomeUnknown("no answer in time", stage="written")


def ours(*, shared: bool) -> Fleet:
    """
    The chain as it is, each process with its own health, or one health for all.
    """

    def fleet(loop: Loop, names: tuple[str, ...], processes: int) -> list[Sender]:
        one = MemoryHealth(clock=loop.clock, wall=loop.clock, rng=Random(0)) if shared else None
        return [_chain_sender(loop, names, number, one) for number in range(processes)]

    return fleet


def _chain_sender(
    loop: Loop, names: tuple[str, ...], number: int, health: MemoryHealth | None
) -> Sender:
    rng = Random(number)
    chain = ProviderChain(
        [Simulated(name=name) for name in names],
        health=health or MemoryHealth(clock=loop.clock, wall=loop.clock, rng=rng),
        transport=WIRE,
        clock=loop.clock,
        wall=loop.clock,
        rng=rng,
    )
    policy = Policy(timeout=TIMEOUT, attempt_timeout=ATTEMPT_TIMEOUT)
    mail = Message(to="ann@example.org", from_email="shop@example.com", subject="s", text="t")
    return lambda number: chain.steps(mail.bound(id=str(number)), (), policy)


def _call(name: str, number: int) -> Call:
    request = HTTPRequest(url=name, headers={"mail": str(number)})
    return Call(WIRE.send, (request, ATTEMPT_TIMEOUT))


def _try(name: str, number: int) -> Generator[Call, Any, bool]:
    try:
        response: Response = yield _call(name, number)
    except (ConnectionFailed, OutcomeUnknown):
        return False
    return response.ok


def in_order(loop: Loop, names: tuple[str, ...], processes: int) -> list[Sender]:
    """
    Every mail tries the providers in their order, and nothing is remembered.
    """

    def sender(number: int) -> Steps:
        for name in names:
            if (yield from _try(name, number)):
                return name
        return None

    return [sender] * processes


def dead_for_a_minute(loop: Loop, names: tuple[str, ...], processes: int) -> list[Sender]:
    """
    Any error marks a provider dead for 60 s, in its process; the mail fails if all are dead.
    """

    def make() -> Sender:
        dead: dict[str, float] = {}

        def sender(number: int) -> Steps:
            for name in names:
                if loop.now < dead.get(name, 0.0):
                    continue
                if (yield from _try(name, number)):
                    return name
                dead[name] = loop.now + 60.0
            return None

        return sender

    return [make() for _ in range(processes)]


def three_times_each(loop: Loop, names: tuple[str, ...], processes: int) -> list[Sender]:
    """
    Three tries at each provider, 1 s and 2 s apart, then the next.
    """

    def sender(number: int) -> Steps:
        for name in names:
            for wait in (1.0, 2.0, 0.0):
                if (yield from _try(name, number)):
                    return name
                if wait:
                    yield Pause(wait)
        return None

    return [sender] * processes


POLICIES: dict[str, Fleet] = {
    "mailfailover, local health": ours(shared=False),
    "mailfailover, shared health": ours(shared=True),
    "in order each time": in_order,
    "dead for 60 s on any error": dead_for_a_minute,
    "three tries, then the next": three_times_each,
}
