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
_MARKS = "mailfailover_marks"
"""How many actions waited when each of the open savepoints was made."""


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


def _on_savepoint(connection: Connection, _name: None) -> None:
    marks = connection.info.setdefault(_MARKS, [])
    marks.append(len(connection.info.get(_ADDED, ())))


def _on_release(connection: Connection, _name: str, _context: None) -> None:
    _take_mark(connection)


def _on_rollback_to(connection: Connection, _name: str, _context: None) -> None:
    del connection.info.get(_ADDED, [])[_take_mark(connection) :]


def _take_mark(connection: Connection) -> int:
    """
    Return the mark of the innermost savepoint; 0 for a savepoint older than these listeners.
    """
    marks = connection.info.get(_MARKS)
    return marks.pop() if marks else 0


def _on_begin(connection: Connection) -> None:
    connection.info.pop(_MARKS, None)
    _do(connection.info)


def _on_checkin(_connection: Any, record: Any) -> None:
    _do(record.info)


def _do(info: Any) -> None:
    for action in info.pop(_COMMITTED, ()):
        action()


_LISTENERS: dict[str, Callable[..., None]] = {
    "commit": _on_commit,
    "rollback": _on_rollback,
    "savepoint": _on_savepoint,
    "release_savepoint": _on_release,
    "rollback_savepoint": _on_rollback_to,
    "begin": _on_begin,
    "checkin": _on_checkin,
}
