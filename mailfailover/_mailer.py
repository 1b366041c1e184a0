"""
:class:`Mailer`: the one object an application needs.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Protocol, Self

from mailfailover._chain import ProviderChain
from mailfailover._frozen import FrozenDict
from mailfailover._message import Address, Message
from mailfailover._ping import Ping, ping
from mailfailover._receipt import Outcome, RecipientStatus
from mailfailover._send import Policy
from mailfailover._staging import Staging
from mailfailover.errors import ConfigurationError, MailFailoverError, RecipientSuppressed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from email.message import Message as ParsedMessage
    from pathlib import Path
    from types import TracebackType

    from mailfailover._health import Health
    from mailfailover._observe import Observer
    from mailfailover._provider import Transport
    from mailfailover._receipt import Attempt, Receipt

ON_UNKNOWN = ("resend", "raise")
ON_SUPPRESSED = ("raise", "switch")


class Suppressions(Protocol):
    """
    Who must not get mail.
    """

    def find(self, message: Message) -> Mapping[str, str]:
        """
        Return the recipients of *message* who must not get it, with the reason for each.
        """


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

        health, transport, observers: See :class:`ProviderChain`.

        suppressions: Who must not get mail; taken out before any call.

        redirect_to: Everything goes to this address instead, for staging systems.

        allow_recipients: Addresses and domains that may get mail all the same.

    Raises:
        ConfigurationError: If nothing is configured, or it cannot work.
    """

    def __init__(
        self,
        chain: Any = None,
        *,
        from_email: str | Address | None = None,
        timeout: float = 30,
        attempt_timeout: float = 10,
        on_unknown: str = "resend",
        on_suppressed: str = "raise",
        health: Health | None = None,
        suppressions: Suppressions | None = None,
        observers: Iterable[Observer] = (),
        transport: Transport | None = None,
        redirect_to: str | Address | None = None,
        allow_recipients: str | Iterable[str] = (),
    ) -> None:
        if chain is None:
            chain, options = _from_env(os.environ)
            from_email = from_email or options.get("from_email")
        self.chain = _chain(chain, health, transport, observers)
        self.from_email = Address.parse(from_email) if isinstance(from_email, str) else from_email
        self.policy = _policy(
            Policy(),
            timeout=timeout,
            attempt_timeout=attempt_timeout,
            on_unknown=on_unknown,
            on_suppressed=on_suppressed,
        )
        self.suppressions = suppressions
        self.staging = Staging.make(redirect_to, allow_recipients)

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None, **options: Any) -> Self:
        """
        Make a mailer of the environment's variables; *options* take precedence.
        """
        chain, found = _from_env(os.environ if environ is None else environ)
        return cls(chain, **(found | options))

    @classmethod
    def from_config(cls, path: str | Path, **options: Any) -> Self:
        """
        Make a mailer of a TOML file; *options* take precedence.
        """
        from mailfailover._config import from_config

        chain, found = from_config(path)
        return cls(chain, **(found | options))

    @property
    def health(self) -> Any:
        """
        Who is up: ``snapshot()``, ``isolate(key)``, ``reset(key=None)``.
        """
        return self.chain.health

    def send(
        self,
        message: Message | None = None,
        /,
        *,
        timeout: float | None = None,
        via: str | Iterable[str] = (),
        on_unknown: str | None = None,
        **fields: Any,
    ) -> Receipt:
        """
        Send one mail: a :class:`Message`, or its fields as keywords.

        It blocks for at most *timeout* seconds (the look-up of a host name excepted).

        Args:
            message: What to send; *fields* given beside it replace its own.

            timeout: Instead of the mailer's.

            via: Chain keys or labels: no other provider is tried.

            on_unknown: Instead of the mailer's.

            fields: Fields of :class:`Message`.

        Raises:
            InvalidMessage: The message is wrong; nothing was called.
            UnsupportedFeature: No provider of the chain can express it; nothing was called.
            MessageRejected, RecipientRejected, RecipientSuppressed: No provider would take it.
            OutcomeUnknown: It may have been sent.
            AllProvidersFailed: It was surely not sent.
        """
        message = self.prepare(message, via=via, **fields)
        policy = _policy(self.policy, timeout=timeout, on_unknown=on_unknown)
        return self.deliver(message, (), policy)

    def prepare(
        self, message: Message | None = None, /, *, via: str | Iterable[str] = (), **fields: Any
    ) -> Message:
        """
        Return the mail as :meth:`send` would send it: checked, its defaults filled in.
        """
        if via:
            fields["via"] = via
        if message is None:
            message = Message(**fields)
        elif not isinstance(message, Message):
            text = (
                f"send takes a Message or keywords, not {type(message).__name__}: for the "
                "standard library's messages use send_message"
            )
            raise TypeError(text)
        elif fields:
            message = message.replace(**fields)
        if message.from_email is None and self.from_email is not None:
            message = message.bound(from_email=self.from_email)
        return message

    def deliver(self, message: Message, previous: Sequence[Attempt], policy: Policy) -> Receipt:
        """
        Send a prepared mail, with the attempts that an earlier process made of it.
        """
        if self.staging is not None:
            message = self.staging.keep_home(message)
        suppressed: Mapping[str, str] = {}
        if self.suppressions is not None:
            suppressed = self.suppressions.find(message)
            message = _without(message, suppressed)
        receipt = self.chain.send(message, previous, policy=policy)
        if suppressed:
            named = dict.fromkeys(suppressed, RecipientStatus.SUPPRESSED)
            recipients = FrozenDict({**receipt.recipients, **named})
            receipt = _replaced(receipt, recipients)
        return receipt

    def send_many(self, messages: Iterable[Message], *, workers: int = 16) -> list[Outcome]:
        """
        Send many mails at once, at most *workers* at a time.

        Returns:
            An outcome for each message, in the same order. One that fails harms no other.
        """
        with ThreadPoolExecutor(workers, thread_name_prefix="mailfailover") as pool:
            futures = [pool.submit(self._outcome, message) for message in messages]
            try:
                return [future.result() for future in futures]
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def send_message(self, message: ParsedMessage, **fields: Any) -> Receipt:
        """
        Send a message of the standard library's ``email`` package.

        Args:
            message: Any MIME message.

            fields: As for :meth:`send`, for what a MIME message cannot say.
        """
        own = {
            name: fields.pop(name) for name in ("timeout", "via", "on_unknown") if name in fields
        }
        return self.send(Message.from_email_message(message, **fields), **own)

    def ping(self, *, timeout: float = 10) -> dict[str, Ping]:
        """
        Ask each provider, by a harmless call, whether it is up and knows us.
        """
        return {link.key: ping(link, self.chain, timeout) for link in self.chain.links}

    def close(self) -> None:
        """
        Close all connections. A mailer that is used again opens new ones.
        """
        self.chain.close()

    def _outcome(self, message: Message) -> Outcome:
        try:
            return Outcome(message, receipt=self.send(message))
        except MailFailoverError as exc:
            return Outcome(message, error=exc)

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


