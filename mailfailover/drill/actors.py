"""
The actors: the user's own providers, with a door that leads to the stage instead of the network.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from mailfailover._provider.capabilities import Capabilities, capabilities_of
from mailfailover._provider.classify import classify_http
from mailfailover._provider.link import Limit, Link
from mailfailover._values.receipt import Accepted
from mailfailover._values.wire import HTTPRequest

if TYPE_CHECKING:
    from random import Random

    from mailfailover._message.message import Message
    from mailfailover._setup.ordering import Strategy
    from mailfailover.errors import SendError

_SECRET = "drill"  # noqa: S105 -- stands where a program would fetch the key


class Carried(NamedTuple):
    """
    A request with the mail that it is for.
    """

    key: str
    message: Message
    request: Any


class Door(Protocol):
    """
    A transport that takes carried requests.
    """

    def send(self, request: Carried, timeout: float) -> Any:
        """
        Do one call.
        """

    def close(self) -> None:
        """
        Let go of nothing.
        """


class Actor:
    """
    A provider in a play: it builds and reads as it always does, and calls by *door*.

    A provider that calls by itself, with code of its own, has an understudy: a generic vendor.

    Args:
        link: Its place in the chain.

        door: Where its calls go.
    """

    def __init__(self, link: Link, door: Door) -> None:
        provider: Any = link.provider
        self.key: str = link.key
        self.name: str = provider.name
        self.capabilities: Capabilities = capabilities_of(provider)
        self.idempotency_ttl: float | None = getattr(provider, "idempotency_ttl", None)
        self.transport = door
        self.provider: Any = _without_callables(provider) if is_scripted(link) else None
        self._built: dict[tuple[object, ...], Any] = {}

    def build_request(self, message: Message) -> Carried:
        """
        Write *message* as the provider does, once for all mails that differ in their ids only.
        """
        like = (message.to, message.from_email, id(message.text), id(message.html))
        if like not in self._built:
            self._built[like] = self._build(message)
        return Carried(self.key, message, self._built[like])

    def _build(self, message: Message) -> Any:
        if self.provider is None:
            return HTTPRequest(url="https://drill.invalid/send")
        return self.provider.build_request(message)

    def parse_response(self, response: Any, message: Message) -> Accepted:
        """
        Read a yes as the provider does.
        """
        if self.provider is None:
            return Accepted("understudy")
        accepted: Accepted = self.provider.parse_response(response, message)
        return accepted

    def classify_error(self, response: Any, message: Message) -> SendError:
        """
        Read a no as the provider does.
        """
        if self.provider is None:
            return classify_http(response, own_envelope=True)
        error: SendError = self.provider.classify_error(response, message)
        return error

    def build_ping(self) -> Carried:
        """
        No play asks for this.
        """
        raise NotImplementedError


class Recast:
    """
    The user's strategy, with actors in the places of its links.
    """

    def __init__(self, strategy: Strategy, actors: dict[str, Link]) -> None:
        self._strategy = strategy
        self._actors = actors

    def links(self) -> tuple[Link, ...]:
        """
        Return all actors.
        """
        return tuple(self._actors.values())

    def order(self, message: Message, rng: Random) -> list[Link]:
        """
        Return the actors in the strategy's order.
        """
        return [self._actors[link.key] for link in self._strategy.order(message, rng)]


def recast(strategy: Strategy, door: Door, stands_for: float) -> Recast:
    """
    Put actors in the places of all links of *strategy*.

    Args:
        strategy: The user's.

        door: Where all calls go.

        stands_for: How many mails each mail of the play stands for; rates and quotas shrink by it.
    """
    links = {link.key: _acted(link, door, stands_for) for link in strategy.links()}
    return Recast(strategy, links)


def is_scripted(link: Link) -> bool:
    """
    Whether a link's provider builds requests and leaves the calls to a transport.
    """
    return hasattr(link.provider, "build_request") and link.transport is None


def _acted(link: Link, door: Door, stands_for: float) -> Link:
    return Link(
        Actor(link, door),  # type: ignore[arg-type]  # its requests are for its own door
        link.key,
        from_email=link.from_email,
        templates=link.templates,
        labels=link.labels,
        weight=link.weight,
        share=link.share,
        rate=_thinned(link.rate, stands_for),
        quota=_thinned(link.quota, stands_for),
        slow=link.slow,
        warmup=link.warmup,
    )


def _thinned(limit: Limit | None, stands_for: float) -> Limit | None:
    """
    Return the limit for a play in which each mail stands for many.
    """
    if limit is None:
        return None
    count = limit.count / stands_for
    if count >= 1:
        return Limit(int(count), limit.period)
    return Limit(1, limit.period / count)


def _without_callables(provider: Any) -> Any:
    """
    Return *provider* with a placeholder where a secret is fetched by a program's own code.
    """
    if not dataclasses.is_dataclass(provider):
        return provider
    fetched = {
        one.name: _SECRET
        for one in dataclasses.fields(provider)
        if one.init and not one.repr and callable(getattr(provider, one.name))
    }
    return dataclasses.replace(provider, **fetched) if fetched else provider  # type: ignore[type-var]
