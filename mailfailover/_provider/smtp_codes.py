"""
The meanings of SMTP replies for the mail and for the provider's place in the chain.

Two questions decide. *Could the mail have left?* Never on a refusal, also after the final
dot. *Whose fault is it?* A recipient's (no penalty, however often), the sender's, the
account's, or the server's own.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

from mailfailover import errors

if TYPE_CHECKING:
    from collections.abc import Callable

    from mailfailover._values.wire import SMTPReply
    from mailfailover.errors import SendError

_ENHANCED = re.compile(r"[245]\.\d{1,3}\.\d{1,3}(?!\S)")
_MAX_TEXT = 1000

# "Not now" about one recipient, sender or mail. The provider is well, so there is no
# failure to count and nothing to wait for: it may be asked again in the next round.
_deferred = partial(errors.RateLimited, retry_after=0.0)

# The first row that matches "step code enhanced-code text" decides; "-" is no enhanced code.
# RFC 5321 4.2 (codes), RFC 3463 and RFC 5248 (enhanced codes), RFC 4954 6 (AUTH), RFC 6531
# and RFC 7372 (5.6.7 to 5.6.9, 5.7.20 to 5.7.26), all read 2026-11.
_ROWS: tuple[tuple[str, Callable[..., SendError]], ...] = (
    # Limits: of one transaction, of a mailbox, of the account.
    (r"\S+ \d+ [45]\.5\.3 |.*too many recipients", errors.UnsupportedFeature),
    (r"rcpt 4\d\d 4\.2\.2 ", _deferred),
    # support.google.com/a/answer/3726730: 550 5.4.5 and "Daily SMTP relay limit exceeded";
    # docs.aws.amazon.com/ses/latest/dg/manage-sending-quotas-errors.html: "454 Throttling
    # failure: Daily message quota exceeded"; learn.microsoft.com, "Message storage and
    # concurrent connection throttling": SubmissionQuotaExceededException (2026-11).
    (r"\S+ 550 5\.4\.5 |.*(daily|hourly|monthly)\b.*\b(quota|limit)", errors.QuotaExceeded),
    (r".*SubmissionQuotaExceeded", errors.QuotaExceeded),
    # The same pages: "454 Throttling failure: Maximum sending rate exceeded", "421 Too many
    # concurrent SMTP connections", "432 4.3.2 Concurrent connections limit exceeded",
    # "421 4.7.0 unusual rate". Postfix, smtpd(8): "450 4.7.1 Error: too much mail".
    (r"\S+ 4.*(throttl|too many|too much mail|rate limit|limit exceeded)", errors.RateLimited),
    (r"\S+ 4.*unusual rate", errors.RateLimited),
    # The account.
    (r"\S+ 5\d\d 5\.7\.13 ", errors.AccountSuspended),
    (r"\S+ 53[0458] |auth 432 |\S+ 5\d\d 5\.7\.(8|9|11) ", errors.AuthenticationFailed),
    # Postfix: "Client host [192.0.2.1] blocked using ...", "Client host rejected".
    (r"\S+ 5.*client host .*(blocked|rejected)", errors.AccountSuspended),
    (r"\S+ 421 ", errors.ProviderUnavailable),
    (r"auth 5", errors.AuthenticationFailed),
    # Not one of these steps has to do with the mail.
    (r"(connect|ehlo|starttls|auth|noop) ", errors.ProviderUnavailable),
    # The mail, which another provider may be able to carry, or not.
    (r"\S+ 5\d\d 5\.(3\.4|2\.3|6\.[789]) |\S+ 555 ", errors.UnsupportedFeature),
    (r"(data|\.) 5\d\d 5\.6\.", errors.MessageRejected),
    (r"(mail|data|\.) 552 ", errors.UnsupportedFeature),
    # The sender. docs.aws.amazon.com/ses/latest/dg/troubleshoot-error-messages.html: "Email
    # address is not verified". Exim: "Sender verify failed". Postfix, at RCPT too: "Sender
    # address rejected". Exchange: 5.7.60, no permission to send as this sender (2026-11).
    (r"\S+ 5\d\d 5\.(1\.[78]|7\.2[0-6]|7\.60) ", errors.SenderRefused),
    (
        r"\S+ 5.*(is not verified|sender verify failed|sender address rejected)",
        errors.SenderRefused,
    ),
    (r"mail 5\d\d 5\.[17]\.|mail 55[013] ", errors.SenderRefused),
    (r"rcpt 5.*\brelay", errors.SenderRefused),  # "Relay access denied": not for this account
    # The recipient. A plain 550 is also used for policy, so its words are looked at: the
    # next provider may deliver what this one blocks.
    (r"rcpt 5\d\d 5\.(1\.([0-6]|9|10)|2\.[12]) |rcpt 552 ", errors.RecipientRejected),
    (r"rcpt 55[03] .*(block|black ?list|denied|polic|reputation|spam)", errors.RequestRefused),
    (r"rcpt 55[03] (-|5\.0\.0|5\.5\.0) ", errors.RecipientRejected),
    (r"\S+ 5", errors.RequestRefused),
    # Later. Subjects 3 (system) and 5 (protocol) are the server's own troubles, the others
    # those of an address, a mailbox, its route, the content or a policy: greylisting.
    (r"\S+ 4\d\d [45]\.[12467]\.|\S+ 450 - |rcpt 451 - ", _deferred),
    (r"\S+ 4", errors.ProviderUnavailable),
    # No refusal at all.
    (r"\. ", errors.OutcomeUnknown),
    (r"", errors.RequestRefused),
)
_RULES = tuple((re.compile(pattern, re.IGNORECASE | re.DOTALL), kind) for pattern, kind in _ROWS)


def enhanced_code(reply: SMTPReply) -> str:
    """
    The code of RFC 3463 at the start of a reply's text, or "".
    """
    found = _ENHANCED.match(reply.text)
    return found[0] if found else ""


def smtp_kind(reply: SMTPReply) -> Callable[..., SendError]:
    """
    The class of error that *reply* means, or what makes one.
    """
    line = f"{reply.command} {reply.code} {enhanced_code(reply) or '-'} {reply.text[:_MAX_TEXT]}"
    return next(kind for rule, kind in _RULES if rule.match(line))
