"""
Bounces in plain words: those of servers that do not keep to RFC 3464.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mailfailover._values.events import EventType, RejectReason
from mailfailover.bounces.finding import Finding, address_in, addresses_in
from mailfailover.bounces.paragraphs import own_words, words_about
from mailfailover.bounces.reasons import reason_of, status_in

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mailfailover.bounces.parts import Report

__all__ = ["is_program", "named_in", "read_words"]

# Who writes bounces, and who is named in them without being their subject.
_ROLES = re.compile(
    r"^(?:post-?_?master|mail[._-]?er[._-]?daemon|mail[._-]?delivery[._-]?(?:sub)?system|abuse"
    r"|support|help\w*|no-?reply|bounces?|m?daemon|root|hostmaster|info|admin\w*)@",
    re.IGNORECASE,
)
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
_EMAIL = r"[^\s<>:;,()\"']{1,64}@[^\s<>:;,()\"']{3,255}"
# A line that begins with the address that failed, and words that name it.
_LINE = re.compile(
    r"^[ \t*>.\-|]*(?:[245]\d\d[ \t-](?:[245]\.\d+\.\d+ )?)?"
    rf"(?:<([^<>\s]{{3,320}})>|({_EMAIL}))"
    r"(?=[ \t]*(?:\([^)\n]{0,200}\))?[ \t]*(?::|;|,|\.\.\.|-|on |\(|<|$)"
    r"|[ \t][^\n]{0,200}\b[45]\d\d\b)",
    re.IGNORECASE | re.MULTILINE,
)
_NAMED = re.compile(
    r"\b(?:rcpt to|recipient(?: address)?|to|addressed? to|delivered to|user|address|reach|for"
    r"|address\(es\)|generated from|expanded from|original-recipient|final-recipient)"
    r"(?: is| was)?(?:[ \t]*[:=][ \t]*|[ \t]+)(?:rfc822;)?[ \t]*"
    rf"[<\"'(\[]?({_EMAIL})",
    re.IGNORECASE,
)
# A line that names somebody else.
_OTHERS = re.compile(
    r"^[^\n]{0,200}?\b(?:from|reply-to|sender|contact|mail from|sent by|postmaster|originator|cc)\b"
    r"[ \t]*(?:address)?[:= ]{1,3}[ \t]*[<\"(\[]?[^\s<>]{1,64}@[^\n]{0,200}$",
    re.IGNORECASE | re.MULTILINE,
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


def named_in(report: Report) -> list[str]:
    """
    Return the recipients that a bounce names, by the surest sign that it has.
    """
    listed = [
        one for line in report.header.all("x-failed-recipients") for one in addresses_in(line)
    ]
    if listed:
        return listed
    plain = _OTHERS.sub("", own_words(report.text))
    lines = _addresses(found[1] or found[2] for found in _LINE.finditer(plain))
    named = _addresses(found[1] for found in _NAMED.finditer(plain))
    sent_to = addresses_in(report.returned.get("to"))
    own = _own_addresses(report)
    for candidates in (lines, named, addresses_in(plain), sent_to):
        names = [one for one in candidates if one.lower() not in own and not _ROLES.match(one)]
        if names:
            both = {one.lower() for one in sent_to}
            # A text names others too; who begins a line is the recipient, also of a forwarded mail.
            kept = [one for one in names if candidates is lines or one.lower() in both]
            return kept or names
    return lines or named or sent_to


def _addresses(values: Iterable[str]) -> list[str]:
    found = (address_in(value.strip("'.*")) for value in values)
    return [one for one in dict.fromkeys(found) if one]


def _own_addresses(report: Report) -> set[str]:
    """
    Return who is named in a report without being its subject: who wrote it, and who gets it.
    """
    header, returned = report.header, report.returned
    lines = [
        one
        for name in ("from", "to", "reply-to", "sender", "delivered-to", "x-original-to", "cc")
        for one in header.all(name)
    ]
    lines += [one for name in ("from", "return-path", "sender") for one in returned.all(name)]
    sent_to = {one.lower() for one in addresses_in(returned.get("to"))}
    return {one.lower() for line in lines for one in addresses_in(line)} - sent_to
