"""
Keeps mails in memory, for tests.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from mailfailover import errors, plugin


@dataclass(frozen=True, slots=True, eq=False)
class Memory:
    """
    Keeps every mail as it is in ``messages``; nothing leaves the process.

    Safe in threads. Each object is a mailbox of its own, a child after fork has a copy.

    Attributes:
        max_messages: How many mails are kept, the newest; 0 keeps all.

    .. versionadded:: 0.1.0
    """

    name: ClassVar[str] = "memory"
    maturity: ClassVar[str] = "stable"
    capabilities: ClassVar[plugin.Capabilities] = plugin.EVERYTHING

    max_messages: int = 0
    # No lock, which a fork could catch locked: each step is one operation of the list, and
    # those are atomic.
    _kept: list[plugin.Message] = field(default_factory=list, init=False, repr=False)

    def __post_init__(self) -> None:
        if self.max_messages < 0:
            raise errors.ConfigurationError(
                "max_messages of memory must not be negative: 0 keeps all"
            )

    @property
    def messages(self) -> tuple[plugin.Message, ...]:
        """
        The mails kept until now, oldest first.
        """
        return tuple(self._kept)[-self.max_messages :]

    def clear(self) -> None:
        """
        Forget all mails.
        """
        self._kept.clear()

    def send(self, message: plugin.Message) -> str:
        self._kept.append(message)
        if self.max_messages:
            del self._kept[: -self.max_messages]
        return message.message_id

    def ping(self) -> None:
        """
        Memory is always there.
        """
