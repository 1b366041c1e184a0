"""
The words and codes of servers, each with the reason that it means.

The codes are those of RFC 3463, RFC 5248, RFC 7372 and RFC 7505; the words are those of servers
seen until 2026-11.
"""

from __future__ import annotations

import re

from mailfailover._values.events import RejectReason

__all__ = ["REASONS"]

INVALID, BOUNCED = RejectReason.INVALID, RejectReason.BOUNCED
BLOCKED, SPAM = RejectReason.BLOCKED, RejectReason.SPAM
TIMED_OUT, OTHER = RejectReason.TIMED_OUT, RejectReason.OTHER


def _row(reason: RejectReason, *words: str) -> tuple[RejectReason, re.Pattern[str]]:
    return reason, re.compile("|".join(words), re.IGNORECASE)


REASONS: tuple[tuple[RejectReason, re.Pattern[str]], ...] = (
    # Greylisting: the server defers senders that it does not know yet.
    _row(
        OTHER,
        r"gr[ea]y-?list",
    ),
    # Words that later rows would match by mistake.
    _row(
        BLOCKED,
        # Amazon SES gives 5.1.0 to any answer of a server, and quotes it.
        r"\d{3}[- ]'5\.7\.\d+ (\S+ )?access denied",
        r"relay quota|esmtp not accepting connections|after (ehlo|helo)\b.{0,80}\b5\d\d",
    ),
    # A full mailbox: its address is well.
    _row(
        OTHER,
        (
            r"(over|exceed\w*|beyond|violation of|reached|out of) (\S+ ){0,4}(quota|storage"
            r"|disk|space)"
        ),
        r"quota (is |has been |usage )?(exce|exhausted|full|violation)|over ?quota",
        r"disk ?quota",
        r"(mail|box|inbox|dir|folder|account|storage|destinataire) (\S+ )?(full|pleine)\b",
        r"full mailbox|mailbox (size )?(limit )?exceeded|would exceed|too many messages on",
        r"too much mail data",
        r"(not enough|not sufficient|insufficient|no) (\w+ ){0,2}(storage|space)\b",
        r"space has been used|does not have enough space",
        r"receiving (too much|limits|mail at a rate)|mail file size",
    ),
    # Again what later rows would take for theirs.
    _row(
        SPAM,
        r"spam classification|spamsignature|blacklisted url|mail rejete|detected as spam",
    ),
    _row(
        TIMED_OUT,
        r"did not accept our requests|is not reachable",
    ),
    _row(
        INVALID,
        r"(host|domain|host/domain) does not accept mail|dns lookup failure",
    ),
    _row(
        BOUNCED,
        r"account is blocked|compte .{0,20}est bloqu",
    ),
    # The sender: authentication, block lists, reputation, permission.
    _row(
        BLOCKED,
        r"^[45]\.7\.(2\d|30) |^5\.7\.(509|515) |^[45]\.1\.[78] |\b(dkim|dmarc)\b",
        r"\bspf\b.{0,60}(fail|check|record)|fails? to pass|authentication (check|info)",
        r"unauthenticated|(must|please|not) (\S+ ){0,2}authenticat|smtp auth",
        r"authentication (is )?req|\bptr\b|reverse dns|\brdns\b|unverif\w+ sending",
        r"mismatches client",
        r"\bip\b.{0,40}(block|black|banned|listed|reject|refus|reputation|freq|limited)",
        r"banned sending|\b(block|black|deny) ?-?list|blacklisted|\brbl|dnsbl|spamhaus",
        r"spamcop|barracudacentral|\buribl|blocked (using|by|- see)",
        r"(poor|bad|low) reputation|sender ?score|access denied \(sender",
        r"client host (\S+ )?(reject|block)|\bhelo\b.{0,30}(reject|invalid)",
        r"\bname was rejected",
        (
            r"sender (e-?mail )?(address )?(was |is |has been )?(rejected|denied|refused"
            r"|blacklisted|blocked)"
        ),
        r"sender verify|sender (was|is) (rejected|spammer|in my)|domain of (the )?sender",
        r"invalid sender",
        r"(unroutable|invalid|bogus|null|unsigned) (sender|mail from|from|dsn)",
        r"\bfrom: domain",
        (
            r"(after|reply to) (the )?(mail from|ehlo|helo|initial"
            r"|end of connection).{0,160}\b5\d\d\b"
        ),
        r"relay(ing)?\b.{0,30}(denied|prohibited|not (allowed|permitted)|quota)",
        r"unable to relay|mail relay",
        r"not (allowed|permitted|authorized) to (send|post|relay|submit|connect)",
        r"permission to post|email address is not verified",
        r"not (currently )?accept(ing)? (mail|connections) from|unexpected volume",
        r"user complaints|\[tss?0\d\]|unusual rate|rate limit|sent to too many",
        r"too many connections|frequency limited|service refuse",
        r"contact your internet service|(not a|by non-?) ?member|not subscribed",
        r"closed mailing list|pre-?approved|members.only|\bbatv\b|third-party dsn",
        r"empty envelope|purported responsible|no access from|invalid ip for",
        r"network not allowed|go away|rejecting open proxy|(dynamic|residential) ip",
        r"a problem occurred|\(s\d{4}\)|\bsc-00\d|\brp-00\d|registered gateway user",
        r"different address or alias|groups\.google\.com",
    ),
    # A mail that is too large, or that went in a circle.
    _row(
        OTHER,
        (
            r"(message|mail|data|content|size|body)( size)? (is |was )?(too (big|large|long)"
            r"|exceeds)"
        ),
        r"message (size|length) exceed|size limit",
        r"exceeds? (the |a )?(\w+ )?(maximum|size|fixed)|^[45]\.[23]\.[34] |too large",
        r"too many (recipients|hops)|loop(ing)?\b",
    ),
    # The content.
    _row(
        SPAM,
        r"\bspam\b(?! (sent|filter list))|spam[- ]like|unsolicited|bulk (e-?)?mail",
        r"phishing|(?<!anti-)\bvirus|malware|infected|trojan|surbl|blacklisted url",
        r"(banned|prohibited|illegal) (\w+ )?attach",
        r"(content|message) (was )?(content )?(rejected|filtered|denied)|content filter",
        r"mail content|suspicious|5\.7\.0 reject, id|potential security",
    ),
    # An address that was one.
    _row(
        BOUNCED,
        (
            r"(account|mailbox|user|recipient)\b.{0,60}\b(disabled|suspended|deactivated"
            r"|inactive|frozen)"
        ),
        (
            r"(account|mailbox|user|recipient)\b.{0,60}\b(terminated|discontinued|archiv\w+"
            r"|locked|closed)"
        ),
        r"(disabled|suspended|inactive|archived) (user|account|mailbox|recipient)",
        r"user not active",
    ),
    # A domain without mail.
    _row(
        INVALID,
        r"(unknown|no such|bad destination) (host|domain|system)|domain (name )?must exist",
        r"nxdomain",
        (
            r"(host|domain)( name)? (\S+ )?(is )?(unknown|(was |does |is )?not (exist"
            r"|found))(?!, try)"
        ),
        r"name or service not known|name service error|unrouteable|unroutable",
        r"no smtp service|(does not|doesn.t) (accept|receive) (e-?)?mail|null ?mx",
        r"\bno (mx|srv)\b|no mail exchanger|couldn.t find (a mail exchanger|any host)",
        r"^5\.(1\.10|4\.4|7\.27) |no matching transport",
    ),
    # An invalid address.
    _row(
        INVALID,
        (
            r"(user|recipient|mailbox|box|address|account|alias|person|customer|userid"
            r"|addressee)\b.{0,60}(\b(unknown|invalid|incorrect)|(\bnot|n.t) (a "
            r"|be )?(\w+ )?(exist|found|known|valid|recogni|list|local|present|deliverable|ok\b"
            r"|our))"
        ),
        r"recipient address(es)? rejected ?: ?access denied",
        (
            r"(unknown|no such|invalid|bad|illegal|undeliverable|nonexistent"
            r"|no valid) (\S+ ){0,3}(user|recipient|mailbox|address|account|person|alias|local"
            r"|customer)"
        ),
        r"user ?unknown|userunknown|unknown user|(do|does)(n.t| not) (have|exist)",
        r"not exist|notfound",
        (
            r"no (account|mailbox|mail box|user|recipient|person)s? (found|here|by|with|at"
            r"|available|like)"
        ),
        r"mailbox (is )?un(available|known)|not our (user|customer)",
        r"no longer (on|valid|accept|avail)|bad ?rcpt|badrecipient|in my (list|validrcpt)",
        r"rcpthosts|(has|have) moved|is no one at",
        r"recipients? (was|were|is) (undeliverable|unknown|not)",
        r"not (a )?(known|valid) (user|recipient)|check if (the )?address is correct",
        r"missing home|utilisateur inconnu|nessun utente|no existe|unbekannt",
        r"existiert nicht|inconnu|sconosciut|desconocid|見つかりません|リストにありません|不存在",
    ),
    # A server that could not be reached for days.
    _row(
        TIMED_OUT,
        r"time-?d? ?-?out|expired|(queue|for) (too|a) long|retry time|giving up",
        r"have been failing|did not respond|not responding|for more than",
        r"(within|for|in) \d+ (days?|hours?)|queue period|(has been|is|was) delayed",
        r"retries|attempts|unreachable|not reachable|not accept our requests",
        r"connection (was )?(refused|reset|dropped|lost|closed)|could not connect",
        r"no route to host|try again|not been collected|host not found, try|no answer",
        r"find a gateway",
    ),
    # No word is known: the code, as RFC 3463 defines it.
    _row(
        BOUNCED,
        r"^5\.2\.1 |^5\.1\.6 ",
    ),
    _row(
        INVALID,
        r"^5\.1\.\d",
    ),
    _row(
        BLOCKED,
        r"access denied|denied|not authorized|refused|prohibited|\bpolic(y|ies)|blocked",
        r"banned",
    ),
    _row(
        OTHER,
        r"^[45]\.[2356]\.\d",
    ),
    _row(
        BLOCKED,
        r"^[45]\.7\.\d",
    ),
    _row(
        TIMED_OUT,
        r"^[45]\.4\.\d|^4\.",
    ),
    _row(
        INVALID,
        r"recipient address rejected",
    ),
)
"""The first row that is found in "status words" decides."""
