"""
The work of ``mailfailover outbox``.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from mailfailover.cli.exits import REFUSED
from mailfailover.cli.output import say, write_json
from mailfailover.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime, timedelta

    from mailfailover.outbox import Outbox, OutboxMail

INSTALL = 'pip install "mailfailover[outbox]"'


def open_outbox(database: str | None, *, is_new: bool = False, **settings: Any) -> Outbox:
    """
    Open the outbox, whose tables must be there unless it *is_new*.

    Raises:
        ConfigurationError: If the extra is not installed, or the database cannot be used.
    """
    try:
        from mailfailover.outbox import Outbox
    except ModuleNotFoundError as exc:
        message = f"the outbox needs {exc.name}: {INSTALL}"
        raise ConfigurationError(message) from None
    outbox = Outbox(database, **settings)
    if not is_new:
        outbox.check()
    return outbox


def init_outbox(database: str | None, *, as_json: bool) -> None:
    """
    Make the tables.
    """
    outbox = open_outbox(database, is_new=True)
    outbox.init()
    _done({"database": _name(outbox)}, f"the outbox is ready: {_name(outbox)}", as_json=as_json)


def upgrade_outbox(database: str | None, *, as_json: bool) -> None:
    """
    Upgrade the tables.
    """
    outbox = open_outbox(database, is_new=True)
    had = outbox.upgrade()
    outbox.check()
    _done(
        {"database": _name(outbox), "had": had},
        f"the outbox is of this version; it was of version {had}",
        as_json=as_json,
    )


def list_mails(
    database: str | None, state: str | None, limit: int, before: str | None, *, as_json: bool
) -> None:
    """
    List them.
    """
    found = open_outbox(database).list(state, limit=limit, before=before)
    if as_json:
        write_json([mail.to_dict() for mail in found])
    for mail in () if as_json else found:
        say(_line(mail))


def show_mail(database: str | None, mail_id: str, *, as_json: bool) -> None:
    """
    Show one.
    """
    mail = open_outbox(database).get(mail_id)
    if mail is None:
        raise _unknown(mail_id)
    if as_json:
        write_json(mail.to_dict())
    for line in () if as_json else _lines(mail):
        say(line)


def retry_mails(
    database: str | None, mail_ids: Iterable[str], state: str | None, *, as_json: bool
) -> None:
    """
    Let mails be sent now.
    """
    outbox = open_outbox(database)
    if state:
        count = outbox.retry_all(state)
        _done({"retried": count}, f"{count} mails wait to be sent", as_json=as_json)
    if mail_ids or not state:
        _each(mail_ids, outbox.retry, "waits to be sent", "is sent, or being sent", as_json=as_json)


def cancel_mails(database: str | None, mail_ids: Iterable[str], *, as_json: bool) -> None:
    """
    Give mails up.
    """
    outbox = open_outbox(database)
    _each(mail_ids, outbox.cancel, "is cancelled", "is sent, dead, or being sent", as_json=as_json)


def purge_mails(database: str | None, older_than: timedelta, *, as_json: bool) -> None:
    """
    Forget mails.
    """
    count = open_outbox(database).purge(older_than)
    _done({"purged": count}, f"{count} mails are forgotten", as_json=as_json)


def show_stats(database: str | None, *, as_json: bool) -> None:
    """
    Count.
    """
    stats = open_outbox(database).stats()
    if as_json:
        write_json(stats.to_dict())
        return
    for state, count in stats.counts.items():
        say(f"{state:<8}  {count}")
    if stats.held_back:
        say(f"{stats.held_back} are held back: receiver down")
    if stats.oldest is not None:
        say(f"{stats.ready} wait for a worker, the oldest since {_time(stats.oldest)}")


def _each(
    mail_ids: Iterable[str], act: Callable[[str], bool], yes: str, no: str, *, as_json: bool
) -> None:
    """
    Apply *act* to each mail; the exit code says whether it applied to all of them.
    """
    done = {mail_id: act(mail_id) for mail_id in mail_ids}
    if as_json:
        write_json(done)
    for mail_id, is_done in done.items():
        if not is_done:
            say(f"mailfailover: mail {mail_id} {no}, or not in the outbox", err=True)
        elif not as_json:
            say(f"mail {mail_id} {yes}")
    if not all(done.values()):
        sys.exit(REFUSED)


def _done(data: dict[str, Any], text: str, *, as_json: bool) -> None:
    if as_json:
        write_json(data)
    else:
        say(text)


def _unknown(mail_id: str) -> ConfigurationError:
    return ConfigurationError(f"mail {mail_id!r} is not in the outbox, or was forgotten already")


def _name(outbox: Outbox) -> str:
    return repr(outbox).removeprefix("Outbox(").removesuffix(")")


def _line(mail: OutboxMail) -> str:
    due = f"  due {_time(mail.due)}" if mail.due and mail.finished is None else ""
    taken = f"  {mail.provider}" if mail.provider else ""
    reason = f"  {mail.reason.partition(chr(10))[0]}" if mail.reason else ""
    return f"{mail.id}  {mail.state:<8}{taken}{due}{reason}"


def _lines(mail: OutboxMail) -> Iterator[str]:
    yield f"mail {mail.id}: {mail.state}"
    yield f"  added {_time(mail.created)}, tried {mail.tries} times"
    if mail.finished and mail.due:
        yield f"  finished {_time(mail.finished)}, to be forgotten {_time(mail.due)}"
    elif mail.due:
        yield f"  due {_time(mail.due)}"
    if mail.provider:
        yield f"  {mail.provider} took it as {mail.provider_message_id or '(no id)'}"
    if mail.possible_duplicate:
        yield "  more than one attempt may have sent it: possible duplicate"
    for one in mail.recipients:
        yield f"  {one.email}: {one.status}"
    for attempt in mail.attempts:
        error = f": {attempt.error}" if attempt.error else ""
        yield f"  {_time(attempt.started)}  {attempt.provider}: {attempt.outcome}{error}"
    for line in mail.reason.splitlines():
        yield f"  {line}"


def _time(moment: datetime) -> str:
    return f"{moment.astimezone():%Y-%m-%d %H:%M:%S}"
