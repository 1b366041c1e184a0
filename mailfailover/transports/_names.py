"""
Names looked up in threads of their own: the system's resolver knows no deadline.

A look-up that outlasts its call goes on by itself, and the next call for the same name waits
for it or takes its answer. So a resolver that hangs holds a few threads, not one for each
mail, and one that is merely slow has answered by the second attempt.
"""

from __future__ import annotations

import socket
import threading
from concurrent.futures import Future
from time import monotonic
from typing import Any, NamedTuple

from mailfailover._values.fork import after_fork
from mailfailover.transports._progress import CONNECT_TIMEOUT

AddressInfo = tuple[Any, ...]
"""Family, kind, protocol, name and address, as ``socket.getaddrinfo`` gives them."""

Name = tuple[str, int]

_MAX_THREADS = 4
"""So many look-ups of one name at once, where all of them hang."""

_KEPT = 60.0
"""For so many seconds an answer that came too late for its own call serves others."""


class SlowNameError(TimeoutError):
    """
    The addresses of a name were not found in time.
    """


class _LookUp(NamedTuple):
    begun: float
    answer: Future[list[AddressInfo]]


class Names:
    """
    The look-ups that are under way. Safe in threads and after a fork.
    """

    def __init__(self) -> None:
        self._forget()
        after_fork(self._forget)

    def find(self, host: str, port: int, timeout: float) -> list[AddressInfo]:
        """
        Return the addresses of *host*, within *timeout* seconds.

        Raises:
            SlowNameError: If they are not found in time.
            OSError: If the name does not exist.
        """
        answer = self.begin(host, port)
        try:
            return answer.result(timeout)
        except TimeoutError:
            if answer.done():
                raise
            raise SlowNameError("looking up its name takes too long") from None

    def begin(self, host: str, port: int) -> Future[list[AddressInfo]]:
        """
        Look *host* up, or join a look-up of it that is under way.
        """
        if known := _literal(host, port):
            return _answered(known)
        name, now = (host, port), monotonic()
        with self._lock:
            late = self._late.get(name)
            if late is not None and now - late.begun < _KEPT:
                return late.answer
            under_way = self._under_way.setdefault(name, [])
            is_recent = bool(under_way) and now - under_way[-1].begun < CONNECT_TIMEOUT
            if is_recent or len(under_way) >= _MAX_THREADS:
                return under_way[-1].answer
            look_up = _LookUp(now, Future())
            under_way.append(look_up)
        look_up.answer.set_running_or_notify_cancel()  # one waiter cannot cancel it for others
        _run(self._look_up, name, look_up)
        return look_up.answer

    def _look_up(self, name: Name, mine: _LookUp) -> None:
        found: list[AddressInfo] = []
        failure: BaseException | None = None
        try:
            found = socket.getaddrinfo(*name, type=socket.SOCK_STREAM)
        except BaseException as exc:  # noqa: BLE001 -- raised by whoever waits for the answer
            failure = exc
        now = monotonic()
        with self._lock:
            self._under_way[name].remove(mine)
            if failure is None and now - mine.begun >= CONNECT_TIMEOUT:
                self._late[name] = _LookUp(now, mine.answer)
            else:
                self._late.pop(name, None)
        if failure is None:
            mine.answer.set_result(found)
        else:
            mine.answer.set_exception(failure)

    def _forget(self) -> None:
        # In the child of a fork: the threads that looked up are not there.
        self._lock = threading.Lock()
        self._under_way: dict[Name, list[_LookUp]] = {}
        self._late: dict[Name, _LookUp] = {}


names = Names()
"""The look-ups of this process, shared by all transports."""


def _run(function: Any, *arguments: Any) -> None:
    thread = threading.Thread(
        target=function, args=arguments, name="mailfailover-names", daemon=True
    )
    try:
        thread.start()
    except RuntimeError:  # the interpreter shuts down: no new threads, and no time to hang
        function(*arguments)


def _answered(addresses: list[AddressInfo]) -> Future[list[AddressInfo]]:
    answer: Future[list[AddressInfo]] = Future()
    answer.set_result(addresses)
    return answer


def _literal(host: str, port: int) -> list[AddressInfo]:
    """
    Return the address that *host* itself is, without asking anybody; [] where it is a name.
    """
    for family, rest in ((socket.AF_INET, ()), (socket.AF_INET6, (0, 0))):
        try:
            socket.inet_pton(family, host)
        except OSError:
            continue
        return [(family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (host, port, *rest))]
    return []
