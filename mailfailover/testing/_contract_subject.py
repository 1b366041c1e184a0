"""
The subject of a contract: a provider, its recorded answers, and the samples it declares.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from mailfailover._provider.capabilities import UNDECLARED, Capabilities
from mailfailover._values.wire import Response, SMTPResponse
from mailfailover.testing._claim import each
from mailfailover.testing._marked import fitting
from mailfailover.testing._samples import PLAIN, SAMPLES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mailfailover._message.message import Message
    from mailfailover._values.receipt import Accepted
    from mailfailover.errors import SendError

__all__ = ["Subject"]


class Subject:
    """
    The attributes that a subclass sets, and the checks made of many samples.

    ``ProviderContract`` documents the attributes, for users.
    """

    provider: ClassVar[Any] = None
    accepted: ClassVar[Response | SMTPResponse | None] = None
    accepted_id: ClassVar[str] = ""
    errors: ClassVar[Sequence[tuple[Response | SMTPResponse, type[SendError]]]] = ()
    partial: ClassVar[Sequence[tuple[Response | SMTPResponse, Accepted]]] = ()
    batch: ClassVar[Sequence[tuple[Response, Sequence[Accepted | type[SendError]]]]] = ()
    empty_success: ClassVar[bool] = False
    message: ClassVar[Message] = PLAIN
    merge: ClassVar[Message] = SAMPLES["merge"]

    def __init_subclass__(cls) -> None:
        """
        Hide from pytest what does not concern the provider.
        """
        if cls.provider is None:
            return
        for name in dir(cls):
            concerned = getattr(getattr(cls, name), "concerned", None)
            if concerned is not None and not concerned(cls):
                setattr(cls, name, None)

    def adapt(self, message: Message) -> Message | None:
        """
        Say how the vendor can be asked for the sample *message*; None leaves it out.

        Use it for values that the vendor can never carry and that no user misses, such as the
        sender's name where it belongs to the account. Keep it small: what you change here is not
        checked.
        """
        return message

    def _fitting(self, messages: Mapping[str, Message]) -> dict[str, Message]:
        """
        The messages whose features the provider declares.
        """
        declared = getattr(self.provider, "capabilities", None)
        return fitting(messages, declared if isinstance(declared, Capabilities) else UNDECLARED)

    def _adapted(self, messages: Mapping[str, Message]) -> dict[str, Message]:
        adapted = {name: self.adapt(one) for name, one in self._fitting(messages).items()}
        return {name: one for name, one in adapted.items() if one is not None}

    def _each_sample(self, check: Callable[[Any, Message], None]) -> None:
        each(self._fitting(SAMPLES), lambda sample: check(self.provider, sample))

    def _each_of(
        self, messages: Mapping[str, Message], check: Callable[[Any, Message], None]
    ) -> None:
        each(self._adapted(messages), lambda message: check(self.provider, message))

    def _each_error(self, check: Callable[[Any, type[SendError]], None]) -> None:
        cases = {
            f"errors {number} (HTTP {answer.status_code})": (answer, kind)
            for number, (answer, kind) in enumerate(self.errors, 1)
        }
        each(cases, lambda case: check(*case))

    def _recorded(self) -> list[Response]:
        """
        All recorded answers over HTTP, the success first.
        """
        every = (self.accepted, *(answer for answer, _ in (*self.errors, *self.partial)))
        return [answer for answer in every if isinstance(answer, Response)]
