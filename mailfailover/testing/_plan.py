"""
Which fault strikes next: the script first, then the rules, the newest first.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mailfailover.testing._fault import Fault, Phase

__all__ = ["Plan", "Rule"]

Subject = TypeVar("Subject")


@dataclass(slots=True, kw_only=True)
class Rule(Generic[Subject]):
    """
    A fault, whom it strikes, and how often.
    """

    fault: Fault
    times: int | None = None
    after: int = 0
    match: Callable[[Subject], bool] | None = None

    def __post_init__(self) -> None:
        """
        Refuse counts that can never come true.
        """
        if self.times is not None and self.times < 1:
            msg = f"times is {self.times}; it must be at least 1, or None for always"
            raise ValueError(msg)
        if self.after < 0:
            msg = f"after is {self.after}; it must be 0 or more"
            raise ValueError(msg)

    def strikes(self, phase: Phase, subject: Subject | None) -> bool:
        """
        Whether it strikes now; if so, that has been counted.
        """
        if self.fault.phase is not phase or self.times == 0:
            return False
        if self.match is not None and (subject is None or not self.match(subject)):
            return False
        if self.after:
            self.after -= 1
            return False
        if self.times is not None:
            self.times -= 1
        return True


class Plan(Generic[Subject]):
    """
    The faults that are still to come; safe from many threads.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._script: deque[Fault] = deque()
        self._rules: list[Rule[Subject]] = []

    def add(self, rule: Rule[Subject]) -> None:
        """
        Let *rule* come before the rules that are there.
        """
        with self._lock:
            self._rules.insert(0, rule)

    def extend(self, script: Iterable[Fault]) -> None:
        """
        Append to the script: one fault for each request to come.
        """
        with self._lock:
            self._script.extend(script)

    def clear(self) -> None:
        """
        Forget all.
        """
        with self._lock:
            self._script.clear()
            self._rules.clear()

    def next_scripted(self, *phases: Phase) -> Fault | None:
        """
        The script's next entry, taken from it, if it is for one of *phases*.
        """
        if not self._script:
            return None
        with self._lock:
            if self._script and self._script[0].phase in phases:
                return self._script.popleft()
            return None

    def next_ruled(self, phase: Phase, subject: Subject | None = None) -> Fault | None:
        """
        The fault of the newest rule that strikes now.
        """
        if not self._rules:
            return None
        with self._lock:
            return next((rule.fault for rule in self._rules if rule.strikes(phase, subject)), None)
