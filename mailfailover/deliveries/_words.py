"""
The words of mailbox providers that refuse or defer the sender, not the recipient.

A receiver that says one of these would take the same mail from another address: the link is
blocked there. Greylisting (451 4.7.1 "try again later") and full mailboxes are no such words.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mailfailover._values.events import EventType, RejectReason

if TYPE_CHECKING:
    from mailfailover._values.events import DeliveryEvent

# Sources: the receivers' own pages, and the rules that operators of KumoMTA share, "kumomta" below:
# github.com/KumoCorp/kumomta, assets/community/shaping.toml and bounces.toml and
# assets/policy-extras/shaping.toml (as of 2026-08-04), read in 2026-11. The receivers' pages are
# cited from there and from reports of senders; not all of them were opened.
SENDER_WORDS: tuple[tuple[str, str], ...] = (
    # https://sendersupport.olc.protection.outlook.com/pm/troubleshooting, and
    # https://learn.microsoft.com/exchange/mail-flow-best-practices/non-delivery-reports-in-exchange-online
    # for 5.7.5xx and 5.7.6xx. S775 and S3150: seen by many from January to March 2026.
    ("microsoft", r"4\.7\.65[0-9]"),
    ("microsoft", r"\bS(?:7[0-9]{2}|31[0-9]{2})\b"),
    ("microsoft", r"\b(?:RP|SC|DY)-00[1-9]\b"),
    ("microsoft", r"5\.7\.(?:511|515|60[6-9]|6[1-4][0-9])\b"),
    ("microsoft", r"part of their network is on our block list"),  # kumomta
    ("microsoft", r"has been temporarily rate limited"),  # kumomta
    ("microsoft", r"\bAS\([0-9]+\).*banned sending IP"),
    # https://senders.yahooinc.com/smtp-error-codes, and kumomta. GL01 is greylisting.
    ("yahoo", r"\[(?:TSS?|IPTS)0[0-9]\]"),
    ("yahoo", r"\[BL[0-9]{2}\]"),
    ("yahoo", r"messages? from .* (?:temporarily|permanently) deferred"),
    ("yahoo-japan", r"VS98-IP0"),  # kumomta
    # https://support.google.com/a/answer/3726730. Lines of one answer are joined in many ways.
    ("gmail", r"[45][.-]7[.-](?:2[3-9]|3[0-2]|40)\b"),
    ("gmail", r"unusual rate of\b"),  # kumomta
    ("gmail", r"[45][.-]7[.-][01]\b.{0,160}\bunsolicited\b"),
    ("gmail", r"likely (?:unsolicited|suspicious)"),
    # https://support.apple.com/102322, and kumomta. BS02 is an error of the server.
    ("apple", r"\[(?:HCM|HME|CS|HM)[0-9]{1,2}\]"),
    # https://postmaster.gmx.net/en/error-messages, and kumomta.
    ("gmx", r"Reject due to policy (?:restrictions|violations)"),
    ("gmx", r"IP address is block(?:ed|listed)"),
    # https://spa.xfinity.com/help/postmaster, and kumomta.
    ("comcast", r"\b[RB]L0000[0-9]{2}\b"),
    # https://messagerie.orange.fr/postmaster.html, and kumomta.
    ("orange", r"\bOFR_[0-9]{3}\b|Service refuse|Client host blocked for spamming issues"),
    # kumomta
    ("qq", r"(?:Sender|Ip|Connection|Domain) frequency limited"),
    ("netease", r"\bDT:SPM\b|\bHL:ITC\b|\bRP:[A-Z]{3}\b"),
    # https://postmaster.t-online.de
    ("t-online", r"IP=[0-9a-f.:]+ - (?:A problem occurred|None/bad reputation)"),
    # Names of block lists, which any receiver may query; most are in kumomta's bounces.toml as
    # SpamBlock.
    ("", r"spamhaus|spamcop|barracuda ?central|cloudmark|invaluement|ivmSIP|abuseat\.org"),
    ("", r"\bDNSBL\b|_is_blocked\b|proofpoint.*blocked|Blocklisting in effect"),
    ("", r"(?<!may be )\b(?:black|block)[ -]?list(?:ed|ing)?\b"),
    ("", r"\bsending IP\b.{0,60}\bis listed\b"),
    ("", r"\bIP\b.{0,40}\b(?:blocked|reputation|banned)\b"),
    ("", r"\b(?:poor|bad|low)\W+(?:\w+\W+){0,3}reputation|poor reputation"),
)
"""The receiver ("" for any), and a pattern of its answer."""

CONTENT_WORDS = r"\bURL in this (?:e-?mail|message)\b|\bspam content\b|message content rejected"
"""Refusals of the mail itself, which another address would get too (kumomta, 2026-11)."""

_PATTERN = re.compile("|".join(words for _, words in SENDER_WORDS), re.IGNORECASE | re.DOTALL)
_CONTENT = re.compile(CONTENT_WORDS, re.IGNORECASE)
_NOBODY = re.compile(
    r"\b5[.-]1[.-](?:0|1|2|3|6|10)\b|does(?: not|n.t) exist"
    r"|no such (?:user|mailbox|recipient|address)"
    r"|(?:user|recipient|mailbox|address) (?:is )?(?:unknown|not found|unavailable)"
    r"|(?:unknown|invalid) (?:user|recipient|mailbox|address)|not a valid mailbox",
    re.IGNORECASE,
)
_ABOUT_ADDRESSES = frozenset({None, RejectReason.INVALID, RejectReason.BOUNCED, RejectReason.OTHER})
_REFUSING = frozenset({EventType.DEFERRED, EventType.BOUNCED, EventType.REJECTED, EventType.FAILED})


def blames_sender(event: DeliveryEvent) -> bool:
    """
    Whether *event* tells that a receiver refused or deferred the sender.
    """
    if event.type not in _REFUSING:
        return False
    return speaks_of_sender(f"{event.mta_response} {event.description}") or (
        event.type is EventType.BOUNCED and event.reject_reason is RejectReason.BLOCKED
    )


def means_nobody(event: DeliveryEvent) -> bool:
    """
    Whether a bounce tells that there is no such address, or gives no other reason.
    """
    if event.reject_reason not in _ABOUT_ADDRESSES:
        return False
    text = f"{event.mta_response} {event.description}"
    return not text.strip() or _NOBODY.search(text) is not None


def speaks_of_sender(text: str) -> bool:
    """
    Whether the words of a receiver mean the sender.
    """
    return _PATTERN.search(text) is not None and _CONTENT.search(text) is None
