"""
The mailer: the one object that an application needs.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Self, Unpack

from mailfailover._chain.chain import ProviderChain, make_chain
from mailfailover._chain.driver import drive
from mailfailover._chain.ping import Ping, ping
from mailfailover._chain.policy import Policy
from mailfailover._mailer.delivery import Delivery
from mailfailover._mailer.many import send_each
from mailfailover._mailer.staging import Staging
from mailfailover._mailer.webhook_intake import Reception
from mailfailover._message.message import Message
from mailfailover._provider.link import read_address
from mailfailover._setup.config_files import Watched
from mailfailover._setup.settings import read_setting
from mailfailover._setup.sources import ConfigFile, Environment, Spec
from mailfailover._values.face import published_in
from mailfailover._values.frozen import EMPTY
from mailfailover.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from email.message import Message as ParsedMessage
    from pathlib import Path
    from types import TracebackType

    from mailfailover._chain.observe import Observer
    from mailfailover._health.protocol import Health
    from mailfailover._mailer.deliveries import Deliveries
    from mailfailover._mailer.leave_out import Suppressions
    from mailfailover._mailer.replays import Replays
    from mailfailover._mailer.webhook import Handler
    from mailfailover._message.address import Address
    from mailfailover._message.keywords import MessageFields, OnSuppressed, OnUnknown
    from mailfailover._message.outcome import Outcome
    from mailfailover._provider.protocols import Transport
    from mailfailover._setup.sources import Source
    from mailfailover._values.events import DeliveryEvent
    from mailfailover._values.receipt import Receipt
    from mailfailover._values.wire import WebhookRequest
    from mailfailover.errors import Attempt

_POLICY = Policy()
_DEFAULTS = {
    "timeout": _POLICY.timeout,
    "attempt_timeout": _POLICY.attempt_timeout,
    "on_unknown": _POLICY.on_unknown,
    "on_suppressed": _POLICY.on_suppressed,
    "deliver_within": EMPTY,
    "from_email": None,
    "redirect_to": None,
    "allow_recipients": (),
    "health": None,
}


@published_in("mailfailover")
class Mailer:
    """
    Sends mail through whichever provider is up.

    Safe to share between threads, and to use after a fork; make one and keep it, since
    its connections and its knowledge of who is up are in it. A context manager that
    closes its connections.

    Args:
        chain:
            The providers: a DSN string, a provider, a sequence of DSNs, providers and
            links, an ordered mapping ``{key: provider or DSN}``, or a
            :class:`ProviderChain`. From the environment where None.

        from_email: The sender of mails that name none.

        timeout: Seconds that bound one send with all its attempts.

        attempt_timeout: Seconds that bound one attempt.

        on_unknown:
            When an attempt may or may not have sent the mail: ``"resend"`` it, and say
            ``possible_duplicate`` in the receipt, or ``"raise"``.

        on_suppressed:
            When a provider says that a recipient bounced or complained before:
            ``"raise"``, or ``"switch"`` to the next provider.

        deliver_within:
            Seconds by stream, ``{"transactional": 120}``, for mails without a *deliver_within* of
            their own; see :class:`Message`.

        health, transport, observers: See :class:`ProviderChain`.

        suppressions: The list of addresses that must not get mail; removed before any call.

        redirect_to: Everything goes to this address instead, for staging systems.

        allow_recipients: Addresses and domains that may get mail all the same.

        on_event, replays: The handlers of delivery events, and the store that refuses replays.

        deliveries:
            Learns what becomes of mails, and lets the next ones prefer the links that reach their
            receivers: a :class:`mailfailover.deliveries.DeliveryHealth`.

    Raises:
        ConfigurationError: If nothing is configured, or it cannot work.

    .. versionadded:: 0.1.0
    """

    def __init__(
        self,
        chain: Any = None,
        *,
        from_email: str | Address | None = None,
        timeout: float = 30,
        attempt_timeout: float = 10,
        on_unknown: OnUnknown = "resend",
        on_suppressed: OnSuppressed = "raise",
        health: Health | str | None = None,
        suppressions: Suppressions | None = None,
        observers: Iterable[Observer] = (),
        transport: Transport | None = None,
        deliver_within: Mapping[str, float] = EMPTY,
        redirect_to: str | Address | None = None,
        allow_recipients: str | Iterable[str] = (),
        on_event: Iterable[Handler] = (),
        replays: Replays | None = None,
        deliveries: Deliveries | None = None,
    ) -> None:
        given: dict[str, Any] = {
            "from_email": from_email,
            "timeout": timeout,
            "attempt_timeout": attempt_timeout,
            "on_unknown": on_unknown,
            "on_suppressed": on_suppressed,
            "deliver_within": deliver_within,
            "redirect_to": redirect_to,
            "allow_recipients": allow_recipients,
            "health": health,
        }
        given = {name: value for name, value in given.items() if value != _DEFAULTS[name]}
        self._source = Watched(_source_of(chain, given).load)
        found = self._source.value
        spec = chain if isinstance(chain, ProviderChain) else found.strategy
        self.deliveries = deliveries
        if deliveries is not None:
            observers, on_event = (*observers, deliveries), (*on_event, deliveries)
        self.chain: ProviderChain = make_chain(
            spec, found.options.get("health"), transport, observers, deliveries
        )
        self.webhooks: Reception = Reception(self.chain, on_event, replays)
        self._check_warmups()
        self._suppressions = suppressions
        self._apply(found.options)

    def _apply(self, options: Mapping[str, Any]) -> None:
        settings = {**_DEFAULTS, **options}
        del settings["health"]
        self.from_email: Address | None = read_address(settings.pop("from_email"), "from_email")
        self.deliver_within: Mapping[str, float] = _by_stream(settings.pop("deliver_within"))
        staging = Staging.make(settings.pop("redirect_to"), settings.pop("allow_recipients"))
        self.delivery: Delivery = Delivery(self.chain, staging, self._suppressions, self.deliveries)
        self.policy: Policy = _POLICY.but(**settings)

    def refresh(self) -> None:
        """
        Read the files of the configuration again if they changed; done before each send.

        They are looked at once a second at most. A mailer without such files does nothing.

        .. versionadded:: 0.1.0
        """
        if self._source.refresh():
            found = self._source.value
            self.chain.renew(found.strategy)
            self._check_warmups()
            self._apply(found.options)

    def _check_warmups(self) -> None:
        if self.deliveries is not None:
            self.deliveries.for_links(self.chain.links)
            return
        for link in self.chain.links:
            if link.warmup is not None:
                message = (
                    f"warmup of {link.key!r} needs a count over days and processes: give the "
                    "mailer deliveries=DeliveryHealth(...)"
                )
                raise ConfigurationError(message)

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None, **options: Any) -> Self:
        """
        Make a mailer of the environment's variables; *options* take precedence.
        """
        source = Environment(os.environ if environ is None else environ, options)
        return cls(source, **options)

    @classmethod
    def from_config(cls, path: str | Path, **options: Any) -> Self:
        """
        Make a mailer of a TOML file; *options* take precedence.
        """
        return cls(ConfigFile(path, options), **options)

    @property
    def health(self) -> Health:
        """
        The health of the providers, with ``snapshot()``, ``isolate(key)`` and ``reset(key=None)``.
        """
        return self.chain.health

    def send(
        self,
        message: Message | None = None,
        /,
        *,
        timeout: float | None = None,
        on_unknown: OnUnknown | None = None,
        **fields: Unpack[MessageFields],
    ) -> Receipt:
        """
        Send one mail: a :class:`Message`, or its fields as keywords.

        It blocks for at most *timeout* seconds (the look-up of a host name excepted).

        Args:
            message: The mail; *fields* given beside it replace its own.

            timeout: Instead of the mailer's.

            on_unknown: Instead of the mailer's.

            fields: Fields of :class:`Message`; *via* is among them.

        Raises:
            InvalidMessage: The message is wrong; nothing was called.
            UnsupportedFeature: No provider of the chain can express it; nothing was called.
            MessageRejected, RecipientRejected, RecipientSuppressed: No provider would take it.
            OutcomeUnknown: The mail may have been sent.
            AllProvidersFailed: The mail was certainly not sent.
            ConfigurationError: It comes *after* another mail, and there are no *deliveries*.
        """
        message = self.prepare(message, **fields)
        self.check_after(message)
        policy = self.policy.of_one(timeout, on_unknown)
        return drive(self.delivery.steps(message, (), policy), self.chain.sleep)

    def prepare(
        self, message: Message | None = None, /, **fields: Unpack[MessageFields]
    ) -> Message:
        """
        Return the mail as :meth:`send` would send it: checked, its defaults filled in.
        """
        self.refresh()
        if message is None:
            if fields.get("from_email") is None:
                fields["from_email"] = self.from_email
            return Message(**fields)
        if not isinstance(message, Message):
            text = (
                f"send takes a Message or keywords, not {type(message).__name__}: for the "
                "standard library's messages use send_message"
            )
            raise TypeError(text)
        if fields:
            message = message.replace(**fields)
        if message.from_email is None and self.from_email is not None:
            message = message.bound(from_email=self.from_email)
        return message

    def check_after(self, message: Message) -> None:
        """
        Refuse *after* where nobody knows what became of the mail that it names.

        Raises:
            ConfigurationError: If it is given, and the mailer has no *deliveries*.
        """
        if message.after and self.deliveries is None:
            text = (
                "after needs to know what became of the earlier mail: give the mailer "
                "deliveries=DeliveryHealth(...)"
            )
            raise ConfigurationError(text)

    def deliver(self, message: Message, previous: Sequence[Attempt], policy: Policy) -> Receipt:
        """
        Send a prepared mail, with the attempts that an earlier process made of it.
        """
        self.refresh()
        return drive(self.delivery.steps(message, previous, policy), self.chain.sleep)

    def send_many(self, messages: Iterable[Message], *, workers: int = 16) -> list[Outcome]:
        """
        Send many mails at once, at most *workers* at a time.

        Returns:
            One outcome per message, in the same order. A failed mail does not affect the others.

        Raises:
            TypeError: If one is no :class:`Message`; none was sent.
        """
        return send_each(self.send, messages, workers)

    def send_message(
        self,
        message: ParsedMessage,
        /,
        *,
        timeout: float | None = None,
        on_unknown: OnUnknown | None = None,
        **fields: Unpack[MessageFields],
    ) -> Receipt:
        """
        Send a message of the standard library's ``email`` package.

        Args:
            message: Any MIME message.

            fields: As for :meth:`send`, for what a MIME message cannot say.
        """
        read = Message.from_email_message(message, **fields)
        return self.send(read, timeout=timeout, on_unknown=on_unknown)

    def ping(self, *, timeout: float = 10) -> dict[str, Ping]:
        """
        Ask each provider, by a harmless call, whether it is up and knows us.
        """
        chain = self.chain
        return {link.key: ping(link, chain.transport, timeout) for link in chain.links}

    def receive(self, key: str, request: WebhookRequest) -> tuple[DeliveryEvent, ...]:
        """
        Take a webhook of the provider *key*, and hand its events to the handlers.

        Raises:
            ConfigurationError: If there is no such provider, or it has no webhooks.
            InvalidSignature, InvalidWebhook: See :func:`mailfailover.webhooks.receive`.
        """
        self.refresh()
        return self.webhooks.receive(key, request)

    def on_event(self, handler: Handler) -> Handler:
        """
        Call *handler* with each :class:`DeliveryEvent` from now on; usable as a decorator.

        It may get one twice, with the same ``event_id``. Where it raises, the vendor is asked
        to bring the event again.
        """
        return self.webhooks.add(handler)

    def close(self) -> None:
        """
        Close all connections. A mailer that is used again opens new ones.
        """
        self.chain.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Mailer({', '.join(self.chain.keys)})"


def _by_stream(given: Any) -> Mapping[str, float]:
    return read_setting("deliver_within", given, "deliver_within") if given else EMPTY


def _source_of(chain: Any, given: Mapping[str, Any]) -> Source:
    if chain is None:
        return Environment(os.environ, given)
    return chain if hasattr(chain, "load") else Spec(chain, given)
