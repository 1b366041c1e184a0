"""
The outcome of one mail among many: a receipt or an error.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailfailover._values.face import published_in

if TYPE_CHECKING:
    from mailfailover._message.message import Message
    from mailfailover._values.receipt import Receipt


@published_in("mailfailover")
@dataclass(frozen=True, slots=True)
class Outcome:
    """
    How one mail of :meth:`~mailfailover.Mailer.send_many` ended: a receipt or an error.

    The error is what :meth:`~mailfailover.Mailer.send` would have raised.
    """

    message: Message
    receipt: Receipt | None = None
    error: Exception | None = None

    @property
    def ok(self) -> bool:
        """
        Whether a provider accepted it.
        """
        return self.receipt is not None