def _from_env(environ: Mapping[str, str]) -> tuple[Any, dict[str, Any]]:
    from mailfailover._config import from_env

    return from_env(environ)


def _chain(
    chain: Any,
    health: Health | None,
    transport: Transport | None,
    observers: Iterable[Observer],
) -> ProviderChain:
    observers = tuple(observers)
    if not isinstance(chain, ProviderChain):
        return ProviderChain(chain, health=health, transport=transport, observers=observers)
    if health is None and transport is None and not observers:
        return chain
    return ProviderChain(
        chain.strategy,
        health=health or chain.health,
        transport=transport or chain.transport,
        observers=(*chain.observers, *observers),
        clock=chain.clock,
        wall=chain.wall,
        sleep=chain.sleep,
        rng=chain.rng,
    )


def _policy(
    policy: Policy,
    *,
    timeout: float | None = None,
    attempt_timeout: float | None = None,
    on_unknown: str | None = None,
    on_suppressed: str | None = None,
) -> Policy:
    if timeout is None and on_unknown is None:
        return policy
    for name, seconds in (("timeout", timeout), ("attempt_timeout", attempt_timeout)):
        if seconds is not None and not 0 < seconds < float("inf"):
            message = f"{name} must be a number of seconds above 0, not {seconds!r}"
            raise ConfigurationError(message)
    for name, choice, choices in (
        ("on_unknown", on_unknown, ON_UNKNOWN),
        ("on_suppressed", on_suppressed, ON_SUPPRESSED),
    ):
        if choice is not None and choice not in choices:
            message = f"{name} must be {' or '.join(map(repr, choices))}, not {choice!r}"
            raise ConfigurationError(message)
    return Policy(
        timeout or policy.timeout,
        attempt_timeout or policy.attempt_timeout,
        on_unknown or policy.on_unknown,
        on_suppressed or policy.on_suppressed,
    )


def _without(message: Message, suppressed: Mapping[str, str]) -> Message:
    if not suppressed:
        return message
    left = {
        field: tuple(one for one in getattr(message, field) if one.email not in suppressed)
        for field in ("to", "cc", "bcc")
    }
    if not any(left.values()):
        text = "every recipient is on our own suppression list: nothing was sent"
        raise RecipientSuppressed(text, recipients=tuple(suppressed))
    if message.is_merge:
        from mailfailover._merge import part_for

        return part_for(message, left["to"])
    return message.bound(**left)


def _replaced(receipt: Receipt, recipients: Mapping[str, RecipientStatus]) -> Receipt:
    from dataclasses import replace

    return replace(receipt, recipients=recipients)
