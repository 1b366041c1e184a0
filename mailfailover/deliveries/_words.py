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

# Facts from the receivers' own pages and from KumoMTA's shaping rules (github.com/KumoCorp/kumomta,
# assets/policy-extras and assets/community/shaping.toml; all seen 2026-11).
SENDER_WORDS: tuple[tuple[str, str], ...] = (
    # Microsoft: https://sendersupport.olc.protection.outlook.com/pm/troubleshooting
    ("microsoft", r"4\.7\.65[0-9]"),
    ("microsoft", r"\bS7[0-9]{2}\b"),
    ("microsoft", r"\bS31[45]0\b"),
    ("microsoft", r"\bRP-00[1-3]\b"),
    ("microsoft", r"\b(?:SC|DY)-00[1-9]\b"),
    ("microsoft", r"part of their network is on our block list"),
    ("microsoft", r"temporarily rate limited due to IP reputation"),
    ("microsoft", r"weren.t sent\. Please contact your Internet service provider"),
    ("microsoft", r"\bAS\([0-9]+\).*banned sending IP|5\.7\.(?:606|511)"),
    # Yahoo and AOL: https://senders.yahooinc.com/smtp-error-codes
    ("yahoo", r"\[(?:TSS?|IPTS)0[0-9]\]"),
    ("yahoo", r"\[BL[0-9]{2}\]"),
    ("yahoo", r"messages? from .* (?:temporarily|permanently) deferred"),
    ("yahoo", r"VS98-IP0"),
    # Gmail: https://support.google.com/a/answer/3726730
    ("gmail", r"4\.7\.(?:28|23|30|40)\b"),
    ("gmail", r"5\.7\.(?:25|26|27|28|29|30)\b"),
    ("gmail", r"unusual rate of (?:unsolicited )?(?:mail|email)"),
    ("gmail", r"likely (?:unsolicited|suspicious)"),
    # Apple: https://support.apple.com/102322
    ("apple", r"\[(?:HCM|HME|CS|BS|HM)[0-9]{1,2}\]"),
    # GMX and web.de: https://postmaster.gmx.net/en/error-messages
    ("gmx", r"Reject due to policy (?:restrictions|violations)"),
    ("gmx", r"IP address is block(?:ed|listed)"),
    # Comcast: https://spa.xfinity.com/help/postmaster
    ("comcast", r"\bRL0000[0-9]{2}\b|\bBL0000[0-9]{2}\b"),
    # Orange: https://messagerie.orange.fr/postmaster.html
    ("orange", r"\bOFR_[0-9]{3}\b|Service refuse"),
    # QQ and NetEase
    ("qq", r"(?:Sender|Ip|Connection|Domain) frequency limited"),
    ("netease", r"\bDT:SPM\b|\bHL:ITC\b|\bRP:[A-Z]{3}\b"),
    # T-Online: https://postmaster.t-online.de
    ("t-online", r"IP=[0-9a-f.:]+ - (?:A problem occurred|None/bad reputation)"),
    # Block lists, whoever asks them.
    ("", r"spamhaus|spamcop|barracuda ?central|cloudmark|proofpoint.*blocked|invaluement|ivmSIP"),
    ("", r"\b(?:black|block)[ -]?list(?:ed|ing)?\b"),
    ("", r"\bIP\b.{0,40}\b(?:blocked|reputation|banned)\b"),
    ("", r"(?:poor|bad|low) reputation"),
)
"""The receiver ("" for any), and a pattern of its answer."""

_PATTERN = re.compile("|".join(pattern for _, pattern in SENDER_WORDS), re.IGNORECASE)
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
    return _PATTERN.search(text) is not None
