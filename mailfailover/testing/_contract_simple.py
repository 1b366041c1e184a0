"""
Claims about the simplest providers: objects with ``name`` and ``send``.
"""

from __future__ import annotations

import dataclasses
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from mailfailover._chain.requirements import required_features
from mailfailover._message.address import Address
from mailfailover._message.message import Message
from mailfailover._provider.capabilities import capabilities_of
from mailfailover._values.features import Feature
from mailfailover._values.receipt import Accepted
from mailfailover.errors import UnsupportedFeature
from mailfailover.testing._claim import calling, claim
from mailfailover.testing._contract_purity import unchanged
from mailfailover.testing._samples import PLAIN, RICH

__all__ = ["check_reads", "check_sends", "check_sends_from_threads"]

_THREADS = 8
_MAILS = 64

# The fields of a mail that a provider must read if it declares the feature.
_FIELDS = {
    Feature.HTML: ("html",),
    Feature.REPLY_TO: ("reply_to",),
    Feature.HEADERS: ("headers",),
    Feature.ATTACHMENTS: ("attachments",),
    Feature.INLINE_IMAGES: ("attachments",),
    Feature.TAGS: ("tags",),
    Feature.METADATA: ("metadata",),
    Feature.TRACKING: ("track_opens", "track_clicks"),
    Feature.SEND_AT: ("send_at",),
    Feature.TEMPLATES: ("template_id", "template_data"),
    Feature.ENVELOPE_FROM: ("envelope_from",),
}


def check_sends(provider: Any, message: Message) -> None:
    """
    A mail is accepted unchanged, and a chain understands the answer.
    """
    with unchanged(message, "sending"), calling("send"):
        try:
            answer = provider.send(message)
        except UnsupportedFeature as exc:
            pytest.fail(
                f"send refuses what is declared ({exc}): of a merge those before would have got "
                "the mail. Declare less (see capabilities)"
            )
    claim(
        answer is None or isinstance(answer, (str, Accepted)),
        f"send must return a str, None or Accepted, not {type(answer).__name__}",
    )


class _WatchedAddress(Address):
    """
    An address that tells when it is looked at.
    """

    __slots__ = ("looks",)

    def __getattribute__(self, name: str) -> Any:
        if name == "email":
            getattr(self, "looks", []).append(True)  # a copy of it has none
        return object.__getattribute__(self, name)


class _WatchedMessage(Message):
    """
    A message that tells which of its fields are looked at.
    """

    __slots__ = ("looks",)

    def __getattribute__(self, name: str) -> Any:
        if name not in ("looks", "__class__"):
            looks: set[str] = getattr(self, "looks", set())  # a copy of it has none
            looks.add(name)
        return object.__getattribute__(self, name)


def check_reads(provider: Any) -> None:
    """
    The provider reads the fields that it declares, and every recipient.

    A provider that only has ``send`` shows no request, so a test cannot see more.
    """
    capabilities = capabilities_of(provider)
    fields = ["text", "subject"]
    if capabilities.max_copies != 0:
        fields += ["cc", "bcc"]
    for feature in capabilities.features & ~_CONTEXT:
        fields += _FIELDS.get(feature, ())
    mail = RICH if capabilities.max_copies != 0 else RICH.bound(cc=(), bcc=())
    if required_features(mail) & ~capabilities.features:
        mail = PLAIN.bound(to=RICH.to, cc=mail.cc, bcc=mail.bcc)
    watched, people = _watched(mail)
    with calling("send"):
        provider.send(watched)
    looks = object.__getattribute__(watched, "looks")
    if "to" not in looks:
        return  # it hands the message on as it is
    for name in fields:
        claim(
            name in looks,
            f"send never looks at {name}: what it does not send must not be declared "
            "(see capabilities)",
        )
    for field, one in people:
        claim(
            object.__getattribute__(one, "looks"),
            f"send never looks at one of the addresses of {field}: a recipient is missing",
        )


_CONTEXT = Feature.EMPTY_BODY | Feature.EMPTY_SUBJECT | Feature.WITHOUT_TO


def _watched(message: Message) -> tuple[Message, list[tuple[str, Address]]]:
    """
    A copy of *message* that remembers what is read of it.
    """
    people = []
    copy = object.__new__(_WatchedMessage)
    object.__setattr__(copy, "looks", set())
    for name in (field.name for field in dataclasses.fields(message)):
        value = getattr(message, name)
        if name in ("to", "cc", "bcc"):
            value = tuple(map(_watch, value))
            people += [(name, one) for one in value]
        object.__setattr__(copy, name, value)
    return copy, people


def _watch(address: Address) -> Address:
    copy = object.__new__(_WatchedAddress)
    object.__setattr__(copy, "looks", [])
    for name in (field.name for field in dataclasses.fields(address)):
        object.__setattr__(copy, name, getattr(address, name))
    return copy


def check_sends_from_threads(provider: Any, message: Message) -> None:
    """
    Threads can share the provider.
    """
    mails = [message.replace(id=f"{message.id}-{number}") for number in range(_MAILS)]
    with ThreadPoolExecutor(_THREADS) as pool, calling("send, from several threads,"):
        answers = list(pool.map(provider.send, mails))
    ids = [answer for answer in answers if isinstance(answer, str) and answer]
    claim(len(ids) == len(set(ids)), "two mails have got one message id")
