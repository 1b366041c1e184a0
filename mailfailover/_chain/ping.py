"""
A ping: a harmless call that asks a provider whether it is up and knows us.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mailfailover._chain.driver import Call, drive
from mailfailover._chain.faults import interpret, sound_error
from mailfailover._message.message import Message
from mailfailover._values.face import published_in
from mailfailover._values.wire import Stage

if TYPE_CHECKING:
    from collections.abc import Callable

    from mailfailover._chain.driver import Steps
    from mailfailover._provider.link import Link
    from mailfailover._provider.protocols import Transport
    from mailfailover.errors import SendError


@published_in("mailfailover")
@dataclass(frozen=True, slots=True)
class Ping:
    """
    How one provider answered.

    Attributes:
        provider: Its chain key.

        ok: True if it knows us; None if it has no way to ask.

        error: The error otherwise.

        duration: How long it took, in seconds.

    .. versionadded:: 0.1.0
    """

    provider: str
    ok: bool | None
    error: SendError | None = None
    duration: float = 0.0


def ping(link: Link, transport: Transport, timeout: float) -> Ping:
    """
    Ask the provider of *link*, within *timeout* seconds. Its health is not touched.
    """
    return drive(ping_steps(link, transport, timeout), time.sleep)


def ping_steps(
    link: Link,
    transport: Transport,
    timeout: float,
    clock: Callable[[], float] = time.monotonic,
) -> Steps[Ping]:
    """
    Return the steps of :func:`ping`, for any driver.
    """
    provider: Any = link.provider
    nothing = Message()
    started = clock()
    stage = Stage.PREPARING
    try:
        if hasattr(provider, "build_ping"):
            request = provider.build_ping()
            response = yield Call((link.transport or transport).send, (request, timeout))
            stage = Stage.RESPONSE
            if hasattr(provider, "parse_ping"):
                provider.parse_ping(response)
            elif not response.ok:
                raise sound_error(provider.classify_error(response, nothing))
        elif hasattr(provider, "ping"):
            yield Call(provider.ping, ())
        else:
            return Ping(link.key, ok=None)
    except BaseException as exc:  # noqa: BLE001 -- what is not about the provider is raised again
        error = interpret(exc, link, nothing, stage)
        return Ping(link.key, ok=False, error=error, duration=clock() - started)
    return Ping(link.key, ok=True, duration=clock() - started)
