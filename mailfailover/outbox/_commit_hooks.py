"""
Telling somebody that a mail was added, once it is committed and not before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import event

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection, Engine

_ADDED = "mailfailover_added"
_COMMITTED = "mailfailover_committed"


def after_commit(connection: Connection, action: Callable[[], object]) -> None:
    """
    Do *action* when the transaction of *connection* was committed; never if it is rolled back.

    SQLAlchemy tells of a commit before it is made, so the action waits for what comes next: the
    connection goes back to its pool, or begins anew.
    """
    watch_commits(connection.engine)
    connection.info.setdefault(_ADDED, []).append(action)


def watch_commits(engine: Engine) -> None:
    """
    Hear of the commits of *engine*.

    To be called before threads use it: SQLAlchemy goes through its listeners without a lock, so
    a thread that begins a transaction fails while another adds one.
    """
    for name, listener in _LISTENERS.items():
        if not event.contains(engine, name, listener):
            event.listen(engine, name, listener)


def _on_commit(connection: Connection) -> None:
    added = connection.info.pop(_ADDED, [])
    if added:
        connection.info.setdefault(_COMMITTED, []).extend(added)


def _on_rollback(connection: Connection) -> None:
    connection.info.pop(_ADDED, None)


def _on_begin(connection: Connection) -> None:
    _do(connection.info)


def _on_checkin(_connection: Any, record: Any) -> None:
    _do(record.info)


def _do(info: Any) -> None:
    for action in info.pop(_COMMITTED, ()):
        action()


_LISTENERS: dict[str, Callable[..., None]] = {
    "commit": _on_commit,
    "rollback": _on_rollback,
    "begin": _on_begin,
    "checkin": _on_checkin,
}
