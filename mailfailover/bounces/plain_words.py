"""
Bounces in plain words: those of servers that do not keep to RFC 3464.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mailfailover._values.events import EventType, RejectReason
from mailfailover.bounces.finding import Finding
from mailfailover.bounces.named_recipients import named_in
from mailfailover.bounces.paragraphs import own_words, words_about
from mailfailover.bounces.reasons import reason_of, status_in

if TYPE_CHECKING:
    from mailfailover.bounces.parts import Report

__all__ = ["is_program", "read_words"]

_PROGRAM = re.compile(
    r"mailer-?daemon|post-?_?master|mail[ .]delivery|delivery (?:sub)?system|mdaemon|bounce"
    r"|internet mail|mail system|system administrator",
    re.IGNORECASE,
)
_SUBJECT = re.compile(
    r"undeliver|nondeliverable|bounce|failure notice|mail delivery|delivery delayed|unzustellbar"
    r"|deliver\w* (?:failure|status|has failed|problem|report|error|notif)|user unknown|rejected"
    r"|return(?:ed|ing) (?:mail|to)|fail(?:ure|ed)(?: \w+)? (?:notice|notif|deliver|mail)"
    r"|failed to deliver|mail (?:failure|system error|error)|non remis|unable to deliver"
    r"|message (?:status|delayed|not delivered)|could not (?:be )?(?:send|deliver)|配信|エラー"
    r"|warning: (?:could|message)|non ?(?:recapit|distribu)|no se pudo entregar",
    re.IGNORECASE,
)
_WORDS = re.compile(
    r"(?:could|can|was|were|has|have|is|did)(?:n.t| ?not)(?: be| been)?(?: \w+)? (?:deliver|sent"
    r"|reach)|unable to (?:\w+ )?deliver|deliver\w* (?:to|of) .{0,200}fail|giving up|undeliver"
    r"|fail\w* (?:to deliver|recipient|address)|returned (?:to (?:you|sender)|because)"
    r"|permanent(?: fatal)? error|rejected your message|no such user|(?:un|in)\w+ user"
    r"|user unknown|mailbox (?:full|unavailable|not found)|encountered an error|non-delivery"
    r"|fatal errors|error message below|delivery (?:error|failed|has been delayed|attempt)",
    re.IGNORECASE | re.DOTALL,
)
_LATER = re.compile(
    r"delay|will (?:be )?(?:retr|continue|keep|try)|not yet been delivered"
    r"|(?:warning|transient|temporary)\b.{0,80}(?:only|still)"
    r"|still (?:be )?(?:try|queued|undelivered)|do not need to (?:resend|do)",
    re.IGNORECASE,
)
_FINAL = re.compile(
    r"permanent|giving up|given up|no longer|not going to try|expired|unrecoverable",
    re.IGNORECASE,
)


def read_words(report: Report) -> list[Finding]:
    """
    Return a finding for each recipient that a bounce in words names.

    It has none where the mail is no bounce, and one without a recipient where it names nobody.
    """
    if not report.header.get("x-failed-recipients") and not _is_bounce(report):
        return []
    names = named_in(report) or [""]
    return [_finding(one, names, report) for one in names]


def _finding(name: str, names: list[str], report: Report) -> Finding:
    subject = report.header.words("subject")
    others = [one for one in names if one != name]
    said = words_about([name], report.text, others=others)
    if not others and reason_of(status_in(said), said) is RejectReason.OTHER:
        said = words_about([], report.text)
    status = status_in(said)
    start = f"{subject} {own_words(report.text)[:1500]}"
    is_late = bool(_LATER.search(start)) and not status.startswith("5")
    is_final = bool(_FINAL.search(start)) and not _LATER.search(subject)
    kind = EventType.DEFERRED if is_late and not is_final else EventType.BOUNCED
    return Finding(type=kind, recipient=name, status=status, words=said)


def _is_bounce(report: Report) -> bool:
    header, words = report.header, own_words(report.text)
    by_program = is_program(header.words("from")) or header.get("return-path") == "<>"
    about_failure = _SUBJECT.search(header.words("subject"))
    if by_program or header.get("auto-submitted").lower().startswith("auto"):
        return bool(about_failure or _WORDS.search(words) or report.groups)
    return bool(about_failure and _WORDS.search(words))


def is_program(sender: str) -> bool:
    """
    Whether a mail is from a mail server, by its From.
    """
    return _PROGRAM.search(sender) is not None
