"""
A page of mails, and the mails at which the pages next to it begin.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailfailover.service.mails import list_mails

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mailfailover.outbox import OutboxMail
    from mailfailover.service.parts import Service
    from mailfailover.service.rules import Caller
    from mailfailover.service.search import Search

__all__ = ["PAGE", "MailPage", "read_pages"]

PAGE = 50


@dataclass(frozen=True, slots=True)
class MailPage:
    """
    Some mails, newest first.

    Attributes:
        mails: They themselves.

        newer, older: The mail after, or before, which the next page begins, "" where none is.
    """

    mails: Sequence[OutboxMail]
    newer: str = ""
    older: str = ""


def read_pages(
    service: Service, caller: Caller, search: Search, given: Mapping[str, str]
) -> MailPage:
    """
    Read the page that the arguments ``before`` or ``after`` of a URL name, else the newest.
    """
    before, after = given.get("before") or None, given.get("after") or None
    found = list_mails(service, caller, search, limit=PAGE + 1, before=before, after=after)
    if after:
        more = len(found) > PAGE
        mails = found[1:] if more else found
        return MailPage(mails, mails[0].id if more else "", mails[-1].id if mails else "")
    mails = found[:PAGE]
    older = mails[-1].id if len(found) > PAGE else ""
    return MailPage(mails, mails[0].id if before and mails else "", older)
