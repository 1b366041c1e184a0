"""
Asking a provider whether it is up and knows us, without sending anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mailfailover._chain.attempt import Call, interpret, sound_error
from mailfailover._chain.driver import drive
from mailfailover._message.message import Message
from mailfailover._values.face import published_in
from mailfailover._values.wire import Stage

if TYPE_CHECKING:
    from collections.abc import Generator

    from mailfailover._chain.chain import ProviderChain
    from mailfailover._provider.link import Link
    from mailfailover.errors import SendError


@published_in("mailfailover")
@dataclass(frozen=True, slots=True)
class Ping:
    """
    How one provider answered.

    Attributes:
        provider: Its chain key.

        ok: True if it knows us; None if it has no way to ask.

        error: What it said otherwise.

        duration: How long it took, in seconds.

    .. versionadded:: 0.1.0
    """

    provider: str
    ok: bool | None
    error: SendError | None = None
    duration: float = 0.0


def ping(link: Link, chain: ProviderChain, timeout: float) -> Ping:
    """
    Ask the provider of *link*, within *timeout* seconds. Its health is not touched.
    """
    return drive(ping_steps(link, chain, timeout), chain.sleep)


def ping_steps(link: Link, chain: ProviderChain, timeout: float) -> Generator[Call, Any, Ping]:
    """
    The same, for whoever drives it.
    """
    provider: Any = link.provider
    started = chain.clock()
    stage = Stage.PREPARING
    try:
        if hasattr(provider, "build_ping"):
            request = provider.build_ping()
            transport = link.transport or chain.transport
            response = yield Call(transport.send, (request, timeout))
            stage = Stage.RESPONSE
            if hasattr(provider, "parse_ping"):
                provider.parse_ping(response)
            elif not response.ok:
                raise sound_error(provider.classify_error(response, Message()))
        elif hasattr(provider, "ping"):
            yield Call(provider.ping, ())
        else:
            return Ping(link.key, ok=None)
    except BaseException as exc:  # noqa: BLE001 -- what is not ours to judge is raised again
        error = interpret(exc, link, stage)
        return Ping(link.key, ok=False, error=error, duration=chain.clock() - started)
    return Ping(link.key, ok=True, duration=chain.clock() - started)
