"""
The recipients that a bounce names in its words.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mailfailover.bounces.finding import address_in, addresses_in
from mailfailover.bounces.paragraphs import own_words

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mailfailover.bounces.parts import Report

__all__ = ["named_in"]

# Addresses that bounces come from, or name without being about them.
_ROLES = re.compile(
    r"^(?:post-?_?master|mail[._-]?er[._-]?daemon|mail[._-]?delivery[._-]?(?:sub)?system|abuse"
    r"|support|help\w*|no-?reply|bounces?|m?daemon|root|hostmaster|info|admin\w*)@",
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
