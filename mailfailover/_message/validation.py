"""
Strings and addresses, refused before they can do harm.

A string that passes these checks can be written into any header, form field or JSON
document without starting a new header, a new recipient or a new line.
"""

from __future__ import annotations

import re
import unicodedata
from typing import NoReturn

from mailfailover.errors import InvalidMessage

# C0 and C1 controls, DEL, the Unicode line separators, and lone surrogates.
_FORBIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_HEADER_NAME = re.compile(r"[!-9;-~]+")
_ENCODED_WORD = re.compile(r"=\?[^?\s]*\?[BbQq]\?[^?]*\?=")

# Headers that a field of the message sets, that servers add on the way, or that command a
# vendor.
_STRUCTURAL = frozenset(
    [
        "bcc",
        "cc",
        "date",
        "dkim-signature",
        "from",
        "mime-version",
        "received",
        "reply-to",
        "return-path",
        "sender",
        "subject",
        "to",
    ]
)
_COMMANDS = ("content-", "x-mailgun-", "x-mc-", "x-msys-api", "x-pm-", "x-smtpapi")

_ATEXT = r"A-Za-z0-9!#$%&'*+/=?^_`{|}~\-"
_SPEC = re.compile(
    rf"([{_ATEXT}]+(?:\.[{_ATEXT}]+)*)@((?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)*"
    r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)"
)
_DOT_ATOM = re.compile(rf"[{_ATEXT}\x80-\U0010ffff]+(?:\.[{_ATEXT}\x80-\U0010ffff]+)*")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_MAX_LOCAL = 64
_MAX_DOMAIN = 253
_MAX_LABEL = 63


def _show(character: str) -> str:
    return f"U+{ord(character):04X}"


def invalid(label: str, problem: str) -> InvalidMessage:
    """
    Make the error for *label*: a field of the message, or a field and what of it.

    ``invalid("headers['X-A']", "is empty: ...")`` has the field ``headers``.
    """
    field = re.split(r"\W", label.removeprefix("a key of "), maxsplit=1)[0]
    return InvalidMessage(f"{label} {problem}", field=field)


def check_text(label: str, value: object) -> str:
    """
    Return *value* if it is a str that is safe in a header, also after RFC 2047 decoding.

    Raises:
        InvalidMessage: Naming *label* and the character at fault, never the value.
    """
    if not isinstance(value, str):
        raise invalid(label, f"must be a str, not {type(value).__name__}")
    if not value.isprintable() and (found := _FORBIDDEN.search(value)):
        raise invalid(
            label,
            f"contains the control character {_show(found[0])} at position {found.start()}: "
            "remove it (a header value is one line)",
        )
    if "=?" in value:
        _check_encoded_words(label, value)
    return value


def _check_encoded_words(label: str, value: str) -> None:
    from email.errors import HeaderParseError
    from email.header import decode_header

    # White space between two encoded words vanishes, so the whole value is decoded too.
    for part in (*_ENCODED_WORD.findall(value), value):
        try:
            decoded = decode_header(part)
        except (HeaderParseError, ValueError):
            problem = "contains a broken RFC 2047 encoded word: write it as plain Unicode"
            raise invalid(label, problem) from None
        for raw, charset in decoded:
            text = raw if isinstance(raw, str) else _decode(raw, charset)
            if found := _FORBIDDEN.search(text):
                problem = f"contains the control character {_show(found[0])} hidden in an"
                raise invalid(label, f"{problem} RFC 2047 encoded word: remove it")


def _decode(raw: bytes, charset: str | None) -> str:
    try:
        return raw.decode(charset or "ascii")
    except (LookupError, ValueError):
        return raw.decode("latin-1")


def check_body(label: str, value: object) -> str:
    """
    Return *value* if it is a str that can be written as UTF-8 text of many lines.
    """
    if not isinstance(value, str):
        raise invalid(label, f"must be a str, not {type(value).__name__}")
    if "\0" in value:
        raise invalid(label, "contains a NUL character: remove it, or attach the data as a file")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as exc:
            problem = f"contains a lone surrogate at position {exc.start}, as if decoded wrongly"
            raise invalid(label, f"{problem}: decode it with its own charset") from None
    return value


def check_header_name(name: object) -> str:
    """
    Return *name* if a caller may set a header of that name.
    """
    if not isinstance(name, str) or not _HEADER_NAME.fullmatch(name):
        message = (
            "a name in headers is not a valid header name: "
            "use visible ASCII characters except the colon"
        )
        raise InvalidMessage(message, field="headers")
    lower = name.lower()
    if lower in _STRUCTURAL or lower.startswith(_COMMANDS):
        message = (
            f"the header {name!r} cannot be set by hand: use the message's own field, "
            "or provider_options for a vendor's command"
        )
        raise InvalidMessage(message, field="headers")
    return name


def normalize_email(value: object, label: str = "email") -> str:
    """
    Check one ``local@domain`` strictly and return the one form that goes everywhere.

    The domain comes back in lower case and, where it is international, in its ASCII
    form (IDNA 2008); a needless quoting of the local part is undone.

    Raises:
        InvalidMessage: Saying what is wrong, without quoting the address.
    """
    if isinstance(value, str) and (plain := _SPEC.fullmatch(value)):
        local, domain = plain.groups()
    else:
        local, domain = _split_hard(check_text(label, value), label)
    domain = domain.lower()
    _check_lengths(local, domain, label)
    if "." not in domain and domain != "localhost":
        refuse_address(label, "its domain has no dot", "write the full domain")
    return f"{local}@{domain}"


def _split_hard(value: str, label: str) -> tuple[str, str]:
    local, at, domain = value.rpartition("@")
    if not at or not local or not domain:
        refuse_address(
            label, "it is not of the form local@domain", "write one address such as a@b.example"
        )
    if domain.startswith("["):
        refuse_address(label, "its domain is an IP literal", "use a domain name")
    return _normal_local(local, label), _ascii_domain(domain, label)


def _normal_local(local: str, label: str) -> str:
    if quoted := _QUOTED.fullmatch(local):
        content = re.sub(r"\\(.)", r"\1", quoted[1])
        if _DOT_ATOM.fullmatch(content):
            return unicodedata.normalize("NFC", content)
        return '"{}"'.format(re.sub(r'(["\\])', r"\\\1", content))
    if not _DOT_ATOM.fullmatch(local):
        refuse_address(
            label,
            "the part before the @ has a character or dot that is not allowed there",
            "remove spaces, brackets, commas and double dots, or quote the part",
        )
    return unicodedata.normalize("NFC", local)


def _ascii_domain(domain: str, label: str) -> str:
    if domain.isascii():
        if _SPEC.fullmatch(f"a@{domain}"):
            return domain
        refuse_address(label, "its domain is not a valid domain name", "correct the domain")
    import idna

    try:
        return idna.encode(domain, uts46=True).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        refuse_address(label, "its domain is not a valid international name", "correct the domain")


def _check_lengths(local: str, domain: str, label: str) -> None:
    if len(domain) <= _MAX_LABEL and len(local) <= _MAX_LOCAL and local.isascii():
        return  # as are nearly all
    if len(local.encode()) > _MAX_LOCAL:
        refuse_address(label, "the part before the @ is longer than 64 bytes", "shorten it")
    if len(domain) > _MAX_DOMAIN or any(len(one) > _MAX_LABEL for one in domain.split(".")):
        refuse_address(label, "its domain is too long", "correct the domain")


def refuse_address(label: str, problem: str, remedy: str) -> NoReturn:
    """
    Raise the error for an address, without quoting the address.
    """
    raise invalid(label, f"is not a valid address: {problem}; {remedy}")
